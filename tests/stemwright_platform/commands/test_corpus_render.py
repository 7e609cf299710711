from pathlib import Path
from typing import Any

import pytest
from symusic import Note, Score, Tempo, Track

from stemwright_platform.cli import main
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    """A bass and a flute for eight seconds, and a file that is no MIDI."""
    score: Any = Score(480)
    score.tempos.append(Tempo(0, 120.0))
    for program, pitches in ((33, [36, 38, 40, 41]), (73, [72, 76, 74, 79])):
        track: Any = Track(program=program)
        for place in range(24):
            track.notes.append(Note(place * 480, 400, pitches[place % 4], 90))
        score.tracks.append(track)
    folder = tmp_path / "midi"
    folder.mkdir()
    (folder / "song.mid").write_bytes(score.dumps_midi())
    (folder / "broken.mid").write_bytes(b"no")
    return folder


def run(*words: object) -> None:
    main([str(word) for word in ("corpus", "render", *words)])


def test_it_renders_says_what_it_rejected_and_writes_a_page(
    midi: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    font = default_sound_font()
    with pytest.raises(SystemExit) as end:
        run(midi, "--soundfont", font, "--out", out, "--jobs", 1, "--licence", "CC0-1.0")
    assert not end.value.code
    said = capsys.readouterr().out
    assert "1 songs" in said
    assert "rejected broken.mid: is not a MIDI file" in said
    assert str(out / "listen.html") in said
    (song,) = read_manifest(out / "manifest.parquet")
    assert (song.song_id, song.licence) == ("song", "CC0-1.0")
    assert song.tracks["drums"] == ()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--duration", "long"), "--duration takes a range"),
        (("--jobs", 0), "--jobs must be 1 or more"),
        (("--soundfont", "none.sf2"), "no sound font at"),
        (("--variants", 0), "--variants"),
    ],
)
def test_bad_input_is_one_line(
    midi: Path, tmp_path: Path, words: tuple, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fonts = () if "--soundfont" in words else ("--soundfont", default_sound_font())
    with pytest.raises(SystemExit) as end:
        run(midi, *fonts, "--out", tmp_path / "out", *words)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert reason in error
    assert len(error.splitlines()) == 1
