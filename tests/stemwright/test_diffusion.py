import pytest
import torch

from stemwright.diffusion import NoiseSchedule, epsilon_loss_sum
from stemwright.errors import InputError
from stemwright.solvers import clean_at
from stemwright.tasks import Task, timestep_vector

SCHEDULE = NoiseSchedule.scaled_linear()
SHAPE = (2, 4, 3, 5)


def latents(seed: int) -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def test_the_schedule_starts_clean_and_ends_with_almost_no_signal() -> None:
    alpha_bar = SCHEDULE.alpha_bar
    assert SCHEDULE.num_timesteps == 1000
    assert alpha_bar[0] == 1
    assert float(alpha_bar[1]) == pytest.approx(1 - 0.0015)
    assert float(alpha_bar[-1]) == pytest.approx(1.4e-4, rel=0.02)
    assert (alpha_bar.diff() < 0).all()


def test_the_root_of_beta_is_linear() -> None:
    beta = 1 - SCHEDULE.alpha_bar[1:] / SCHEDULE.alpha_bar[:-1]
    assert float(beta[-1]) == pytest.approx(0.0195)
    assert float(beta.sqrt().diff().std()) < 1e-9


@pytest.mark.parametrize("levels", [[0.9, 0.5], [1.0], [1.0, 0.5, 0.5], [1.0, 0.5, 0.0], [[1.0, 0.5]]])
def test_levels_that_are_no_schedule_are_refused(levels) -> None:
    with pytest.raises(InputError):
        NoiseSchedule(torch.tensor(levels, dtype=torch.float64))


def test_a_track_at_zero_comes_through_bit_by_bit() -> None:
    z0 = latents(0)
    noisy = SCHEDULE.add_noise(z0, latents(1), torch.zeros(2, 4, dtype=torch.long))
    assert torch.equal(noisy, z0)


def test_an_absent_track_is_the_noise_itself_whatever_the_track_was() -> None:
    task = Task(("bass",), ("drums",))
    t = timestep_vector(task.target_mask, task.given_mask, torch.tensor([300, 1000]), 1000)
    absent = ~(task.target_mask | task.given_mask).expand(2, -1)
    z0, noise = latents(0), latents(1)
    z0[:, 2:] = torch.inf
    noisy = SCHEDULE.add_noise(z0, noise, t, absent)
    assert torch.equal(noisy[:, 2:], noise[:, 2:])
    assert torch.equal(noisy[:, 1], z0[:, 1])
    assert noisy[:, 0].isfinite().all()


def test_a_target_at_the_end_keeps_a_trace_so_that_its_clean_estimate_is_finite() -> None:
    z0, noise = latents(0).double(), latents(1).double()
    t = torch.full((2, 4), 1000)
    noisy = SCHEDULE.add_noise(z0, noise, t)
    assert not torch.equal(noisy, noise)
    assert torch.allclose(clean_at(SCHEDULE, noisy, noise, 1000), z0, atol=1e-10)


def test_each_track_is_noised_to_its_own_level() -> None:
    z0, noise = latents(0), latents(1)
    t = torch.tensor([[0, 1, 500, 1000], [7, 7, 0, 999]])
    noisy = SCHEDULE.add_noise(z0, noise, t)
    for row in range(2):
        for track in range(4):
            level = float(SCHEDULE.alpha_bar[t[row, track]])
            wanted = level**0.5 * z0[row, track] + (1 - level) ** 0.5 * noise[row, track]
            assert torch.allclose(noisy[row, track], wanted, atol=1e-6)


def test_the_clean_estimate_undoes_the_noise() -> None:
    z0, noise = latents(0).double(), latents(1).double()
    for t in (0, 1, 500, 999, 1000):
        noisy = SCHEDULE.add_noise(z0, noise, torch.full((2, 4), t))
        assert torch.allclose(clean_at(SCHEDULE, noisy, noise, t), z0, atol=1e-10)


def test_the_loss_has_no_gradient_outside_the_targets_even_where_the_output_is_nan() -> None:
    mask = Task(("bass", "melody")).target_mask[None, :, None, None]
    eps, noise = latents(0), latents(1)
    eps[:, 1], eps[:, 2] = torch.nan, torch.inf
    eps.requires_grad_()
    total, count = epsilon_loss_sum(eps, noise, mask)
    (total / count).backward()
    assert total.isfinite()
    assert eps.grad is not None
    assert (eps.grad[:, 1:3] == 0).all()
    assert torch.allclose(eps.grad[:, ::3], 2 * (eps - noise).detach()[:, ::3] / count)


def test_the_loss_is_counted_per_target_element() -> None:
    eps, noise = latents(0), latents(1)
    mask = torch.tensor([[True, False, False, True], [False, True, False, False]])[:, :, None, None]
    total, count = epsilon_loss_sum(eps, noise, mask)
    assert int(count) == 3 * 3 * 5
    chosen = [(0, 0), (0, 3), (1, 1)]
    error = torch.cat([(eps - noise)[row, track].flatten() for row, track in chosen])
    assert float(total / count) == pytest.approx(float(error.square().mean()), rel=1e-6)


def test_padded_frames_neither_count_nor_move_the_loss() -> None:
    eps, noise = latents(0), latents(1)
    real = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    mask = torch.ones(2, 4, 1, 1, dtype=torch.bool) & real[:, None, None, :]
    before = epsilon_loss_sum(eps, noise, mask)
    eps[1, :, :, 2:] = torch.nan
    after = epsilon_loss_sum(eps, noise, mask)
    assert int(after[1]) == 4 * 3 * (5 + 2)
    assert torch.equal(before[0], after[0])


def test_two_halves_of_a_batch_add_up_to_the_whole() -> None:
    eps, noise = latents(0), latents(1)
    mask = torch.tensor([[True, False, False, True], [False, True, True, True]])[:, :, None, None]
    whole = epsilon_loss_sum(eps, noise, mask)
    parts = [epsilon_loss_sum(eps[i : i + 1], noise[i : i + 1], mask[i : i + 1]) for i in range(2)]
    assert float(whole[0]) == pytest.approx(sum(float(total) for total, _ in parts), rel=1e-6)
    assert int(whole[1]) == sum(int(count) for _, count in parts)


def test_a_weight_scales_each_tracks_error() -> None:
    eps, noise = latents(0), latents(1)
    mask = torch.ones(2, 4, 1, 1, dtype=torch.bool)
    weight = torch.rand(2, 4, 1, 1, generator=torch.Generator().manual_seed(2))
    total, count = epsilon_loss_sum(eps, noise, mask, weight)
    assert float(total) == pytest.approx(float((weight * (eps - noise).square()).sum()), rel=1e-5)
    assert int(count) == eps.numel()
