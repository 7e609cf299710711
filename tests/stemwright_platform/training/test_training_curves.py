from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from stemwright.training_log import Record
from stemwright_platform.training.training_curves import curve, draw_training_curves


def record(step: int, **more: float) -> Record:
    chances = {"p_targets_1": 0.5, "p_targets_2": 0.5, "p1": 0.8, "p2": 0.0, "p_region": 0.25}
    return {
        "step": step,
        "total_steps": 8,
        "loss": 1 / step,
        "loss_joint": 1 / step,
        "grad_norm": 0.3,
        "learning_rate": 1e-4,
        "audio_s_per_s": 10.0,
        "skipped": 0.0,
        **chances,
        **more,
    }


def score(step: int) -> Record:
    groups = {"ratio_by_targets": {"1": 0.9, "2": 0.95}, "ratio_by_mode": {"joint": 0.9}}
    return {"step": step, "loss": 0.5, "ratio": 0.9, "ratio_region": 0.8, **groups}


def skipped(step: int) -> Record:
    return {
        name: value for name, value in record(step, skipped=1.0).items() if name not in ("loss", "grad_norm")
    }


def test_a_curve_has_the_records_that_have_the_figure() -> None:
    records = [record(1), skipped(2), record(3)]
    assert curve(records, "loss") == ([1, 3], [1, 1 / 3])
    assert curve([score(2)], "joint", inside="ratio_by_mode") == ([2], [0.9])
    assert curve(records, "nothing") == ([], [])


@pytest.mark.parametrize(
    ("metrics", "scores"),
    [
        ([record(1)], []),
        ([skipped(1)], []),
        ([record(1), skipped(2), record(3)], [score(2)]),
        ([record(1, loss=0.0, grad_norm=0.0)], []),
    ],
)
def test_every_run_can_be_drawn(metrics: list[Record], scores: list[Record], tmp_path: Path) -> None:
    assert imread(draw_training_curves(metrics, scores, tmp_path / "c.png", "run")).size > 0


def test_the_teacher_has_a_row_where_there_is_one(tmp_path: Path) -> None:
    taught = [record(1, teacher_wanted=2.0, teacher_served=1.0, teacher_age_steps=5.0)]
    heights = [
        imread(draw_training_curves(metrics, [], tmp_path / "c.png", "run")).shape[0]
        for metrics in ([record(1)], taught)
    ]
    assert np.diff(heights)[0] > 200
