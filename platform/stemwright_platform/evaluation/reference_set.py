"""The corpus itself as features hear it: what distances, tags and copies are judged by.

Axes: P patch, E embedding channel, G tag.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stemwright.metrics.feature import Arrays
from stemwright.metrics.frechet import GaussianFit
from stemwright.metrics.tag_agreement import TagScale, clip_log_odds
from stemwright.mixing import mix
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.feature_choice import FeatureChoice
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.making import Source

HeardClip = Mapping[tuple[str, str], Arrays]
"""(feature, part) → what it found."""


class CorpusHearing:
    """What an actor does: a clip of the corpus → what embedders hear in its tracks and its mix."""

    def __init__(
        self, source: Source, choice: FeatureChoice, store: FeatureStore, *, searching: bool = False
    ) -> None:
        """`searching`: the mix alone, closely, for copies to be looked for in it."""
        self._corpus = source.open()[1]
        ears = [choice.searching(source.device)] if searching else choice.embedders(source.device)
        self._hearing, self._mix_only = Hearing(ears, store), searching

    def __call__(self, clip: Clip) -> HeardClip:
        stems = self._corpus.heard(clip)
        sounds = {MIX: mix(stems.values())} if stems else {}
        if not self._mix_only:
            sounds |= stems
        return {
            (name, part): arrays
            for part, audio in sounds.items()
            for name, arrays in self._hearing.of_samples(audio).items()
        }


@dataclass(slots=True)
class ReferenceSet:
    """Real clips of other songs, as far as scores need them."""

    fits: dict[tuple[str, str], GaussianFit] = field(default_factory=dict)
    """(feature, part) → of all its embeddings."""
    clips: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """How many clips have the part."""
    log_odds: dict[tuple[str, str], list[NDArray[np.float64]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """(feature, part) → of each clip's tags `[G]`, where the feature hears tags."""

    @classmethod
    def of(cls, heard: Iterable[HeardClip]) -> "ReferenceSet":
        """Of clips as they come; memory grows by some kilobytes a clip."""
        found = cls()
        for clip in heard:
            for key, arrays in clip.items():
                found._add(key, arrays)
        return found

    def tag_scale(self, feature: str, part: str) -> TagScale | None:
        """How a part's tags are spread; None where too few clips have it."""
        of_clips = self.log_odds.get((feature, part), [])
        return TagScale.of(np.stack(of_clips)) if len(of_clips) > 1 else None

    def _add(self, key: tuple[str, str], arrays: Arrays) -> None:
        fit = GaussianFit.of(arrays["embeddings"])
        self.fits[key] = self.fits[key].merged(fit) if key in self.fits else fit
        self.clips[key] += 1
        if len(arrays.get("tags", ())):
            self.log_odds[key].append(clip_log_odds(arrays["tags"]))
