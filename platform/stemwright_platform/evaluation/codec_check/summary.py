"""Figures of stems as means over songs: a table for the terminal, a structure for JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stemwright.metrics.interval import Interval, bootstrap_interval
from stemwright.metrics.round_trip import OCTAVES_HZ
from stemwright_platform.evaluation.codec_check.check import StemCheck

ALL = "all"
"""In place of a track: all of them."""
TOP = len(OCTAVES_HZ) - 1
"""The octave from 8 to 16 kHz."""
OCTAVES = tuple(f"{low:g}-{high:g} Hz" for low, high in OCTAVES_HZ)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a figure should reach."""

    figure: str
    limit: float
    above: bool
    """Whether it should lie above the limit, or below."""

    def met(self, value: float) -> bool:
        return value >= self.limit if self.above else value <= self.limit


TARGETS = (
    Target(figure="mel_db", limit=3.0, above=False),
    Target(figure="treble_db", limit=3.0, above=False),
    Target(figure="pitch", limit=0.97, above=True),
)
"""Of the mean over all stems."""

Summary = dict[str, dict[str, dict[str, Interval]]]
"""Codec → track or `ALL` → figure → mean and its interval over songs."""


def figures_of(stem: StemCheck) -> dict[str, float]:
    """The figures by name; `treble_db` is the distance of the level from 8 to 16 kHz, whatever its sign."""
    found = stem.figures
    octaves = dict(zip(OCTAVES, found.octaves_db, strict=True))
    return {
        "mel_db": found.mel_db,
        "treble_db": abs(found.octaves_db[TOP]),
        "pitch": found.pitch,
        "onsets": found.onsets,
        "width_db": abs(found.width_db),
        **octaves,
    }


def summarise(stems: Sequence[StemCheck]) -> Summary:
    """Means and their intervals, songs drawn as a whole."""
    found: Summary = {}
    for codec in dict.fromkeys(stem.codec for stem in stems):
        own = [stem for stem in stems if stem.codec == codec]
        tracks = [*dict.fromkeys(stem.track for stem in own), ALL]
        found[codec] = {
            track: _means([stem for stem in own if track in (stem.track, ALL)]) for track in tracks
        }
    return found


def speeds(stems: Sequence[StemCheck]) -> dict[str, dict[str, float]]:
    """Times real time of a stem on one core, by codec: encode and decode, the median over stems."""
    found: dict[str, dict[str, float]] = {}
    for codec in dict.fromkeys(stem.codec for stem in stems):
        own = [stem for stem in stems if stem.codec == codec]
        found[codec] = {
            "encode": float(np.median([stem.duration_s / max(stem.encode_s, 1e-9) for stem in own])),
            "decode": float(np.median([stem.duration_s / max(stem.decode_s, 1e-9) for stem in own])),
        }
    return found


def verdicts(summary: Summary) -> dict[str, dict[str, bool]]:
    """Codec → figure → whether its target is met; targets without a figure are left out."""
    return {
        codec: {
            target.figure: target.met(value)
            for target in TARGETS
            if not math.isnan(value := tracks[ALL][target.figure].value)
        }
        for codec, tracks in summary.items()
    }


def table(stems: Sequence[StemCheck], silence_db: Mapping[str, float]) -> str:
    """Lines for a terminal."""
    summary, speed, met = summarise(stems), speeds(stems), verdicts(summarise(stems))
    heads = ("codec", "track", "mel dB", "8-16 kHz dB", "width dB", "onsets", "pitch", "stems")
    rows = [
        (codec, track, *_cells(figures))
        for codec, tracks in summary.items()
        for track, figures in tracks.items()
    ]
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (heads, *rows)
    ]
    for codec, rates in speed.items():
        missed = [name for name, reached in met[codec].items() if not reached]
        verdict = f"misses the target of {', '.join(missed)}" if missed else "meets its targets"
        lines.append(
            f"{codec}: encode {rates['encode']:.0f}, decode {rates['decode']:.0f} times real time on one "
            f"core; silence comes back at {silence_db[codec]:.0f} dB; {verdict}"
        )
    return "\n".join(lines)


def _means(stems: Sequence[StemCheck]) -> dict[str, Interval]:
    songs = [stem.song_id for stem in stems]
    rows = [figures_of(stem) for stem in stems]
    return {name: bootstrap_interval([row[name] for row in rows], clusters=songs) for name in rows[0]}


def _cells(figures: Mapping[str, Interval]) -> list[str]:
    decibels = [_number(figures[name].value, 2) for name in ("mel_db", "treble_db", "width_db")]
    shares = [_number(figures[name].value, 3) for name in ("onsets", "pitch")]
    return [*decibels, *shares, str(figures["mel_db"].n)]


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
