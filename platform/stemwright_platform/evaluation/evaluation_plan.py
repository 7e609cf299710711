"""What an evaluation is asked to do."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright_platform.evaluation.feature_choice import FeatureChoice
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice

SETTINGS = "settings.json"
MIN_DURATION_S = 3.0
"""What the shortest-sighted embedding needs."""
HEARD_ONLY = ("embeddings", "references", "training")
"""Settings that change no sound that is kept."""
DEFAULTS, EMBEDDED = SamplingChoice(), FeatureChoice()


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationPlan:
    """Everything that decides the figures."""

    source: Source
    """Model and music."""
    split: str = "test"
    clips: int = 64
    """Windows to evaluate; fewer where the split has no more."""
    duration_s: float = 10.0
    tasks: tuple[str, ...] = ("joint", "conditional", "marginal")
    """Kinds or names of tasks."""
    seed: int = 0
    sampling: SamplingChoice = DEFAULTS
    """How the model is asked."""
    features: FeatureChoice = EMBEDDED
    """What hears."""
    references: int = 128
    """Windows that Fréchet distances are taken to."""
    training: int = 512
    """Windows of the training split that copies are looked for in."""
    retakes: int = 8
    """Clips of which other takes are made, to see how far takes of one prompt differ."""
    takes: int = 4
    """Takes of each of these."""

    def __post_init__(self) -> None:
        if self.clips < 2:
            raise InputError(f"--clips must be 2 or more, got {self.clips}: one clip has no spread")
        if not MIN_DURATION_S <= self.duration_s <= 600:
            raise InputError(f"--duration lies between {MIN_DURATION_S:g} and 600 s, got {self.duration_s:g}")

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the figures beside the model's weights, as JSON has it."""
        settings = asdict(self)
        place, features = settings.pop("source"), settings.pop("features")
        music = {name: place[name] for name in ("data", "manifest")}
        return json.loads(json.dumps({**music, **settings, "embeddings": features["embeddings"]}))

    def begin(self, out: Path, fingerprint: str) -> None:
        """Make the folder, or take up what an earlier call of the same plan and model left there.

        `fingerprint`: of the model. InputError where the folder belongs to another plan.
        """
        out.mkdir(parents=True, exist_ok=True)
        # with other embeddings, or more references, what was made is the same
        sound = {name: value for name, value in self.settings.items() if name not in HEARD_ONLY}
        wanted = {"model": fingerprint, **sound}
        path = out / SETTINGS
        if not path.exists():
            partial = path.with_name(f".{SETTINGS}")
            partial.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
            partial.replace(path)
            return
        before = json.loads(path.read_text(encoding="utf-8"))
        if other := [name for name in wanted if before.get(name) != wanted[name]]:
            raise InputError(
                f"{out} holds an evaluation with other settings ({', '.join(other)}): choose another --out"
            )

    @property
    def key(self) -> str:
        """A digest of the settings without the model: reports compare clip by clip where it is the same."""
        settings = {name: value for name, value in self.settings.items() if name != "sampling"}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
