import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.guidance import guidance_figures

Plans = Callable[..., AssessmentPlan]


def sweep(folder: Path, choice: float | None) -> str:
    found: dict[str, Any] = {
        "by": "coherence",
        "unit": "share",
        "scales": [1.0, 2.0],
        "clips": 8,
        "no_choice": "too few clips" if choice is None else "",
        "choice": None if choice is None else {"scale": choice, "as_good": [choice]},
        "curve": {"all": {"value": [0.4, None], "low": [0.3, None], "high": [0.5, None], "n": 8}},
    }
    (folder / "sweep.json").write_text(json.dumps(found))
    return str(folder)


def test_a_default_that_the_sweep_chose_meets_its_target(make_plan: Plans, tmp_path: Path) -> None:
    context = Context(make_plan(), tmp_path)
    default = context.composer.checkpoint.sampling.guidance_scale
    chosen = Context(make_plan(guidance=sweep(tmp_path, default)), tmp_path)
    first, *curve = guidance_figures(chosen)
    assert first.met
    assert [figure.name for figure in curve] == ["guidance.at_1", "guidance.at_2"]
    assert curve[0].value == 0.4


def test_another_choice_is_missed_by_the_difference(make_plan: Plans, tmp_path: Path) -> None:
    context = Context(make_plan(), tmp_path)
    other = context.composer.checkpoint.sampling.guidance_scale + 1.5
    first = guidance_figures(Context(make_plan(guidance=sweep(tmp_path, other)), tmp_path))[0]
    assert first.missed_by == pytest.approx(1.5)


def test_a_sweep_that_could_not_choose_says_why(make_plan: Plans, tmp_path: Path) -> None:
    first = guidance_figures(Context(make_plan(guidance=sweep(tmp_path, None)), tmp_path))[0]
    assert first.verdict == "not measured"
    assert "too few clips" in first.note


def test_a_folder_without_a_sweep_is_named(make_plan: Plans, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sweep of the guidance scale"):
        guidance_figures(Context(make_plan(guidance=str(tmp_path)), tmp_path))


def test_where_no_sweep_is_named_there_is_nothing_to_tell(make_plan: Plans, tmp_path: Path) -> None:
    assert guidance_figures(Context(make_plan(), tmp_path)) == []
