import json
import re
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from stemwright.errors import InputError
from stemwright.loudness import integrated_lufs
from stemwright_platform.evaluation.listening_test.answer_key import load_key
from stemwright_platform.evaluation.listening_test.clip_audio import unveiled
from stemwright_platform.evaluation.listening_test.listening_test import ListeningTest, build_test
from stemwright_platform.evaluation.listening_test.plan import Plan
from stemwright_platform.evaluation.listening_test.system_folder import SystemFolder, read_system

NAMES = ("stemwright-secret-system", "the-other-one")


@pytest.fixture
def systems(make_system: Callable[..., Path]) -> list[SystemFolder]:
    gains = (0.3, 0.02)
    return [
        read_system(name, make_system(name, 3, gain=gain), {"0000": "a </script> text"})
        for name, gain in zip(NAMES, gains, strict=True)
    ]


def facts_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="test">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found.group(1))


def clips_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<script type="text/plain" id="clip-(\w+)">(.*?)</script>', page))


@pytest.fixture
def built(systems: list[SystemFolder], tmp_path: Path) -> ListeningTest:
    return build_test(systems, tmp_path / "test.html", Plan(pairs=3))


def test_the_page_holds_every_pair_with_both_clips_and_the_key_tells_them(built: ListeningTest) -> None:
    page, key = built.page.read_text(), load_key(built.key)
    facts = facts_of(page)
    assert {pair["id"] for pair in facts["pairs"]} == set(key.pairs)
    assert set(clips_of(page)) == {f"{pair}{side}" for pair in key.pairs for side in "xy"}
    assert Counter(pair.kind for pair in key.pairs.values()) == {"pair": 3, "degraded": 1, "same": 1}
    assert (built.pairs, built.checks, built.silent) == (3, 2, 0)
    assert built.num_bytes == built.page.stat().st_size
    assert facts["test"] == key.test


def test_nothing_in_the_page_tells_who_made_what(built: ListeningTest, tmp_path: Path) -> None:
    page, key = built.page.read_text(), load_key(built.key)
    assert not [word for word in (*NAMES, key.secret, str(tmp_path), "degraded", '"same"') if word in page]
    clips = clips_of(page)
    assert len({len(text) for text in clips.values()}) == 1
    assert len(set(clips.values())) == len(clips)
    for pair in facts_of(page)["pairs"]:
        assert set(pair) == {"id", "prompt", "part"}
    assert [pair["id"] for pair in facts_of(page)["pairs"]] == sorted(key.pairs)


def test_the_clips_of_a_pair_are_equally_loud_and_long_and_hold_no_metadata(built: ListeningTest) -> None:
    clips = clips_of(built.page.read_text())
    for pair in load_key(built.key).pairs:
        heard = []
        for side in "xy":
            data = unveiled(clips[f"{pair}{side}"])
            with soundfile.SoundFile(BytesIO(data)) as file:
                assert file.copy_metadata() == {}
                heard.append(torch.from_numpy(file.read(dtype="float32").T.copy()))
        assert heard[0].shape == heard[1].shape
        loudness = [integrated_lufs(clip, 48_000) for clip in heard]
        assert loudness[0] == pytest.approx(loudness[1], abs=0.5)


def test_the_pair_of_equal_clips_is_equal_and_the_spoilt_one_is_where_the_key_says(
    built: ListeningTest,
) -> None:
    clips = clips_of(built.page.read_text())
    for name, pair in load_key(built.key).pairs.items():
        x, y = (unveiled(clips[f"{name}{side}"]) for side in "xy")
        assert (x == y) == (pair.kind == "same")
        if pair.kind == "degraded":
            quiet = {
                side: float((abs(soundfile.read(BytesIO(data))[0]) < 1e-4).mean())
                for side, data in (("x", x), ("y", y))
            }
            assert min(quiet, key=lambda side: quiet[side]) == pair.better


def test_the_same_seed_asks_about_the_same_clips_and_another_secret_hides_them_anew(
    systems: list[SystemFolder], tmp_path: Path
) -> None:
    keys = [
        load_key(build_test(systems, tmp_path / f"{number}.html", Plan(pairs=2, seed=4)).key)
        for number in range(2)
    ]
    clips = [sorted((pair.kind, pair.clip) for pair in key.pairs.values()) for key in keys]
    assert clips[0] == clips[1]
    assert not set(keys[0].pairs) & set(keys[1].pairs)
    assert keys[0].test != keys[1].test


def test_sides_are_drawn_by_the_secret(systems: list[SystemFolder], tmp_path: Path) -> None:
    firsts = set()
    for number in range(6):
        built = build_test(systems, tmp_path / f"{number}.html", Plan(pairs=1, checks=0), secret=str(number))
        (pair,) = load_key(built.key).pairs.values()
        firsts.add(pair.x)
        assert {pair.x, pair.y} == set(NAMES)
    assert firsts == set(NAMES)


def test_a_text_cannot_break_out_of_the_page(built: ListeningTest) -> None:
    page = built.page.read_text()
    assert "a </script> text" not in page
    assert "a </script> text" in {pair["prompt"] for pair in facts_of(page)["pairs"]}


def test_a_folder_holds_the_clips_beside(systems: list[SystemFolder], tmp_path: Path) -> None:
    built = build_test(systems, tmp_path / "test", Plan(pairs=1, checks=0), beside=True)
    assert built.page == tmp_path / "test" / "index.html"
    assert built.key == tmp_path / "test.key.json"
    (pair,) = load_key(built.key).pairs
    assert sorted(path.name for path in (tmp_path / "test" / "clips").iterdir()) == [
        f"{pair}x.js",
        f"{pair}y.js",
    ]
    assert clips_of(built.page.read_text()) == {}


def test_a_test_that_was_built_is_not_written_over(
    built: ListeningTest, systems: list[SystemFolder], tmp_path: Path
) -> None:
    before = built.page.read_bytes()
    with pytest.raises(InputError, match="another --out"):
        build_test(systems, tmp_path / "test.html", Plan(pairs=1))
    assert built.page.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {*NAMES, "test.html", "test.key.json"}


def test_a_damaged_clip_leaves_nothing_behind(systems: list[SystemFolder], tmp_path: Path) -> None:
    clip = next(iter(systems[1].clips.values())).parts["mix"]
    clip.write_bytes(b"no audio")
    with pytest.raises(InputError, match=clip.name):
        build_test(systems, tmp_path / "test.html", Plan(pairs=3))
    assert {path.name for path in tmp_path.iterdir()} == set(NAMES)


def test_silent_clips_are_asked_about_and_counted(make_system: Callable[..., Path], tmp_path: Path) -> None:
    systems = [
        read_system("ours", make_system("ours", 2)),
        read_system("none", make_system("none", 2, gain=0)),
    ]
    assert build_test(systems, tmp_path / "test.html", Plan(pairs=2)).silent == 2


def test_one_system_equal_files_and_a_page_of_another_suffix_are_refused(
    systems: list[SystemFolder], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="two systems"):
        build_test(systems[:1], tmp_path / "test.html", Plan())
    twin = SystemFolder(name="twin", clips=systems[0].clips)
    with pytest.raises(InputError, match="same files"):
        build_test([systems[0], twin], tmp_path / "test.html", Plan())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        build_test(systems, tmp_path / "file" / "test.html", Plan())
    with pytest.raises(InputError, match=r"\.html"):
        build_test(systems, tmp_path / "test", Plan())
