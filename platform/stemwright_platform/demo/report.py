"""The report page: one HTML file beside the stems it plays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from markupsafe import Markup
from torch import Tensor

from stemwright.audio import read_audio
from stemwright.loss_table import BAND_EDGES
from stemwright_platform.demo.charts import band_chart, loss_chart
from stemwright_platform.demo.pictures import mel_levels, spectrogram_uri, wave_path
from stemwright_platform.time_left import duration_text

PAGE = "report.html"
Role = Literal["generated", "given", "rendered", "mix"]

COLOURS = ("#5f74f2", "#e8873a", "#18a387", "#d9559f", "#b8960c", "#2b9fd1", "#9b6bdf", "#c9503f")
"""One a slot, again from the first where there are more slots."""
MIX_COLOUR = "#8a90a0"
PICTURE_RATE_HZ = 48_000
MAX_POINTS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """One player with its pictures."""

    name: str
    """Track name, or "mix"."""
    file: Path
    """The audio, below the page's folder."""
    role: Role
    """Where the audio comes from."""
    kept: bool = False
    """Whether this take was selected for the next round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Lanes that belong together."""

    heading: str
    text: str
    """What happened here, a sentence or two."""
    lanes: Sequence[Lane]
    """In slot order, the mix last."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Short ones: λ, seed, seconds it took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Learning:
    """How the training went."""

    heading: str = "What the model learned"
    text: str = ""
    """What it was for, a sentence or two."""
    steps: Sequence[int]
    losses: Sequence[float]
    """Training loss after each of `steps`."""
    ratios: Mapping[str, float]
    """Timestep band, as "0.05-0.1" → held-out ε-error over the trivial guess's; empty where not measured."""
    facts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StageTime:
    """A line of the table of timings."""

    name: str
    did: str
    seconds: float
    kept: bool
    """Whether an earlier run did it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that the page shows."""

    prompt: str
    tracks: Sequence[str]
    """Slot order: it decides the colours."""
    facts: Mapping[str, str]
    """Below the title."""
    rounds: Sequence[Round]
    """Of Alg. 1."""
    reference: Round | None
    """A real song of the corpus, to compare."""
    learning: Learning | None
    stages: Sequence[StageTime]
    model: Mapping[str, str]
    honesty: str
    """What to expect of the music."""
    next_steps: Sequence[tuple[str, str]]
    """What for, and the command."""


def write_report(report: Report, folder: Path) -> Path:
    """Write the page into `folder`, which holds the audio of its lanes; returns its path."""
    page = folder / PAGE
    temporary = folder / f".{PAGE}.tmp"
    temporary.write_text(render(report, folder), encoding="utf-8")
    temporary.replace(page)
    return page


def render(report: Report, folder: Path) -> str:
    """The page's HTML; audio is addressed relative to `folder`. InputError where a lane has no audio."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_resource("report.html.j2"))
    return template.render(
        report=report,
        style=Markup(_resource("report.css")),
        script=Markup(_resource("report.js")),
        rounds=[_drawn(part, report.tracks, folder) for part in report.rounds],
        reference=_drawn(report.reference, report.tracks, folder) if report.reference else None,
        charts=_charts(report.learning),
        duration_text=duration_text,
        total_s=sum(stage.seconds for stage in report.stages),
        longest_s=max((stage.seconds for stage in report.stages), default=0) or 1,
    )


def lane_colour(name: str, tracks: Sequence[str]) -> str:
    """The colour of a track, the same all over the page."""
    return COLOURS[tracks.index(name) % len(COLOURS)] if name in tracks else MIX_COLOUR


def _drawn(part: Round, tracks: Sequence[str], folder: Path) -> dict[str, object]:
    """A round with its pictures, all at one scale, so that levels compare."""
    audio = {lane.name: read_audio(lane.file, PICTURE_RATE_HZ) for lane in part.lanes}
    levels = {name: mel_levels(stem, PICTURE_RATE_HZ) for name, stem in audio.items()}
    peak = max(float(stem.abs().max()) for stem in audio.values())
    loudest_db = max(float(level.max()) for level in levels.values())
    duration_s = max(stem.shape[1] for stem in audio.values()) / PICTURE_RATE_HZ
    lanes = []
    for lane in part.lanes:
        colour = lane_colour(lane.name, tracks)
        lanes.append(
            {
                "lane": lane,
                "colour": colour,
                "source": quote(lane.file.relative_to(folder).as_posix()),
                "wave": wave_path(audio[lane.name], peak),
                "spectrogram": spectrogram_uri(levels[lane.name], loudest_db, colour),
                "peak": _peak_text(audio[lane.name]),
            }
        )
    return {"part": part, "lanes": lanes, "ticks": _time_ticks(duration_s), "duration_s": duration_s}


def _peak_text(audio: Tensor) -> str:
    peak = float(audio.abs().max())
    return "silent" if peak < 1e-4 else f"peak {20 * math.log10(peak):.0f} dB".replace("-", "−")


def _time_ticks(duration_s: float) -> list[tuple[float, str]]:
    """Where to write which second, in percent of the width."""
    step = next((s for s in (0.25, 0.5, 1, 2, 5, 10, 30, 60) if duration_s / s <= 8), 120)
    count = int(duration_s / step + 1e-6)
    return [(100 * i * step / duration_s, f"{i * step:g}") for i in range(count + 1)]


def _charts(learning: Learning | None) -> dict[str, Markup]:
    charts: dict[str, Markup] = {}
    if learning and learning.losses:
        every = -(-len(learning.losses) // MAX_POINTS)
        charts["loss"] = loss_chart(learning.steps[::every], learning.losses[::every])
    if learning and learning.ratios:
        bands = [f"{low:g}-{high:g}" for low, high in pairwise(BAND_EDGES)]
        charts["bands"] = band_chart(BAND_EDGES, [learning.ratios.get(band) for band in bands])
    return charts


def _resource(name: str) -> str:
    return (resources.files("stemwright_platform.demo") / name).read_text(encoding="utf-8")
