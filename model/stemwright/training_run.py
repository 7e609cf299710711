"""One training run put together from a preset and a data set: what a Ray worker and a plain process share."""

import hashlib
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stemwright.batch import Batch
from stemwright.checkpoint import Origin, load_training_state, read_config, save_checkpoint
from stemwright.errors import InputError
from stemwright.latent_shards import LatentDataset
from stemwright.learner import Learner, fit_preset
from stemwright.presets import Preset
from stemwright.text_embedding import TextEncoder
from stemwright.text_encoder import CachedTextEncoder, load_text_encoder
from stemwright.validation import VALIDATION_SEED
from stemwright.windows import Windows

UNKNOWN_STEPS = 1_000_000
"""Length of a run with a time budget until its speed is known."""
TEXT_CACHE_BYTES = 512 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """What a run is asked to do. Exactly one of `steps` and `minutes` is set."""

    preset: Preset
    """As loaded; K, D and E are fitted to the data."""
    data: str
    """Folder of latent shards."""
    steps: int | None = None
    """Length of the run."""
    minutes: float | None = None
    """Wall time of the training loop instead; the steps that fit are estimated from the speed."""
    seed: int = 0
    """Of the initial weights, the order of the data and all draws."""
    workers: int = 1
    """Data-parallel workers; each reads its own batch."""
    checkpoint_every: int | None = None
    """Steps between checkpoints; a tenth of the run by default."""
    validation_windows: int = 32
    """Held-out windows to validate on, rounded up to whole batches."""
    text_encoder_weights: str | None = None
    """Local folder of the text encoder."""

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise InputError("give the length of the training either in steps or in minutes")
        if self.steps is not None and self.steps < 1:
            raise InputError(f"training needs at least one step, got {self.steps}")
        if self.workers < 1:
            raise InputError(f"training needs at least one worker, got {self.workers}")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise InputError(f"minutes must be positive, got {self.minutes}")
        if self.checkpoint_every is not None and self.checkpoint_every < 1:
            raise InputError(f"checkpoints come every 1 or more steps, got {self.checkpoint_every}")

    def settings(self) -> dict[str, Any]:
        """All that decides the result, for a log and to tell runs apart."""
        return {
            "preset": asdict(self.preset),
            "data": str(Path(self.data).resolve()),
            "steps": self.steps,
            "minutes": self.minutes,
            "seed": self.seed,
            "workers": self.workers,
        }


def window_frames(window_s: float, frame_rate_hz: float, stride: int, segment_frames: int) -> int:
    """Latent frames of a training window: whole segments of the codec, and whole strides where that fits."""
    frames = window_s * frame_rate_hz
    unit = math.lcm(stride, segment_frames)
    if unit > frames:
        unit = segment_frames
    return max(1, round(frames / unit)) * unit


@dataclass(kw_only=True, slots=True)
class TrainingRun:
    """A learner, what it reads, and how far it is."""

    plan: TrainingPlan
    """As asked."""
    dataset: LatentDataset
    """What it learns from."""
    learner: Learner
    """Model, optimiser and step count."""
    windows: Windows
    """Training data of this worker."""
    held_out: Windows | None
    """Validation data, None where every song is in the training split."""
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
    ) -> "TrainingRun":
        """Open the data and build the learner. InputError where they do not fit together."""
        dataset = LatentDataset(plan.data)
        check_tracks(plan.preset, dataset)
        encoder = text_encoder or CachedTextEncoder(
            load_text_encoder(plan.preset.text_encoder, plan.text_encoder_weights, device), TEXT_CACHE_BYTES
        )
        preset = fit_preset(plan.preset, latent_dim=dataset.info.latent_dim, text_width=encoder.width)
        windows = open_windows(plan, dataset, "train", plan.seed, rank, plan.workers)
        learner = Learner(
            preset,
            stats=dataset.stats().to(device),
            text_encoder=encoder,
            total_steps=plan.steps or UNKNOWN_STEPS,
            steps_per_epoch=windows.steps_per_epoch,
            seed=plan.seed,
            device=device,
        )
        held_out = None
        if dataset.songs("test"):
            held_out = open_windows(plan, dataset, "test", VALIDATION_SEED, 0, 1)
        return cls(plan=plan, dataset=dataset, learner=learner, windows=windows, held_out=held_out)

    @property
    def is_done(self) -> bool:
        return self.learner.step_count >= self.learner.total_steps

    @property
    def window_s(self) -> float:
        """Seconds of music in a training window."""
        return self.windows.num_frames / self.dataset.info.frame_rate_hz

    @property
    def judged_on(self) -> str:
        """A digest of the validation data: losses compare where it is the same."""
        if self.held_out is None:
            return "nothing"
        info = self.dataset.info
        songs = [song.song_id for song in self.dataset.songs("test")]
        parts = (info.codec_fingerprint, songs, self.held_out.num_frames, self.plan.validation_windows)
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
            weights=learner.ema.module.state_dict(),
            preset=learner.preset,
            stats=self.dataset.stats(),
            origin=self._origin(),
            training_state=learner.state() if resumable else None,
        )

    def resume(self, folder: Path) -> None:
        """Go on from a checkpoint. InputError where it does not fit the data, the encoder or the plan."""
        config = read_config(folder)
        origin, info = config["origin"], self.dataset.info
        check_origin(origin, self.dataset, folder)
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
        info, learner = self.dataset.info, self.learner
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
        info, learner = self.dataset.info, self.learner
        return {
            "songs": info.num_songs,
            "hours": round(info.hours, 3),
            "licences": info.licences,
            "steps": learner.step_count,
            "total_steps": learner.total_steps,
            "windows": learner.step_count * self.windows.batch_size * self.plan.workers,
            "window_s": round(self.window_s, 3),
            "workers": self.plan.workers,
            "seed": self.plan.seed,
            "train_s": round(self.train_s, 1),
            "judged_on": self.judged_on,
            "validation": {name: self.scores[name] for name in ("loss", "ratio") if name in self.scores},
        }


def open_windows(
    plan: TrainingPlan, dataset: LatentDataset, split: str, seed: int, rank: int, world_size: int
) -> Windows:
    """One worker's windows of a split."""
    config, info = plan.preset.training, dataset.info
    frames = window_frames(config.window_s, info.frame_rate_hz, plan.preset.model.stride, info.segment_frames)
    return Windows(
        dataset,
        split,
        num_frames=frames,
        batch_size=config.batch_size,
        seed=seed,
        rank=rank,
        world_size=world_size,
    )


def check_tracks(preset: Preset, dataset: LatentDataset) -> None:
    """InputError unless the preset's slots are those of the data."""
    if preset.tracks.names != dataset.info.track_names:
        raise InputError(
            f"preset {preset.name} has the tracks {', '.join(preset.tracks.names)}, but {dataset.folder} has "
            f"{', '.join(dataset.info.track_names)}: prepare the data with the preset's tracks"
        )


def check_origin(origin: dict[str, Any], dataset: LatentDataset, folder: Path) -> None:
    """InputError unless a checkpoint was trained on latents of the data's codec."""
    info = dataset.info
    if origin["codec_fingerprint"] != info.codec_fingerprint:
        raise InputError(
            f"{folder} was trained on latents of codec {origin['codec']} "
            f"{origin['codec_fingerprint'][:12]}, but {dataset.folder} holds codec {info.codec} "
            f"{info.codec_fingerprint[:12]}: use the same codec or choose another --out"
        )
