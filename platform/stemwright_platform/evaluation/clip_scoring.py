"""The scores of one clip, from what features hear in its stems."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stemwright.audio import read_audio
from stemwright.metrics.adherence import key_adherence, tempo_adherence
from stemwright.metrics.clap import clap_score
from stemwright.metrics.coherence import has_pitch, pair_scores
from stemwright.metrics.leakage import FlatSpectrum, spectra_leakage
from stemwright.metrics.levels import level_scores
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import MIX, read_facts, sound_file
from stemwright_platform.evaluation.feature_choice import WORDS, FeatureChoice
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import READ_RATE_HZ, Hearing, read_sound
from stemwright_platform.evaluation.making import GIVEN_CHANGE

if TYPE_CHECKING:
    from stemwright_platform.evaluation.cocola import Cocola

TextEmbedder = Callable[[str], NDArray[np.float32]]


class ClipScore(NamedTuple):
    """One figure of one clip."""

    score: str
    part: str
    """A track, a pair "bass|drums" in slot order, "TARGET|GIVEN" for leakage, or "mix"."""
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreItem:
    """A clip of a system, as one task."""

    system: str
    task: str
    clip: Clip
    targets: tuple[str, ...]
    """Tracks that the system made."""
    given: tuple[str, ...]
    """Tracks that it heard while making them."""
    sounds: Mapping[str, Path]
    """Track → its file, of all tracks to hold the targets against; "mix" where a mix is to be scored."""
    folder: Path
    """Where what else is known of the clip lies."""


class ClipScoring:
    """What an actor does: the items of a clip → the scores of each. What was heard before is not again."""

    def __init__(self, choice: FeatureChoice, store: FeatureStore, device: str = "cpu") -> None:
        embedders = choice.embedders(device)
        self._hearing = Hearing([*choice.signal_features(), *embedders], store)
        words: Any = next((feature for feature in embedders if feature.name == WORDS), None)
        self._cocola = choice.pair_scorer()
        self._text = lru_cache(maxsize=512)(lambda text: words.embed_text([text])[0]) if words else None

    def __call__(self, items: Sequence[ScoreItem]) -> list[list[ClipScore]]:
        judge = _Judge(self._hearing, self._text, self._cocola)
        return [[score for score in judge.scores(item) if not math.isnan(score.value)] for item in items]


class _Judge:
    """Items of one clip share most of their sounds: what one of them needed, the others need no more."""

    def __init__(self, hearing: Hearing, text: TextEmbedder | None, cocola: "Cocola | None") -> None:
        self._sound = cache(read_sound)
        self._heard = cache(lambda path: hearing(path, self._sound))
        self._spectrum = cache(lambda path: FlatSpectrum.of(self._sound(path), READ_RATE_HZ))
        self._pair, self._leak = cache(self._pair_scores), cache(self._leakage)
        self._text, self._cocola = text, cocola

    def scores(self, item: ScoreItem) -> Iterator[ClipScore]:
        sounds = item.sounds
        for target in item.targets:
            for score, value in level_scores(self._heard(sounds[target])["levels"]).items():
                yield ClipScore(score, target, value)
        for first, second in combinations([part for part in sounds if part != MIX], 2):
            if first in item.targets or second in item.targets:
                pitched = has_pitch(first) and has_pitch(second)
                for score, value in self._pair(sounds[first], sounds[second], pitched).items():
                    yield ClipScore(score, f"{first}|{second}", value)
        yield from self._fidelity(item)
        parts = [*item.targets, *(part for part in sounds if part == MIX)]
        yield from self._adherence(item, parts)
        if self._text is not None and item.clip.prompt:
            text = self._text(item.clip.prompt)
            for part in parts:
                yield ClipScore(WORDS, part, clap_score(self._heard(sounds[part])[WORDS]["embeddings"], text))

    def _adherence(self, item: ScoreItem, parts: Sequence[str]) -> Iterator[ClipScore]:
        """How well what was made keeps the tempo and the key that were asked for."""
        for part in parts:
            if item.clip.tempo_bpm is not None:
                rhythm = self._heard(item.sounds[part])["rhythm"]
                yield ClipScore("tempo_adherence", part, tempo_adherence(rhythm, item.clip.tempo_bpm))
            pitched = [name for name in (item.targets if part == MIX else [part]) if has_pitch(name)]
            if item.clip.key is not None and pitched:
                harmonies = [self._heard(item.sounds[name])["harmony"] for name in pitched]
                yield ClipScore("key_adherence", part, key_adherence(harmonies, item.clip.key))

    def _fidelity(self, item: ScoreItem) -> Iterator[ClipScore]:
        """What became of the given tracks: themselves, and in the targets."""
        for track, change in read_facts(item.folder).get(GIVEN_CHANGE, {}).items():
            yield ClipScore(GIVEN_CHANGE, track, change)
        for target in item.targets:
            for given in item.given:
                # the same either way: worked out once for both
                value = self._leak(*sorted((item.sounds[target], item.sounds[given])))
                yield ClipScore("leakage", f"{target}|{given}", value)

    def _pair_scores(self, first: Path, second: Path, pitched: bool) -> dict[str, float]:
        found = pair_scores(self._heard(first), self._heard(second), pitched=pitched)
        if self._cocola is not None:
            rate = self._cocola.sample_rate_hz
            found[self._cocola.name] = self._cocola.score(read_audio(first, rate), read_audio(second, rate))
        return found

    def _leakage(self, one: Path, other: Path) -> float:
        return spectra_leakage(self._spectrum(one), self._spectrum(other))


def sounds_of(folders: Mapping[str, Path], *, mix: Path | None = None) -> dict[str, Path]:
    """Track → file, from track → folder of a clip; tracks that have no file are left out."""
    found = {track: sound_file(folder, track) for track, folder in folders.items()}
    if mix is not None:
        found[MIX] = sound_file(mix, MIX)
    return {part: path for part, path in found.items() if path.is_file()}
