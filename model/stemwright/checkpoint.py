"""A checkpoint: a folder of safetensors, one JSON configuration and a model card; nothing is pickled.

checkpoint.json          configuration, fingerprints, inference defaults, facts of the training
model.safetensors        the averaged weights
stats.safetensors        normalisation of the latents
training.safetensors     what resuming needs (absent in a published model)
files.json               sizes and digests of the three above
README.md                the model card, which may have pictures beside it
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from stemwright.codec import Codec
from stemwright.diffusion import NoiseSchedule
from stemwright.errors import InputError
from stemwright.half_precision import halved
from stemwright.latent_stats import LatentStats
from stemwright.model_card import model_card
from stemwright.presets import Preset, SamplingConfig, parse_preset
from stemwright.seal import SEAL, broken_seal, digest, seal, sealed_digests, sync
from stemwright.shipped_model import CONFIG, SHIPPED, shipped_model
from stemwright.text_embedding import TextEncoder
from stemwright.tracks import Tracks
from stemwright.unet import StemUNet

FORMAT_VERSION = 2
MODEL, STATS, TRAINING = "model.safetensors", "stats.safetensors", "training.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What a checkpoint was made of, and what composing with it must match."""

    codec: str
    """Codec name, for `load_codec`."""
    codec_fingerprint: str
    """The codec's."""
    text_encoder: str
    """Text encoder name, for `load_text_encoder`."""
    text_encoder_fingerprint: str
    """The text encoder's."""
    gains_db: tuple[float, ...]
    """Median over the corpus of the gain that brought each slot to its loudness, K values."""
    loudness_lufs: float = -23.0
    """Integrated loudness that stems were brought to before encoding."""
    facts: Mapping[str, Any]
    """Data, steps, losses, licences: for the model card."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A model ready to sample from."""

    model: StemUNet
    """The averaged weights, in evaluation mode: a denoiser."""
    preset: Preset
    """As trained."""
    stats: LatentStats
    """Normalisation of the codec's latents."""
    origin: Origin
    """Codec, text encoder, gains, facts."""
    fingerprint: str
    """Of the weights and the configuration."""

    @property
    def schedule(self) -> NoiseSchedule:
        return self.preset.schedule.build()

    @property
    def tracks(self) -> Tracks:
        return self.preset.tracks

    @property
    def sampling(self) -> SamplingConfig:
        return self.preset.sampling

    def check_codec(self, codec: Codec) -> None:
        """InputError unless `codec` is the one the model was trained with."""
        if codec.fingerprint != self.origin.codec_fingerprint:
            raise InputError(
                f"the model was trained on latents of codec {self.origin.codec} "
                f"{self.origin.codec_fingerprint[:12]}, not {codec.name} {codec.fingerprint[:12]}: "
                "use the model's codec or train on this one's latents"
            )

    def check_text_encoder(self, encoder: TextEncoder) -> None:
        """InputError unless `encoder` is the one the model was trained with."""
        if encoder.fingerprint != self.origin.text_encoder_fingerprint:
            raise InputError(
                f"the model was trained with text encoder {self.origin.text_encoder} "
                f"{self.origin.text_encoder_fingerprint[:12]}, not {encoder.name} "
                f"{encoder.fingerprint[:12]}: use the model's text encoder"
            )


def save_checkpoint(
    folder: str | Path,
    *,
    weights: Mapping[str, Tensor],
    preset: Preset,
    stats: LatentStats,
    origin: Origin,
    training_state: Mapping[str, Tensor] | None = None,
) -> Path:
    """Write a checkpoint folder, whole or not at all; an older one of that name is replaced.

    `weights`: the averaged model's state. Raises OSError where the disk is full: nothing is left behind.
    """
    folder = Path(folder)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        _save_tensors(weights, partial / MODEL)
        _save_tensors(stats.tensors(), partial / STATS)
        if training_state is not None:
            _save_tensors(training_state, partial / TRAINING)
        seal(partial, [MODEL, STATS] if training_state is None else [MODEL, STATS, TRAINING])
        (partial / CONFIG).write_text(json.dumps(_config(preset, origin), indent=1) + "\n")
        (partial / "README.md").write_text(model_card(preset, asdict(origin)))
        for path in (partial / SEAL, partial / CONFIG, partial / "README.md", partial):
            sync(path)
        _replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def publish_checkpoint(
    checkpoint: str | Path,
    folder: str | Path,
    *,
    half: bool = False,
    facts: Mapping[str, Any] | None = None,
    pictures: Sequence[Path] = (),
) -> Path:
    """Copy a checkpoint without its training state, whole or not at all; an older `folder` is replaced.

    `half`: weights in float16 (loading makes them float32 again); what that changed stands among the facts.
    `facts`: more of them, for the model card. `pictures`: files to lie beside the card.
    """
    source, folder = Path(checkpoint), Path(folder)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(source, partial, ignore=shutil.ignore_patterns(TRAINING, SEAL))
        told = dict(facts or {})
        if half:
            weights, rounding = halved(load_file(source / MODEL))
            _save_tensors(weights, partial / MODEL)
            told["weights"] = str(rounding)
        for picture in pictures:
            shutil.copyfile(picture, partial / picture.name)
        if told:
            _tell(partial, told)
        seal(partial, [MODEL, STATS])
        for path in (*partial.iterdir(), partial):
            sync(path)
        _replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def damage(folder: str | Path) -> str | None:
    """Why a checkpoint cannot be loaded, in a few words; None where it is as it was written."""
    folder = Path(folder)
    try:
        read_config(folder)
    except InputError as error:
        return str(error)
    return broken_seal(folder)


