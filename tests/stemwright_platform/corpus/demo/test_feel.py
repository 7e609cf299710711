import numpy as np

from stemwright_platform.corpus.demo.feel import MOST_S, draw_feel, played
from stemwright_platform.corpus.demo.genres import BLUES, GENRES, HOUSE
from stemwright_platform.corpus.demo.note import Note

STRAIGHT = [Note(beat / 4, 0.2, 42, 90) for beat in range(256)]


def late_ms(genre_number: int, track: str, pitch: int, seed: int) -> np.ndarray:
    """How late notes on the beat are played."""
    genre, rng = GENRES[genre_number], np.random.default_rng(seed)
    written = [Note(float(beat), 0.5, pitch, 90) for beat in range(200)]
    heard = played(written, track, draw_feel(genre, rng), genre, 100, rng)
    return np.array([note.start - beat for beat, note in enumerate(heard)]) * 600


def test_no_note_is_far_from_its_place() -> None:
    for number in range(len(GENRES)):
        assert np.abs(late_ms(number, "melody", 60, number)).max() <= 1000 * MOST_S + 1e-9


def test_loose_players_lay_back_the_bass_and_push_the_hats() -> None:
    loose = GENRES.index(BLUES)
    bass = np.mean([late_ms(loose, "bass", 40, seed).mean() for seed in range(12)])
    hats = np.mean([late_ms(loose, "drums", 42, seed).mean() for seed in range(12)])
    assert bass > hats + 2


def test_machines_are_tighter_than_players() -> None:
    house, blues = GENRES.index(HOUSE), GENRES.index(BLUES)
    assert late_ms(house, "drums", 36, 1).std() < 1.5 < late_ms(blues, "drums", 36, 1).std()


def test_deviations_drift_rather_than_jump() -> None:
    deviations = late_ms(GENRES.index(BLUES), "bass", 40, 3)
    deviations = deviations - deviations.mean()
    assert np.mean(deviations[1:] * deviations[:-1]) / np.mean(deviations**2) > 0.4


def test_swing_delays_every_second_step_alone() -> None:
    genre = next(genre for genre in GENRES if genre.swing[0] > 0.05)
    rng = np.random.default_rng(1)
    heard = played(STRAIGHT, "drums", draw_feel(genre, rng), genre, 90, rng)
    late = np.array([note.start for note in heard]) - np.array([note.start for note in STRAIGHT])
    assert late[1::2].mean() - late[::2].mean() > 0.02


def test_velocities_vary_and_beats_are_stressed() -> None:
    rng = np.random.default_rng(1)
    heard = played(STRAIGHT, "drums", draw_feel(BLUES, rng), BLUES, 90, rng)
    force = np.array([note.velocity for note in heard])
    assert force[::4].mean() > force[1::4].mean() + 3
    assert len(set(force[::4])) > 5
