"""The figures of Table 2: each row's by kind of task and score, over songs and seeds, and its change.

Axes: R seed, C song.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from stemwright.metrics.paired import stars
from stemwright_platform.evaluation.report.comparison import holm
from stemwright_platform.evaluation.score_infos import infos_of
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow
from stemwright_platform.sweeps.ablation_made import FRECHET, KINDS, PLAIN, SHARES, MadeScores
from stemwright_platform.sweeps.ablation_row import AblationRow
from stemwright_platform.sweeps.crossed_mean import CrossedMean, crossed_mean
from stemwright_platform.sweeps.summary import Blocks

Made = Mapping[tuple[str, int], MadeScores]
Values = Mapping[str, Mapping[int, float]]
"""A figure of each row, by seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What a row has more than the row above."""

    value: float
    half_width: float
    """Of its 95 % interval."""
    p_value: float
    p_holm: float = math.nan
    """Corrected over the changes of this score that were looked at."""

    @property
    def stars(self) -> str:
        """Of `p_holm`, as in the paper."""
        return stars(self.p_holm) if math.isfinite(self.p_holm) else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFigure:
    """One row's."""

    value: float
    half_width: float
    """Of its 95 % interval; NaN where it cannot be told."""
    by_seed: Mapping[int, float]
    change: Change | None = None
    """None for the first row of a column, and where it cannot be told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One score of one kind of task."""

    kind: str
    """joint, conditional or marginal."""
    info: ScoreInfo
    """What the score is."""
    is_share: bool
    """Of the way from strangers' stems (0) to real ones (1)."""
    figures: Mapping[str, RowFigure] = field(default_factory=dict)
    """By row, in the table's order; rows that have not learned such tasks are missing."""


def columns_of(rows: Sequence[AblationRow], made: Made) -> list[Column]:
    """All columns of which any row has a figure, kind by kind; p-values corrected after Holm by score."""
    names = [row.name for row in rows]
    found = [*_distance_columns(names, made), *_song_columns(names, made)]
    order = [FRECHET, *SHARES, *PLAIN]
    corrected = _corrected([column for column in found if column.figures])
    return sorted(
        corrected, key=lambda column: (KINDS.index(column.kind), order.index(column.info.score.split(".")[0]))
    )


def _song_columns(names: Sequence[str], made: Made) -> Iterator[Column]:
    for score in (*SHARES, *PLAIN):
        for kind in KINDS:
            by_row = {name: _of_row(name, made, (kind, score)) for name in names}
            known = {name: seeds for name, seeds in by_row.items() if seeds}
            figures: dict[str, RowFigure] = {}
            above: dict[int, Mapping[str, float]] | None = None
            for name, seeds in known.items():
                if (figure := _song_figure(seeds, above)) is not None:
                    figures[name] = figure
                above = seeds
            yield Column(kind=kind, info=infos_of([score])[0], is_share=score in SHARES, figures=figures)


def _of_row(name: str, made: Made, place: tuple[str, str]) -> dict[int, Mapping[str, float]]:
    """Seed → song → value."""
    return {
        seed: scores.by_song[place]
        for (row, seed), scores in made.items()
        if row == name and place in scores.by_song
    }


def _song_figure(
    seeds: Mapping[int, Mapping[str, float]], above: Mapping[int, Mapping[str, float]] | None
) -> RowFigure | None:
    mean = crossed_mean(_matrix(seeds, [*seeds]))
    if not math.isfinite(mean.value):
        return None
    by_seed = {seed: _mean([*songs.values()]) for seed, songs in seeds.items()}
    figure = RowFigure(value=mean.value, half_width=mean.half_width, by_seed=by_seed)
    if above is None or not (both := [seed for seed in seeds if seed in above]):
        return figure
    songs = sorted({song for seed in both for song in (*seeds[seed], *above[seed])})
    return replace(
        figure,
        change=_change(crossed_mean(_matrix(seeds, both, songs) - _matrix(above, both, songs))),
    )


def _matrix(
    seeds: Mapping[int, Mapping[str, float]], chosen: Sequence[int], songs: Sequence[str] | None = None
) -> NDArray[np.float64]:
    """[R, C]; NaN where a song was not measured."""
    listed = songs or sorted({song for seed in chosen for song in seeds[seed]})
    return np.array([[seeds[seed].get(song, math.nan) for song in listed] for seed in chosen])


def _change(found: CrossedMean) -> Change | None:
    if not math.isfinite(found.half_width):
        return None
    return Change(value=found.value, half_width=found.half_width, p_value=found.p_value)


def _distance_columns(names: Sequence[str], made: Made) -> Iterator[Column]:
    """Fréchet distances have no value of a song: changes are judged by seeds, noise pooled over rows."""
    of_model = {key: scores.distances() for key, scores in made.items()}
    for kind, score in dict.fromkeys(place for found in of_model.values() for place in found):
        rows: dict[str, dict[int, list[ScoreRow]]] = {}
        for (name, seed), found in of_model.items():
            if (kind, score) in found:
                rows.setdefault(name, {})[seed] = found[kind, score]
        values = {
            name: {seed: _mean([row.value for row in parts]) for seed, parts in rows[name].items()}
            for name in names
            if name in rows
        }
        halves = {
            name: _mean([(row.high - row.low) / 2 for parts in seeds.values() for row in parts])
            for name, seeds in rows.items()
        }
        yield Column(
            kind=kind,
            info=infos_of([score])[0],
            is_share=False,
            figures=_seed_figures(values, halves),
        )


def _seed_figures(values: Values, song_halves: Mapping[str, float]) -> dict[str, RowFigure]:
    """Of figures by seed alone. `song_halves`: half of the interval over songs of one model."""
    found: dict[str, RowFigure] = {}
    above: str | None = None
    for name, by_seed in values.items():
        over_seeds = crossed_mean([[value] for value in by_seed.values()])
        both = [half for half in (over_seeds.half_width, song_halves.get(name, math.nan)) if half == half]
        figure = RowFigure(
            value=over_seeds.value, half_width=math.hypot(*both) if both else math.nan, by_seed=by_seed
        )
        if above is not None and (gap := change(values, name, above)):
            figure = replace(figure, change=Change(value=gap[0], half_width=gap[1], p_value=gap[2]))
        found[name], above = figure, name
    return found


def change(values: Values, name: str, above: str) -> tuple[float, float, float] | None:
    """A row's mean less that of the one above, half of its interval, and p; None where it cannot be told."""
    if name not in values or above not in values:
        return None
    names = list(values)
    return Blocks.of([values[each] for each in names]).difference(names.index(name), names.index(above))


def _corrected(columns: Sequence[Column]) -> list[Column]:
    """With `p_holm`, over all kinds and rows of a score."""
    places = [
        (column.info.score, at, name)
        for at, column in enumerate(columns)
        for name, figure in column.figures.items()
        if figure.change is not None
    ]
    found = [dict(column.figures) for column in columns]
    for score in dict.fromkeys(score for score, _, _ in places):
        own = [(at, name) for its_score, at, name in places if its_score == score]
        changes = [found[at][name].change for at, name in own]
        p_values = holm([each.p_value for each in changes if each is not None])
        for (at, name), each, p in zip(own, changes, p_values, strict=True):
            assert each is not None
            found[at][name] = replace(found[at][name], change=replace(each, p_holm=p))
    return [replace(column, figures=figures) for column, figures in zip(columns, found, strict=True)]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
