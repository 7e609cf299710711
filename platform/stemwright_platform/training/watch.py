"""What the driver does while workers train: follows their log and shows progress."""

import sys
import threading

from stemwright.run_folder import RunFolder
from stemwright.training_log import LogReader, Record
from stemwright.training_run import TrainingPlan
from stemwright_platform.time_left import TimeLeft

INTERVAL_S = 0.5


class Watch:
    """A thread that reads a run's log while the block of its `with` runs."""

    def __init__(self, folder: RunFolder, plan: TrainingPlan) -> None:
        self._plan, self._metrics, self._seen = plan, LogReader(folder.metrics), 0
        self._progress: TimeLeft | None = None
        self._done = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)

    def __enter__(self) -> "Watch":
        # what an earlier start wrote is no progress of this one
        earlier = self._read()
        resumed = f" after step {earlier[-1]['step']}" if earlier else ""
        workers = f"{self._plan.workers} worker" + ("s" if self._plan.workers > 1 else "")
        print(f"training: starting {workers} on Ray{resumed}", file=sys.stderr, flush=True)
        if earlier:
            self._done = self._amount(earlier[-1])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        if self._progress:
            self._progress.close()

    def _follow(self) -> None:
        while not self._closing.wait(INTERVAL_S):
            self._show(self._read())
        self._show(self._read())

    def _read(self) -> list[Record]:
        """New steps, once each even where a resumed run repeats them."""
        records = []
        for record in self._metrics.new_records():
            if record["step"] > self._seen:
                self._seen = record["step"]
                records.append(record)
        return records

    def _show(self, records: list[Record]) -> None:
        if not records:
            return
        last = records[-1]
        total = 60 * self._plan.minutes if self._plan.minutes else float(last["total_steps"])
        if self._progress is None:
            self._progress = TimeLeft("training", max(total - self._done, 1e-9))
        amount = self._amount(last)
        loss = f"loss {last['loss']:.3f}" if "loss" in last else "skipped"
        note = f"step {last['step']} of {last['total_steps']}, {loss}, {last['windows_per_s']:.1f} windows/s"
        self._progress.advance(amount - self._done, note)
        self._done = amount

    def _amount(self, record: Record) -> float:
        """How far the run is: in seconds where it has a time budget, else in steps."""
        return record["train_s"] if self._plan.minutes else float(record["step"])
