from math import nan
from pathlib import Path

import pytest
from matplotlib.image import imread

from stemwright_platform.assessment.steps import StepScores, fewest_steps
from stemwright_platform.assessment.steps_picture import Curve, draw_steps


def scores(steps: int, coherence: float, frechet: float = 0.1, level_db: float = -20.0) -> StepScores:
    return StepScores(
        steps=steps, seconds=steps / 10, coherence=coherence, frechet=frechet, level_db=level_db
    )


def test_the_fewest_steps_that_cost_next_to_nothing_are_found() -> None:
    table = [scores(4, 0.2), scores(8, 0.58), scores(16, 0.6), scores(50, 0.6)]
    assert fewest_steps(table) == 8


@pytest.mark.parametrize("bad", [scores(8, 0.4), scores(8, 0.6, frechet=0.2), scores(8, 0.6, level_db=-25.0)])
def test_a_loss_in_any_score_asks_for_more_steps(bad: StepScores) -> None:
    assert fewest_steps([scores(4, 0.6), bad, scores(16, 0.6), scores(50, 0.6)]) == 16


def test_what_could_not_be_measured_decides_nothing() -> None:
    table = [scores(4, nan, frechet=0.5), scores(8, nan), scores(50, nan)]
    assert fewest_steps(table) == 8
    assert fewest_steps([scores(4, nan, nan, nan), scores(8, nan, nan, nan)]) is None


def test_better_scores_with_fewer_steps_are_no_loss() -> None:
    assert fewest_steps([scores(4, 0.9, frechet=0.01), scores(50, 0.6)]) == 4


def test_the_curves_are_drawn_with_gaps_where_nothing_was_measured(tmp_path: Path) -> None:
    curves = [
        Curve(title="seconds", values=[1.0, 2.0, 3.0]),
        Curve(title="share", values=[nan, 0.5, 0.6], allowed=0.5),
    ]
    picture = draw_steps([4, 8, 50], curves, 8, tmp_path / "steps.png")
    assert imread(picture).shape[0] > 400
    assert [path.name for path in tmp_path.iterdir()] == ["steps.png"]
