"""An assessment's songs and takes: figures ask for what they need, and nothing is made twice."""

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path

from stemwright.compose import Composer
from stemwright.tracks import Tracks
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.music import Music, music_of
from stemwright_platform.assessment.take import Heard, TakeOrder, read_heard
from stemwright_platform.assessment.take_making import TakeMaking, batches, plan_composer
from stemwright_platform.crew import made_by
from stemwright_platform.evaluation.clip_folder import MIX, sound_file
from stemwright_platform.time_left import TimeLeft


class Context:
    """What figures are measured on, and with."""

    def __init__(self, plan: AssessmentPlan, out: Path, *, jobs: int | None = 1) -> None:
        """`plan.model`: a checkpoint folder. `jobs`: actors, 1 for this process alone, None for as many as
        the cluster has CPUs; every node must see `out`."""
        self.plan, self.out, self._jobs = plan, out, jobs

    @cached_property
    def composer(self) -> Composer:
        """The model, in this process."""
        return plan_composer(self.plan)

    @property
    def tracks(self) -> Tracks:
        return self.composer.checkpoint.tracks

    @cached_property
    def music(self) -> Music:
        """The songs; made now where they are none yet."""
        return music_of(self.plan, self.out)

    def on_fewer(self, windows: int) -> "Context":
        """The same model and files, on the first windows of each kind alone."""
        found = type(self)(self.plan, self.out, jobs=self._jobs)
        found.composer, found.music = self.composer, self.music.first(windows)
        return found

    def heard(self, orders: Sequence[TakeOrder], label: str) -> list[Heard]:
        """What was heard of each order's take, targets alone (all tracks of a real one); made where missing.

        `label`: of the progress line. InputError where a recording cannot be read.
        """
        missing = [order for order in orders if not order.heard_file(self.out).exists()]
        self._make(missing, label, keep=False)
        found = [read_heard(order.heard_file(self.out)) for order in orders]
        return [heard or {} for heard in found]

    def sounds(self, orders: Sequence[TakeOrder], label: str) -> list[dict[str, Path]]:
        """The files of each order's take: targets, given tracks and "mix"; made where missing."""
        missing = [order for order in orders if not order.sound_folder(self.out).exists()]
        self._make(missing, label, keep=True)
        return [_files(order.sound_folder(self.out)) for order in orders]

    def _make(self, orders: Sequence[TakeOrder], label: str, *, keep: bool) -> None:
        of_batch = batches(orders, self.plan.batch)
        if not of_batch:
            return
        progress, done = TimeLeft(label, len(orders)), 0
        for number, _ in made_by(
            partial(TakeMaking, self.plan, str(self.out), keep=keep),
            of_batch,
            self._jobs,
            num_gpus=1.0 if self.plan.device.startswith("cuda") else 0.0,
        ):
            done += len(of_batch[number])
            progress.advance(len(of_batch[number]), f"{done} of {len(orders)} takes")
        progress.close()


def _files(folder: Path) -> dict[str, Path]:
    """Part → file."""
    found = {file.stem: file for file in sorted(folder.glob("*.flac"))}
    return {part: sound_file(folder, part) for part in [*(set(found) - {MIX}), MIX] if part in found}