def load_checkpoint(folder: str | Path, device: str = "cpu") -> Checkpoint:
    """Read a checkpoint folder. InputError where it is missing, broken, or from another version.

    The folder of a training run stands for the model that it published, "shipped" for the package's own.
    """
    folder = model_folder(folder)
    config = read_config(folder)
    preset = parse_preset(config["preset"], config["name"])
    origin = Origin(**{**config["origin"], "gains_db": tuple(config["origin"]["gains_db"])})
    schedule = preset.schedule.build()
    with torch.device("meta"):
        model = StemUNet(preset.model, schedule)
    try:
        # cloned into aligned memory: where products round differs with it
        weights = {name: value.clone() for name, value in load_file(folder / MODEL).items()}
        model.load_state_dict(weights, assign=True)
        stats = LatentStats.load(folder / STATS)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise InputError(f"checkpoint {folder} is broken ({str(error).splitlines()[0]})") from None
    if found := broken_seal(folder, (MODEL, STATS)):
        raise InputError(f"checkpoint {folder} is broken ({found})")
    return Checkpoint(
        model=model.float().to(device).eval().requires_grad_(False),
        preset=preset,
        stats=stats.to(device),
        origin=origin,
        fingerprint=checkpoint_fingerprint(folder),
    )


def checkpoint_fingerprint(folder: str | Path) -> str:
    """Of the configuration as it is and of the weights as they were written."""
    folder = model_folder(folder)
    written = sealed_digests(folder)
    digests = (digest(folder / CONFIG), written[MODEL], written[STATS])
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def model_folder(folder: str | Path) -> Path:
    """The checkpoint that a folder holds or, where it is a training run's, has in its `model`.

    The word "shipped" stands for the model that comes with the package; InputError where there is none.
    """
    if folder == SHIPPED:
        return shipped_model()
    folder = Path(folder)
    published = folder / "model"
    return published if not (folder / CONFIG).exists() and (published / CONFIG).exists() else folder


def load_training_state(folder: str | Path) -> dict[str, Tensor]:
    """What `Learner.load_state` takes. InputError for a published model, which has none."""
    path = Path(folder) / TRAINING
    if not path.is_file():
        raise InputError(f"checkpoint {folder} has no training state: it is a published model, not a run")
    return load_file(path)


def read_config(folder: Path) -> dict[str, Any]:
    """checkpoint.json, checked for its version."""
    try:
        config = json.loads((folder / CONFIG).read_text())
    except FileNotFoundError:
        raise InputError(
            f"{folder} is not a checkpoint (no {CONFIG}): train one with `stemwright train`"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {folder / CONFIG} ({error})") from None
    version = config.get("format_version")
    if version != FORMAT_VERSION:
        raise InputError(f"{folder} has checkpoint format {version}, this release reads {FORMAT_VERSION}")
    return config


def with_sampling(folder: str | Path, **changes: Any) -> None:
    """Change inference defaults of a saved checkpoint, as a sweep does with the best guidance scale."""
    folder = model_folder(folder)
    config = read_config(folder)
    preset = parse_preset(config["preset"], config["name"])
    config["preset"]["sampling"] = asdict(replace(preset.sampling, **changes))
    card = model_card(parse_preset(config["preset"], config["name"]), config["origin"])
    for name, text in ((CONFIG, json.dumps(config, indent=1) + "\n"), ("README.md", card)):
        temporary = folder / f".{name}.{os.getpid()}"
        temporary.write_text(text)
        sync(temporary)
        os.replace(temporary, folder / name)
    sync(folder)


def _tell(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add facts to a checkpoint that is being made, and write its card anew."""
    config = read_config(folder)
    config["origin"]["facts"] |= facts
    card = model_card(parse_preset(config["preset"], config["name"]), config["origin"])
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n")
    (folder / "README.md").write_text(card)


def _config(preset: Preset, origin: Origin) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "name": preset.name,
        "preset": asdict(preset),
        "origin": asdict(origin),
    }


def _save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)
    except safetensors.SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from None
    path.chmod(0o644)  # safetensors writes for the owner alone; a serving process may be another user


def _replace(partial: Path, folder: Path) -> None:
    """Put a finished folder in its place; a reader sees the old one or the new one, never half of one."""
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    if folder.exists():
        os.replace(folder, old)
    os.replace(partial, folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
