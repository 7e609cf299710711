from collections.abc import Mapping

import numpy as np
import pytest

from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.sweeps.ablation_figures import Column, columns_of
from stemwright_platform.sweeps.ablation_made import MadeScores
from stemwright_platform.sweeps.ablation_row import ablation_rows

ROWS = ablation_rows()
SONGS = [f"song {number}" for number in range(12)]


def made(
    means: Mapping[str, float], *, kind: str = "joint", seeds: int = 3, noise: float = 0.05
) -> dict[tuple[str, int], MadeScores]:
    """Shares of onset lock by song, songs and seeds alike for all rows, and a distance of each track."""
    rng = np.random.default_rng(0)
    of_song, of_seed = rng.normal(0, 0.3, len(SONGS)), rng.normal(0, 0.1, seeds)
    found = {}
    for name, mean in means.items():
        for seed in range(seeds):
            own = mean + of_song + of_seed[seed] + rng.normal(0, noise, len(SONGS))
            distance = 10 - mean + of_seed[seed] + rng.normal(0, noise)
            rows = [
                ScoreRow(
                    score="frechet.musicnn",
                    system=name,
                    task="joint",
                    part=part,
                    value=distance,
                    low=distance - 1,
                    high=distance + 1,
                    n=12,
                )
                for part in ("bass", "drums")
            ]
            songs = dict(zip(SONGS, own.tolist(), strict=True))
            found[name, seed] = MadeScores(
                rows=tuple(rows) if kind == "joint" else (), by_song={(kind, "onset_lock"): songs}
            )
    return found


def column(columns: list[Column], score: str, kind: str = "joint") -> Column:
    return next(each for each in columns if (each.info.score, each.kind) == (score, kind))


def test_changes_are_paired_so_that_what_songs_and_seeds_add_does_not_hide_them() -> None:
    columns = columns_of(ROWS, made({"baseline": 0.2, "vector": 0.4, "curriculum": 0.4}))
    figures = column(columns, "onset_lock").figures
    first, second, third = (figures[name] for name in ("baseline", "vector", "curriculum"))
    assert first.change is None
    assert second.change is not None
    assert third.change is not None
    assert second.change.value == pytest.approx(0.2, abs=0.05)
    assert second.change.stars == "**"
    assert not third.change.stars
    assert second.change.half_width < second.half_width / 2
    assert second.change.p_holm >= second.change.p_value


def test_distances_are_paired_by_seed_and_their_interval_knows_of_songs() -> None:
    columns = columns_of(ROWS, made({"baseline": 0.0, "vector": 3.0, "curriculum": 3.0}))
    assert [each.info.score for each in columns] == ["frechet.musicnn", "onset_lock"]
    figures = column(columns, "frechet.musicnn").figures
    assert figures["baseline"].half_width > 1
    change = figures["vector"].change
    assert change is not None
    assert change.value == pytest.approx(-3, abs=0.3)
    assert change.stars == "**"


def test_rows_that_have_not_learned_a_kind_of_task_are_missing_and_the_next_is_the_first() -> None:
    found = made({"vector": 0.4, "curriculum": 0.6}, kind="conditional")
    joint = made({"baseline": 0.1, "vector": 0.4})
    columns = columns_of(ROWS, {key: found.get(key) or joint[key] for key in found | joint})
    figures = column(columns, "onset_lock", "conditional").figures
    assert list(figures) == ["vector", "curriculum"]
    assert figures["vector"].change is None
    assert figures["curriculum"].change is not None


def test_one_seed_still_tells_what_songs_say_and_nothing_of_distances() -> None:
    columns = columns_of(ROWS, made({"baseline": 0.2, "vector": 0.6}, seeds=1))
    lock = column(columns, "onset_lock").figures["vector"]
    assert lock.change is not None
    assert lock.half_width > 0
    assert column(columns, "frechet.musicnn").figures["vector"].change is None


def test_nothing_made_gives_no_columns() -> None:
    assert columns_of(ROWS, {}) == []
