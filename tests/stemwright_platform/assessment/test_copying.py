import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from stemwright.errors import InputError
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.copying import copying_figures
from stemwright_platform.corpus.manifest import read_manifest, write_manifest


def test_without_training_songs_nothing_is_claimed(truthful: Context) -> None:
    (figure,) = copying_figures(truthful)
    assert math.isnan(figure.value)
    assert "--training" in figure.note


def test_takes_that_are_held_out_songs_themselves_are_hardly_called_copies(
    truthful: Context, make_plan: Callable[..., AssessmentPlan], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("training")
    songs = read_manifest(str(truthful.plan.manifest))
    write_manifest(folder / "manifest.parquet", [replace(song, split="train") for song in songs[-3:]])
    plan = make_plan(training=str(folder / "manifest.parquet"))
    (figure,) = copying_figures(type(truthful)(plan, truthful.out))
    assert figure.value <= 1 / figure.n  # the nearest of them alone lies below what sets the bound


def test_a_manifest_without_training_songs_is_refused(
    truthful: Context, make_plan: Callable[..., AssessmentPlan]
) -> None:
    plan = make_plan(training=truthful.plan.manifest)  # all held out
    with pytest.raises(InputError, match="two training songs"):
        copying_figures(Context(plan, truthful.out))
