"""Regions of targets that are known: the sampler held to a law that is known exactly."""

import pytest
import torch
from gaussian_music import gaussian_music
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.guidance import Guidance
from stemwright.sampler import Sampling, run, sample
from stemwright.solver_name import SOLVERS, Solver
from stemwright.tasks import Task
from stemwright.tracks import Tracks

FRAMES = 6
SCHEDULE = NoiseSchedule.scaled_linear()
TRACKS = Tracks(names=("a", "b", "c"), prompt_names=("a", "b", "c"))
MUSIC = gaussian_music(3, FRAMES)


class UnitDraws(Sampling):
    """A request in whose j-th take all of the first noise is 0 but its j-th number, which is 1."""

    _drawn = False

    def _draw(self) -> Tensor:
        noise = torch.zeros_like(self._given)
        if not self._drawn:
            count = noise[0].numel()
            noise[:count] = torch.eye(count, dtype=noise.dtype).view(count, *noise.shape[1:])
        self._drawn = True
        return noise


def known_frames(*frames: int) -> Tensor:
    return torch.isin(torch.arange(FRAMES), torch.tensor(frames))


@pytest.mark.parametrize("solver", SOLVERS)
def test_known_frames_come_back_bit_identical_and_the_rest_is_made(solver: Solver) -> None:
    given = MUSIC.draw(2, torch.Generator().manual_seed(1))
    known = known_frames(0, 1, 5)
    made = sample(
        MUSIC.denoiser(SCHEDULE),
        SCHEDULE,
        Task(("a", "b"), ("c",), tracks=TRACKS),
        given,
        known=known,
        num_steps=12,
        solver=solver,
        generator=torch.Generator().manual_seed(2),
    )
    assert torch.equal(made[..., known], given[..., known])
    assert torch.equal(made[:, 2], given[:, 2])
    assert not torch.isclose(made[:, :2, :, ~known], given[:, :2, :, ~known]).any()


@pytest.mark.parametrize("solver", ["ddim", "dpmpp_2m"])
@pytest.mark.parametrize(
    "known", [known_frames(0, 1, 2), known_frames(2, 3), known_frames(0, 4, 5)], ids=["end", "around", "gap"]
)
def test_what_is_made_has_the_law_of_the_rest_given_the_known_frames(solver: Solver, known: Tensor) -> None:
    task = Task(("a", "b"), ("c",), tracks=TRACKS)
    song = MUSIC.draw(1, torch.Generator().manual_seed(3))
    count = song[0].numel()
    # one take for each number of the noise, and one with none: sampling is affine in them
    takes = song.expand(count + 1, -1, -1, -1).clone()
    sampling = UnitDraws(SCHEDULE, task, takes, known=known, num_steps=200, solver=solver)
    made = run(MUSIC.denoiser(SCHEDULE), sampling).flatten(1)
    heard = _heard(task, known)
    mean, covariance = MUSIC.given(heard, song.flatten()[heard])
    columns = (made[:-1] - made[-1])[:, ~heard].T
    # pure noise lacks the little of the mean that is left at N; the map says what that comes to
    lacking = columns[:, ~heard] @ (float(SCHEDULE.alpha_bar[-1]) ** 0.5 * mean)
    torch.testing.assert_close(made[-1, ~heard] + lacking, mean, rtol=0, atol=0.02)
    torch.testing.assert_close(columns @ columns.T, covariance, rtol=0.05, atol=0.02)


def _heard(task: Task, known: Tensor) -> Tensor:
    """Entries [K·S] that the sampler is given."""
    return ((task.target_mask[:, None] & known) | task.given_mask[:, None]).flatten()


def test_every_guidance_term_hears_the_known_frames() -> None:
    given = MUSIC.draw(2, torch.Generator().manual_seed(1))
    known = known_frames(1, 2)
    sampling = Sampling(
        SCHEDULE,
        Task(("a",), ("c",), tracks=TRACKS),
        given,
        known=known,
        guidance=Guidance(scale=3.0),
        num_steps=4,
    )
    rows = sampling.rows()
    assert rows.t.shape == (4, 3, FRAMES)
    assert (rows.t[:, 0, known] == 0).all()
    assert (rows.t[:, 0, ~known] == SCHEDULE.num_timesteps).all()
    assert torch.equal(rows.z[:, 0, :, known], given[:, 0, :, known].repeat(2, 1, 1))
    # the given track is heard by the conditional half alone
    assert (rows.t[:2, 2] == 0).all()
    assert (rows.t[2:, 2] == SCHEDULE.num_timesteps).all()
    assert (rows.t[:, 1] == SCHEDULE.num_timesteps).all()
