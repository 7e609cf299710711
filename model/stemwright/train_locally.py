"""Training in this process alone: no Ray, no tracking server; a GPU machine or a benchmark needs no more."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from stemwright.presets import Preset
from stemwright.run_folder import RunFolder
from stemwright.run_keeper import RunKeeper
from stemwright.text_embedding import TextEncoder
from stemwright.training_log import Record
from stemwright.training_loop import train
from stemwright.training_run import TrainingPlan, TrainingRun


def train_locally(
    preset: Preset,
    data: str | Path | Sequence[str],
    out: str | Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    start: str | None = None,
    device: str = "cpu",
    checkpoint_every: int | None = None,
    keep_checkpoints: int = 2,
    validation_windows: int = 32,
    text_encoder: TextEncoder | None = None,
    on_step: Callable[[Record], None] = lambda record: None,
) -> RunFolder:
    """Train for a number of steps or about a number of minutes; `on_step` is told of every record.

    `data`: a folder or URL of latents, or several, each with a weight, as "latents@0.7". `start`: checkpoint
    folder of a model to begin with; see `fine_tuning_preset`.

    Called again with the same arguments it goes on after the last whole checkpoint; a finished run is left
    alone. Raises InputError for data that does not fit or an `out` that holds another run.
    """
    plan = TrainingPlan(
        preset=preset,
        data=str(data) if isinstance(data, str | Path) else tuple(data),
        steps=steps,
        minutes=minutes,
        seed=seed,
        start=start,
        checkpoint_every=checkpoint_every,
        keep_checkpoints=keep_checkpoints,
        validation_windows=validation_windows,
    )
    run = TrainingRun.of(plan, text_encoder=text_encoder, device=device)
    folder = RunFolder(Path(out))
    folder.begin(plan)
    with folder.writing():
        if latest := folder.whole_checkpoint(say=_say):
            run.resume(latest)
        _train(run, RunKeeper(run, folder), on_step)
    return folder


def _train(run: TrainingRun, keeper: RunKeeper, on_step: Callable[[Record], None]) -> None:
    def on_record(record: Record) -> None:
        keeper.record(record)
        on_step(record)

    try:
        train(run, on_record=on_record, on_checkpoint=keeper.checkpoint, on_skip=keeper.skip)
    finally:
        keeper.close()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
