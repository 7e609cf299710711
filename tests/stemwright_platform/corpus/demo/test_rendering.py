from pathlib import Path

import numpy as np
import symusic

from stemwright_platform.corpus.demo.arrangement import arrange
from stemwright_platform.corpus.demo.genres import GENRES
from stemwright_platform.corpus.demo.rendering import TAIL_S, render, to_midi
from stemwright_platform.corpus.synthesis.sound_font import (
    SAMPLE_RATE_HZ,
    default_sound_font,
    load_sound_font,
)


def test_drums_sound_where_their_notes_are() -> None:
    song = arrange(GENRES[0], 6, np.random.default_rng(5))
    drums = render(song, load_sound_font(default_sound_font()), np.random.default_rng(0))["drums"]
    assert drums.shape == (2, round((song.duration_s + TAIL_S) * SAMPLE_RATE_HZ))
    hop = SAMPLE_RATE_HZ // 200
    frames = drums[:, : drums.shape[1] // hop * hop].reshape(2, -1, hop)
    loudness = np.log10(1e-6 + np.mean(frames**2, axis=(0, 2)))
    onsets = np.flatnonzero(np.diff(loudness) > 1) / 200
    notes = np.array([note.start * 60 / song.tempo_bpm for note in song.notes["drums"]])
    assert len(onsets) > 8
    late_s = np.array([np.abs(notes - onset).min() for onset in onsets])
    assert np.mean(late_s < 0.012) > 0.8
    assert late_s.max() < 0.025


def test_the_tail_fades_to_silence() -> None:
    song = arrange(GENRES[5], 3, np.random.default_rng(1))
    for stem in render(song, load_sound_font(default_sound_font()), np.random.default_rng(0)).values():
        assert stem.dtype == np.float32
        assert np.abs(stem[:, -100:]).max() < 1e-3


def test_the_midi_file_holds_the_same_notes(tmp_path: Path) -> None:
    song = arrange(GENRES[2], 6, np.random.default_rng(3))
    (tmp_path / "song.mid").write_bytes(to_midi(song))
    score = symusic.Score(tmp_path / "song.mid")
    assert {track.name: len(track.notes) for track in score.tracks} == {
        name: len(notes) for name, notes in song.notes.items()
    }
    assert round(score.tempos[0].qpm) == song.tempo_bpm
    assert [track.is_drum for track in score.tracks] == [track.name == "drums" for track in score.tracks]
