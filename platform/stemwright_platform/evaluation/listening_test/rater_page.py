"""The page of a test: one HTML file with its clips inside, or a folder with them beside."""

import json
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from stemwright_platform.evaluation.listening_test.clip_audio import VEIL_BYTES, veiled, veiled_size

INDEX, CLIPS = "index.html", "clips"
SIDES = ("x", "y")


@dataclass(frozen=True, kw_only=True, slots=True)
class PagePair:
    """All that the page knows of a pair."""

    id: str
    prompt: str
    part: str
    """What is heard of it: "mix" or a track."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RaterPage:
    """What a rater is shown and asked."""

    test: str
    title: str
    questions: Sequence[str]
    ties: bool
    least_heard_s: float
    post_to: str
    minutes: int
    """It takes, about."""
    pairs: Sequence[PagePair]


def write_page(
    page: RaterPage, clips: Mapping[str, bytes], target: Path, *, beside: bool
) -> tuple[Path, int]:
    """Write the page to a temporary place near `target`; its path, to be renamed, and bytes in all.

    `clips`: compressed audio by pair and side, as "4f…x". `beside`: as a folder, clips as scripts of their
    own, which a browser loads from disk too where it would not fetch audio.
    """
    size = veiled_size(list(clips.values()))
    hidden = {
        name: veiled(data, size, secrets.token_bytes(VEIL_BYTES + size)) for name, data in clips.items()
    }
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        if beside:
            (folder / CLIPS).mkdir()
            for name, text in hidden.items():
                (folder / CLIPS / f"{name}.js").write_text(
                    f'heardClip("{name}","{text}");\n', encoding="ascii"
                )
        (folder / INDEX).write_text(render(page, {} if beside else hidden), encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    folder.chmod(0o755)
    return folder, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def settle(folder: Path, target: Path, *, beside: bool) -> Path:
    """Put what `write_page` wrote in its place; returns the page's path."""
    if beside:
        folder.replace(target)
        return target / INDEX
    (folder / INDEX).replace(target)
    folder.rmdir()
    return target


def render(page: RaterPage, clips: Mapping[str, str]) -> str:
    """The page's HTML; `clips`: veiled audio to put inside by name, none where it lies beside."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("rater_page.html.j2")).render(
        page=page,
        facts=Markup(_embedded(asdict(page))),
        clips={name: Markup(text) for name, text in sorted(clips.items())},
        policy=_policy(page.post_to),
        style=Markup(_demo_resource("report.css") + _resource("rater_page.css")),
        script=Markup(_resource("rater_page.js")),
    )


def _embedded(facts: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element that it is in."""
    return json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c")


def _policy(post_to: str) -> str:
    """The page may load nothing, and talk to nobody but the address that results go to."""
    address = urlsplit(post_to)
    allowed = f"{address.scheme}://{address.netloc}" if post_to else "'none'"
    return (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'self' file:; "
        f"img-src data:; connect-src {allowed}; base-uri 'none'; form-action 'none'"
    )


def _resource(name: str) -> str:
    package = "stemwright_platform.evaluation.listening_test"
    return (resources.files(package) / name).read_text(encoding="utf-8")


def _demo_resource(name: str) -> str:
    return (resources.files("stemwright_platform.demo") / name).read_text(encoding="utf-8")
