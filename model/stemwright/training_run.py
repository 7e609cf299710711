"""One training run put together from a preset and a data set: what a Ray worker and a plain process share."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stemwright.batch import Batch
from stemwright.buckets import judging_length, window_frames
from stemwright.checkpoint import (
    Origin,
    checkpoint_fingerprint,
    load_training_state,
    read_config,
    save_checkpoint,
)
from stemwright.data_mix import HELD_OUT, DataMix
from stemwright.data_source import DataSource
from stemwright.errors import InputError
from stemwright.latent_stats import LatentStats
from stemwright.learner import Learner, fit_preset, seeded_model
from stemwright.presets import Preset
from stemwright.step_guard import SkippedStep
from stemwright.text_embedding import TextEncoder
from stemwright.text_encoder import CachedTextEncoder, load_text_encoder
from stemwright.training_log import Record
from stemwright.validation import VALIDATION_SEED
from stemwright.validation_design import design_of
from stemwright.warm_start import WarmStart
from stemwright.windows import Windows

UNKNOWN_STEPS = 1_000_000
"""Length of a run with a time budget until its speed is known."""
TEXT_CACHE_BYTES = 512 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """What a run is asked to do. Exactly one of `steps` and `minutes` is set."""

    preset: Preset
    """As loaded; K, D and E are fitted to the data."""
    data: str | tuple[str, ...]
    """Data sets: a path or URL of latents each, with a weight where there are several, as "latents@0.7"."""
    steps: int | None = None
    """Length of the run."""
    minutes: float | None = None
    """Wall time of the training loop instead; the steps that fit are estimated from the speed."""
    seed: int = 0
    """Of the initial weights, the order of the data and all draws."""
    workers: int = 1
    """Data-parallel workers; each reads its own batch."""
    min_workers: int | None = None
    """With how many of them the run goes on where the others are away; None: with all of them alone. Those
    that are there take the others' batches too, so that a step is the same with any number."""
    checkpoint_every: int | None = None
    """Steps between checkpoints; a tenth of the run by default."""
    keep_checkpoints: int = 2
    """Newest checkpoints that are kept, beside the best one."""
    validation_windows: int = 32
    """Held-out windows to validate on, rounded up to whole batches."""
    text_encoder_weights: str | None = None
    """Local folder of the text encoder."""
    start: str | None = None
    """Checkpoint folder of the model to begin with; None: weights drawn by the seed."""
    judge: Preset | None = None
    """Whose kinds of tasks, window length and batch the validation asks; the preset's own by default. Runs
    with the same judge are asked the same, whatever each of them trains."""

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise InputError("give the length of the training either in steps or in minutes")
        if self.steps is not None and self.steps < 1:
            raise InputError(f"training needs at least one step, got {self.steps}")
        if self.workers < 1:
            raise InputError(f"training needs at least one worker, got {self.workers}")
        if self.min_workers is not None and not 1 <= self.min_workers <= self.workers:
            raise InputError(f"a run goes on with 1 to {self.workers} of its workers, got {self.min_workers}")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise InputError(f"minutes must be positive, got {self.minutes}")
        if self.checkpoint_every is not None and self.checkpoint_every < 1:
            raise InputError(f"checkpoints come every 1 or more steps, got {self.checkpoint_every}")
        if self.keep_checkpoints < 1:
            raise InputError(f"resuming needs the last checkpoint at least, got keep {self.keep_checkpoints}")
        if self.preset.training.lora_rank is not None and self.start is None:
            raise InputError("training.lora_rank adapts a trained model: name one with --from")
        if not self.data:
            raise InputError("training needs data: give the folder that prepare wrote")

    @property
    def sources(self) -> tuple[DataSource, ...]:
        """The data sets by whole paths."""
        texts = (self.data,) if isinstance(self.data, str) else self.data
        return tuple(DataSource.of(text).absolute() for text in texts)

    @property
    def judging(self) -> Preset:
        """The preset that says what is asked."""
        return self.judge or self.preset

    def settings(self) -> dict[str, Any]:
        """All that decides the result, for a log and to tell runs apart."""
        judge = {} if self.judge is None else {"judge": asdict(self.judge)}
        start = {} if self.start is None else {"start": checkpoint_fingerprint(self.start)}
        return {
            "preset": asdict(self.preset),
            "data": ", ".join(map(str, self.sources)),
            "steps": self.steps,
            "minutes": self.minutes,
            "seed": self.seed,
            "workers": self.workers,
            **start,
            **judge,
        }


