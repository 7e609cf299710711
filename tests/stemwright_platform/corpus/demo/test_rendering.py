from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import symusic

from stemwright_platform.corpus.demo.arrangement import arrange
from stemwright_platform.corpus.demo.genre import Genre
from stemwright_platform.corpus.demo.genres import GENRES
from stemwright_platform.corpus.demo.rendering import TAIL_S, render, to_midi
from stemwright_platform.corpus.synthesis.sound_font import (
    SAMPLE_RATE_HZ,
    SoundFont,
    default_sound_font,
    load_sound_font,
)


@pytest.fixture(scope="module")
def font() -> SoundFont:
    return load_sound_font(default_sound_font())


def onsets_s(audio: np.ndarray) -> np.ndarray:
    """Where the level of the next 10 ms is 8 dB above that of the last 25.

    Shorter windows would hear an onset in every wave of a kick drum's low tone.
    """
    hop = SAMPLE_RATE_HZ // 400
    frames = audio[:, : audio.shape[1] // hop * hop].reshape(2, -1, hop)
    power = np.mean(frames**2, axis=(0, 2), dtype=np.float64) + 1e-5
    total = np.concatenate([[0], np.cumsum(power)])
    at = np.arange(10, len(power) - 4)
    rise_db = 10 * np.log10((total[at + 4] - total[at]) / 4 / ((total[at] - total[at - 10]) / 10))
    middle = rise_db[1:-1]
    peaks = (middle > 8) & (middle >= rise_db[:-2]) & (middle > rise_db[2:])
    return at[1:-1][peaks] * hop / SAMPLE_RATE_HZ


@pytest.mark.parametrize("genre", GENRES, ids=lambda genre: genre.name)
def test_every_onset_of_the_drums_is_within_12_ms_of_a_note(genre: Genre, font: SoundFont) -> None:
    song = arrange(genre, 12, np.random.default_rng(5))
    drums = render(song, font, np.random.default_rng(0))["drums"]
    assert drums.shape == (2, round((song.duration_s + TAIL_S) * SAMPLE_RATE_HZ))
    found = onsets_s(drums)
    notes = np.array([song.at_s(note.start) for note in song.notes["drums"]])
    assert len(found) > 8
    assert max(np.abs(notes - onset).min() for onset in found) < 0.012


def test_the_bass_begins_where_its_first_note_does(font: SoundFont) -> None:
    for seed in range(4):
        song = arrange(GENRES[0], 6, np.random.default_rng(seed))
        bass = render(song, font, np.random.default_rng(seed))["bass"]
        start = int(song.at_s(song.notes["bass"][0].start) * SAMPLE_RATE_HZ)
        heard = int(np.argmax(np.abs(bass).max(axis=0) > 0.01))
        assert start - 48 <= heard < start + 0.02 * SAMPLE_RATE_HZ


def test_a_track_without_notes_has_no_stem(font: SoundFont) -> None:
    song = arrange(GENRES[0], 3, np.random.default_rng(1))
    song = replace(song, notes=song.notes | {"melody": []})
    assert set(render(song, font, np.random.default_rng(0))) == {"bass", "drums", "instrument"}


def test_the_tail_fades_to_silence(font: SoundFont) -> None:
    song = arrange(GENRES[5], 3, np.random.default_rng(1))
    for stem in render(song, font, np.random.default_rng(0)).values():
        assert stem.dtype == np.float32
        assert np.abs(stem[:, -100:]).max() < 1e-3


def test_the_midi_file_holds_the_same_notes(tmp_path: Path) -> None:
    song = arrange(GENRES[2], 6, np.random.default_rng(3))
    (tmp_path / "song.mid").write_bytes(to_midi(song))
    score = symusic.Score(tmp_path / "song.mid")
    assert {track.name: len(track.notes) for track in score.tracks} == {
        name: len(notes) for name, notes in song.notes.items()
    }
    first = song.notes["drums"][0]
    found = next(track for track in score.tracks if track.is_drum).notes[0]
    assert found.time / 480 * 60 / song.tempo_bpm == pytest.approx(song.at_s(first.start), abs=2e-3)
    assert [marker.text for marker in score.markers] == [section.kind for section in song.sections]
    assert score.markers[0].time / 480 * 60 / song.tempo_bpm == pytest.approx(song.downbeats_s[0], abs=2e-3)
    assert round(score.tempos[0].qpm) == song.tempo_bpm
    assert [track.is_drum for track in score.tracks] == [track.name == "drums" for track in score.tracks]
