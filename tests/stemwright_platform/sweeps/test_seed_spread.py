"""How much takes differ."""

import math

import pytest
import torch

from stemwright_platform.sweeps.seed_spread import seed_spread


def test_the_spread_is_the_deviation_around_the_takes_own_mean() -> None:
    generator = torch.Generator().manual_seed(0)
    songs = torch.randn(4, 8, 400, generator=generator)
    takes = songs[:1] + 0.3 * torch.randn(6, 4, 8, 400, generator=generator)
    assert seed_spread(takes) == pytest.approx(0.3, rel=0.03)


def test_equal_takes_have_none_and_a_single_one_tells_nothing() -> None:
    assert seed_spread(torch.ones(3, 4, 5)) == 0
    assert math.isnan(seed_spread(torch.ones(1, 4, 5)))
