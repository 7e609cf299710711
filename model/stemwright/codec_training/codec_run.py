"""A codec's training as a folder: goes on where it stopped, whatever stopped it.

conv_codec.safetensors   the averaged weights so far: what `load_codec("conv", weights=folder)` takes
state.safetensors        what resuming needs
log.jsonl                means of the losses over every few steps
run.json                 what was asked for
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from stemwright.codec_training.codec_learner import CodecLearner, CodecTraining
from stemwright.codec_training.crops import Crops
from stemwright.conv_codec import FILE, write_codec_file
from stemwright.conv_codec_net import HOP, ConvCodecConfig
from stemwright.data_folder import DataFolder
from stemwright.errors import InputError, TrainingDiverged
from stemwright.run_lock import run_lock
from stemwright.seal import sync
from stemwright.training_log import Record, TrainingLog

STATE, LOG, RUN = "state.safetensors", "log.jsonl", "run.json"
MAX_SKIPPED = 0.1
"""Share of the steps of a record that may be left out before something is wrong with the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodecPlan:
    """What to train, on what."""

    files: Sequence[Path]
    """Audio to draw crops of; a file given twice is drawn twice as often."""
    net: ConvCodecConfig = field(default_factory=ConvCodecConfig)
    """Shape."""
    training: CodecTraining = field(default_factory=CodecTraining)
    """Length, losses."""
    seed: int = 0
    """Of weights, crops and noise."""
    save_every: int = 500
    """Steps between states."""
    record_every: int = 100
    """Steps whose means make a record of the log."""

    def __post_init__(self) -> None:
        if not self.files:
            raise InputError("there is no audio to train a codec on: give a manifest that has training songs")
        if min(self.training.steps, self.save_every, self.record_every) < 1:
            raise InputError("a codec's training takes at least one step")

    def settings(self) -> dict[str, object]:
        """What a run that goes on may not change; its files may, for they are found and lost."""
        return {"net": asdict(self.net), "training": asdict(self.training), "seed": self.seed}


def train_codec(
    plan: CodecPlan,
    folder: str | Path,
    *,
    device: str = "cpu",
    on_step: Callable[[int], None] = lambda step: None,
    on_record: Callable[[Record], None] = lambda record: None,
) -> Path:
    """Train, or go on, to the end; returns the file of weights.

    `on_step` hears of every step done, first of those done before. A process that dies loses the steps since
    the last state, and repeats them with equal results. Raises InputError for a folder that holds something
    else or another process's run, TrainingDiverged where steps fail, OSError where the disk is full.
    """
    folder = Path(folder)
    _begin(plan, folder)
    with run_lock(folder / ".lock"):
        learner = CodecLearner(plan.net, plan.training, seed=plan.seed, device=device)
        if (folder / STATE).exists():
            learner.load_state(_read_state(folder / STATE))
        on_step(learner.step_count)
        if learner.step_count < plan.training.steps:
            _train(plan, learner, folder, on_step, on_record)
        elif not (folder / FILE).exists():
            publish(learner.ema.state(), plan.net, folder)
    return folder / FILE


def publish(averaged: Mapping[str, Tensor], net: ConvCodecConfig, folder: Path) -> None:
    """Write the averaged weights, as `Ema.state` gives them, as a codec's file."""
    weights = {name: value for name, value in averaged.items() if name != "num_updates"}
    write_codec_file(folder / FILE, weights, net)


def _train(
    plan: CodecPlan,
    learner: CodecLearner,
    folder: Path,
    on_step: Callable[[int], None],
    on_record: Callable[[Record], None],
) -> None:
    crops = Crops(plan.files, plan.training.crop_frames * HOP, plan.training.batch_size, plan.seed)
    means, log = Means(), TrainingLog(folder / LOG)
    with closing(crops.ahead(learner.step_count)) as batches, closing(log):
        for _, batch in batches:
            means.add(learner.step(batch))
            done = learner.step_count == plan.training.steps
            if done or learner.step_count % plan.record_every == 0:
                record = {"step": learner.step_count, **means.take()}
                log.append(record)
                on_record(record)
                _check(record)
            if done or learner.step_count % plan.save_every == 0:
                log.flush()
                _save(learner, plan, folder)
            on_step(learner.step_count)
            if done:
                return


class Means:
    """Gathers the figures of some steps. One that only some of them have is the mean over those."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + value, count + 1)

    def take(self) -> dict[str, float]:
        """The means since the last call."""
        means = {name: round(total / count, 5) for name, (total, count) in self._sums.items()}
        self._sums = {}
        return means


def _check(record: Record) -> None:
    if record["skipped"] > MAX_SKIPPED:
        raise TrainingDiverged(
            f"the codec's training has diverged: {record['skipped']:.0%} of the steps up to "
            f"{record['step']} had no finite gradient; look for damaged audio with `stemwright corpus check`"
        )


def _begin(plan: CodecPlan, folder: Path) -> None:
    """Make or reopen the folder. InputError where it holds something else."""
    settings = json.loads(json.dumps(plan.settings()))
    path = folder / RUN
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} exists and is no codec's training: choose another --out")
        folder.mkdir(parents=True, exist_ok=True)
        DataFolder(folder).write(RUN, (json.dumps(settings, indent=1) + "\n").encode())
        return
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path} ({error})") from None
    if before != settings:
        raise InputError(
            f"{folder} holds a codec's training of other settings: give the same --steps and --seed "
            "to go on, or choose another --out"
        )


def _save(learner: CodecLearner, plan: CodecPlan, folder: Path) -> None:
    state = {name: value.detach().cpu().contiguous() for name, value in learner.state().items()}
    with DataFolder(folder).writing(STATE) as path:
        path.write_bytes(save(state))
        sync(path)
    sync(folder)
    publish(learner.ema.state(), plan.net, folder)


def _read_state(path: Path) -> dict[str, Tensor]:
    try:
        # cloned into aligned memory: where products round differs with it
        return {name: torch.clone(value) for name, value in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path} is damaged ({line}): bring it back from a copy, or choose another --out"
        ) from None
