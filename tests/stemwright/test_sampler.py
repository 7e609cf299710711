import pytest
import torch
from torch import Tensor
from toy_sampling import CONDITIONAL, MIXED, SCHEDULE, generator, prompt, recorded, songs, toy

from stemwright.errors import InputError
from stemwright.guidance import Guidance
from stemwright.sampler import Prompt, Sampling, run, sample
from stemwright.solver_name import SOLVERS
from stemwright.tasks import Task
from stemwright.text_embedding import TextEmbedding, cat
from stemwright.tracks import TRACKS


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
