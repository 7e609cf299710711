"""A sweep whose driver is killed: what has ended is kept, what was cut off goes on from its checkpoint."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from process_tree import below, command, wait_until

from stemwright.run_folder import RunFolder
from stemwright.training_log import read_log
from stemwright_platform.training.tracking import open_client

STEPS = 60


@pytest.mark.chaos
def test_a_sweep_goes_on_after_its_driver_was_killed_and_repeats_nothing_that_had_ended(
    make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    data = make_latents({"a": 200, "b": 150, "held": 120}, held_out=["held"])
    out, uri = tmp_path / "sweep", f"sqlite:///{tmp_path}/mlflow.db"
    start = [sys.executable, str(Path(__file__).with_name("killed_sweep.py")), str(data), str(out), uri]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*start, str(STEPS)], env=environment, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: ended(out) and under_way(out), "one trial's end and another's checkpoint")
        left = [*below(process.pid)]
        process.kill()
    wait_until(lambda: not [pid for pid in left if "ray::" in command(pid)], "the end of its workers")
    before = {path: path.stat().st_mtime_ns for path in ended(out)}
    cut_off = under_way(out)
    assert cut_off
    again = subprocess.run([*start, str(STEPS)], env=environment, capture_output=True, text=True, timeout=900)
    assert again.returncode == 0, again.stderr
    assert "2 finished" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for folder in out.glob("trials/*/"):
        assert [record["step"] for record in read_log(RunFolder(folder).metrics)] == [*range(1, STEPS + 1)]
    # a trial that went on wrote each step once, up to those after its last checkpoint
    repeated = (cut_off[0] / "metrics.jsonl").read_text().count("\n") - STEPS
    assert 0 <= repeated <= 25
    assert sorted(statuses(uri)) == ["FINISHED"] * 3
    assert len(json.loads((out / "results.json").read_text())["trials"]) == 2


def ended(out: Path) -> list[Path]:
    return [*out.glob("trials/*/trial.json")]


def under_way(out: Path) -> list[Path]:
    """Trials with a checkpoint that have not ended."""
    folders = [folder for folder in out.glob("trials/*/") if RunFolder(folder).checkpoints()]
    return [folder for folder in folders if not (folder / "trial.json").exists()]


def statuses(uri: str) -> list[str]:
    return [run.info.status for run in open_client(uri).search_runs(["1"])]
