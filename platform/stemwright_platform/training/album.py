"""What one sees and hears of a run while it trains: pictures and samples, in its folder and in MLflow.

curves/                  curriculum.png, training_curves.png
validation/              what the model knows of which task at which noise level, and the records
samples/                 step-N/ and reference/, with index.html to listen
"""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from stemwright.data_mix import DataMix
from stemwright.run_folder import RunFolder
from stemwright.training_log import Record, read_log
from stemwright.training_run import TrainingPlan, open_windows
from stemwright_platform.training.listener import Listener, sample_folders
from stemwright_platform.training.outage import to_terminal
from stemwright_platform.training.tracking import Tracking

INTERVAL_S = 1.0
LAST_LISTENING_S = 90.0
CURVES, VALIDATION, SAMPLES = "curves", "validation", "samples"


class Album:
    """A thread of the driver that draws and listens at each checkpoint while the block of its `with` runs.

    It never holds up training: pictures are drawn here, samples made by a process of their own. What goes
    wrong is said in a line.
    """

    def __init__(
        self, folder: RunFolder, plan: TrainingPlan, tracking: Tracking, *, listen_every: int | None = 0
    ) -> None:
        """`listen_every`: checkpoints from one listening to the next, 0 never; None: about five times."""
        self._folder, self._plan, self._tracking = folder, plan, tracking
        self._listener = Listener(
            folder,
            tuple(str(source) for source in plan.sources),
            every=listen_every,
            text_weights=plan.text_encoder_weights,
            say=to_terminal,
        )
        self._drawn_at = 0
        self._logged: set[Path] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="album", daemon=True)

    def __enter__(self) -> "Album":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        try:
            if kind is None:
                self._attempt(self._finish)
        finally:
            self._listener.stop()

    def _follow(self) -> None:
        # a resumed run's checkpoints are old news
        self._drawn_at = self._last_step()
        self._attempt(self._draw_curriculum)
        while not self._closing.wait(INTERVAL_S):
            self._attempt(self._look)

    def _look(self) -> None:
        step = self._last_step()
        if step > self._drawn_at:
            self._drawn_at = step
            metrics = read_log(self._folder.metrics)
            self._listener.offer(step, metrics[-1]["total_steps"] if metrics else step)
            self._hear()
            self._draw(metrics)
        self._hear()

    def _hear(self) -> None:
        if self._listener.poll() is not None:
            self._log_samples(complete=True)

    def _finish(self) -> None:
        """The last pictures, the last checkpoint's samples; all samples that MLflow may lack."""
        metrics = read_log(self._folder.metrics)
        self._draw_curriculum(metrics)
        self._draw(metrics)
        if step := self._last_step():
            self._listener.finish(step, LAST_LISTENING_S)
        self._log_samples(complete=False)

    def _draw_curriculum(self, metrics: list[Record] | None = None) -> None:
        from stemwright_platform.training.curriculum_picture import draw_curriculum

        steps = metrics[-1]["total_steps"] if metrics else self._plan.steps
        per_epoch = open_windows(self._plan, DataMix.open(self._plan.sources)).steps_per_epoch
        path = self._folder.path / CURVES / "curriculum.png"
        draw_curriculum(self._plan.preset, path, steps=steps, epochs=steps / per_epoch if steps else None)
        self._tracking.log_folder(path.parent, CURVES)

    def _draw(self, metrics: list[Record]) -> None:
        from stemwright_platform.training.training_curves import draw_training_curves
        from stemwright_platform.training.validation_picture import draw_validation

        scores = read_log(self._folder.validation)
        if metrics:
            path = self._folder.path / CURVES / "training_curves.png"
            draw_training_curves(metrics, scores, path, self._folder.path.name)
            self._tracking.log_folder(path.parent, CURVES)
        if scores:
            shown = self._folder.path / VALIDATION
            shown.mkdir(exist_ok=True)
            if "ratio_by_mode_and_band" in scores[-1]:
                draw_validation(scores[-1], shown / "by_task_and_noise.png")
            shutil.copyfile(self._folder.validation, shown / self._folder.validation.name)
            self._tracking.log_folder(shown, VALIDATION)

    def _log_samples(self, *, complete: bool) -> None:
        """Those that are not in MLflow yet; `complete`: only where nothing is missing."""
        for made in sample_folders(self._folder, complete=complete):
            if made not in self._logged:
                self._logged.add(made)
                self._tracking.log_folder(made, f"{SAMPLES}/{made.name}")

    def _last_step(self) -> int:
        return max(self._folder.checkpoints(), default=0)

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # training is worth more than its pictures
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            to_terminal(f"no pictures of step {self._drawn_at} ({line}); training goes on")
