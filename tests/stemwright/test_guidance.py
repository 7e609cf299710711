import pytest
import torch
from torch import Tensor

from stemwright.errors import InputError
from stemwright.guidance import Guidance
from stemwright.tasks import Task
from stemwright.tracks import TRACKS

CONDITIONAL = Task(("bass", "melody"), ("drums", "instrument"))
MARGINAL = Task(("bass", "melody"))
TAKES = 3
SCALES = [0.0, 0.3, 1.0, 2.0, 7.0]


def answers(seed: int = 0) -> dict[tuple[bool, bool], Tensor]:
    """What some model says to each (hears given, reads prompt), [B, K, D, S]."""
    generator = torch.Generator().manual_seed(seed)
    keys = [(heard, read) for heard in (True, False) for read in (True, False)]
    return {key: torch.randn(TAKES, 4, 5, 6, generator=generator) for key in keys}


def guided(
    guidance: Guidance, task: Task, said: dict[tuple[bool, bool], Tensor], fraction: float = 1
) -> Tensor:
    terms = guidance.terms(task, fraction)
    rows = torch.cat([said[term.hears_given, term.reads_prompt] for term in terms])
    return guidance.combine(rows, terms, TAKES)


@pytest.mark.parametrize("scale", SCALES)
def test_guidance_between_tracks_is_eq_6(scale) -> None:
    said = answers()
    wanted = (1 - scale) * said[False, True] + scale * said[True, True]
    assert torch.allclose(guided(Guidance(scale=scale), CONDITIONAL, said), wanted, atol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("text_scale", SCALES)
def test_text_guidance_stands_beside_it(scale, text_scale) -> None:
    said = answers()
    without, read, heard = said[False, False], said[False, True], said[True, True]
    wanted = without + text_scale * (read - without) + scale * (heard - read)
    made = guided(Guidance(scale=scale, text_scale=text_scale), CONDITIONAL, said)
    assert torch.allclose(made, wanted, atol=1e-5)


@pytest.mark.parametrize("task", [MARGINAL, Task(TRACKS.names)])
@pytest.mark.parametrize("text_scale", SCALES)
def test_without_given_tracks_text_guidance_alone_applies(task, text_scale) -> None:
    said = answers()
    wanted = said[False, False] + text_scale * (said[False, True] - said[False, False])
    made = guided(Guidance(scale=7.0, text_scale=text_scale), task, said)
    assert torch.allclose(made, wanted, atol=1e-5)


def test_at_scale_one_and_zero_a_single_answer_comes_through_untouched() -> None:
    said = answers()
    assert torch.equal(guided(Guidance(), CONDITIONAL, said), said[True, True])
    assert torch.equal(guided(Guidance(scale=0), CONDITIONAL, said), said[False, True])
    assert torch.equal(guided(Guidance(), MARGINAL, said), said[False, True])


@pytest.mark.parametrize(
    ("task", "scale", "text_scale", "evaluations"),
    [
        (CONDITIONAL, 1, 1, 1),
        (CONDITIONAL, 0, 1, 1),
        (CONDITIONAL, 7, 1, 2),
        (CONDITIONAL, 2, 2, 2),
        (CONDITIONAL, 0, 0, 1),
        (CONDITIONAL, 1, 2, 3),
        (CONDITIONAL, 7, 2, 3),
        (MARGINAL, 7, 1, 1),
        (MARGINAL, 7, 2, 2),
        (MARGINAL, 7, 0, 1),
    ],
)
def test_terms_of_no_weight_are_never_evaluated(task, scale, text_scale, evaluations) -> None:
    terms = Guidance(scale=scale, text_scale=text_scale).terms(task)
    assert len(terms) == evaluations
    assert all(term.weight != 0 for term in terms)
    assert sum(term.weight for term in terms) == pytest.approx(1)


def test_a_task_without_given_tracks_is_never_told_that_it_hears_them() -> None:
    assert not any(term.hears_given for term in Guidance(scale=7, text_scale=3).terms(MARGINAL))


def test_a_nan_in_one_track_stays_in_that_track() -> None:
    said = answers()
    for each in said.values():
        each[:, 1] = torch.nan
    made = guided(Guidance(scale=3, text_scale=2, rescale=0.5), CONDITIONAL, said)
    assert made[:, [0, 2, 3]].isfinite().all()


@pytest.mark.parametrize(
    ("fraction", "acts"), [(1.0, False), (0.8, True), (0.5, True), (0.2, True), (0.1, False)]
)
def test_guidance_acts_in_its_interval_alone(fraction, acts) -> None:
    said = answers()
    guidance = Guidance(scale=5, text_scale=3, interval=(0.2, 0.8))
    made = guided(guidance, CONDITIONAL, said, fraction)
    plain = guided(Guidance(), CONDITIONAL, said)
    full = guided(Guidance(scale=5, text_scale=3), CONDITIONAL, said)
    assert torch.equal(made, full if acts else plain)
    assert len(guidance.terms(CONDITIONAL, fraction)) == (3 if acts else 1)


def test_full_rescaling_gives_each_track_the_spread_of_the_conditional_answer() -> None:
    said = answers()
    spread = said[True, True].std((-2, -1))
    plain = guided(Guidance(scale=6), CONDITIONAL, said)
    whole = guided(Guidance(scale=6, rescale=1.0), CONDITIONAL, said)
    half = guided(Guidance(scale=6, rescale=0.5), CONDITIONAL, said)
    assert (plain.std((-2, -1)) > 2 * spread).all()
    assert torch.allclose(whole.std((-2, -1)), spread, rtol=1e-4)
    assert torch.allclose(half, (plain + whole) / 2, atol=1e-5)


def test_rescaling_leaves_an_unguided_estimate_alone() -> None:
    said = answers()
    assert torch.equal(guided(Guidance(rescale=1.0), CONDITIONAL, said), said[True, True])


@pytest.mark.parametrize(
    "options",
    [
        {"scale": -0.1},
        {"scale": 101},
        {"scale": float("nan")},
        {"text_scale": -1},
        {"text_scale": 1e9},
        {"rescale": 1.5},
        {"rescale": -0.1},
        {"interval": (0.8, 0.2)},
        {"interval": (-0.1, 1.0)},
        {"interval": (0.0, 1.1)},
    ],
)
def test_options_out_of_range_are_refused_in_one_line(options) -> None:
    with pytest.raises(InputError) as caught:
        Guidance(**options)
    assert "\n" not in str(caught.value)
