import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.assessment.assess import assess_model, part_figures, read_assessment
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.part import PARTS, chosen_parts
from stemwright_platform.assessment.take_making import TakeMaking
from stemwright_platform.evaluation.systems import SamplingChoice

TEMPO = chosen_parts("tempo")


@pytest.fixture(scope="module")
def assessed(make_plan: Callable[..., AssessmentPlan], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("assessed_whole") / "out"
    list(assess_model(make_plan(), out, TEMPO))
    return out


def test_figures_and_page_are_written_and_come_back(assessed: Path) -> None:
    figures = part_figures(read_assessment(assessed), TEMPO[0])
    assert {figure.name for figure in figures} == {"tempo.joint", "tempo.drums_alone"}
    assert "tempo.joint" in (assessed / "index.html").read_text()


def test_a_second_call_makes_nothing_and_says_the_same(
    assessed: Path, make_plan: Callable[..., AssessmentPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_assessment(assessed)["parts"]

    def refuse(*_: object) -> None:
        raise AssertionError("made anew")

    monkeypatch.setattr(TakeMaking, "__call__", refuse)
    list(assess_model(make_plan(), assessed, TEMPO))
    assert read_assessment(assessed)["parts"] == before


def test_a_take_that_is_lost_is_made_again_and_only_it(
    assessed: Path, make_plan: Callable[..., AssessmentPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_assessment(assessed)["parts"]
    lost = next((assessed / "heard" / "model" / "joint").iterdir())
    lost.unlink()
    made: list[str] = []
    whole = TakeMaking.__call__

    def noted(self: TakeMaking, orders: Sequence) -> None:
        made.extend(order.name for order in orders)
        whole(self, orders)

    monkeypatch.setattr(TakeMaking, "__call__", noted)
    list(assess_model(make_plan(), assessed, TEMPO))
    assert made == [lost.stem]
    assert read_assessment(assessed)["parts"] == before


def test_parts_measured_before_stay_beside_new_ones(
    assessed: Path, make_plan: Callable[..., AssessmentPlan]
) -> None:
    list(assess_model(make_plan(), assessed, chosen_parts("copying")))
    assert read_assessment(assessed)["parts"].keys() >= {"tempo", "copying"}
    json.dumps(read_assessment(assessed), allow_nan=False)


def test_another_setting_is_refused_and_a_larger_number_is_not(
    assessed: Path, make_plan: Callable[..., AssessmentPlan]
) -> None:
    other = make_plan(sampling=SamplingChoice(num_steps=3))
    with pytest.raises(InputError, match="another sampling: choose another --out"):
        list(assess_model(other, assessed, TEMPO))
    replace(make_plan(), patches=13).begin(
        assessed, json.loads((assessed / "settings.json").read_text())["model"]
    )


def test_parts_are_chosen_by_name_in_their_own_order() -> None:
    assert chosen_parts(None) == PARTS
    assert [part.name for part in chosen_parts("tempo, coherence")] == ["coherence", "tempo"]
    with pytest.raises(InputError, match="--parts taste: choose from coherence"):
        chosen_parts("taste")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_part_has_a_function_to_measure_it(part) -> None:
    from importlib import import_module

    assert callable(getattr(import_module(f"stemwright_platform.assessment.{part.module}"), part.function))


@pytest.mark.parametrize(
    "change",
    [{"duration_s": 1.0}, {"patches": 1}, {"coherence_songs": 1}, {"batch": 0}, {"soundfonts": ("a",)}],
)
def test_a_plan_that_cannot_be_is_refused_by_its_option(
    make_plan: Callable[..., AssessmentPlan], change: dict
) -> None:
    with pytest.raises(InputError, match="--"):
        make_plan(**change)
