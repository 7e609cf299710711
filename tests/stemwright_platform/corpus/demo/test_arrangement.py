from functools import lru_cache

import numpy as np
import pytest

from stemwright_platform.corpus.demo.arrangement import Arrangement, arrange
from stemwright_platform.corpus.demo.drums import VOICES
from stemwright_platform.corpus.demo.genre import Genre
from stemwright_platform.corpus.demo.genres import GENRES
from stemwright_platform.corpus.demo.harmony import Chord, chord, progression
from stemwright_platform.corpus.demo.metadata import describe
from stemwright_platform.corpus.demo.note import Note

by_genre = pytest.mark.parametrize("genre", GENRES, ids=lambda genre: genre.name)


def songs(genre: Genre, count: int = 4) -> list[Arrangement]:
    return [arrange(genre, 30, np.random.default_rng(seed)) for seed in range(count)]


def all_chords(song: Arrangement) -> list[Chord]:
    texts = song.genre.progressions[song.key.mode]
    return [one for text in texts for bar in progression(text, song.key) for one in bar]


@by_genre
def test_every_note_is_within_the_song_and_a_drum_hit_near_its_step(genre: Genre) -> None:
    for song in songs(genre):
        assert all(song.notes.values())
        notes = [note for track in song.notes.values() for note in track]
        assert all(song.at_s(note.start) >= 0 for note in notes)
        assert all(note.start + note.length <= song.beats + 1e-9 for note in notes)
        assert all(note.length > 0 and 1 <= note.velocity <= 127 and 20 <= note.pitch < 110 for note in notes)
        allowed_s = 0.016 + genre.swing[1] / genre.steps_per_beat * 60 / song.tempo_bpm
        for note in song.notes["drums"]:
            step = note.start * genre.steps_per_beat
            assert abs(step - round(step)) / genre.steps_per_beat * 60 / song.tempo_bpm < allowed_s


@by_genre
def test_bass_comping_and_melody_share_the_harmony(genre: Genre) -> None:
    for song in songs(genre):
        tones = {tone for one in all_chords(song) for tone in one.pitch_classes} | set(song.key.scale)
        blue = {(song.key.tonic + step) % 12 for step in (0, 3, 4, 5, 7, 10)}
        for name in ("bass", "instrument"):
            assert {note.pitch % 12 for note in song.notes[name]} <= tones
        allowed = tones | blue if genre.melody_scale == "blues" else tones
        assert {note.pitch % 12 for note in song.notes["melody"]} <= allowed


@by_genre
def test_the_bass_starts_its_chords_on_their_roots(genre: Genre) -> None:
    for song in songs(genre):
        roots = {one.root for one in all_chords(song)}
        first = [
            note.pitch % 12
            for note in song.notes["bass"]
            if abs(note.start / genre.beats_per_bar - round(note.start / genre.beats_per_bar)) < 0.02
        ]
        assert sum(pitch in roots for pitch in first) >= 0.95 * len(first)


@by_genre
def test_the_melody_lies_above_the_bass_and_rests_somewhere(genre: Genre) -> None:
    for song in songs(genre):
        low, high = (np.mean([note.pitch for note in song.notes[name]]) for name in ("bass", "melody"))
        assert high > low + 12
        starts = np.array([note.start for note in song.notes["melody"]])
        sounding = sum(note.length for note in song.notes["melody"])
        assert sounding < 0.95 * song.beats
        assert np.diff(starts).max() > np.median(np.diff(starts))


def test_motifs_come_back() -> None:
    def rhythm(notes: list[Note], bar: int, beats: int) -> tuple[int, ...]:
        return tuple(
            round(4 * (n.start - bar * beats)) for n in notes if bar <= (n.start + 0.1) / beats < bar + 2
        )

    repeats = 0
    for song in songs(GENRES[0], 12):
        phrases = [rhythm(song.notes["melody"], bar, 4) for bar in range(0, song.bars - 1, 2)]
        phrases = [phrase for phrase in phrases if phrase]
        repeats += len(set(phrases)) < len(phrases)
    assert repeats >= 10


def test_a_kick_bass_sounds_on_the_kicks() -> None:
    found = 0
    for seed in range(30):
        song = arrange(GENRES[0], 20, np.random.default_rng(seed))
        if song.style_names("bass") != ("kick",):
            continue
        found += 1
        kicks = np.array([note.start for note in song.notes["drums"] if note.pitch == 36])
        distances = [np.abs(kicks - note.start).min() for note in song.notes["bass"]]
        assert np.mean(np.array(distances) < 0.1) > 0.75
    assert found


def test_metadata_says_what_the_notes_do() -> None:
    for genre in GENRES:
        for song in songs(genre):
            known = describe(song, np.random.default_rng(0))
            assert known.tempo_bpm == song.tempo_bpm
            assert genre.tempo_bpm[0] <= song.tempo_bpm <= genre.tempo_bpm[1]
            assert known.key == song.key.name
            assert ("walking bass" in known.keywords) == ("walk" in song.style_names("bass"))
            assert known.genres[0] == genre.name


