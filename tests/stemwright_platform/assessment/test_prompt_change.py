from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from stemwright.prompts import SongMetadata
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.prompt_change import change_figures, changes, prompt_pairs, scaled
from stemwright_platform.assessment.window import Window
from stemwright_platform.corpus.manifest import Song

PROMPT, SEED = np.array([3.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])


def takes(prompt: np.ndarray, seed: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    return {(p, s): p * prompt + s * seed for p in range(2) for s in range(2)}


def test_what_the_prompt_moves_and_what_the_seed_moves_are_kept_apart() -> None:
    by_prompt, by_seed = changes(takes(PROMPT, SEED))
    assert by_prompt / by_seed == pytest.approx(3.0)


def test_a_prompt_that_changes_nothing_has_no_distance() -> None:
    assert changes(takes(0 * PROMPT, SEED))[0] == 0


def test_numbers_of_any_size_count_alike_and_constant_ones_not_at_all() -> None:
    rng = np.random.default_rng(0)
    heard = rng.normal(size=(5, 4, 3))
    stretched = np.concatenate([heard * [1, 1e3, 1e-3], np.full((5, 4, 1), 0.1)], axis=-1)
    np.testing.assert_allclose(scaled(stretched)[..., :3], scaled(heard), atol=1e-6)
    assert not scaled(stretched)[..., 3].any()


def test_the_other_prompt_is_of_another_genre_with_other_instruments(make_song: Callable[..., Song]) -> None:
    song = make_song("song", 1.0)

    def window(name: str, genre: str, instrument: str) -> Window:
        known = SongMetadata(genres=(genre,), instruments=(instrument,))
        return Window(song=replace(song, song_id=name, metadata=known), start_s=0.0, duration_s=1.0)

    windows = [
        window("a", "blues", "piano"),
        window("b", "blues", "flute"),
        window("c", "rock", "piano"),
        window("d", "ska", "trumpet"),
    ]
    pairs = prompt_pairs(windows, 2)
    assert [pair[0].song.song_id for pair in pairs] == ["a", "b"]
    assert {prompts[1] for _, prompts in pairs[:1]} == {windows[3].prompt}
    assert all(prompts[0] == one.prompt != prompts[1] for one, prompts in pairs)


def test_songs_that_all_have_one_prompt_make_no_pair(make_song: Callable[..., Song]) -> None:
    same = [Window(song=make_song(name, 1.0), start_s=0.0, duration_s=1.0) for name in "ab"]
    assert prompt_pairs(same, 5) == []


def test_a_model_that_gives_one_and_the_same_whatever_is_asked_cannot_be_measured(truthful: Context) -> None:
    figures = change_figures(truthful)
    assert [figure.verdict for figure in figures] == ["not measured"] * 2
