"""An evaluation as it lies on disk: report.json read and checked, its clips' files found."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from stemwright.errors import InputError
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow

REPORT, CLIP_SCORES, CLIPS, PICTURES = "report.json", "clip_scores.parquet", "clips", "pictures"
FORMAT_VERSION = 1
_SUFFIXES = (".flac", ".wav", ".ogg")
_Row = TypeVar("_Row")


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedClip:
    """A stretch of a song that every system was asked for, as a report tells of it."""

    clip: str
    """Its name: the folder's, too."""
    song: str = ""
    start_s: float = math.nan
    duration_s: float = math.nan
    prompt: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A clip worth hearing."""

    score: str
    system: str
    task: str
    part: str
    """"" where the value is the mean over all parts."""
    rank: str
    """best, median or worst."""
    clip: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedScore:
    """Two systems over the same clips, by one score of one part of one task."""

    score: str
    task: str
    part: str
    a: str
    b: str
    difference: float
    """Mean of a − b."""
    low: float
    high: float
    """95 % interval of the difference."""
    p_value: float
    """Two-sided, of this figure alone."""
    p_holm: float = math.nan
    """Corrected over the figures of this score that were compared."""
    stars: str = ""
    """Of `p_holm`: ** below 0.01, * below 0.05."""
    n: int = 0
    """Pairs of clips."""
    test: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationReport:
    """All that report.json says."""

    folder: Path
    title: str
    created: str
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    infos: Mapping[str, ScoreInfo]
    """By score, in the order of the report."""
    rows: Sequence[ScoreRow]
    clips: Mapping[str, AskedClip]
    examples: Sequence[Example]
    comparisons: Sequence[ComparedScore]
    _rows: Mapping[tuple[str, str, str, str], ScoreRow] = field(init=False, repr=False, compare=False)
    """By score, system, task and part."""

    def __post_init__(self) -> None:
        rows = {(row.score, row.system, row.task, row.part): row for row in self.rows}
        object.__setattr__(self, "_rows", rows)

    @property
    def tracks(self) -> Tracks:
        """The slots: those of the settings, the usual ones where these name none."""
        names = tuple(self.settings.get("tracks") or ())
        return Tracks(names=names, prompt_names=names) if names else TRACKS

    @property
    def data_name(self) -> str:
        """What the data set is called: its folder's name where the report gives none."""
        place = str(self.settings.get("data") or "").rstrip("/")
        return str(self.data.get("name") or place.rpartition("/")[2] or "corpus")

    def row(self, score: str, system: str, task: str, part: str) -> ScoreRow | None:
        """The figure, that of no task where there is none of this task."""
        return self._rows.get((score, system, task, part)) or self._rows.get((score, system, "", part))


def read_evaluation(folder: Path) -> EvaluationReport:
    """Read the report of a folder; InputError where it is missing, damaged or of another version."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder} holds no {REPORT}: name a folder that an evaluation wrote") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / REPORT} cannot be read ({error}): run the evaluation again") from None
    if not isinstance(report, dict) or report.get("format_version") != FORMAT_VERSION:
        version = report.get("format_version") if isinstance(report, dict) else None
        raise InputError(
            f"{folder / REPORT} is of format {version}, not {FORMAT_VERSION}: run the evaluation again"
        )
    try:
        return _parsed(report, folder)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / REPORT} is damaged ({error!r}): run the evaluation again") from None


def find_clip(folder: Path, system: str, task: str, clip: str) -> Path | None:
    """Where the audio of a clip lies; for a system that knows no tasks, whichever there is."""
    of_system = folder / CLIPS / system
    asked = [of_system / task / clip] if task else []
    others = sorted(of_system.glob(f"*/{_literal(clip)}")) if of_system.is_dir() else []
    return next((path for path in (*asked, of_system / clip, *others) if path.is_dir()), None)


def find_part(folder: Path, part: str) -> Path | None:
    """The audio of a track or the mix in a clip's folder."""
    return next((path for suffix in _SUFFIXES if (path := folder / f"{part}{suffix}").is_file()), None)


def _parsed(report: dict[str, Any], folder: Path) -> EvaluationReport:
    clips = [_row_of(AskedClip, entry) for entry in report["clips"]]
    infos = [_row_of(ScoreInfo, entry) for entry in report["scores_info"]]
    return EvaluationReport(
        folder=folder,
        title=str(report["title"]),
        created=str(report["created"]),
        model=dict(report["model"]),
        data=dict(report["data"]),
        settings=dict(report["settings"]),
        infos={info.score: info for info in infos},
        rows=[_row_of(ScoreRow, entry) for entry in report["rows"]],
        clips={clip.clip: clip for clip in clips},
        examples=[_row_of(Example, entry) for entry in report["examples"]],
        comparisons=[_row_of(ComparedScore, entry) for entry in report["comparisons"]],
    )


def _row_of(kind: type[_Row], entry: Mapping[str, Any]) -> _Row:
    """A row of the report: null where JSON cannot hold the number; unknown fields are passed over."""
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    values = {name: value for name, value in entry.items() if name in known}
    return kind(**{name: _number(value, known[name].type) for name, value in values.items()})


def _number(value: Any, kind: Any) -> Any:
    return (math.nan if value is None else float(value)) if kind in (float, "float") else value


def _literal(name: str) -> str:
    """A name in which `glob` finds no patterns."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
