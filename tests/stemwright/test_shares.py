import numpy as np
import pytest

from stemwright.errors import InputError
from stemwright.shares import Shares


def places(shares: Shares, count: int, seed: int = 1) -> list[tuple[int, int]]:
    return [shares.place(seed, number) for number in range(count)]


@pytest.mark.parametrize("weights", [(0.7, 0.3), (1.0, 0.3, 0.05), (1 / 3, 2 / 3), (100, 0.001)])
def test_every_block_has_each_part_in_its_exact_share(weights: tuple[float, ...]) -> None:
    shares = Shares.of(weights)
    block = sum(shares.quotas)
    counts = np.array(shares.quotas) / block
    np.testing.assert_allclose(counts, np.round(weights, 3) / np.round(weights, 3).sum())
    if block < 5000:
        parts = np.array([part for part, _ in places(shares, 3 * block)]).reshape(3, block)
        for row in parts:
            assert tuple(np.bincount(row, minlength=len(weights))) == shares.quotas


def test_a_parts_samples_are_numbered_without_gaps_in_their_order() -> None:
    row = places(Shares.of((0.5, 0.3, 0.2)), 3500)
    for part in range(3):
        numbers = [number for found, number in row if found == part]
        assert numbers == list(range(len(numbers)))


def test_any_sample_is_found_without_those_before_it() -> None:
    shares = Shares.of((0.5, 0.3))
    row = places(shares, 2500)
    assert [shares.place(1, number) for number in (2400, 7, 1003)] == [row[2400], row[7], row[1003]]


def test_the_order_of_parts_is_random() -> None:
    parts = np.array([part for part, _ in places(Shares.of((1, 1)), 8000)], float)
    centred = parts - parts.mean()
    for lag in range(1, 9):
        assert abs((centred[:-lag] * centred[lag:]).mean() / centred.var()) < 3 / np.sqrt(len(parts))
    assert places(Shares.of((1, 1)), 100) != places(Shares.of((1, 1)), 100, seed=2)


def test_one_part_takes_everything() -> None:
    assert places(Shares.of((0.3,)), 5) == [(0, number) for number in range(5)]


@pytest.mark.parametrize("weight", [0, -1, 0.0001, 1000, float("nan")])
def test_a_weight_out_of_range_is_named(weight: float) -> None:
    with pytest.raises(InputError, match="the weight must lie between"):
        Shares.of((1.0, weight))
