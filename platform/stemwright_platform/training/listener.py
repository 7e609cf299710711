"""Has checkpoints listened to while training goes on: one process at a time, none of them waited for."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

from stemwright.checkpoint import CONFIG, TRAINING
from stemwright.run_folder import RunFolder
from stemwright_platform.training.listening import FAULT, Order, is_complete, samples_folder

TIMES = 5
"""How often a run is listened to, about, unless it is said otherwise."""
SLACK = 0.95
"""Of a fifth of the run, after which the next checkpoint counts."""


class Listener:
    """Told of checkpoints, it makes samples of some of them, and of the last one in the end.

    What goes wrong is said once, and the rest of the run is not listened to.
    """

    def __init__(
        self,
        folder: RunFolder,
        data: tuple[str, ...],
        *,
        every: int | None = None,
        text_weights: str | None = None,
        say: Callable[[str], None],
    ) -> None:
        """`every`: checkpoints from one listening to the next; about five times a run by default, 0 never."""
        self._folder, self._data, self._every, self._text_weights = folder, data, every, text_weights
        self._say = say
        self._deaf = every == 0
        self._count = self._asked = 0
        self._pending: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._step = 0
        self._errors: IO[bytes] | None = None

    def offer(self, step: int, total_steps: int) -> None:
        """There is a new checkpoint."""
        self._count += 1
        if self._is_due(step, total_steps):
            self._asked, self._pending = step, step

    def poll(self) -> int | None:
        """Start what is waiting if nothing runs; returns the step whose samples are complete since."""
        finished = self._ended()
        if self._process is None and self._pending is not None:
            step, self._pending = self._pending, None
            if not self._deaf and not is_complete(samples_folder(self._folder.path, step)):
                self._start(step)
        return finished

    def finish(self, step: int, limit_s: float) -> int | None:
        """Listen to the last checkpoint, unless it has been; returns its step where samples are complete."""
        if self._deaf or is_complete(samples_folder(self._folder.path, step)):
            self.stop()
            return None
        if self._process is not None and self._step != step:
            self.stop()
        if self._process is None:
            self._start(step)
        if self._process is None:
            return None
        self._say(f"listening to the checkpoint of step {step}, {limit_s:.0f} s at most")
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._say(f"samples of step {step} took longer than {limit_s:.0f} s: some are missing")
            self.stop()
            return None
        return self._ended()

    def stop(self) -> None:
        """End what runs; samples that are made already stay."""
        self._pending = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._model, ignore_errors=True)
        with suppress(OSError):  # it is there, or holds samples
            self._model.parent.rmdir()

    def _is_due(self, step: int, total_steps: int) -> bool:
        if self._deaf:
            return False
        if self._every is not None:
            return self._count % self._every == 0
        return step - self._asked >= SLACK * total_steps / TIMES

    def _start(self, step: int) -> None:
        if not _copied(self._folder.checkpoint(step), self._model):
            return  # pruned meanwhile
        order = Order(
            run=str(self._folder.path),
            step=step,
            model=str(self._model),
            data=self._data,
            text_weights=self._text_weights,
        )
        # the path of this process; one thread; the GPU is for training
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }
        command = [sys.executable, "-m", "stemwright_platform.training.listening", json.dumps(asdict(order))]
        self._step, self._errors = step, tempfile.TemporaryFile()  # noqa: SIM115 (closed when it has ended)
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,  # it ends when this process does, see end_with_driver
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the driver, which then ends this
        )

    def _ended(self) -> int | None:
        """The step of a process that has ended well, said where it has not."""
        if self._process is None or self._process.poll() is None:
            return None
        code, self._process = self._process.returncode, None
        assert self._errors is not None
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        self._errors.close()
        if code == 0:
            return self._step
        self._deaf = True
        said = [line.removeprefix(FAULT) for line in lines if line.startswith(FAULT)]
        reason = (said or lines or [f"the process ended with {code}"])[-1]  # libraries speak at the end, too
        self._say(f"no samples: {reason}; training goes on")
        return None

    @property
    def _model(self) -> Path:
        """A checkpoint without training state that outlives the pruning of its own."""
        return samples_folder(self._folder.path, 0).parent / ".model"


def _copied(checkpoint: Path, copy: Path) -> bool:
    """Copy a checkpoint but its training state, by links where the disk has them; False where it is gone."""
    shutil.rmtree(copy, ignore_errors=True)
    try:
        shutil.copytree(checkpoint, copy, copy_function=_link, ignore=shutil.ignore_patterns(TRAINING))
    except OSError:  # shutil.Error, where some of it is gone, is one too
        return False
    return (copy / CONFIG).is_file()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def sample_folders(folder: RunFolder, *, complete: bool) -> list[Path]:
    """Folders of a run's samples, the real song's among them; `complete`: where nothing is missing."""
    found = sorted(path for path in (folder.path / "samples").glob("[!.]*") if path.is_dir())
    return [path for path in found if not complete or is_complete(path)]
