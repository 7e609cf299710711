"""A section of a song: bars that belong together, and who plays in them how hard."""

from collections.abc import Mapping
from dataclasses import dataclass

from stemwright_platform.corpus.demo.bar import Bar


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """An intro, verse, chorus, bridge, solo, breakdown, break, outro or ending."""

    kind: str
    """One of `form.ENERGY`."""
    bars: tuple[Bar, ...]
    playing: Mapping[str, frozenset[int]]
    """Track → places of the bars in which it plays."""
    energy: float
    """0…1: how hard and how densely it is played when it begins."""
    rise: float
    """Energy gained by its last bar."""
    build_bars: int
    """So many bars at its end build up to the next section."""
    bass: str
    """The bass line's pattern, as `genre.Groove` has them."""
    comping: str
    """The comping's."""

    def plays(self, track: str, bar: Bar) -> bool:
        return bar.place in self.playing[track]

    def energy_at(self, bar: Bar) -> float:
        """How hard a bar is played."""
        return self.energy + self.rise * bar.place / max(len(self.bars) - 1, 1)

    def builds_at(self, bar: Bar) -> bool:
        """Whether a bar belongs to the build-up at the end."""
        return bar.place >= len(self.bars) - self.build_bars
