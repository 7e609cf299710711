"""One reverse step from timestep t to an earlier s: DDPM, DDIM, DPM-Solver++(2M), and where steps are put.

Each solver is a function of the state z `[B, K, D, S]`, its noise estimate and two integer timesteps.
"""

import math

import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.errors import InputError
from stemwright.solver_name import Solver


def half_log_snr(alpha_bar: Tensor) -> Tensor:
    """log(√ᾱ / √(1 − ᾱ)) of signal levels; infinite at t = 0, where ᾱ is 1."""
    return 0.5 * (alpha_bar.log() - (1 - alpha_bar).log())


def timestep_grid(schedule: NoiseSchedule, num_steps: int, solver: Solver) -> list[int]:
    """`num_steps` + 1 integer timesteps, strictly falling from N to 0.

    DDPM's steps are even in t; the deterministic solvers' are even in log-SNR down to t = 1, where
    they lose least accuracy (Lu 2022, §5), followed by one step to 0.
    """
    n = schedule.num_timesteps
    if not 1 <= num_steps <= n:
        raise InputError(f"steps must be between 1 and {n}, got {num_steps}")
    if solver == "ddpm" or num_steps == 1:
        wanted = torch.linspace(n, 0, num_steps + 1, dtype=torch.float64)[:-1]
    else:
        wanted = _log_snr_nodes(schedule, num_steps)
    grid = [int(t) for t in wanted.round()]
    for i in range(1, num_steps):
        grid[i] = min(grid[i], grid[i - 1] - 1)
    for i in reversed(range(num_steps)):
        grid[i] = max(grid[i], num_steps - i)
    return [*grid, 0]


def _log_snr_nodes(schedule: NoiseSchedule, num_steps: int) -> Tensor:
    """Timesteps nearest to `num_steps` even points in half-log-SNR between N and 1."""
    levels = half_log_snr(schedule.alpha_bar[1:])
    even = torch.linspace(float(levels[-1]), float(levels[0]), num_steps, dtype=torch.float64)
    return (levels[:, None] - even).abs().argmin(0).double() + 1


def ddpm_step(schedule: NoiseSchedule, z: Tensor, eps: Tensor, t: int, s: int, noise: Tensor) -> Tensor:
    """Ancestral step: the mean of Eq. 3 with α = ᾱ_t / ᾱ_s, and the posterior variance (Ho 2020, §3.2)."""
    bar_t, bar_s = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[s])
    alpha = bar_t / bar_s
    mean = (z - (1 - alpha) / (1 - bar_t) ** 0.5 * eps) / alpha**0.5
    sigma = ((1 - alpha) * (1 - bar_s) / (1 - bar_t)) ** 0.5
    return mean + sigma * noise


def ddim_step(schedule: NoiseSchedule, z: Tensor, eps: Tensor, t: int, s: int) -> Tensor:
    """Deterministic step (Song 2021, Eq. 12 with σ = 0)."""
    bar_s = float(schedule.alpha_bar[s])
    return bar_s**0.5 * clean_at(schedule, z, eps, t) + (1 - bar_s) ** 0.5 * eps


def clean_at(schedule: NoiseSchedule, z: Tensor, eps: Tensor, t: int) -> Tensor:
    """The x0 that Eq. 1 implies for a noise estimate."""
    bar_t = float(schedule.alpha_bar[t])
    return (z - (1 - bar_t) ** 0.5 * eps) / bar_t**0.5


def dpmpp_2m_step(
    schedule: NoiseSchedule, z: Tensor, clean: Tensor, t: int, s: int, before: tuple[int, Tensor] | None
) -> Tensor:
    """Second-order multistep step in x0 (Lu 2022, Alg. 2), first order without history and on the way to 0.

    `clean`: the x0 estimate at t; `before`: the timestep and x0 estimate one step earlier.
    """
    if s == 0:
        return clean
    earlier, clean_before = before or (t, clean)
    at_s, at_t, at_earlier = half_log_snr(schedule.alpha_bar[[s, t, earlier]]).tolist()
    h = at_s - at_t
    direction = clean
    if before is not None:
        ratio = (at_t - at_earlier) / h
        direction = clean + (clean - clean_before) / (2 * ratio)
    bar_t, bar_s = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[s])
    shrink = ((1 - bar_s) / (1 - bar_t)) ** 0.5
    return shrink * z - bar_s**0.5 * math.expm1(-h) * direction
