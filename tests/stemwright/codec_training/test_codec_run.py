import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stemwright.codec import load_codec
from stemwright.codec_training import codec_run
from stemwright.codec_training.codec_learner import CodecLearner
from stemwright.codec_training.codec_run import LOG, RUN, STATE, CodecPlan, train_codec
from stemwright.conv_codec import FILE
from stemwright.errors import InputError, TrainingDiverged
from stemwright.run_lock import run_lock
from stemwright.training_log import read_log

PlanOf = Callable[..., CodecPlan]


class Stopped(Exception):
    """What a test ends a run with."""


def stop_at(step: int) -> Callable[[int], None]:
    def on_step(done: int) -> None:
        if done == step:
            raise Stopped

    return on_step


def same_states(one: Path, two: Path) -> bool:
    before, after = load_file(one / STATE), load_file(two / STATE)
    return before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def test_a_run_ends_with_a_codec_that_loads(plan_of: PlanOf, tmp_path: Path) -> None:
    path = train_codec(plan_of(), tmp_path / "run")
    codec = load_codec("conv", weights=str(tmp_path / "run"))
    assert path == tmp_path / "run" / FILE
    assert codec.latent_dim == 6
    assert codec.decode(codec.encode(torch.zeros(1, 2, 4800))).shape == (1, 2, 5120)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(plan_of: PlanOf, tmp_path: Path) -> None:
    plan = plan_of(save_every=2, record_every=2)
    train_codec(plan, tmp_path / "whole")
    for step in (1, 3, 5):  # each time what is not saved is lost
        with pytest.raises(Stopped):
            train_codec(plan, tmp_path / "parts", on_step=stop_at(step))
    train_codec(plan, tmp_path / "parts")
    assert same_states(tmp_path / "whole", tmp_path / "parts")
    assert (tmp_path / "whole" / FILE).read_bytes() == (tmp_path / "parts" / FILE).read_bytes()
    whole, parts = (read_log(tmp_path / name / LOG) for name in ("whole", "parts"))
    assert whole == parts
    assert [record["step"] for record in whole] == [2, 4, 6]
    assert {"loss", "mel", "kl", "skipped"} <= whole[0].keys() <= whole[-1].keys()


def test_a_finished_run_is_left_alone_but_for_weights_that_went_missing(
    plan_of: PlanOf, tmp_path: Path
) -> None:
    train_codec(plan_of(), tmp_path / "run")
    before = (tmp_path / "run" / STATE).stat().st_mtime_ns
    weights = (tmp_path / "run" / FILE).read_bytes()
    (tmp_path / "run" / FILE).unlink()
    heard: list[int] = []
    train_codec(plan_of(), tmp_path / "run", on_step=heard.append)
    assert heard == [6]
    assert (tmp_path / "run" / STATE).stat().st_mtime_ns == before
    assert (tmp_path / "run" / FILE).read_bytes() == weights


def test_other_settings_and_foreign_folders_are_refused(plan_of: PlanOf, tmp_path: Path) -> None:
    train_codec(plan_of(steps=1), tmp_path / "run")
    with pytest.raises(InputError, match="other settings"):
        train_codec(plan_of(steps=2), tmp_path / "run")
    with pytest.raises(InputError, match="other settings"):
        train_codec(plan_of(steps=1, seed=1), tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match="no codec's training"):
        train_codec(plan_of(), tmp_path / "other")


def test_a_run_of_another_process_is_left_to_it(plan_of: PlanOf, tmp_path: Path) -> None:
    train_codec(plan_of(steps=1), tmp_path / "run")
    with run_lock(tmp_path / "run" / ".lock"), pytest.raises(InputError, match="another process"):
        train_codec(plan_of(steps=1), tmp_path / "run")


def test_a_damaged_state_is_named(plan_of: PlanOf, tmp_path: Path) -> None:
    train_codec(plan_of(steps=1), tmp_path / "run")
    content = (tmp_path / "run" / STATE).read_bytes()
    (tmp_path / "run" / STATE).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=STATE):
        train_codec(plan_of(steps=1), tmp_path / "run")


def test_a_state_that_cannot_be_written_leaves_the_one_before(
    plan_of: PlanOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    plan = plan_of(save_every=2)
    with pytest.raises(Stopped):
        train_codec(plan, tmp_path / "run", on_step=stop_at(2))
    before = (tmp_path / "run" / STATE).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(codec_run, "sync", fails)
        with pytest.raises(OSError, match="No space"):
            train_codec(plan, tmp_path / "run")
    assert (tmp_path / "run" / STATE).read_bytes() == before
    assert [path.name for path in (tmp_path / "run").glob("*.tmp")] == []
    train_codec(plan, tmp_path / "run")


def test_a_run_whose_steps_fail_ends_and_says_so(
    plan_of: PlanOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CodecLearner, "step", lambda self, audio: {"loss": float("nan"), "skipped": 1.0})
    with pytest.raises(TrainingDiverged, match="corpus check"):
        train_codec(plan_of(record_every=1), tmp_path / "run")


def test_no_audio_and_no_steps_are_refused(plan_of: PlanOf) -> None:
    with pytest.raises(InputError, match="no audio"):
        replace(plan_of(), files=[])
    with pytest.raises(InputError, match="at least one step"):
        plan_of(steps=0)


KILLED = """
import json, sys
from pathlib import Path
from stemwright.codec_training.codec_learner import CodecTraining
from stemwright.codec_training.codec_run import CodecPlan, train_codec
from stemwright.conv_codec_net import ConvCodecConfig
import torch
torch.set_num_threads(1)
given = json.loads(sys.argv[1])
plan = CodecPlan(
    files=[Path(path) for path in given["files"]],
    net=ConvCodecConfig(**given["settings"]["net"]),
    training=CodecTraining(**given["settings"]["training"]),
    seed=given["settings"]["seed"],
    save_every=2,
)
train_codec(plan, given["out"], on_step=lambda step: print(step, flush=True))
"""


@pytest.mark.chaos
def test_a_run_whose_process_is_killed_goes_on_and_ends_the_same(plan_of: PlanOf, tmp_path: Path) -> None:
    plan, threads = plan_of(steps=8, save_every=2), torch.get_num_threads()
    given = {
        "files": [str(path) for path in plan.files],
        "settings": plan.settings(),
        "out": str(tmp_path / "run"),
    }
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", KILLED, json.dumps(given)]
    for last in (3, 5):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                if int(line) >= last:
                    process.send_signal(signal.SIGKILL)
                    break
        assert (tmp_path / "run" / RUN).exists()
    torch.set_num_threads(1)
    try:
        train_codec(plan, tmp_path / "run")
        train_codec(plan, tmp_path / "whole")
    finally:
        torch.set_num_threads(threads)
    assert same_states(tmp_path / "whole", tmp_path / "run")
