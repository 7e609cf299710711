"""What a step asks of the denoiser: a row for each guidance term of each take."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor
from toy_sampling import CONDITIONAL, MIXED, SCHEDULE, generator, prompt, recorded, songs, toy

from stemwright.guidance import Guidance
from stemwright.sampler import Prompt, Sampling, run
from stemwright.tasks import Task
from stemwright.tracks import TRACKS


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
