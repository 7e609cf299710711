from collections.abc import Callable
from pathlib import Path

import pytest
from toy_learning import HashedText, toy_preset

import stemwright.training_loop
from stemwright.curriculum import Curriculum
from stemwright.training_loop import Journal, size_probabilities
from stemwright.training_run import TrainingPlan, TrainingRun


def test_size_probabilities_run_from_singles_to_all_sets_alike() -> None:
    curriculum = Curriculum(num_tracks=4)
    assert list(size_probabilities(curriculum, 0.0).values()) == [1, 0, 0, 0]
    assert list(size_probabilities(curriculum, 1.0).values()) == pytest.approx(
        [4 / 15, 6 / 15, 4 / 15, 1 / 15]
    )


def test_a_long_run_writes_means_over_equal_spans(
    make_latents: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stemwright.training_loop, "MAX_RECORDS", 3)
    plan = TrainingPlan(preset=toy_preset(), data=str(make_latents({"song": 400})), steps=8)
    run = TrainingRun.of(plan, text_encoder=HashedText())
    journal, records = Journal(run), []
    for step in range(1, 9):
        run.learner.step_count = step
        rare = {"loss_joint": 7.0} if step == 4 else {}
        if record := journal.add({"loss": float(step), **rare}, 0.5, close=run.is_done):
            records.append(record)
    assert [(record["step"], record["loss"]) for record in records] == [(3, 2), (6, 5), (8, 7.5)]
    assert [record.get("loss_joint") for record in records] == [None, 7, None]
    assert all(record["windows_per_s"] == 2 * plan.preset.training.batch_size for record in records)
