"""Training that begins with a trained model, of the same tracks or of others."""

from dataclasses import dataclass, replace
from pathlib import Path

from stemwright.checkpoint import Checkpoint, load_checkpoint
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_stats import LatentStats
from stemwright.presets import Preset
from stemwright.text_embedding import TextEncoder
from stemwright.track_weights import for_tracks
from stemwright.tracks import Tracks
from stemwright.unet import StemUNet, UNetConfig

WARMUP_STEPS = 50
FULL_RATE, LOW_RANK_RATE = 0.2, 1.0
"""Learning rates beside the base model's own."""
FROM_BASE = frozenset({"num_tracks", "latent_dim", "text_width", "frame_rate_hz"})
"""Fields of a model's shape that data and text encoder decide."""


@dataclass(frozen=True, slots=True)
class WarmStart:
    """The model that a run begins with."""

    base: Checkpoint

    @classmethod
    def of(cls, folder: str | Path) -> "WarmStart":
        """Read a checkpoint folder. InputError where it is none."""
        return cls(load_checkpoint(folder))

    def check(self, preset: Preset, info: DatasetInfo, text_encoder: TextEncoder | None = None) -> None:
        """InputError unless a run of the preset on such data can begin with the model.

        `text_encoder`: looked at where it is there already.
        """
        if text_encoder is not None:
            self.base.check_text_encoder(text_encoder)
        origin, own = self.base.origin, self.base.preset
        for what, theirs, ours in (
            ("codec", origin.codec_fingerprint, info.codec_fingerprint),
            ("loudness", origin.loudness_lufs, info.loudness_lufs),
            ("noise schedule", own.schedule, preset.schedule),
        ):
            if theirs != ours:
                raise InputError(
                    f"the model to begin with has another {what} than the data and the preset have "
                    f"({_short(theirs)}, not {_short(ours)}): prepare the data with its codec and settings"
                )
        for name in UNetConfig.__dataclass_fields__:
            theirs, ours = getattr(own.model, name), getattr(preset.model, name)
            if name not in FROM_BASE and theirs != ours:
                raise InputError(
                    f"the model to begin with has {name} {theirs}, preset {preset.name} {ours}: leave "
                    "--preset out to train in the shape of that model"
                )

    def model(self, preset: Preset, seeded: StemUNet) -> StemUNet:
        """`seeded`, a new model of the fitted preset, with the weights of the base.

        Its outputs for the tracks of the base are the base's, whatever new tracks hold: these reach nothing
        yet, and of them it knows no more than the trivial guess.
        """
        seeded.load_state_dict(for_tracks(self.base.model, seeded, self._slots(preset.tracks)))
        return seeded

    def stats(self, tracks: Tracks, of_data: LatentStats) -> LatentStats:
        """Those that the base was trained with; of new tracks the data's."""
        old = self.base.stats
        kept = [(own, slot) for own, slot in enumerate(self._slots(tracks)) if slot is not None]
        mean, std = of_data.mean.clone(), of_data.std.clone()
        for own, slot in kept:
            mean[own], std[own] = old.mean[slot].to(mean), old.std[slot].to(std)
        return LatentStats(mean=mean, std=std)

    def facts(self) -> dict[str, object]:
        """For the model card: what it was, and what that had heard."""
        told = self.base.origin.facts
        return {
            "name": told.get("title", self.base.preset.name),
            "fingerprint": self.base.fingerprint[:12],
            "licences": told.get("licences", {}),
        }

    def _slots(self, tracks: Tracks) -> tuple[int | None, ...]:
        """The base's slot of each track, None of a new one."""
        return tuple(
            self.base.tracks.index(name) if name in self.base.tracks.names else None for name in tracks.names
        )


def fine_tuning_preset(base: Preset, tracks: Tracks, lora_rank: int | None = None) -> Preset:
    """The base's preset to go on with: every task at once from the first step, at a lower rate."""
    training = replace(
        base.training,
        curriculum="uniform" if base.training.curriculum == "progressive" else base.training.curriculum,
        learning_rate=base.training.learning_rate * (FULL_RATE if lora_rank is None else LOW_RANK_RATE),
        warmup_steps=WARMUP_STEPS,
        p2=0.0,
        lora_rank=lora_rank,
    )
    return replace(base, tracks=tracks, training=training)


def _short(value: object) -> str:
    return value[:12] if isinstance(value, str) else str(value)
