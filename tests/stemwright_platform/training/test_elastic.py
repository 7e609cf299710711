"""Machines leave and come, and the run goes on with what is there."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from elastic_plan import LEAVE, RETURN, STEPS, elastic_plan

from stemwright.checkpoint import load_checkpoint
from stemwright.errors import InputError
from stemwright.learner import seeded_model
from stemwright.run_folder import RunFolder
from stemwright.train_locally import train_locally
from stemwright.training_log import read_log
from stemwright.training_run import TrainingPlan
from stemwright_platform.training.teacher_crew import TeacherCrew

SCRIPT = Path(__file__).with_name("elastic_run.py")


@pytest.mark.chaos
def test_a_run_outlives_a_lost_node_and_takes_a_new_one_in(
    make_latents: Callable[..., Path], tmp_path: Path, tracking_uri: str
) -> None:
    data = make_latents({"song": 200, "short": 30, "other": 100}, held_out=["other"])
    command = [sys.executable, str(SCRIPT), str(data), str(tmp_path / "run"), tracking_uri]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"failures": []}
    records = read_log(RunFolder(tmp_path / "run").metrics)
    assert [record["step"] for record in records] == list(range(1, STEPS + 1))
    there = [record["workers"] for record in records]
    assert there[: LEAVE // 2] == [2] * (LEAVE // 2)
    assert 1 in there
    assert there[-1] == 2
    assert there.index(1) < RETURN
    # one process with the batch of both learns the same
    plan = elastic_plan(str(data))
    preset = replace(plan.preset, training=replace(plan.preset.training, batch_size=4))
    alone = train_locally(preset, data, tmp_path / "alone", steps=STEPS, validation_windows=2)
    last = f"checkpoints/step-{STEPS:07d}"
    made, expected = load_checkpoint(tmp_path / "run" / last), load_checkpoint(alone.path / last)
    begun = seeded_model(expected.preset, 0).state_dict()
    for name, value in expected.model.state_dict().items():
        moved = (value - begun[name]).abs().max()
        assert (made.model.state_dict()[name] - value).abs().max() <= 0.02 * moved + 1e-7, name


@pytest.mark.parametrize("count", [0, 3])
def test_a_number_of_workers_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=f"goes on with 1 to 2 of its workers, got {count}"):
        replace(elastic_plan("data"), min_workers=count)


def test_teachers_need_workers_that_stay(plan: TrainingPlan) -> None:
    taught = replace(plan.preset, training=replace(plan.preset.training, p2=0.5))
    with pytest.raises(InputError, match="leave out one of the two"):
        TeacherCrew(count=2).check(replace(plan, preset=taught, workers=2, min_workers=1))
