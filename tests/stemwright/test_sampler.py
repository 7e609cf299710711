from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
import torch
from gaussian_tracks import (
    AffineMap,
    GaussianTracks,
    affine_map,
    every_task,
    gaussian_tracks,
    square_root,
    worst_variance_error,
)
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.errors import InputError
from stemwright.guidance import Guidance
from stemwright.sampler import Prompt, Sampling, run, sample
from stemwright.solvers import SOLVERS, Solver, ddim_step, timestep_grid
from stemwright.tasks import Mode, Task
from stemwright.text_embedding import TextEmbedding, cat
from stemwright.tracks import TRACKS

SCHEDULE = NoiseSchedule.scaled_linear()
LAST_SIGNAL = float(SCHEDULE.alpha_bar[-1]) ** 0.5
CONDITIONAL = Task(("bass", "melody"), ("drums", "instrument"))
MIXED = Task(("bass", "melody"), ("drums",))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def songs(takes: int = 2, seed: int = 9, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(takes, 4, 3, 5, generator=generator(seed), dtype=dtype)


def toy(z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
    """A denoiser that hears every track, every timestep and the text, each row for itself."""
    level = (t.to(z.dtype) / 1000)[..., None, None]
    eps = 0.5 * z + 0.2 * level * z.roll(1, 1) - 0.1 * z.roll(2, 1) * z.roll(1, 3) + 0.05 * level
    return eps if text is None else eps + 0.1 * text.states[:, :1, :1, None]


def recorded(rows: list[tuple[Tensor, Tensor]]) -> Callable[..., Tensor]:
    """The toy denoiser, which also writes down what it is asked."""

    def denoiser(z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        rows.append((z.clone(), t.clone()))
        return toy(z, t, text)

    return denoiser


def prompt(value: float, tokens: int, takes: int = 2) -> TextEmbedding:
    return TextEmbedding(torch.full((takes, tokens, 4), value), torch.ones(takes, tokens, dtype=torch.bool))


# -- the exact denoiser of Gaussian tracks gives back their law


def maps(
    num_tracks: int, solver: Solver, num_steps: int, seed: int = 0, mode: Mode | None = None
) -> Iterable[tuple[GaussianTracks, Task, AffineMap]]:
    tracks = gaussian_tracks(num_tracks, seed)
    for task in every_task(tracks.tracks):
        if mode not in (None, task.mode):
            continue
        denoiser = tracks.denoiser(SCHEDULE, task)
        yield tracks, task, affine_map(denoiser, SCHEDULE, task, solver, num_steps)


def check_law(tracks: GaussianTracks, task: Task, made: AffineMap, tolerance: float) -> None:
    """The targets' law given the given tracks, in units of its own spread.

    A deterministic solver starts from N(0, I) where the forward process has √ᾱ_N of the signal left, so
    that √ᾱ_N·C^½ of the mean is lost, whatever the number of steps.
    """
    gain, offset, covariance = tracks.conditional(task.target_mask, task.given_mask)
    assert worst_variance_error(made.covariance, covariance) < tolerance, task
    left = torch.eye(len(covariance), dtype=torch.float64) - LAST_SIGNAL * square_root(covariance)
    units = square_root(covariance, torch.rsqrt)
    assert float((units @ (made.offset - left @ offset)).norm()) < 1e-3, task
    assert float((units @ (made.gain - left @ gain)).norm()) < 1e-3, task
    assert (made.absent_gain == 0).all(), task


@pytest.mark.parametrize("num_tracks", [3, 4])
@pytest.mark.parametrize(
    ("solver", "num_steps", "tolerance"),
    [("dpmpp_2m", 50, 0.02), ("dpmpp_2m", 25, 0.02), ("ddim", 200, 0.04)],
)
def test_every_task_gives_back_the_law_of_its_targets_given_the_given_tracks(
    num_tracks, solver, num_steps, tolerance
) -> None:
    tasks = 0
    for tracks, task, made in maps(num_tracks, solver, num_steps):
        check_law(tracks, task, made, tolerance)
        tasks += 1
    assert tasks == 3**num_tracks - 2**num_tracks


def test_the_law_is_given_back_whatever_the_tracks_are() -> None:
    for seed in (1, 2):
        for tracks, task, made in maps(3, "dpmpp_2m", 50, seed):
            check_law(tracks, task, made, tolerance=0.02)


def test_ancestral_sampling_gives_back_the_law_and_forgets_where_it_started() -> None:
    tracks = gaussian_tracks(3)
    names = tracks.tracks.names
    for task in (
        Task(names, tracks=tracks.tracks),
        Task(names[1:2], tracks=tracks.tracks),
        Task(names[:1], names[1:], tracks=tracks.tracks),
        Task(names[1:2], names[2:], tracks=tracks.tracks),
    ):
        denoiser = tracks.denoiser(SCHEDULE, task)
        few, many = (affine_map(denoiser, SCHEDULE, task, "ddpm", steps) for steps in (150, 300))
        gain, offset, covariance = tracks.conditional(task.target_mask, task.given_mask)
        errors = [worst_variance_error(each.covariance, covariance) for each in (few, many)]
        # even steps in time are coarse near t = 0: first order, 4 % at all 1000 steps
        assert errors[1] < 0.12
        assert errors[1] < 0.65 * errors[0]
        assert torch.allclose(many.offset, offset, atol=1e-3)
        assert torch.allclose(many.gain, gain, atol=1e-3)
        assert (many.absent_gain == 0).all()


def test_a_conditional_take_and_what_it_was_given_have_the_joint_law_together() -> None:
    for tracks, task, made in maps(4, "dpmpp_2m", 50, seed=2, mode="conditional"):
        targets, given = task.target_mask, task.given_mask
        heard = tracks.covariance[given][:, given]
        joint = torch.empty_like(tracks.covariance)
        joint[given[:, None] & given] = heard.flatten()
        joint[targets[:, None] & given] = (made.gain @ heard).flatten()
        joint[given[:, None] & targets] = (heard @ made.gain.T).flatten()
        joint[targets[:, None] & targets] = (made.covariance + made.gain @ heard @ made.gain.T).flatten()
        # the lost √ᾱ_N of the mean comes on top of the solver's error
        assert float((joint - tracks.covariance).norm() / tracks.covariance.norm()) < 0.04, task


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_seeded_sampler_is_that_affine_map(solver) -> None:
    tracks = gaussian_tracks(4, seed=1)
    names = tracks.tracks.names
    task = Task(names[:2], names[2:3], tracks=tracks.tracks)
    denoiser = tracks.denoiser(SCHEDULE, task)
    made = affine_map(denoiser, SCHEDULE, task, solver, 12)
    given = tracks.draw(16, 8, 256, generator(3))
    result = sample(denoiser, SCHEDULE, task, given, num_steps=12, solver=solver, generator=generator(4))
    mean = torch.einsum("tg,bgds->btds", made.gain, given[:, task.given_mask]) + made.offset[:, None, None]
    residual = (result[:, task.target_mask] - mean).movedim(1, 0).flatten(1)
    count = residual.shape[1]
    variance = made.covariance.diag()
    within = 4.5 / count**0.5
    assert (residual.mean(1).abs() < within * variance.sqrt()).all()
    deviation = (torch.outer(variance, variance) + made.covariance.square()).sqrt()
    assert (((residual @ residual.T) / count - made.covariance).abs() < within * deviation).all()
    heard = given[:, task.given_mask].movedim(1, 0).flatten(1)
    heard = heard - heard.mean(1, keepdim=True)
    together = torch.outer(variance, heard.square().mean(1)).sqrt()
    assert (((residual @ heard.T) / count).abs() < within * together).all()


# -- Eq. 6


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", [CONDITIONAL, MIXED])
def test_at_scale_zero_the_given_tracks_make_no_difference(solver, task) -> None:
    tracks = gaussian_tracks(4)
    task = _renamed(task, tracks)
    marginal = Task(task.targets, tracks=tracks.tracks)
    made = sample(
        tracks.denoiser(SCHEDULE, task),
        SCHEDULE,
        task,
        songs(),
        guidance_scale=0,
        num_steps=15,
        generator=generator(),
        solver=solver,
    )
    alone = sample(
        tracks.denoiser(SCHEDULE, marginal),
        SCHEDULE,
        marginal,
        songs(seed=5),
        num_steps=15,
        generator=generator(),
        solver=solver,
    )
    targets = task.target_mask
    assert torch.allclose(made[:, targets], alone[:, targets], atol=1e-5)


def test_at_scale_one_sampling_is_plain_conditional() -> None:
    tracks = gaussian_tracks(4)
    task = _renamed(CONDITIONAL, tracks)
    targets, given = task.target_mask, songs(dtype=torch.float64)
    made = sample(
        tracks.denoiser(SCHEDULE, task),
        SCHEDULE,
        task,
        given,
        guidance_scale=1,
        num_steps=15,
        generator=generator(),
        solver="ddim",
    )
    z = torch.randn(given.shape, generator=generator(), dtype=torch.float64)
    grid = timestep_grid(SCHEDULE, 15, "ddim")
    for t, s in pairwise(grid):
        heard = torch.where(targets[:, None, None], z, given)
        eps = torch.zeros_like(z)
        level = float(SCHEDULE.alpha_bar[t])
        eps[:, targets] = tracks.best_noise(heard, targets, task.given_mask, level)
        z = ddim_step(SCHEDULE, z, eps, t, s)
    assert torch.allclose(made[:, targets], z[:, targets], atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 0.4, 1.0, 3.0])
def test_guided_sampling_is_sampling_with_the_two_halves_mixed(scale) -> None:
    tracks = gaussian_tracks(4)
    task = _renamed(CONDITIONAL, tracks)
    marginal = Task(task.targets, tracks=tracks.tracks)
    exact = tracks.denoiser(SCHEDULE, task)

    def mixed(z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        level = t[:, task.target_mask][:, 0]
        return (1 - scale) * exact(z, marginal.timesteps(level, 1000), None) + scale * exact(z, t, None)

    given = songs(dtype=torch.float64)
    guided = sample(exact, SCHEDULE, task, given, guidance_scale=scale, num_steps=10, generator=generator())
    by_hand = sample(mixed, SCHEDULE, task, given, num_steps=10, generator=generator())
    assert torch.allclose(guided, by_hand, atol=1e-9)


def test_a_scale_far_above_one_narrows_what_an_exact_denoiser_makes() -> None:
    tracks = gaussian_tracks(4)
    names = tracks.tracks.names
    task = Task(names[:1], names[1:], tracks=tracks.tracks)
    given = tracks.draw(1, 1, 1, generator(1)).expand(64, -1, 8, 32)
    made = [
        sample(
            tracks.denoiser(SCHEDULE, task),
            SCHEDULE,
            task,
            given,
            guidance_scale=scale,
            num_steps=25,
            generator=generator(),
        )
        for scale in (1, 7)
    ]
    assert float(made[1][:, 0].std()) < 0.6 * float(made[0][:, 0].std())


def _renamed(task: Task, tracks: GaussianTracks) -> Task:
    """The same slots under the names of `tracks`."""
    names = dict(zip(TRACKS.names, tracks.tracks.names, strict=True))
    return Task(
        tuple(names[name] for name in task.targets),
        tuple(names[name] for name in task.given),
        tracks=tracks.tracks,
    )


# -- rows


@pytest.mark.parametrize(
    ("task", "scale", "text_scale", "each"),
    [
        (CONDITIONAL, 1, 1, 1),
        (CONDITIONAL, 0, 1, 1),
        (CONDITIONAL, 7, 1, 2),
        (CONDITIONAL, 3, 3, 2),
        (CONDITIONAL, 7, 3, 3),
        (Task(TRACKS.names), 7, 1, 1),
        (Task(TRACKS.names), 7, 3, 2),
    ],
)
def test_each_take_costs_a_row_for_every_term_that_counts(task, scale, text_scale, each) -> None:
    text = Prompt(full=prompt(1.0, 3, takes=5), prefix=prompt(0.0, 2, takes=5))
    guidance = Guidance(scale=scale, text_scale=text_scale)
    rows = Sampling(SCHEDULE, task, songs(5), text, guidance=guidance, num_steps=4).rows()
    assert len(rows.z) == len(rows.t) == 5 * each
    assert rows.text is not None
    assert len(rows.text) == 5 * each


def test_outside_its_interval_guidance_costs_nothing() -> None:
    asked: list[tuple[Tensor, Tensor]] = []
    guidance = Guidance(scale=4, interval=(0.3, 0.7))
    run(recorded(asked), Sampling(SCHEDULE, CONDITIONAL, songs(), guidance=guidance, num_steps=20))
    for z, t in asked:
        inside = 300 <= int(t[0, 0]) <= 700
        assert len(z) == (4 if inside else 2)
    assert len({len(z) for z, _ in asked}) == 2


def test_both_halves_share_the_targets_and_differ_in_the_given_tracks_alone() -> None:
    given = songs()
    sampling = Sampling(SCHEDULE, MIXED, given, guidance=Guidance(scale=3), num_steps=6)
    while not sampling.done:
        rows = sampling.rows()
        (heard, deaf), (t_heard, t_deaf) = rows.z.chunk(2), rows.t.chunk(2)
        level = sampling.grid[sampling.step]
        assert t_heard.tolist() == [[level, 0, 1000, level]] * 2
        assert t_deaf.tolist() == [[level, 1000, 1000, level]] * 2
        assert torch.equal(heard[:, 1], given[:, 1])
        assert not torch.isclose(deaf[:, 1], given[:, 1]).any()
        assert torch.equal(heard[:, [0, 2, 3]], deaf[:, [0, 2, 3]])
        sampling.advance(toy(rows.z, rows.t, rows.text))


def test_absent_noise_is_drawn_once_and_kept() -> None:
    asked: list[tuple[Tensor, Tensor]] = []
    guidance = Guidance(scale=3)
    run(recorded(asked), Sampling(SCHEDULE, MIXED, songs(), guidance=guidance, num_steps=6))
    assert len(asked) == 6
    for z, _ in asked:
        assert torch.equal(z[:2, 2], asked[0][0][:2, 2])
        assert torch.equal(z[2:, 1:3], asked[0][0][2:, 1:3])


def test_absent_noise_is_drawn_anew_at_each_step_where_asked() -> None:
    asked: list[tuple[Tensor, Tensor]] = []
    guidance = Guidance(scale=3)
    sampling = Sampling(SCHEDULE, MIXED, songs(), guidance=guidance, num_steps=6, redraw_absent=True)
    made = run(recorded(asked), sampling)
    absent = [z[:, 2] for z, _ in asked]
    assert all(not torch.isclose(a, b).any() for a, b in pairwise(absent))
    assert all(torch.equal(a[:2], a[2:]) for a in absent)
    assert torch.equal(made[:, 1], songs()[:, 1])


def test_the_absent_noise_is_standard_normal_and_not_the_targets() -> None:
    task = Task(("bass",))
    rows = Sampling(SCHEDULE, task, torch.zeros(8, 4, 16, 64), generator=generator()).rows()
    z = rows.z.movedim(1, 0).flatten(1)
    assert torch.allclose(torch.cov(z), torch.eye(4), atol=0.05)
    assert torch.allclose(z.mean(1), torch.zeros(4), atol=0.05)


def test_each_row_reads_the_text_of_its_term() -> None:
    text = Prompt(full=prompt(1.0, 5), prefix=prompt(2.0, 3))
    guidance = Guidance(scale=4, text_scale=2)
    rows = Sampling(SCHEDULE, CONDITIONAL, songs(), text, guidance=guidance).rows()
    assert rows.text is not None
    assert rows.text.states[:, 0, 0].tolist() == [1, 1, 1, 1, 2, 2]
    assert rows.text.mask.sum(1).tolist() == [5, 5, 5, 5, 3, 3]


# -- results and requests


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scale", [0, 1, 3])
def test_given_tracks_come_back_bit_by_bit_and_absent_ones_silent(solver, scale) -> None:
    given = songs()
    given[0, 1, 0, 0] = -0.0
    before = given.clone()
    made = sample(
        toy, SCHEDULE, MIXED, given, guidance_scale=scale, num_steps=5, generator=generator(), solver=solver
    )
    assert made.shape == given.shape
    assert torch.equal(made[:, 1].view(torch.int32), before[:, 1].view(torch.int32))
    assert torch.equal(given, before)
    assert (made[:, 2] == 0).all()
    assert made[:, ::3].isfinite().all()


def test_given_tracks_are_heard_untouched_at_every_step() -> None:
    asked: list[tuple[Tensor, Tensor]] = []
    run(recorded(asked), Sampling(SCHEDULE, CONDITIONAL, songs(), num_steps=7))
    assert all(torch.equal(z[:, 1:3], songs()[:, 1:3]) for z, _ in asked)


@pytest.mark.parametrize("solver", SOLVERS)
def test_slots_that_are_not_given_are_ignored(solver) -> None:
    given, spoiled = songs(), songs()
    spoiled[:, [0, 2, 3]] = torch.nan
    made = [
        sample(
            toy, SCHEDULE, MIXED, each, guidance_scale=2, num_steps=5, generator=generator(), solver=solver
        )
        for each in (given, spoiled)
    ]
    assert torch.equal(made[0], made[1])


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_a_denoiser_says_of_other_tracks_is_ignored(solver) -> None:
    def spoiled(z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        eps = toy(z, t, text)
        eps[:, 1:3] = torch.nan
        return eps

    made = [
        sample(each, SCHEDULE, MIXED, songs(), guidance_scale=2, generator=generator(), solver=solver)
        for each in (toy, spoiled)
    ]
    assert torch.equal(made[0], made[1])


@pytest.mark.parametrize("solver", SOLVERS)
def test_stepping_by_hand_is_the_same_as_sampling(solver) -> None:
    text = Prompt(full=prompt(0.5, 4), prefix=prompt(0.1, 2))
    whole = sample(
        toy,
        SCHEDULE,
        MIXED,
        songs(),
        text,
        guidance_scale=2.5,
        num_steps=9,
        generator=generator(),
        solver=solver,
    )
    sampling = Sampling(
        SCHEDULE,
        MIXED,
        songs(),
        text,
        guidance=Guidance(scale=2.5),
        num_steps=9,
        generator=generator(),
        solver=solver,
    )
    for step in range(9):
        assert not sampling.done
        assert sampling.step == step
        rows = sampling.rows()
        again = sampling.rows()
        assert torch.equal(rows.z, again.z)
        sampling.advance(toy(rows.z, rows.t, rows.text))
    assert sampling.done
    assert torch.equal(sampling.result(), whole)


@pytest.mark.parametrize("solver", SOLVERS)
def test_requests_that_share_batches_do_not_disturb_each_other(solver) -> None:
    def requests() -> list[Sampling]:
        first = Prompt(full=prompt(0.5, 4), prefix=prompt(0.1, 2))
        second = Prompt(full=prompt(-0.5, 7, takes=3), prefix=prompt(0.3, 1, takes=3))
        return [
            Sampling(
                SCHEDULE,
                MIXED,
                songs(),
                first,
                guidance=Guidance(scale=2, text_scale=3),
                num_steps=6,
                solver=solver,
                generator=generator(1),
            ),
            Sampling(
                SCHEDULE,
                Task(TRACKS.names),
                songs(3),
                second,
                num_steps=9,
                solver=solver,
                generator=generator(2),
                redraw_absent=True,
            ),
        ]

    alone = [run(toy, request) for request in requests()]
    together = requests()
    while running := [request for request in together if not request.done]:
        rows = [request.rows() for request in running]
        text = cat([each.text for each in rows if each.text is not None])
        eps = toy(torch.cat([each.z for each in rows]), torch.cat([each.t for each in rows]), text)
        for request, part in zip(running, eps.split([len(each.z) for each in rows]), strict=True):
            request.advance(part)
    for request, wanted in zip(together, alone, strict=True):
        assert torch.equal(request.result(), wanted)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_seed_means_one_result_and_another_seed_another(solver) -> None:
    made = [
        sample(toy, SCHEDULE, MIXED, songs(), num_steps=5, generator=generator(seed), solver=solver)
        for seed in (1, 1, 2)
    ]
    assert torch.equal(made[0], made[1])
    assert not torch.isclose(made[0][:, ::3], made[2][:, ::3]).any()


def test_the_takes_of_one_request_differ() -> None:
    given = songs(1).expand(4, -1, -1, -1)
    made = sample(toy, SCHEDULE, MIXED, given, num_steps=5, generator=generator())
    assert made.shape[0] == 4
    for i in range(3):
        assert not torch.isclose(made[i, ::3], made[i + 1, ::3]).any()


def test_progress_is_told_after_each_step() -> None:
    told: list[tuple[int, int]] = []
    run(
        toy,
        Sampling(SCHEDULE, MIXED, songs(), num_steps=4),
        on_step=lambda step, steps: told.append((step, steps)),
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"solver": "euler"}, "ddpm, ddim, dpmpp_2m"),
        ({"num_steps": 0}, "steps"),
        ({"num_steps": 1001}, "steps"),
    ],
)
def test_options_that_no_solver_has_are_refused_in_one_line(options, named) -> None:
    with pytest.raises(InputError, match=named) as caught:
        Sampling(SCHEDULE, MIXED, songs(), **options)
    assert "\n" not in str(caught.value)