def test_keys_modes_and_tempos_vary() -> None:
    many = [arrange(GENRES[seed % 13], 4, np.random.default_rng(seed)) for seed in range(156)]
    assert len({song.key.tonic for song in many}) == 12
    assert {"major", "minor", "dorian", "mixolydian"} <= {song.key.mode for song in many}
    assert len({song.tempo_bpm for song in many}) > 40


def test_a_chord_outside_its_key_is_still_named_by_degree() -> None:
    song = songs(GENRES[0], 1)[0]
    assert chord("bVII", song.key).root == (song.key.tonic + 10) % 12


@lru_cache
def long_songs(count: int = 26) -> list[Arrangement]:
    return [arrange(GENRES[seed % 13], 150, np.random.default_rng(seed)) for seed in range(count)]


def fingerprint(song: Arrangement, first: int, length: int) -> np.ndarray:
    """What a section sounds like, whoever has a rest in it: pitch classes by bar of four, onsets by step."""
    beats, steps = song.genre.beats_per_bar, song.genre.steps_per_bar
    pitches, onsets = np.zeros((4, 12)), np.zeros((4, steps))
    for track, name in enumerate(sorted(song.notes)):
        for note in song.notes[name]:
            bar, beat = divmod(note.start + 0.04, beats)
            if first <= bar < first + length:
                onsets[track, int(beat * steps / beats)] += 1
                if name == "instrument":
                    pitches[int(bar - first) % 4, note.pitch % 12] += 1
    parts = [part.ravel() / (np.linalg.norm(part) + 1e-9) for part in (pitches, onsets)]
    return np.concatenate(parts) / np.sqrt(2)


def test_sections_of_one_kind_are_more_alike_than_those_of_two() -> None:
    same, other = [], []
    for song in long_songs():
        found = [
            (section.kind, fingerprint(song, section.bars[0].number, len(section.bars)))
            for section in song.sections
            if section.kind in ("verse", "chorus") and all(section.playing.values())
        ]
        for number, (kind, one) in enumerate(found):
            for other_kind, two in found[number + 1 :]:
                (same if kind == other_kind else other).append(float(one @ two))
    assert np.mean(same) > 0.85
    assert np.mean(same) > np.mean(other) + 0.1


def test_choruses_are_denser_and_louder_than_verses_and_breaks() -> None:
    density: dict[str, list[float]] = {}
    force: dict[str, list[float]] = {}
    for song in long_songs():
        for section in song.sections:
            start = section.bars[0].beat(0)
            end = start + len(section.bars) * song.genre.beats_per_bar
            notes = [note for track in song.notes.values() for note in track if start <= note.start < end]
            density.setdefault(section.kind, []).append(len(notes) / len(section.bars))
            force.setdefault(section.kind, []).append(float(np.mean([note.velocity for note in notes])))
    for kind in ("verse", "bridge", "break", "intro"):
        assert np.mean(density["chorus"]) > np.mean(density[kind])
        assert np.mean(force["chorus"]) > np.mean(force[kind])
    assert np.mean(density["chorus"]) > 1.8 * np.mean(density["break"])


def test_drums_fill_before_most_new_sections() -> None:
    filled = total = 0
    toms = {VOICES[voice] for voice in ("high tom", "mid tom", "low tom", "floor tom")}
    for song in long_songs():
        for section in song.sections[:-2]:
            last = section.bars[-1]
            if last.place in section.playing["drums"] and len(section.bars) >= 4:
                bars = [
                    [
                        note
                        for note in song.notes["drums"]
                        if bar.beat(0) <= note.start + 0.04 < bar.beat(0) + 4
                    ]
                    for bar in (section.bars[-2], last)
                ]
                total += 1
                before, at_end = (
                    sum(note.pitch in toms or note.pitch == VOICES["snare"] for note in bar) for bar in bars
                )
                filled += at_end > before
    assert filled > 0.5 * total > 20


def test_the_first_downbeat_lies_anywhere_within_a_bar() -> None:
    phases = [
        arrange(GENRES[seed % 13], 8, np.random.default_rng(seed)).lead_in_beats
        / GENRES[seed % 13].beats_per_bar
        for seed in range(130)
    ]
    counts, _ = np.histogram(phases, bins=4, range=(0, 1))
    assert min(counts) > 20


def test_a_song_ends_on_its_tonic() -> None:
    endings = 0
    for song in long_songs():
        last = song.sections[-1]
        if last.kind == "ending":
            endings += 1
            notes = [note for note in song.notes["bass"] if note.start > last.bars[0].beat(0) - 0.1]
            assert {note.pitch % 12 for note in notes} <= {song.key.tonic}
    assert endings > 10
