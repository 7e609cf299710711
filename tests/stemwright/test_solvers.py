from itertools import pairwise

import pytest
import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.errors import InputError
from stemwright.solver_name import SOLVERS
from stemwright.solvers import ddim_step, ddpm_step, dpmpp_2m_step, half_log_snr, timestep_grid

SCHEDULE = NoiseSchedule.scaled_linear()
STEPS = (1, 2, 3, 7, 25, 50, 200, 997, 1000)


def draw(seed: int) -> Tensor:
    return torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def noisy(clean: Tensor, noise: Tensor, t: int) -> Tensor:
    level = float(SCHEDULE.alpha_bar[t])
    return level**0.5 * clean + (1 - level) ** 0.5 * noise


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("num_steps", STEPS)
def test_a_grid_falls_strictly_from_the_end_to_zero_in_as_many_steps_as_asked(solver, num_steps) -> None:
    grid = timestep_grid(SCHEDULE, num_steps, solver)
    assert len(grid) == num_steps + 1
    assert (grid[0], grid[-1]) == (1000, 0)
    assert all(t > s for t, s in pairwise(grid))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("num_steps", [0, -1, 1001])
def test_a_number_of_steps_out_of_range_is_refused(solver, num_steps) -> None:
    with pytest.raises(InputError, match="between 1 and 1000"):
        timestep_grid(SCHEDULE, num_steps, solver)


@pytest.mark.parametrize("solver", ["ddim", "dpmpp_2m"])
def test_deterministic_solvers_step_evenly_in_log_snr_as_far_as_integers_allow(solver) -> None:
    grid = timestep_grid(SCHEDULE, 50, solver)
    assert grid[-2] == 1
    level = half_log_snr(SCHEDULE.alpha_bar)
    even = float(level[1] - level[1000]) / 49
    steps = level[grid[:-1]].diff()
    # above t = 30 neighbouring integers are closer than a fifth of a step
    wide = steps[[i for i, t in enumerate(grid[1:-1]) if t > 30]]
    assert len(wide) > 30
    assert float((wide / even - 1).abs().max()) < 0.2
    assert all(t - s == 1 for t, s in pairwise(grid) if t <= 4)


def test_ancestral_sampling_steps_evenly_in_time() -> None:
    assert timestep_grid(SCHEDULE, 10, "ddpm") == list(range(1000, -1, -100))


@pytest.mark.parametrize(("t", "s"), [(1000, 999), (1000, 300), (40, 1), (1, 0), (1000, 0)])
def test_a_ddim_step_keeps_to_the_line_of_one_clean_point_and_one_noise(t, s) -> None:
    clean, noise = draw(0), draw(1)
    stepped = ddim_step(SCHEDULE, noisy(clean, noise, t), noise, t, s)
    assert torch.allclose(stepped, noisy(clean, noise, s), atol=1e-10)


@pytest.mark.parametrize(("t", "s"), [(1000, 999), (1000, 300), (40, 1), (1, 0), (1000, 0)])
def test_the_first_order_dpm_solver_step_is_ddim(t, s) -> None:
    clean, noise = draw(0), draw(1)
    z = noisy(clean, noise, t)
    assert torch.allclose(
        dpmpp_2m_step(SCHEDULE, z, clean, t, s, None), ddim_step(SCHEDULE, z, noise, t, s), atol=1e-10
    )


def test_the_last_step_of_the_dpm_solver_is_first_order_whatever_came_before() -> None:
    z, clean = draw(0), draw(1)
    assert torch.equal(dpmpp_2m_step(SCHEDULE, z, clean, 1, 0, (2, draw(2))), clean)


def test_the_second_order_step_extrapolates_the_clean_estimate_linearly_in_log_snr() -> None:
    level = half_log_snr(SCHEDULE.alpha_bar)
    t, s, earlier = 500, 450, 560
    slope, now = draw(0), draw(1)
    before = now + float(level[earlier] - level[t]) * slope
    h = float(level[s] - level[t])
    halfway = now + h / 2 * slope
    z = draw(2)
    assert torch.allclose(
        dpmpp_2m_step(SCHEDULE, z, now, t, s, (earlier, before)),
        dpmpp_2m_step(SCHEDULE, z, halfway, t, s, None),
        atol=1e-10,
    )


def test_one_ddpm_step_back_has_the_mean_of_eq_3() -> None:
    z, eps, zeros = draw(0), draw(1), torch.zeros(2, 3, 4, 5, dtype=torch.float64)
    for t in (1000, 437, 2, 1):
        alpha_bar = SCHEDULE.alpha_bar
        alpha = float(alpha_bar[t] / alpha_bar[t - 1])
        wanted = (z - (1 - alpha) / float(1 - alpha_bar[t]) ** 0.5 * eps) / alpha**0.5
        assert torch.allclose(ddpm_step(SCHEDULE, z, eps, t, t - 1, zeros), wanted, atol=1e-10)


@pytest.mark.parametrize(("t", "s"), [(1000, 999), (1000, 300), (40, 1), (2, 1)])
def test_a_ddpm_step_with_the_true_noise_lands_on_the_forward_process(t, s) -> None:
    zero, one = torch.zeros(1, 1, 1, 1, dtype=torch.float64), torch.ones(1, 1, 1, 1, dtype=torch.float64)
    of_clean = float(ddpm_step(SCHEDULE, noisy(one, zero, t), zero, t, s, zero))
    of_noise = float(ddpm_step(SCHEDULE, noisy(zero, one, t), one, t, s, zero))
    of_fresh_noise = float(ddpm_step(SCHEDULE, zero, zero, t, s, one))
    level = float(SCHEDULE.alpha_bar[s])
    assert of_clean == pytest.approx(level**0.5)
    assert of_noise**2 + of_fresh_noise**2 == pytest.approx(1 - level)
    assert of_fresh_noise > 0


def test_the_last_ddpm_step_adds_no_noise() -> None:
    z, eps = draw(0), draw(1)
    quiet = ddpm_step(SCHEDULE, z, eps, 1, 0, torch.zeros_like(z))
    assert torch.equal(ddpm_step(SCHEDULE, z, eps, 1, 0, draw(2)), quiet)


def spread_error(solver: str, num_steps: int, variance: float) -> float:
    """Relative error of the variance that a solver gives back for one Gaussian number."""
    grid, z, before = timestep_grid(SCHEDULE, num_steps, solver), torch.ones(1, dtype=torch.float64), None
    for t, s in pairwise(grid):
        level = float(SCHEDULE.alpha_bar[t])
        eps = (1 - level) ** 0.5 / (level * variance + 1 - level) * z
        if solver == "ddim":
            z = ddim_step(SCHEDULE, z, eps, t, s)
            continue
        clean = (z - (1 - level) ** 0.5 * eps) / level**0.5
        z, before = dpmpp_2m_step(SCHEDULE, z, clean, t, s, before), (t, clean)
    return abs(float(z**2) / variance - 1)


def test_halving_the_steps_costs_ddim_twice_and_the_second_order_solver_four_times_the_error() -> None:
    # a wide Gaussian: the last step's own error is far below the solver's
    assert 1.7 < spread_error("ddim", 20, 4.0) / spread_error("ddim", 40, 4.0) < 2.3
    assert 3.0 < spread_error("dpmpp_2m", 12, 4.0) / spread_error("dpmpp_2m", 24, 4.0) < 6.0
    assert spread_error("dpmpp_2m", 24, 4.0) < spread_error("ddim", 24, 4.0) / 8
