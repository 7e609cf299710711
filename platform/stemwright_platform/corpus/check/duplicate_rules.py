"""What to say of songs that hold the same music: a leak where they lie in different splits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stemwright_platform.corpus.check.duplicates import groups
from stemwright_platform.corpus.check.finding import Finding
from stemwright_platform.corpus.check.listening import Heard
from stemwright_platform.corpus.manifest import SPLITS, Song


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """Two songs in which the same music was heard."""

    first: str
    second: str
    """Their names."""
    heard: Heard


def duplicate_findings(songs: Mapping[str, Song], found: Sequence[Duplicate]) -> Iterator[Finding]:
    """One for each song that repeats another; of each group, that of training is the one to keep."""
    heard = {frozenset((pair.first, pair.second)): pair for pair in found}
    for group in groups((pair.first, pair.second) for pair in found):
        kept, *rest = sorted(group, key=lambda name: (SPLITS.index(songs[name].split), name))
        for name in rest:
            yield _finding(songs[kept], songs[name], heard.get(frozenset((kept, name))))


def _finding(kept: Song, copy: Song, pair: Duplicate | None) -> Finding:
    leaks = kept.split != copy.split
    return Finding(
        kind="leak" if leaks else "duplicate",
        severity="error" if leaks else "warning",
        song_id=copy.song_id,
        track=None,
        sentence=f"is the same music as '{kept.song_id}'"
        + (f", which is in the {kept.split} split, this one in the {copy.split} split" if leaks else "")
        + (f" ({_how_much(pair, copy)})" if pair else ""),
        remedy=f"Leave one of the two out{', or put both into one split' if leaks else ''}.",
    )


def _how_much(pair: Duplicate, copy: Song) -> str:
    later_s = pair.heard.later_s if pair.second == copy.song_id else -pair.heard.later_s
    when = (
        "at the same time"
        if abs(later_s) < 0.02
        else f"{abs(later_s):.2f} s {'later' if later_s > 0 else 'earlier'}"
    )
    return f"{pair.heard.common_s:.0f} s in common, {when}, {pair.heard.likeness:.0%} alike"
