import math
from collections.abc import Sequence

import numpy as np
import pytest

from stemwright_platform.sweeps.summary import Blocks, summarise
from stemwright_platform.sweeps.trial_result import TrialResult


def result(value: float, seed: int, state: str = "finished", **setting: float) -> TrialResult:
    named = {f"training.{name}": each for name, each in setting.items()}
    scores = {"ratio": value} if math.isfinite(value) else {}
    return TrialResult(setting=named, seed=seed, state=state, scores=scores)  # pyright: ignore[reportArgumentType]


def grid(effects: Sequence[float], *, seeds: int = 3, noise: float, draw: int = 0) -> list[TrialResult]:
    """Trials of settings with true effects; each seed shifts all of them by much more than the noise."""
    rng = np.random.default_rng(draw)
    shifts = rng.normal(0, 10, seeds)
    return [
        result(effect + shifts[seed] + rng.normal(0, noise), seed, p1=float(number))
        for seed in range(seeds)
        for number, effect in enumerate(effects)
    ]


def test_settings_that_are_alike_are_seldom_told_apart() -> None:
    """Of 200 sweeps of eight equal settings about 5 % find any two different, though the best is chosen."""
    wrong = 0
    for draw in range(200):
        summary = summarise(grid([0.0] * 8, noise=1.0, draw=draw), "ratio")
        wrong += any((cell.p_worse or 1) < 0.05 for cell in summary.cells)
    assert wrong <= 20


def test_a_difference_beyond_the_noise_is_found_whatever_seeds_add_to_all() -> None:
    summary = summarise(grid([0.0, 0.1, 5.0], noise=0.2), "ratio")
    assert summary.best in (0, 1)
    assert summary.cells[2].p_worse is not None
    assert summary.cells[2].p_worse < 0.01
    assert summary.p_any is not None
    assert summary.p_any < 0.01
    assert "is better than p1=2" in summary.conclusion


def test_intervals_cover_the_truth_of_a_difference() -> None:
    covered = 0
    for draw in range(300):
        results = grid([0.0, 1.0], seeds=4, noise=1.0, draw=draw)
        values = [
            {r.seed: r.scores["ratio"] for r in results if r.setting["training.p1"] == p} for p in (0.0, 1.0)
        ]
        found = Blocks.of(values).difference(1, 0)
        assert found is not None
        gap, half, _ = found
        covered += abs(gap - 1.0) <= half
    assert 0.91 <= covered / 300 <= 0.985


def test_the_noise_is_what_was_put_in() -> None:
    noises = [summarise(grid([0.0, 1.0, 2.0], noise=0.5, draw=draw), "ratio").noise for draw in range(100)]
    assert np.sqrt(np.mean(np.square(noises))) == pytest.approx(0.5, rel=0.1)


def test_one_seed_says_nothing_of_chance() -> None:
    summary = summarise(grid([0.0, 9.0], seeds=1, noise=0.1), "ratio")
    assert summary.best == 0
    assert math.isnan(summary.cells[0].low)
    assert summary.cells[1].p_worse is None
    assert "repeat with more" in summary.conclusion


def test_trials_that_did_not_end_are_named_and_left_out() -> None:
    results = grid([0.0, 1.0, 5.0], noise=0.1)
    results[-1] = result(math.nan, 2, "failed", p1=2.0)
    summary = summarise(results, "ratio")
    assert len(summary.cells[2].values) == 2
    assert summary.cells[2].notes == ("seed 2 failed",)
    assert summary.cells[2].p_worse is None
    assert summary.cells[1].p_worse is not None


def test_nothing_ended_is_said() -> None:
    assert summarise([result(math.nan, 1, "failed", p1=1.0)], "ratio").conclusion == "No trial has ended."
    assert summarise([], "ratio").best is None


def test_one_field_is_judged_by_the_noise_of_all_trials() -> None:
    """Averaged over the other field, a value is known better, and by more degrees of freedom."""
    rng = np.random.default_rng(0)
    results = [
        result(p1 + rng.normal(0, 0.3), seed, p1=p1, p2=p2)
        for seed in range(3)
        for p1 in (0.0, 1.0)
        for p2 in (0.0, 0.25, 0.5)
    ]
    whole, by_p1 = summarise(results, "ratio"), summarise(results, "ratio", ["training.p1"])
    assert by_p1.degrees == whole.degrees == 10
    assert by_p1.noise == whole.noise
    width = by_p1.cells[0].high - by_p1.cells[0].low
    assert width == pytest.approx((whole.cells[0].high - whole.cells[0].low) / math.sqrt(3))
    assert by_p1.cells[1].p_worse is not None
    assert by_p1.cells[1].p_worse < 0.01


def test_trials_without_any_noise_give_no_p() -> None:
    results = [result(p1, seed, p1=p1) for seed in (1, 2) for p1 in (0.0, 1.0)]
    summary = summarise(results, "ratio")
    assert summary.cells[1].p_worse is None
    assert summary.p_any is None
