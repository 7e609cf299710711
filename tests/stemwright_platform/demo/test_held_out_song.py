from pathlib import Path

import pytest
import torch

from stemwright.audio import read_audio, write_audio
from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.demo.held_out_song import described, held_out_song, write_excerpt

TRACKS = ("bass", "drums")


def make_song(
    folder: Path, *, duration_s: float = 10.0, downbeats_s=(0.0, 2.0, 4.0, 6.0, 8.0), **changes
) -> Song:
    tracks = {}
    for track in TRACKS:
        path = str(folder / f"{track}.wav")
        tracks[track] = (path,)
        ramp = torch.arange(round(duration_s * 48_000)) / 48_000 / 100  # the level tells the time
        write_audio(path, ramp.expand(2, -1))
    settings = {"song_id": "s", "split": "test", "sample_rate_hz": 48_000, "tracks": tracks} | changes
    return Song(duration_s=duration_s, downbeats_s=tuple(downbeats_s), **settings)


def test_the_song_comes_from_the_test_split(tmp_path):
    train, test = make_song(tmp_path, split="train"), make_song(tmp_path)
    assert held_out_song([train, test, test]) is test
    assert held_out_song([train]) is train


@pytest.mark.parametrize(
    ("duration_s", "downbeats_s", "piece_s", "start_s"),
    [
        (10.0, (0, 2, 4, 6, 8), 3.0, 4.0),
        (10.0, (0, 2, 4, 6, 8), 7.5, 2.0),
        (10.0, (), 3.0, 0.0),
        (2.0, (0, 1), 3.0, 0.0),
    ],
)
def test_the_excerpt_begins_at_a_downbeat_and_has_the_piece_length(
    tmp_path, duration_s, downbeats_s, piece_s, start_s
):
    song = make_song(tmp_path, duration_s=duration_s, downbeats_s=downbeats_s)
    assert write_excerpt(song, tmp_path / "out", tracks=TRACKS, duration_s=piece_s) == start_s
    audio = read_audio(tmp_path / "out" / "bass.wav")
    assert audio.shape[1] == piece_s * 48_000
    assert float(audio[0, 0]) == pytest.approx(start_s / 100, abs=1e-4)


def test_a_track_that_the_song_lacks_is_left_out(tmp_path):
    song = make_song(tmp_path)
    write_excerpt(song, tmp_path / "out", tracks=(*TRACKS, "melody"), duration_s=1.0)
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {*TRACKS, "mix"}


def test_a_description_holds_what_is_known_and_nothing_else():
    known = SongMetadata(
        genres=("soul", "funk"), moods=("sad",), instruments=("organ",), tempo_bpm=86.4, key="C"
    )
    assert described(known) == "soul, sad, organ, 86 bpm, C"
    assert described(SongMetadata()) == ""
