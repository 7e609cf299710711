from collections.abc import Callable
from pathlib import Path

import pytest
from written_midi import band, file_bytes, note, notes, program

from stemwright.errors import InputError
from stemwright_platform.corpus.midi.midi_source import find_midi, looked_at, without_repeats

Write = Callable[..., Path]


def reason(write_midi: Write, data: bytes, shortest_s: float = 2.0, longest_s: float = 600.0) -> str:
    folder = write_midi(data).parent
    return looked_at(find_midi(folder)[0], shortest_s, longest_s).reason


def test_files_are_found_at_any_depth_under_names_of_their_own(write_midi: Write) -> None:
    for name in ("b/Song.MID", "a.mid", "a.kar", ".hidden.mid", "notes.txt", "b/c/x.midi"):
        write_midi(band(), name)
    sources = find_midi(write_midi(band(), "z.mid").parent)
    assert [source.song_id for source in sources] == ["a", "a-mid", "z", "b/Song", "b/c/x"]
    assert [source.name for source in sources] == ["a.kar", "a.mid", "z.mid", "b/Song.MID", "b/c/x.midi"]


def test_no_song_takes_the_name_of_a_folder_or_of_a_variant(write_midi: Write) -> None:
    for name in ("x.mid", "x/y.mid", "y.mid", "y.v1.mid", "y-v1.mid", "y.kar"):
        write_midi(band(), name)
    names = [source.song_id for source in find_midi(write_midi(band()).parent)]
    assert names == ["song", "x-mid", "y-v1", "y", "y-mid", "y.v1-mid", "x/y"]


def test_versions_of_a_song_are_one_family(write_midi: Write) -> None:
    for name in ("Title.mid", "Title.1.mid", "Title.12.mid", "Other.2.mid"):
        write_midi(band(), name)
    assert {source.family for source in find_midi(write_midi(band()).parent)} == {"Title", "Other", "song"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"nonsense", "is not a MIDI file"),
        (file_bytes([program(0, 1)]), "has no notes"),
        (file_bytes(notes([60, 62])), "is too short: 0.9 s of at least 2"),
        (file_bytes(notes([60, 62], length=8)), "has too few notes: 2 of at least 32"),
        (file_bytes([one for at in range(40) for one in note(at, 0.5, 36, 9)]), "has only drums"),
        (file_bytes(notes([36] * 40)), "fills one track alone: bass"),
        (band(), ""),
    ],
)
def test_what_makes_no_song_is_rejected_with_its_reason(
    data: bytes, expected: str, write_midi: Write
) -> None:
    assert reason(write_midi, data) == expected


def test_what_is_too_long_is_rejected(write_midi: Write) -> None:
    assert reason(write_midi, band(), longest_s=12) == "is too long: 16 s of at most 12"


def test_the_first_of_files_with_equal_notes_is_kept(write_midi: Write) -> None:
    for name, data in (("a.mid", band()), ("b.mid", band().replace(b"flute", b"piper")), ("c.mid", band(1))):
        write_midi(data, name)
    folder = write_midi(b"broken", "d.mid").parent
    looked = without_repeats(looked_at(source, 2, 600) for source in find_midi(folder))
    assert [source.reason for source in looked] == [
        "",
        "has the same notes as a.mid",
        "",
        "is not a MIDI file",
    ]


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no MIDI files below"):
        find_midi(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        find_midi(tmp_path / "none")
