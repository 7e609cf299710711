from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from stemwright_platform.corpus.check.duplicate_rules import Duplicate, duplicate_findings
from stemwright_platform.corpus.check.duplicates import candidates, groups
from stemwright_platform.corpus.check.listening import SAME, Heard, listen
from stemwright_platform.corpus.check.song_check import measure_song
from stemwright_platform.corpus.manifest import Song

RATE_HZ = 48_000


def after(audio: np.ndarray, seconds: float) -> np.ndarray:
    return np.concatenate([np.zeros((round(seconds * RATE_HZ), 2)), audio])


COPIES: dict[str, Callable[[Path, np.ndarray], object]] = {
    "wav": lambda path, audio: soundfile.write(path.with_suffix(".wav"), audio, RATE_HZ),
    "quieter mp3": lambda path, audio: soundfile.write(path.with_suffix(".mp3"), 0.3 * audio, RATE_HZ),
    "later ogg at 44.1 kHz": lambda path, audio: soundfile.write(
        path.with_suffix(".ogg"), soxr.resample(after(audio, 1.2345), RATE_HZ, 44_100), 44_100
    ),
    "without its first second": lambda path, audio: soundfile.write(
        path.with_suffix(".flac"), audio[RATE_HZ:], RATE_HZ
    ),
}


def copy_of(song: Song, kind: str, folder: Path) -> Song:
    """The song under another name, its mix written anew and with no stems of its own but that."""
    audio, _ = soundfile.read(str(song.mix_path))
    name = f"copy of {song.song_id}"
    COPIES[kind](folder / name, audio)
    [path] = folder.glob(f"{name}.*")
    return replace(
        song,
        song_id=name,
        tracks={"instrument": (str(path),)},
        mix_path=None,
        duration_s=soundfile.info(path).duration,
    )


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_however_it_was_written(clean_songs: list[Song], tmp_path: Path, kind: str) -> None:
    song = clean_songs[2]
    copy = copy_of(song, kind, tmp_path)
    [found] = candidates([measure_song(song), measure_song(copy)])
    assert (found.first, found.second) == (song.song_id, copy.song_id)
    heard = listen(song, copy, found.later_s)
    assert heard.likeness > 0.95
    later_s = {"later ogg at 44.1 kHz": 1.2345, "without its first second": -1.0}.get(kind, 0.0)
    assert heard.later_s == pytest.approx(later_s, abs=0.002)
    assert heard.common_s == pytest.approx(min(song.duration_s, copy.duration_s), abs=0.01)


def test_songs_of_all_genres_are_no_copies_of_one_another(clean_songs: list[Song]) -> None:
    assert candidates([measure_song(song) for song in clean_songs]) == []
    likeness = [listen(one, other, 0.0).likeness for one, other in combinations(clean_songs[:5], 2)]
    assert max(likeness) < SAME / 2


def test_two_silences_are_not_alike(tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros((RATE_HZ, 2)), RATE_HZ)
    song = Song(
        song_id="a",
        split="train",
        duration_s=1.0,
        sample_rate_hz=RATE_HZ,
        tracks={"bass": (str(path),)},
    )
    other = replace(song, song_id="b")
    assert candidates([measure_song(song), measure_song(other)]) == []
    assert listen(song, other, 0.0).likeness == 0.0


def test_links_make_groups() -> None:
    assert groups([]) == []
    found = groups([("a", "b"), ("c", "d"), ("e", "b"), ("d", "f")])
    assert sorted(map(sorted, found)) == [["a", "b", "e"], ["c", "d", "f"]]


@pytest.mark.parametrize(
    "splits, kinds",
    [
        (("train", "train"), {"b": "duplicate"}),
        (("train", "test"), {"b": "leak"}),
        (("test", "train"), {"a": "leak"}),
        (("validation", "test"), {"b": "leak"}),
        (("test", "train", "train"), {"a": "leak", "c": "duplicate"}),
    ],
)
def test_a_copy_in_another_split_is_a_leak_and_the_training_song_is_kept(
    splits: tuple[str, ...], kinds: dict[str, str]
) -> None:
    songs = {
        name: Song(
            song_id=name,
            split=split,  # pyright: ignore[reportArgumentType]
            duration_s=9.0,
            sample_rate_hz=RATE_HZ,
            tracks={"bass": ("x.wav",)},
        )
        for name, split in zip("abc", splits, strict=False)
    }
    heard = Heard(likeness=0.99, later_s=0.5, common_s=8.0)
    pairs = [Duplicate(first=one, second=other, heard=heard) for one, other in combinations(songs, 2)]
    found = list(duplicate_findings(songs, pairs))
    assert {finding.song_id: finding.kind for finding in found} == kinds
    assert all((finding.severity == "error") == (finding.kind == "leak") for finding in found)
