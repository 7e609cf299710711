"""The studio's files, as they ship and as they are served."""

import hashlib
import re
import runpy
from pathlib import Path

from stemwright_platform.corpus.demo.genres import GENRES
from stemwright_platform.corpus.general_midi import PROGRAMS
from stemwright_platform.serving.studio_page import FOLDER

WEB = Path(__file__).parents[3] / "web"
SOURCES = (
    "index.html",
    "openapi.json",
    "package-lock.json",
    "package.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
)
REMEDY = "run `make web` and commit what it wrote"


def test_the_shipped_files_are_built_from_the_sources_that_are_here():
    paths = [file for name in SOURCES for file in (WEB / name, *(WEB / name).rglob("*")) if file.is_file()]
    names = {path.relative_to(WEB).as_posix(): path for path in paths}
    names.pop("src/api/schema.d.ts", None)  # made from openapi.json
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode() + b"\0" + names[name].read_bytes() + b"\0")
    assert (FOLDER / "built-from.txt").read_text().strip() == digest.hexdigest(), REMEDY


def test_the_client_is_made_from_the_api_that_is_here():
    document = runpy.run_path(str(WEB / "write_openapi.py"))["document"]
    assert document() == (WEB / "openapi.json").read_text(), REMEDY


def test_the_page_loads_nothing_from_elsewhere_and_its_files_are_sent_once(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) >= 3
    for address in addresses:
        file = client.get(address)
        assert address.startswith("/"), address
        assert file.status_code == 200, address
        if address.startswith("/assets/"):
            again = client.get(address, headers={"If-None-Match": file.headers["etag"]})
            assert (again.status_code, file.headers["cache-control"]) == (304, "no-cache")


def test_calls_that_there_are_not_are_still_refused_as_calls(client):
    assert client.get("/v1/nothing").json()["code"] == "no_such_call"
    assert client.get("/assets/../studio_page.py").status_code == 404
    assert client.put("/v1/models").json()["code"] == "wrong_method"


def test_the_suggested_words_are_ones_that_the_shipped_model_has_learned():
    words = (WEB / "src/state/words.ts").read_text()

    def listed(name: str) -> list[str]:
        return re.findall(r'"([^"]+)"', re.search(rf"{name} = \[(.*?)\]", words, re.S)[1])

    assert set(listed("GENRES")) <= {genre.name for genre in GENRES}
    assert set(listed("INSTRUMENTS")) <= set(PROGRAMS)
