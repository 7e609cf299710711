from dataclasses import replace
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
from stemwright_platform.evaluation.feature_choice import FeatureChoice, parse_embeddings
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice

PLAN = EvaluationPlan(source=Source(model="runs/first", data="latents"))


def test_the_same_plan_takes_up_its_folder_again(tmp_path: Path) -> None:
    PLAN.begin(tmp_path / "report", "abc")
    PLAN.begin(tmp_path / "report", "abc")


@pytest.mark.parametrize(
    ("plan", "fingerprint", "named"),
    [
        (replace(PLAN, seed=1), "abc", "seed"),
        (replace(PLAN, sampling=SamplingChoice(num_steps=3)), "abc", "sampling"),
        (replace(PLAN, duration_s=8.0), "abc", "duration_s"),
        (PLAN, "def", "model"),
    ],
)
def test_a_folder_of_another_plan_or_model_is_refused(
    plan: EvaluationPlan, fingerprint: str, named: str, tmp_path: Path
) -> None:
    PLAN.begin(tmp_path, "abc")
    with pytest.raises(InputError, match=rf"other settings \({named}\)"):
        plan.begin(tmp_path, fingerprint)


def test_other_ears_keep_what_was_made(tmp_path: Path) -> None:
    PLAN.begin(tmp_path, "abc")
    replace(PLAN, features=FeatureChoice(embeddings=("musicnn", "vggish"))).begin(tmp_path, "abc")
    moved = replace(PLAN.source, model="elsewhere", text_weights="here")
    replace(PLAN, source=moved, references=3).begin(tmp_path, "abc")


def test_reports_compare_where_all_but_the_model_and_its_sampling_is_the_same() -> None:
    other_model = replace(PLAN, source=replace(PLAN.source, model="second"))
    assert other_model.key == replace(PLAN, sampling=SamplingChoice(guidance_scale=3.0)).key == PLAN.key
    assert replace(PLAN, clips=3).key != PLAN.key


@pytest.mark.parametrize(("clips", "duration_s"), [(1, 10.0), (8, 1.0), (8, 601.0)])
def test_what_gives_no_figures_is_refused(clips: int, duration_s: float) -> None:
    with pytest.raises(InputError, match=r"--clips|--duration"):
        replace(PLAN, clips=clips, duration_s=duration_s)


def test_embeddings_are_known_by_name_and_named_once() -> None:
    assert parse_embeddings(["musicnn", "vggish=a", "vggish=b"]) == ("musicnn", "vggish=b")
    assert FeatureChoice(embeddings=("vggish=b",)).names == ("vggish",)
    with pytest.raises(InputError, match=r"unknown embedding 'vgish'.*musicnn"):
        FeatureChoice(embeddings=("vgish",))
