"""Several λ in one batch: the same results as one by one, with fewer rows."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.guidance import Guidance
from stemwright.sampler import Prompt, Rows, Sampling, run
from stemwright.tasks import Task
from stemwright.text_embedding import TextEmbedding
from stemwright.tracks import TRACKS
from stemwright_platform.sweeps.guidance_rows import GuidanceRows, distinct

SCHEDULE = NoiseSchedule.scaled_linear()
TASK = Task(("bass", "melody"), ("drums", "instrument"))
SCALES = (0.0, 1.0, 1.5, 2.0, 7.0)
STEPS = 6


def denoiser(z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
    """Hears every track, timestep and the text; each row for itself."""
    level = (t.to(z.dtype) / 1000)[..., None, None]
    eps = 0.5 * z + 0.2 * level * z.roll(1, 1) - 0.1 * z.roll(2, 1) * z.roll(1, 3) + 0.05 * level
    return eps if text is None else eps + 0.1 * text.states[:, :1, :1, None]


class Counted:
    """The denoiser, and how many rows it was asked for."""

    def __init__(self) -> None:
        self.rows, self.largest = 0, 0

    def __call__(self, z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        self.rows, self.largest = self.rows + len(z), max(self.largest, len(z))
        return denoiser(z, t, text)


def latents(seed: int = 0, takes: int = 2) -> Tensor:
    return torch.randn(takes, 4, 3, 5, generator=torch.Generator().manual_seed(seed))


def prompt(takes: int = 2) -> Prompt:
    full = TextEmbedding(torch.ones(takes, 5, 4), torch.ones(takes, 5, dtype=torch.bool))
    prefix = TextEmbedding(torch.zeros(takes, 3, 4), torch.ones(takes, 3, dtype=torch.bool))
    return Prompt(full=full, prefix=prefix)


def samplings(
    scales: Sequence[float] = SCALES, given: Tensor | None = None, task: Task = TASK, text_scale: float = 1
) -> list[Sampling]:
    return [
        Sampling(
            SCHEDULE,
            task,
            latents() if given is None else given,
            prompt(),
            guidance=Guidance(scale=scale, text_scale=text_scale),
            num_steps=STEPS,
            generator=torch.Generator().manual_seed(3),
        )
        for scale in scales
    ]


@pytest.mark.parametrize("text_scale", [1.0, 3.0])
def test_each_scale_comes_out_as_it_does_alone(text_scale: float) -> None:
    together = GuidanceRows(samplings(text_scale=text_scale)).run(denoiser)
    alone = [run(denoiser, sampling) for sampling in samplings(text_scale=text_scale)]
    for shared, single in zip(together, alone, strict=True):
        assert torch.allclose(shared, single, atol=1e-5)
    assert not torch.allclose(together[1], together[3], atol=1e-2)


def test_the_first_step_asks_for_two_rows_a_take_whatever_the_number_of_scales() -> None:
    counted, rows = Counted(), GuidanceRows(samplings())
    rows.step(counted)
    assert counted.rows == rows.asked == 2 * 2


def test_rows_are_saved_as_far_as_states_are_equal() -> None:
    counted, rows = Counted(), GuidanceRows(samplings())
    rows.run(counted)
    takes, halves = 2, 1 + 1 + 2 + 2 + 2  # one for λ = 0 and λ = 1
    assert rows.wanted == STEPS * halves * takes
    assert rows.asked == counted.rows == (2 + (STEPS - 1) * halves) * takes


def test_the_marginal_scale_never_depends_on_the_given_tracks() -> None:
    other = torch.where(TASK.given_mask[:, None, None], latents(seed=8), latents())
    one, two = (GuidanceRows(samplings((0.0, 2.0), given)).run(denoiser) for given in (latents(), other))
    targets = TASK.target_mask
    assert torch.equal(one[0][:, targets], two[0][:, targets])
    assert not torch.allclose(one[1][:, targets], two[1][:, targets], atol=1e-2)


def test_the_marginal_scale_is_the_marginal_task() -> None:
    marginal = run(denoiser, samplings((1.0,), task=Task(TASK.targets))[0])
    deaf = GuidanceRows(samplings((0.0, 3.0))).run(denoiser)[0]
    assert torch.allclose(deaf[:, TASK.target_mask], marginal[:, TASK.target_mask], atol=1e-6)


def test_without_given_tracks_all_scales_cost_as_much_as_one() -> None:
    counted = Counted()
    results = GuidanceRows(samplings(task=Task(TRACKS.names))).run(counted)
    assert counted.rows == STEPS * 2
    assert all(torch.equal(result, results[0]) for result in results)


def test_large_batches_are_cut() -> None:
    counted = Counted()
    cut = GuidanceRows(samplings(), largest_batch=3).run(counted)
    assert counted.largest == 3
    for one, other in zip(cut, GuidanceRows(samplings()).run(denoiser), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("column", ["z", "t", "states", "mask"])
def test_rows_that_differ_anywhere_stay_apart(column: str) -> None:
    z, t = latents(takes=1).repeat(3, 1, 1, 1), torch.full((3, 4), 500)
    text = TextEmbedding(torch.zeros(3, 2, 4), torch.ones(3, 2, dtype=torch.bool))
    whole = {"z": z, "t": t, "states": text.states, "mask": text.mask}
    if column == "mask":
        text.mask[1, 0] = False
    else:
        whole[column][1].view(-1)[-1] += 1
    kept, place = distinct(Rows(z=z, t=t, text=text))
    assert kept.tolist() == [0, 1]
    assert place.tolist() == [0, 1, 0]
