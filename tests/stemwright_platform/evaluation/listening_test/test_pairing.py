import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.clip_audio import is_silent
from stemwright_platform.evaluation.listening_test.pairing import choose_checks, choose_pairs
from stemwright_platform.evaluation.listening_test.system_folder import Clip, SystemFolder, read_system


def system(
    folder: Path, name: str, clips: Sequence[str], *, tasks: Sequence[str] = ("",), prompt: str = ""
) -> SystemFolder:
    """Clips whose files differ between systems and hold no audio."""
    found = {}
    for task in tasks:
        for clip in clips:
            path = folder / f"{name}-{task}-{clip}.flac"
            path.write_text(path.name)
            found[task, clip] = Clip(task=task, name=clip, parts={"mix": path}, prompt=prompt)
    return SystemFolder(name=name, clips=found)


def test_every_two_systems_are_compared_as_often(tmp_path: Path) -> None:
    systems = [system(tmp_path, name, "abcdef") for name in ("one", "two", "three")]
    pairs = choose_pairs(systems, count=12, seed=1)
    assert set(Counter(pair.systems for pair in pairs).values()) == {4}
    assert all(pair.kind == "pair" and pair.files[0] != pair.files[1] for pair in pairs)


def test_no_clip_comes_twice_between_two_systems_and_there_may_be_fewer_than_asked(tmp_path: Path) -> None:
    pairs = choose_pairs([system(tmp_path, name, "abc") for name in ("one", "two")], count=20)
    assert sorted(pair.clip for pair in pairs) == ["a", "b", "c"]


def test_the_seed_decides_which_clips(tmp_path: Path) -> None:
    systems = [system(tmp_path, name, "abcdefghij") for name in ("one", "two")]
    draws = [tuple(pair.clip for pair in choose_pairs(systems, count=4, seed=seed)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_clips_pair_within_a_task_and_recordings_of_no_task_pair_with_any(tmp_path: Path) -> None:
    model = system(tmp_path, "model", "ab", tasks=("joint", "bass_alone"))
    other = system(tmp_path, "other", "ab", tasks=("joint",))
    real = system(tmp_path, "real", "ab", tasks=("recorded",))
    assert {pair.clip for pair in choose_pairs([model, other], count=9)} == {"joint/a", "joint/b"}
    assert len(choose_pairs([real, model], count=9)) == 4
    assert all(pair.systems == ("real", "model") for pair in choose_pairs([real, model], count=9))


def test_parts_are_drawn_from_only_where_asked_for_and_given_tracks_are_not_compared(tmp_path: Path) -> None:
    systems = [system(tmp_path, name, "a") for name in ("one", "two")]
    for folder in systems:
        for part, text in (("bass", folder.name), ("drums", "given")):
            path = tmp_path / f"{folder.name}-{part}.flac"
            path.write_text(text)
            dict.__setitem__(folder.clips["", "a"].parts, part, path)  # type: ignore[arg-type]
    assert [pair.part for pair in choose_pairs(systems, count=9)] == ["mix"]
    assert {pair.part for pair in choose_pairs(systems, count=9, parts=("all",))} == {"mix", "bass"}
    assert {pair.part for pair in choose_pairs(systems, count=9, parts=("bass",))} == {"bass"}


def test_systems_without_a_clip_in_common_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one and two have no clip in common"):
        choose_pairs([system(tmp_path, "one", "a"), system(tmp_path, "two", "b")], count=1)


def test_a_track_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--tracks tuba: .*there are mix"):
        choose_pairs([system(tmp_path, name, "a") for name in ("one", "two")], count=1, parts=("tuba",))


def test_a_pair_of_two_texts_is_not_fair(tmp_path: Path) -> None:
    systems = [system(tmp_path, "one", "a", prompt="blues"), system(tmp_path, "two", "a", prompt="jazz")]
    with pytest.raises(InputError, match="different texts"):
        choose_pairs(systems, count=1)


def test_checks_are_of_both_kinds_and_of_clips_that_sound(make_system: Callable[..., Path]) -> None:
    folder = make_system("ours", 2)
    silent = make_system("silent", 1, gain=0)
    shutil.copy(silent / "0000.flac", folder / "0000.flac")
    checks = choose_checks(read_system("ours", folder), count=2, same=True, is_silent=is_silent)
    assert Counter(check.kind for check in checks) == {"degraded": 2, "same": 2}
    assert {check.clip for check in checks} == {"0001"}
    without_ties = choose_checks(read_system("ours", folder), count=2, same=False, is_silent=is_silent)
    assert {check.kind for check in without_ties} == {"degraded"}
    assert choose_checks(read_system("silent", silent), count=0, same=True, is_silent=is_silent) == []
    with pytest.raises(InputError, match="silent"):
        choose_checks(read_system("silent", silent), count=1, same=True, is_silent=is_silent)
