"""Sweeps on a real cluster of Ray, tracked in a real store of MLflow."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.sweeps.resources import Resources
from stemwright_platform.sweeps.sweep import SweepOutcome, sweep_curriculum
from stemwright_platform.sweeps.sweep_plan import SweepPlan
from stemwright_platform.training.tracking import open_client

MakePlan = Callable[..., SweepPlan]


def written(outcome: SweepOutcome) -> dict[str, int]:
    """When each trial's model was written."""
    return {
        path.parent.name: (path / "model.safetensors").stat().st_mtime_ns
        for path in outcome.folder.path.glob("trials/*/model")
    }


def children(uri: str, outcome: SweepOutcome) -> tuple[Any, list[Any]]:
    """The sweep's run and its trials' in MLflow."""
    runs = open_client(uri).search_runs(["1"], max_results=1000)
    key = json.loads((outcome.folder.path / "sweep.json").read_text())["id"]
    (parent,) = [run for run in runs if run.data.tags.get("stemwright.run") == key]
    return parent, [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_a_sweep_grows_without_repeating_what_has_ended(
    make_plan: MakePlan, tmp_path: Path, sweeps_tracking_uri: str
) -> None:
    out, uri = tmp_path / "sweep", sweeps_tracking_uri
    plan = make_plan("p1=0.2,0.8")
    first = sweep_curriculum(plan, out, tracking_uri=uri)
    assert [result.state for result in first.results] == ["finished", "finished"]
    before = written(first)
    second = sweep_curriculum(
        replace(plan, seeds=(1, 2)), out, resources=Resources(parallel=2), tracking_uri=uri
    )
    assert (second.known, len(second.results)) == (2, 4)
    assert {name: when for name, when in written(second).items() if name in before} == before
    assert {result.seed for result in second.results} == {1, 2}
    assert second.summary.degrees == 1
    parent, runs = children(uri, second)
    assert parent.info.status == "FINISHED"
    assert {run.info.run_name for run in runs} == set(written(second))
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        assert run.data.params["p1"] in ("0.2", "0.8")
        assert {"loss", "validation.ratio", "final.ratio"} <= set(run.data.metrics)
    report = json.loads(second.folder.results.read_text())
    assert len(report["trials"]) == 4
    assert second.folder.page.is_file()
    assert (second.folder.pictures / "fields.png").is_file()
    assert "| p1 |" in (second.folder.path / "table.md").read_text()


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_a_trial_that_fails_is_reported_and_the_others_go_on(
    make_plan: MakePlan, tmp_path: Path, sweeps_tracking_uri: str
) -> None:
    plan = make_plan("p1=0.2,0.8")
    bad = plan.trial({"training.p1": 0.2}, 1, (tmp_path / "sweep").resolve())
    bad.folder.mkdir(parents=True)
    facts = {"kind": "curriculum", **plan.facts()}
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps({"id": "x", "facts": facts, "asked": {}}))
    (bad.folder / "mine.txt").write_text("a training cannot begin here")
    outcome = sweep_curriculum(plan, tmp_path / "sweep", tracking_uri=sweeps_tracking_uri)
    assert {result.setting["training.p1"]: result.state for result in outcome.results} == {
        0.2: "failed",
        0.8: "finished",
    }
    failed = next(result for result in outcome.results if result.state == "failed")
    assert "is no training run" in failed.reason
    assert "is no training run" in outcome.folder.page.read_text()
    _, runs = children(sweeps_tracking_uri, outcome)
    assert {run.info.run_name: run.info.status for run in runs}[failed.name] == "FAILED"


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_optuna_chooses_and_goes_on_where_it_stopped(
    make_plan: MakePlan, tmp_path: Path, sweeps_tracking_uri: str
) -> None:
    out, settings = tmp_path / "sweep", {"search": "optuna", "scheduler": "asha"}
    plan = make_plan("training.learning_rate=1e-4..1e-2:log", trials=2, **settings)
    first = sweep_curriculum(plan, out, tracking_uri=sweeps_tracking_uri)
    before = written(first)
    assert len(before) == 2
    second = sweep_curriculum(replace(plan, trials=3), out, tracking_uri=sweeps_tracking_uri)
    assert second.known == 2
    assert len(written(second)) == 3
    assert {name: when for name, when in written(second).items() if name in before} == before


def test_a_sweep_of_nothing_that_is_there_is_one_line(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan("p1=0.2")
    with pytest.raises(InputError, match="is not a prepared data set"):
        sweep_curriculum(replace(plan, data=(str(tmp_path / "nothing"),)), tmp_path / "sweep")
    with pytest.raises(InputError, match="sqlite:///PATH"):
        sweep_curriculum(plan, tmp_path / "sweep", tracking_uri="file:///tmp/mlruns")
    assert not (tmp_path / "sweep").exists()
