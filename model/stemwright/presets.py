"""Named configurations, read from YAML once and trusted from there on."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml

from stemwright.curriculum import Path as CurriculumPath
from stemwright.diffusion import NoiseSchedule
from stemwright.errors import InputError
from stemwright.solver_name import Solver
from stemwright.tracks import TRACKS, Tracks
from stemwright.unet import UNetConfig

T = TypeVar("T")
SECTIONS = ("model", "schedule", "training", "sampling")
"""What a preset's fields stand in, beside the tracks and the names of codec and text encoder."""
NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleConfig:
    """The noise schedule; JEN-1's lineage by default."""

    num_timesteps: int = 1000
    """N."""
    beta_start: float = 0.0015
    """First β."""
    beta_end: float = 0.0195
    """Last β; linear in √β between."""

    def build(self) -> NoiseSchedule:
        return NoiseSchedule.scaled_linear(self.num_timesteps, self.beta_start, self.beta_end)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """One training run (§4.3, §5.1)."""

    batch_size: int = 16
    """Windows a worker and step."""
    micro_batch: int | None = None
    """Windows that go through the model at once; the step's gradient is added up over them. Less memory, the
    same step. None: `batch_size`."""
    recompute: bool = False
    """Whether the backward pass computes the blocks' activations anew rather than keep them: about a third
    more work for a fraction of the memory."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """What each of several workers holds: the whole model (DDP), or a shard of its weights, gradients,
    moments and averages (FSDP2). Less memory and more traffic, the same step."""
    windows_s: tuple[float, ...] = (5.0,)
    """Lengths of training windows, each step one of them; rounded to whole segments of the codec and, where
    that costs little, to whole strides of the model."""
    learning_rate: float = 6e-4
    """Peak, after warm-up; falls linearly to 0."""
    warmup_steps: int = 100
    """Steps of linear warm-up."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW."""
    weight_decay: float = 0.1
    """AdamW."""
    clip: float = 0.7
    """Largest gradient norm."""
    ema_decay: float = 0.999
    """Of the averaged weights."""
    curriculum: CurriculumPath = "progressive"
    """The way of the tasks: progressive (§4.3), uniform from the first step on, or joint: all tracks always
    targets at one shared timestep, the baseline of Table 2."""
    p1: float = 0.8
    """Probability that the non-target tracks are given rather than absent."""
    mixed_contexts: bool = True
    """Whether a part of the non-target tracks may be given alone; false in `paper` (§4.1)."""
    p2: float = 0.0
    """Probability of hearing the teacher's tracks in place of recorded ones."""
    p2_starts_at_epoch: float = 300.0
    """Epoch from which p2 counts; 0.5 is the middle of the first one."""
    teacher_steps: int = 8
    """DDIM steps in which the teacher makes a track."""
    region_probability: float = 0.0
    """Probability that a part of the targets is given: the model learns to rewrite and to continue."""
    text_dropout: float = 0.2
    """Probability that a sample reads its task prefix alone."""
    full_at: float = 0.6
    """Progress from which every task is equally likely."""
    joint_opens_at: float = 0.2
    """Progress at which the joint task begins to open."""
    loss: Literal["epsilon", "velocity"] = "velocity"
    """Weighting of Eq. 2 over timesteps: as it stands, or divided by ᾱ so that every noise level counts."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of the forward and backward pass; `auto` is bf16 where the hardware has it. Parameters stay
    float32."""

    lora_rank: int | None = None
    """Rank of LoRA's matrices, where a trained model is adapted; None: all weights are trained."""

    def __post_init__(self) -> None:
        for name in ("p1", "p2", "text_dropout", "region_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"training.{name} is a probability, got {getattr(self, name)}")
        if self.batch_size < 1 or self.learning_rate <= 0 or self.teacher_steps < 1:
            raise InputError("training.batch_size, learning_rate and teacher_steps must be positive")
        if self.micro_batch is not None and not 1 <= self.micro_batch <= self.batch_size:
            raise InputError(
                f"training.micro_batch is 1 to batch_size {self.batch_size} windows, got {self.micro_batch}"
            )
        if self.lora_rank is not None and self.lora_rank < 1:
            raise InputError(f"training.lora_rank is 1 or more, got {self.lora_rank}")
        if self.lora_rank is not None and self.parallel == "fsdp":
            raise InputError(
                "training.lora_rank trains too little to be sharded: leave training.parallel at ddp"
            )
        if not _are_seconds(self.windows_s):
            raise InputError(f"training.windows_s is a list of seconds, as [2.5, 5], got {self.windows_s!r}")


def _are_seconds(values: object) -> bool:
    """Whether YAML brought a list of positive numbers."""
    if not isinstance(values, tuple) or not values:
        return False
    return all(isinstance(value, int | float) and 0 < value < math.inf for value in values)


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingConfig:
    """Defaults at inference, kept in the checkpoint."""

    guidance_scale: float = 1.0
    """λ of Eq. 6; the sweep finds the best for a model."""
    text_scale: float = 1.0
    """w beside Eq. 6; 1 is off."""
    num_steps: int = 25
    """Solver steps."""
    solver: Solver = "dpmpp_2m"
    """Reverse process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """All that a training run needs to know besides its data."""

    name: str
    """Preset name or the file's stem."""
    tracks: Tracks
    """The slots."""
    codec: str
    """Codec the preset is made for; data of another codec only changes D."""
    text_encoder: str
    """Text encoder name."""
    model: UNetConfig
    """Shape of the U-Net; K, D and E are set from tracks, data and text encoder."""
    schedule: ScheduleConfig
    """Noise schedule."""
    training: TrainingConfig
    """Training run."""
    sampling: SamplingConfig
    """Inference defaults."""


def preset_names() -> list[str]:
    """Names of the presets that come with the package."""
    folder = resources.files("stemwright") / "presets"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_preset(name: str) -> Preset:
    """A shipped preset by name, or a YAML file of the same form by path. InputError names what is wrong."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise InputError(f"preset file {path} does not exist")
        text = path.read_text()
    elif name in preset_names():
        text = (resources.files("stemwright") / "presets" / f"{name}.yaml").read_text()
    else:
        raise InputError(f"unknown preset '{name}': choose from {', '.join(preset_names())} or give a .yaml")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"preset {path} is not YAML ({' '.join(str(error).split())})") from None
    return parse_preset(content, path.stem)


def parse_preset(content: Any, name: str) -> Preset:
    """A preset from a mapping (parsed YAML or JSON)."""
    if not isinstance(content, dict):
        raise InputError(f"preset {name}: expected a mapping")
    content = {key: value for key, value in content.items() if key != "name"}
    known = {"tracks", "codec", "text_encoder", *SECTIONS}
    if unknown := sorted(set(content) - known):
        raise InputError(
            f"preset {name}: unknown section {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    tracks = content.get("tracks")
    return Preset(
        name=name,
        tracks=parse_section(Tracks, tracks, f"{name}.tracks") if tracks else TRACKS,
        codec=content.get("codec", "mdct"),
        text_encoder=content.get("text_encoder", "minilm"),
        model=parse_section(UNetConfig, content.get("model"), f"{name}.model"),
        schedule=parse_section(ScheduleConfig, content.get("schedule"), f"{name}.schedule"),
        training=parse_section(TrainingConfig, content.get("training"), f"{name}.training"),
        sampling=parse_section(SamplingConfig, content.get("sampling"), f"{name}.sampling"),
    )


def changed_preset(preset: Preset, changes: Sequence[str]) -> Preset:
    """The preset with some fields of its own, each told as "training.micro_batch=4"; values are YAML."""
    content = asdict(preset)
    for change in changes:
        path, equals, value = change.partition("=")
        section, dot, name = path.strip().partition(".")
        if not equals or not dot or section not in SECTIONS:
            raise InputError(
                f"'{change}' changes no field of a preset: write SECTION.FIELD=VALUE, as "
                f"training.micro_batch=4; sections: {', '.join(SECTIONS)}"
            )
        try:
            content[section][name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise InputError(f"'{change}': the value is not YAML") from None
    return parse_preset(content, preset.name)


def parse_section(kind: type[T], values: Any, where: str) -> T:
    """A configuration dataclass from a mapping; lists become tuples, unknown fields are an InputError."""
    values = values or {}
    if not isinstance(values, dict):
        raise InputError(f"{where}: expected a mapping, got {values!r}")
    known = {field.name for field in fields(kind)}  # pyright: ignore[reportArgumentType]
    if unknown := sorted(set(values) - known):
        raise InputError(f"{where}: unknown field {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    hints = get_type_hints(kind)
    return kind(**{key: _typed(value, hints[key], f"{where}.{key}") for key, value in values.items()})


def _typed(value: Any, hint: Any, where: str) -> Any:
    """A value of YAML or JSON as a configuration's field holds it; InputError where it is of another type."""
    if get_origin(hint) is Literal and value not in get_args(hint):
        choices = ", ".join(map(str, get_args(hint)))
        raise InputError(f"{where}: unknown choice {value!r}; known: {choices}")
    if isinstance(value, list | tuple) and get_origin(hint) is tuple:
        return tuple(value)
    kinds = [each for each in (int, float, bool, str) if each in (hint, *get_args(hint))]
    if kinds == [float] and isinstance(value, str):  # YAML takes 3e-5 for a word: it wants 3.0e-5
        with suppress(ValueError):
            return float(value)
    fits = not kinds or type(value) in kinds or (value is None and type(None) in get_args(hint))
    if not fits and not (float in kinds and type(value) is int):
        raise InputError(f"{where}: expected {NAMES[kinds[0]]}, got {value!r}")
    return value
