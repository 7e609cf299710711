"""What `stemwright demo-model` makes, from how much of what, and where it lies."""

import math
from dataclasses import dataclass
from pathlib import Path

from stemwright.codec import CODECS
from stemwright.conv_codec import SHIPPED as SHIPPED_CODEC
from stemwright.errors import InputError
from stemwright.presets import Preset, load_preset
from stemwright_platform.corpus.encode import CodecChoice
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font
from stemwright_platform.demo.plan import num_cores
from stemwright_platform.demo_model.sizes import (
    EVALUATION_CLIPS,
    HOURS,
    PATCHES,
    PRESET,
    SCALES,
    SEED,
    SONG_S,
    SONGS,
    SWEEP_CLIPS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoModelPlan:
    """Everything that decides the model. InputError for what cannot be done."""

    out: Path
    """Folder of all results."""
    songs: int = SONGS
    """Of the demo corpus."""
    song_s: float = SONG_S
    """Length of each."""
    midi: Path | None = None
    """A folder of MIDI files, rendered as a second corpus."""
    soundfonts: tuple[Path, ...] = ()
    """Each song is played by one of them; the one in pretty_midi by default."""
    licence: str = "unknown"
    """Terms of the MIDI files."""
    codec_name: str | None = None
    """Codec, its file or its folder; by default the shipped one, or one that is trained."""
    codec_steps: int | None = None
    """Train a codec for so many steps."""
    preset: str = PRESET
    hours: float | None = None
    """Training time of the model, or in its place:"""
    steps: int | None = None
    """the training's length in steps."""
    scales: tuple[float, ...] = SCALES
    """λ to try."""
    sweep_clips: int = SWEEP_CLIPS
    evaluation_clips: int = EVALUATION_CLIPS
    patches: int = PATCHES
    """Of the assessment's Fréchet distances; 0 leaves the assessment out."""
    seed: int = SEED
    """Of corpora, codec, weights and noise."""
    local: bool = False
    """In this process, without Ray."""
    device: str = "cpu"
    """Where codec and model run."""

    def __post_init__(self) -> None:
        if self.songs < 2:
            raise InputError(f"--songs must be 2 or more, one of them held out, got {self.songs}")
        if self.hours is not None and self.steps is not None:
            raise InputError("give the length of the training in --hours or in --steps, not in both")
        if not 0 < self.minutes < math.inf or (self.steps is not None and self.steps < 1):
            raise InputError("the training needs more than 0 hours, or at least one step")
        if self.codec_name is not None and self.codec_steps is not None:
            raise InputError(
                "--codec names a codec that there is, --codec-steps trains one: give one of them"
            )
        if self.codec_steps is not None and self.codec_steps < 1:
            raise InputError(f"--codec-steps must be 1 or more, got {self.codec_steps}")
        if self.sweep_clips < 1 or self.evaluation_clips < 2:
            raise InputError("--clips must be 2 or more: one clip has no spread")
        if self.patches < 0 or self.patches == 1:
            raise InputError(f"--patches must be 2 or more, or 0 for no assessment, got {self.patches}")
        if self.midi is not None and not self.midi.is_dir():
            raise InputError(f"--midi {self.midi} is not a folder")
        for font in self.soundfonts:
            if not font.is_file():
                raise InputError(f"--soundfont {font} does not exist")
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"{self.out} is a file: choose another --out")
        load_preset(self.preset)
        if not self.trains_codec:
            self.codec.load_for_planning()

    @property
    def minutes(self) -> float:
        """Of training, where it is not counted in steps."""
        return 60 * (HOURS if self.hours is None else self.hours)

    @property
    def fonts(self) -> tuple[Path, ...]:
        return self.soundfonts or (default_sound_font(),)

    @property
    def model_preset(self) -> Preset:
        return load_preset(self.preset)

    @property
    def trains_codec(self) -> bool:
        """Whether a codec is trained: asked for, begun before, or none to be had."""
        if self.codec_name is not None:
            return False
        return self.codec_steps is not None or self.codec_run.exists() or not SHIPPED_CODEC.is_file()

    @property
    def codec(self) -> CodecChoice:
        """What corpora are encoded with. InputError for a name that means nothing."""
        if self.trains_codec:
            return CodecChoice(name="conv", weights=str(self.codec_run.resolve()), device=self.device)
        name = self.codec_name or "conv"
        if name in CODECS:
            return CodecChoice(name=name, device=self.device)
        if not Path(name).exists():
            raise InputError(f"--codec {name} is neither a codec ({', '.join(CODECS)}) nor a file or folder")
        return CodecChoice(name="conv", weights=str(Path(name).resolve()), device=self.device)

    @property
    def jobs(self) -> int:
        """Actors or processes of a stage."""
        return 1 if self.local else num_cores()

    @property
    def corpus(self) -> Path:
        return self.out / "corpus"

    @property
    def rendered(self) -> Path:
        return self.out / "rendered"

    @property
    def codec_run(self) -> Path:
        return self.out / "codec"

    @property
    def manifests(self) -> dict[str, Path]:
        """Of each corpus, by its name; the demo corpus first: it is what models are judged on."""
        both = {"demo": self.corpus / "manifest.parquet", "rendered": self.rendered / "manifest.parquet"}
        return both if self.midi is not None else {"demo": both["demo"]}

    @property
    def latents(self) -> dict[str, Path]:
        """Of each corpus."""
        return {name: self.out / "latents" / name for name in self.manifests}

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def candidate(self) -> Path:
        """The model in half precision with its λ: what is evaluated."""
        return self.out / "candidate"

    @property
    def model(self) -> Path:
        """The same with all its figures."""
        return self.out / "model"
