"""What an assessment is asked to do."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright_platform.evaluation.evaluation_plan import MIN_DURATION_S
from stemwright_platform.evaluation.systems import SamplingChoice

SETTINGS = "settings.json"
TARGET_PATCHES = 2000
"""On which the targets of Fréchet distances are set."""
DEFAULTS = SamplingChoice()


@dataclass(frozen=True, kw_only=True, slots=True)
class AssessmentPlan:
    """Everything that decides the figures."""

    model: str
    """Checkpoint folder."""
    manifest: str | None = None
    """Songs to measure on; None has held-out demo songs made."""
    split: str | None = "test"
    """Of the manifest; None takes all songs."""
    soundfonts: tuple[str, ...] = ()
    """That play the songs which are made; none is the one in pretty_midi."""
    songs_folder: str | None = None
    """Where songs are made, to share between assessments; OUT/songs by default."""
    training: str | None = None
    """Manifest of the training songs, to look for copies of them; None looks for none."""
    guidance: str | None = None
    """Folder of a sweep of the guidance scale, to tell of."""
    patches: int = TARGET_PATCHES
    """Embeddings on either side of a Fréchet distance."""
    coherence_songs: int = 48
    """Windows of which each track is made anew, given the others."""
    duration_s: float = 8.0
    """Of a window."""
    batch: int = 8
    """Takes that the denoiser makes at once."""
    sampling: SamplingChoice = DEFAULTS
    """How the model is asked."""
    tell_grid: bool = True
    """Whether the model is told where bars are, as far as the songs know it."""
    seed: int = 0
    device: str = "cpu"
    codec_weights: str | None = None
    text_weights: str | None = None

    def __post_init__(self) -> None:
        if not MIN_DURATION_S <= self.duration_s <= 60:
            raise InputError(f"--duration lies between {MIN_DURATION_S:g} and 60 s, got {self.duration_s:g}")
        for name, value, least in (
            ("--patches", self.patches, 2),
            ("--coherence-songs", self.coherence_songs, 2),
            ("--batch", self.batch, 1),
        ):
            if value < least:
                raise InputError(f"{name} must be {least} or more, got {value}")
        if self.manifest and self.soundfonts:
            raise InputError("--soundfont plays songs that are made: leave it out beside --manifest")

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the sound of takes beside the model's weights, as JSON has it."""
        names = ("manifest", "split", "soundfonts", "duration_s", "tell_grid", "seed", "sampling")
        every = asdict(self)
        return json.loads(json.dumps({name: every[name] for name in names}))

    def begin(self, out: Path, fingerprint: str) -> None:
        """Make the folder, or take up what an earlier call of the same plan and model left there.

        `fingerprint`: of the model. InputError where the folder belongs to another plan or model.
        """
        out.mkdir(parents=True, exist_ok=True)
        wanted = {"model": fingerprint, **self.settings}
        path = out / SETTINGS
        if not path.exists():
            partial = path.with_name(f".{SETTINGS}")
            partial.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
            partial.replace(path)
            return
        before = json.loads(path.read_text(encoding="utf-8"))
        if other := [name for name in wanted if before.get(name) != wanted[name]]:
            raise InputError(
                f"{out} holds an assessment with another {', '.join(other)}: choose another --out"
            )
