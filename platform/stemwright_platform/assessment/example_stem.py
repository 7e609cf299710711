"""Real stems of known instruments, as one ear describes them; families of instruments take turns.

Axes: n audio sample, E number of a description.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.assessment.instrument_family import family_of, instruments_by_track
from stemwright_platform.assessment.window import Window

Description = NDArray[np.float32]
"""`[E]`."""
Describe = Callable[[Window, str], Description | None]
"""A window and a track → its real stem's description; None for silence."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ExampleStem:
    """A real stem, and what plays in it."""

    window: Window
    track: str
    words: str
    """The instrument, as prompts call it."""
    family: str
    described: Description


def example_stems(
    windows: Sequence[Window],
    track: str,
    describe: Describe,
    *,
    families: Container[str] | None = None,
    each: int | None = None,
    most: int | None = None,
) -> list[ExampleStem]:
    """Stems of a track that sound and whose instrument is known: one of each family, then again.

    `families`: those that count; all by default. `each`: stems of a family at most; `most`: of all.
    """
    of_family = defaultdict[str, list[tuple[Window, str]]](list)
    for window in windows:
        words = instruments_by_track(window.song).get(track, "")
        family = family_of(track, words)
        if family and (families is None or family in families):
            of_family[family].append((window, words))
    streams = [
        islice(_sounding(of_family[family], track, family, describe), each) for family in sorted(of_family)
    ]
    return list(islice(_in_turns(streams), most))


def _sounding(
    candidates: Sequence[tuple[Window, str]], track: str, family: str, describe: Describe
) -> Iterator[ExampleStem]:
    """Only as many are described as are asked for."""
    for window, words in candidates:
        if (described := describe(window, track)) is not None:
            yield ExampleStem(window=window, track=track, words=words, family=family, described=described)


def _in_turns(streams: Sequence[Iterator[ExampleStem]]) -> Iterator[ExampleStem]:
    """The first of each, then the second of each, until all have ended."""
    left = list(streams)
    while left:
        ended = []
        for stream in left:
            if (found := next(stream, None)) is None:
                ended.append(stream)
            else:
                yield found
        left = [stream for stream in left if stream not in ended]
