"""What a demo is asked to do, and where its results lie."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from stemwright.errors import InputError
from stemwright.presets import Preset, load_preset
from stemwright.shipped_model import shipped_model

SONG_S = (45.0, 75.0)
PIECE_S = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoPlan:
    """The demo's settings. InputError for what cannot be done."""

    out: Path
    """Folder of all results."""
    songs: int = 40
    """Size of the corpus."""
    minutes: float = 3.0
    """Training time."""
    seed: int = 1
    """Of corpus, training and composition."""
    port: int = 8000
    """Where the API listens."""
    prompt: str | None = None
    """What to compose; by default the description of a held-out song."""
    preset: str = "small"
    """Model to train."""
    shipped: bool = False
    """Compose with the model that ships, not with the one that the demo trains."""
    song_s: tuple[float, float] = SONG_S
    """Shortest and longest song of the corpus."""
    piece_s: float = PIECE_S
    """Length of the composition."""

    def __post_init__(self) -> None:
        if self.songs < 2:
            raise InputError(f"the demo needs at least 2 songs, one of them held out, got {self.songs}")
        if not 0 < self.minutes < math.inf:
            raise InputError(f"--minutes must be more than 0, got {self.minutes:g}")
        if self.seed < 0:
            raise InputError(f"--seed must be 0 or more, got {self.seed}")
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"{self.out} is a file: choose another --out")
        load_preset(self.preset)

    @property
    def model_preset(self) -> Preset:
        return load_preset(self.preset)

    @property
    def corpus(self) -> Path:
        return self.out / "corpus"

    @property
    def latents(self) -> Path:
        return self.out / "latents"

    @property
    def run(self) -> Path:
        """A folder for each set of settings: going on with one never spoils another."""
        name = f"{Path(self.preset).stem}-{self.songs}songs-{self.minutes:g}min-seed{self.seed}"
        return self.out / "runs" / name

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{(self.out / 'runs').resolve()}/mlflow.db"

    @property
    def model(self) -> Path:
        """What the demo trains."""
        return self.out / "model"

    @property
    def served(self) -> Path:
        """What is served and composed with. InputError where it was to be shipped and is not."""
        return shipped_model() if self.shipped else self.model

    @property
    def state(self) -> Path:
        return self.out / "state"

    @property
    def excerpt(self) -> Path:
        """A real song's stems."""
        return self.out / "corpus_song"


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
