"""A prompt made from what is known about a song: varied order, some fields left out."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stemwright.errors import InputError

KEEP_PROBABILITY = 0.7
"""How often a prompt keeps a field that the song has."""
SLOW_BPM, FAST_BPM = 90.0, 128.0
"""Below the first a tempo may be called slow, from the second on fast."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SongMetadata:
    """What a prompt can tell of a song; empty or None where unknown."""

    genres: tuple[str, ...] = ()
    """As "blues"."""
    instruments: tuple[str, ...] = ()
    """As "slide guitar"."""
    moods: tuple[str, ...] = ()
    """As "melancholic"."""
    tempo_bpm: float | None = None
    """Quarter notes a minute."""
    key: str | None = None
    """As "A minor"."""
    keywords: tuple[str, ...] = ()
    """As "walking bass"."""
    themes: tuple[str, ...] = ()
    """As "night drive"."""

    def __post_init__(self) -> None:
        if self.tempo_bpm is not None and not 0 < self.tempo_bpm < 1000:
            raise InputError(f"tempo_bpm must lie between 0 and 1000, got {self.tempo_bpm:g}")

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "SongMetadata":
        """From a manifest or shard row; other fields are ignored, a bare string counts as a list of one.

        Raises InputError for a field of the wrong type.
        """
        tempo, key = fields.get("tempo_bpm"), fields.get("key")
        return cls(
            genres=_words(fields, "genres"),
            instruments=_words(fields, "instruments"),
            moods=_words(fields, "moods"),
            tempo_bpm=_number(tempo),
            key=str(key) if key else None,
            keywords=_words(fields, "keywords"),
            themes=_words(fields, "themes"),
        )


def prompt_text(metadata: SongMetadata, variant: int, seed: int = 0) -> str:
    """One of many texts for a song, as "slow blues, slide guitar, melancholic, A minor".

    The same arguments give the same text; another `variant` gives another order and other omissions.
    A song of which anything is known keeps at least one field; otherwise the text is empty.
    The task prefix is not part of it.
    """
    rng = random.Random(f"{seed}/{variant}/{_identity(metadata)}")
    fields = _phrases(metadata, rng)
    names = sorted(fields)
    kept = [name for name in names if rng.random() < KEEP_PROBABILITY]
    if names and not kept:
        kept = [rng.choice(names)]
    rng.shuffle(kept)
    # Most prompts of people open with the genre.
    if "genres" in kept and rng.random() < 0.6:
        kept.sort(key=lambda name: name != "genres")
    return ", ".join(_with_pace([fields[name] for name in kept], kept, metadata.tempo_bpm, rng))


def _phrases(metadata: SongMetadata, rng: random.Random) -> dict[str, str]:
    """Field name → its words in this variant."""
    phrases = {
        "genres": ", ".join(metadata.genres),
        "instruments": _some(metadata.instruments, rng),
        "moods": _some(metadata.moods, rng),
        "tempo": "" if metadata.tempo_bpm is None else f"{metadata.tempo_bpm:.0f} bpm",
        "key": metadata.key or "",
        "keywords": _some(metadata.keywords, rng),
        "themes": _some(metadata.themes, rng),
    }
    return {name: text for name, text in phrases.items() if text}


def _some(words: tuple[str, ...], rng: random.Random) -> str:
    """At least one of the words, in any order."""
    return ", ".join(rng.sample(words, rng.randint(1, len(words)))) if words else ""


def _with_pace(texts: list[str], names: list[str], tempo_bpm: float | None, rng: random.Random) -> list[str]:
    """The texts with the genre called slow or fast in half the prompts where that is true."""
    pace = _pace(tempo_bpm)
    if pace and "genres" in names and rng.random() < 0.5:
        texts[names.index("genres")] = f"{pace} {texts[names.index('genres')]}"
    return texts


def _pace(tempo_bpm: float | None) -> str:
    if tempo_bpm is None or SLOW_BPM <= tempo_bpm < FAST_BPM:
        return ""
    return "slow" if tempo_bpm < SLOW_BPM else "fast"


def _identity(metadata: SongMetadata) -> str:
    """What tells songs apart, in a form that does not change between Python versions."""
    lists = (metadata.genres, metadata.instruments, metadata.moods, metadata.keywords, metadata.themes)
    return "/".join([*map(",".join, lists), str(metadata.tempo_bpm), str(metadata.key)])


def _words(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{name} must be a list of words, got {value!r}")
    return tuple(word.strip() for word in words if word.strip())


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise InputError(f"tempo_bpm must be a number, got {value!r}") from None
