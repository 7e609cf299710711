from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.importers.slot_map import SlotMap, SlotRule
from stemwright_platform.corpus.importers.stem import Origin, Stem, song_of_stems

ToneWriter = Callable[..., Path]

BY_KIND = SlotMap(
    rules=tuple(SlotRule(slot=name, wanted={"kind": (name,)}) for name in ("bass", "drums", "melody"))
)


@pytest.fixture
def stems(tmp_path: Path, write_tone: ToneWriter) -> list[Stem]:
    lengths = {"drums": 1.0, "bass": 0.5, "bass 2": 0.9995, "noise": 3.0}
    return [
        Stem(
            path=write_tone(tmp_path / f"{name}.wav", length, rate_hz=48000 if name == "drums" else 44100),
            facts={"kind": name.split()[0]},
            words=name,
        )
        for name, length in lengths.items()
    ]


def song(stems: list[Stem], folder: Path, **given: Any) -> Any:
    origin = Origin(source="here", licence="CC0-1.0", complete=given.pop("complete", True))
    metadata = given.pop("metadata", SongMetadata())
    return song_of_stems(
        "a", stems, BY_KIND, origin, folder=folder, split="train", metadata=metadata, **given
    )


def test_the_song_is_as_long_as_its_longest_used_stem_and_what_differs_is_noted(
    stems: list[Stem], tmp_path: Path
) -> None:
    made = song(stems, tmp_path, notes=["first"])
    assert made.duration_s == pytest.approx(1.0)
    assert made.sample_rate_hz == 48000
    assert made.tracks["bass"] == (str(tmp_path / "bass.wav"), str(tmp_path / "bass 2.wav"))
    assert made.notes == (
        "first",
        "noise.wav belongs to no track: left out",
        "bass.wav ends 0.500 s early: silent from there on",
    )


def test_an_empty_slot_is_silent_in_a_complete_corpus_and_missing_in_another(
    stems: list[Stem], tmp_path: Path
) -> None:
    assert song(stems, tmp_path).tracks["melody"] == ()
    assert song(stems, tmp_path, complete=False).tracks["melody"] is None


def test_instruments_are_those_of_the_stems_in_the_order_of_the_tracks_unless_unknown(
    stems: list[Stem], tmp_path: Path
) -> None:
    assert song(stems, tmp_path).metadata.instruments == ("bass", "bass 2", "drums")
    told = SongMetadata(instruments=("tuba",))
    silent = [Stem(path=stem.path, facts=stem.facts) for stem in stems]
    assert song(silent, tmp_path, metadata=told).metadata.instruments == ("tuba",)


def test_a_mix_that_is_not_there_is_none(stems: list[Stem], tmp_path: Path) -> None:
    assert song(stems, tmp_path, mix=tmp_path / "mix.wav").mix_path is None
    assert song(stems, tmp_path, mix=stems[0].path).mix_path == str(stems[0].path)