@dataclass(kw_only=True, slots=True)
class TrainingRun:
    """A learner, what it reads, and how far it is."""

    plan: TrainingPlan
    """As asked."""
    data: DataMix
    """What it learns from."""
    learner: Learner
    """Model, optimiser and step count."""
    windows: Windows
    """Training data of this worker."""
    held_out: Windows | None
    """Validation data, None where every song is in the training split."""
    present: int = 1
    """Workers that are there."""
    started_from: Mapping[str, Any] = field(default_factory=dict)
    """What there is to say of the model that it began with."""
    train_s: float = 0.0
    """Wall time in the training loop, all resumptions together."""
    scores: dict[str, Any] = field(default_factory=dict)
    """The latest validation."""

    @classmethod
    def of(
        cls,
        plan: TrainingPlan,
        *,
        text_encoder: TextEncoder | None = None,
        device: str = "cpu",
        rank: int = 0,
        present: int | None = None,
    ) -> "TrainingRun":
        """Open the data and build the learner. InputError where they do not fit together.

        `present`: how many of the plan's workers there are, all by default; `rank`: which of them this is.
        """
        data = DataMix.open(plan.sources)
        check_tracks(plan.preset, data)
        encoder = text_encoder or CachedTextEncoder(
            load_text_encoder(plan.preset.text_encoder, plan.text_encoder_weights, device), TEXT_CACHE_BYTES
        )
        preset = fit_preset(
            plan.preset,
            latent_dim=data.info.latent_dim,
            text_width=encoder.width,
            frame_rate_hz=data.info.frame_rate_hz,
        )
        windows = open_windows(plan, data, rank, present)
        start = WarmStart.of(plan.start) if plan.start else None
        if start:
            start.check(preset, data.info, encoder)
        learner = Learner(
            preset,
            stats=run_stats(plan, data, start).to(device),
            text_encoder=encoder,
            total_steps=plan.steps or UNKNOWN_STEPS,
            steps_per_epoch=windows.steps_per_epoch,
            seed=plan.seed,
            device=device,
            model=start.model(preset, seeded_model(preset, plan.seed)) if start else None,
        )
        held_out = open_held_out(plan, data)
        started_from = start.facts() if start else {}
        return cls(
            plan=plan,
            data=data,
            learner=learner,
            windows=windows,
            held_out=held_out,
            present=present or plan.workers,
            started_from=started_from,
        )

    @property
    def is_done(self) -> bool:
        return self.learner.step_count >= self.learner.total_steps

    def window_s(self, step: int) -> float:
        """Seconds of music in a window of a step, 0 the first."""
        return self.windows.num_frames(step) / self.data.info.frame_rate_hz

    def of_skipped(self, skipped: SkippedStep) -> Record:
        """A skipped step for a log: its number, the reason, and the music that was read."""
        windows = [self.windows.window(sample_id) for sample_id in skipped.sample_ids]
        rate = self.data.info.frame_rate_hz
        read = [{"song": w.song.song_id, "start_s": round(w.start_frame / rate, 3)} for w in windows]
        return {"step": skipped.step + 1, "reason": skipped.reason, "windows": read}

    @property
    def judged_on(self) -> str:
        """A digest of the validation data: losses compare where it is the same."""
        if self.held_out is None:
            return "nothing"
        songs = [song.song_id for part in self.held_out.parts for song in part.songs]
        length, count = self.held_out.num_frames(0), self.plan.validation_windows
        asked = design_of(self.plan.judging)
        parts = (self.data.info.codec_fingerprint, songs, length, count, asked)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def held_out_batches(self) -> list[Batch]:
        """The same batches at every call."""
        if self.held_out is None:
            return []
        count = -(-self.plan.validation_windows // self.held_out.batch_size)
        return [self.held_out.batch(step) for step in range(count)]

    def save(self, folder: Path, *, resumable: bool) -> Path:
        """Write a checkpoint folder; without the training state it is a model to publish."""
        learner = self.learner
        return save_checkpoint(
            folder,
            weights=learner.averaged_weights(),
            preset=learner.preset,
            stats=learner.stats,
            origin=self._origin(),
            training_state=learner.state() if resumable else None,
        )

    def resume(self, folder: Path) -> None:
        """Go on from a checkpoint. InputError where it does not fit the data, the encoder or the plan."""
        config = read_config(folder)
        origin, info = config["origin"], self.data.info
        check_origin(origin, self.data, folder)
        if origin["text_encoder_fingerprint"] != self.learner.text_encoder.fingerprint:
            raise InputError(
                f"{folder} was trained with another text encoder ({origin['text_encoder']}): "
                "use that one or choose another --out"
            )
        assert tuple(config["preset"]["tracks"]["names"]) == info.track_names
        self.learner.load_state(load_training_state(folder))
        self.learner.total_steps = origin["facts"]["total_steps"]
        self.train_s = origin["facts"]["train_s"]

    def _origin(self) -> Origin:
        info, learner = self.data.info, self.learner
        return Origin(
            codec=info.codec,
            codec_fingerprint=info.codec_fingerprint,
            text_encoder=learner.text_encoder.name,
            text_encoder_fingerprint=learner.text_encoder.fingerprint,
            gains_db=info.gains_db,
            loudness_lufs=info.loudness_lufs,
            facts=self._facts(),
        )

    def _facts(self) -> dict[str, Any]:
        info, learner = self.data.info, self.learner
        return {
            "songs": info.num_songs,
            "hours": round(info.hours, 3),
            "licences": info.licences,
            **({"started_from": self.started_from} if self.started_from else {}),
            "steps": learner.step_count,
            "total_steps": learner.total_steps,
            "windows": learner.step_count * self.windows.batch_size * self.plan.workers,
            "windows_s": [round(length / info.frame_rate_hz, 3) for length in self.windows.lengths],
            "workers": self.plan.workers,
            "seed": self.plan.seed,
            "train_s": round(self.train_s, 1),
            "judged_on": self.judged_on,
            "validation": {name: self.scores[name] for name in ("loss", "ratio") if name in self.scores},
        }


def run_stats(plan: TrainingPlan, data: DataMix, start: WarmStart | None = None) -> LatentStats:
    """Normalisation of a run's latents: the data's or, of tracks that the model to begin with has, its own.

    `start`: that model, where it has been read.
    """
    if plan.start is None:
        return data.stats()
    return (start or WarmStart.of(plan.start)).stats(plan.preset.tracks, data.stats())


def open_windows(plan: TrainingPlan, data: DataMix, rank: int = 0, present: int | None = None) -> Windows:
    """What one worker of a run trains on."""
    return Windows(
        data,
        "train",
        lengths=_lengths(plan.preset, data),
        batch_size=plan.preset.training.batch_size,
        seed=plan.seed,
        rank=rank,
        world_size=plan.workers,
        present=present,
        tells_grid=plan.preset.model.beat_grid,
    )


def open_held_out(plan: TrainingPlan, data: DataMix) -> Windows | None:
    """What a run is judged on: windows of one length, the same for every seed and number of workers.

    None where every song is in the training split.
    """
    if not data.parts(HELD_OUT):
        return None
    length = judging_length(_lengths(plan.judging, data))
    batch_size = plan.judging.training.batch_size
    return Windows(
        data,
        HELD_OUT,
        lengths=(length,),
        batch_size=batch_size,
        seed=VALIDATION_SEED,
        tells_grid=plan.judging.model.beat_grid,
    )


def _lengths(preset: Preset, data: DataMix) -> tuple[int, ...]:
    """The buckets in frames; two that come out alike are one."""
    info, stride = data.info, preset.model.stride
    frames = {
        window_frames(window_s, info.frame_rate_hz, stride, info.segment_frames)
        for window_s in preset.training.windows_s
    }
    return tuple(sorted(frames))


def check_tracks(preset: Preset, data: DataMix) -> None:
    """InputError unless the preset's slots are those of the data."""
    if preset.tracks.names != data.info.track_names:
        raise InputError(
            f"preset {preset.name} has the tracks {', '.join(preset.tracks.names)}, but {data} has "
            f"{', '.join(data.info.track_names)}: prepare the data with the preset's tracks"
        )


def check_origin(origin: dict[str, Any], data: DataMix, folder: Path) -> None:
    """InputError unless a checkpoint was trained on latents of the data's codec."""
    info = data.info
    if origin["codec_fingerprint"] != info.codec_fingerprint:
        raise InputError(
            f"{folder} was trained on latents of codec {origin['codec']} "
            f"{origin['codec_fingerprint'][:12]}, but {data} holds codec {info.codec} "
            f"{info.codec_fingerprint[:12]}: use the same codec or choose another --out"
        )
