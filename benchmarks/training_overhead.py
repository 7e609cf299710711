"""What `stemwright train` costs over the learner's bare loop: Ray, reading, logging, MLflow, watching.

    make bench-overhead      (or: python benchmarks/training_overhead.py --steps 200)

The command itself runs in a process of its own, with its Ray cluster, one worker and MLflow on SQLite, as a
user starts it. The bare loop runs here: the same `Learner`, seed, prompts and batches, but the batches lie in
memory. The two take turns of a few steps on the same cores: while one works, every process of the other is
stopped. So the same steps are timed within seconds of each other. A step that a stop fell into does not
count, nor do the first ones. Two ratios: of the medians of a step's time, as both record it, and of all the
time between the first and the last step, with the command's checkpoints and validations in it.

Writes benchmarks/results/training_overhead.md. Needs Linux.
"""

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil
from command import CLI
from demo_latents import prepared
from machine import RESULTS, Stopwatch, hardware, table

from stemwright.presets import load_preset
from stemwright.training_log import LogReader
from stemwright.training_run import TrainingPlan, TrainingRun

TARGET = 1.10
WARM = 10
"""First steps, which do not count."""
POLL_S = 0.1


class Command:
    """`stemwright train` in a process of its own, stopped but in its turns."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self.clock = Stopwatch()
        self.step_s: dict[int, float] = {}
        """Wall time of each step, as recorded; of those that no stop fell into."""
        self.reached: dict[int, float] = {}
        """What the clock showed when a turn ended with a step."""
        self._records = LogReader(folder / "run" / "metrics.jsonl")
        self._said = (folder / "said.log").open("w+")
        self._process = psutil.Popen(
            [sys.executable, "-c", CLI, "train", "--out", str(folder / "run"), *arguments],
            cwd=folder,
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )
        self._last = 0
        self._stopped_at = -math.inf

    def works_until(self, step: int) -> int:
        """Go on up to a step, or to the end; returns the last step done."""
        stop_s = time.perf_counter() - self._stopped_at
        self._signal("resume")
        with self.clock:
            first = True
            while self._last < step and self._process.poll() is None:
                time.sleep(POLL_S)
                first = self._read(stop_s, first)
            self.reached[self._last] = self.clock()
        self._signal("suspend")
        self._stopped_at = time.perf_counter()
        self._read(stop_s, first=False)
        return self._last

    def finish(self) -> float:
        """Seconds from the last step to the command's end."""
        before = self.clock()
        self._signal("resume")
        with self.clock:
            self._process.wait()
        return self.clock() - before

    def end(self) -> None:
        """Leave no process behind; SystemExit with what the command said, where it failed."""
        for process in family(self._process):
            with suppress(psutil.NoSuchProcess):
                process.resume()
                process.terminate()
        if self._process.wait():
            self._said.seek(0)
            raise SystemExit(f"stemwright train failed:\n{self._said.read()[-2000:]}")

    def _read(self, stop_s: float, first: bool) -> bool:
        """Take in new records; the first after a stop, and any as long as the stop, had it in them."""
        for record in self._records.new_records():
            self._last = int(record["step"])
            if not first and record["step_s"] < stop_s:
                self.step_s[self._last] = record["step_s"]
            first = False
        return first

    def _signal(self, action: Literal["suspend", "resume"]) -> None:
        """Stop or continue the command, its cluster and its workers."""
        for process in family(self._process):
            with suppress(psutil.NoSuchProcess):
                getattr(process, action)()


def family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass(slots=True)
class BareLoop:
    """The learner and batches in memory."""

    run: TrainingRun
    clock: Stopwatch = field(default_factory=Stopwatch)
    step_s: dict[int, float] = field(default_factory=dict)

    def works_until(self, step: int) -> None:
        learner = self.run.learner
        batches = [self.run.windows.batch(number) for number in range(learner.step_count, step)]
        with self.clock:
            for batch in batches:
                start = time.perf_counter()
                learner.step(batch)
                self.step_s[learner.step_count] = time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="that count")
    parser.add_argument("--turn", type=int, default=8, help="steps of a turn")
    parser.add_argument("--checkpoint-every", type=int, default=100, help="steps")
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--work", type=Path, default=Path("data/learning"), help="corpus and latents")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args()
    data = prepared(arguments.work, arguments.songs)
    steps = arguments.steps + WARM
    plan = TrainingPlan(preset=load_preset(arguments.preset), data=str(data), steps=steps)
    bare = BareLoop(TrainingRun.of(plan))
    with tempfile.TemporaryDirectory() as folder:
        options = [f"--preset={arguments.preset}", f"--data={data.resolve()}", f"--steps={steps}"]
        command = Command([*options, f"--checkpoint-every={arguments.checkpoint_every}"], Path(folder))
        try:
            last = 0
            while last < steps and (now := command.works_until(min(last + arguments.turn, steps))) > last:
                last = now
                bare.works_until(last)
            end_s = command.finish()
        finally:
            command.end()
    report(command, bare, end_s, arguments)


def report(command: Command, bare: BareLoop, end_s: float, arguments: argparse.Namespace) -> None:
    both = sorted(step for step in command.step_s if step > WARM)
    ours, theirs = ([steps[step] for step in both] for steps in (command.step_s, bare.step_s))
    medians = [statistics.median(seconds) for seconds in (ours, theirs)]
    ends = [step for step in command.reached if step >= WARM]
    whole = command.reached[ends[-1]] - command.reached[ends[0]]
    bare_s = sum(bare.step_s[step] for step in range(ends[0] + 1, ends[-1] + 1))
    rows = [
        ("step, median", *(f"{s:.4f} s" for s in medians), f"{medians[0] / medians[1]:.3f}"),
        (f"steps {ends[0] + 1} to {ends[-1]}", f"{whole:.1f} s", f"{bare_s:.1f} s", f"{whole / bare_s:.3f}"),
    ]
    text = (
        f"{hardware()}\n\nPreset {arguments.preset}, one worker; {len(both)} steps that count, in turns of "
        f"{arguments.turn}; a checkpoint with validation every {arguments.checkpoint_every} steps is in the "
        f"second line only. From the last step to the command's end, with the last checkpoint and the "
        f"registration: {end_s:.0f} s. Target for the first line: at most {TARGET:.2f}.\n\n"
        + table(("", "stemwright train", "bare loop", "ratio"), rows)
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "training_overhead.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
