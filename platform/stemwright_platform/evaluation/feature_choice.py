"""Which features an evaluation hears with, as a user names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stemwright.errors import InputError
from stemwright.metrics.feature import Feature

if TYPE_CHECKING:
    from stemwright_platform.evaluation.cocola import Cocola

EMBEDDINGS = ("musicnn", "musicnn-msd", "vggish", "clap")
TAGS, WORDS = "musicnn", "clap"
"""What hears tags, and what hears music and words alike."""
SEARCH_HOP_S = 1.0
"""Between patches of songs in which copies are looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureChoice:
    """Embeddings for Fréchet distances and agreement with the prompt; rhythm, harmony and levels always."""

    embeddings: tuple[str, ...] = ("musicnn",)
    """Each a name of `EMBEDDINGS`, or NAME=PATH with the weights there."""
    clap_python: str | None = None
    """Interpreter of an environment that has the package laion-clap; CLAP then runs there."""
    cocola: str | None = None
    """PYTHON:CODE:CHECKPOINT, an environment's interpreter, a checkout and weights of COCOLA."""

    def __post_init__(self) -> None:
        if self.cocola is not None and len(self.cocola.split(":")) != 3:
            raise InputError(f"--cocola {self.cocola}: write PYTHON:CODE:CHECKPOINT")
        for entry in self.embeddings:
            if _name(entry) not in EMBEDDINGS:
                raise InputError(f"unknown embedding '{entry}': choose from {', '.join(EMBEDDINGS)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(_name, self.embeddings))

    def signal_features(self) -> list[Feature]:
        """What stems are held together by: from the signal alone."""
        from stemwright.metrics.harmony import Harmony
        from stemwright.metrics.levels import Levels
        from stemwright.metrics.rhythm import Rhythm

        return [Rhythm(), Harmony(), Levels()]

    def embedders(self, device: str = "cpu") -> list[Feature]:
        """What gives `embeddings`. InputError where weights are missing."""
        return [self._embedder(entry, device) for entry in self.embeddings]

    def pair_scorer(self) -> "Cocola | None":
        """COCOLA, where it is named."""
        if self.cocola is None:
            return None
        from stemwright_platform.evaluation.cocola import Cocola

        python, code, checkpoint = self.cocola.split(":")
        return Cocola(python, code=code, checkpoint=checkpoint)

    def searching(self, device: str = "cpu") -> Feature:
        """What hears songs that copies are looked for in: patches so close that none lies between them."""
        if _name(self.embeddings[0]) == TAGS:
            from stemwright.metrics.musicnn import Musicnn

            return Musicnn(patch_hop_s=SEARCH_HOP_S)
        return self._embedder(self.embeddings[0], device)

    def _embedder(self, entry: str, device: str) -> Feature:
        name, _, weights = entry.partition("=")
        if name == "vggish":
            from stemwright.metrics.vggish import Vggish

            return Vggish.load(weights or None, device=device)
        if name == "clap":
            return self._clap(weights or None, device)
        from stemwright.metrics.musicnn import Musicnn

        return Musicnn("msd" if name == "musicnn-msd" else "mtt")

    def _clap(self, weights: str | None, device: str) -> Feature:
        if self.clap_python:
            from stemwright_platform.evaluation.laion_clap import LaionClap

            return LaionClap(self.clap_python, weights)
        from stemwright.metrics.clap import Clap

        return Clap.load(weights, device=device)


def parse_embeddings(words: Sequence[str]) -> tuple[str, ...]:
    """The same, each name once."""
    return tuple({_name(word): word for word in words}.values())


def _name(entry: str) -> str:
    return entry.partition("=")[0]
