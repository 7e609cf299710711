"""How a run goes, in one picture: losses by task, probabilities as logged, the teacher, the optimiser."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stemwright.training_log import Record
from stemwright_platform.picture_style import (
    ACCENT,
    GROUND,
    INK,
    MODE_COLOURS,
    REGION_COLOUR,
    SECOND,
    SOFT,
    dress,
    key,
    new_figure,
    save,
    size_colours,
    smoothed,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = tuple[list[int], list[float]]
"""Steps and values."""
MIN_LABEL_SHARE = 0.05
"""Thinner areas have no room for their name."""


def draw_training_curves(metrics: Sequence[Record], scores: Sequence[Record], path: Path, name: str) -> Path:
    """Write a PNG from the records of `metrics.jsonl` and `validation.jsonl`. At least one record."""
    has_teacher = any("teacher_wanted" in record for record in metrics)
    rows: list[Any] = [["loss"] * 3 + ["chances"] * 3, ["sizes"] * 3 + ["modes"] * 3]
    if has_teacher:
        rows.append(["served"] * 3 + ["age"] * 3)
    rows.append(["rate"] * 2 + ["norm"] * 2 + ["speed"] * 2)
    heights = [1.0] * (len(rows) - 1) + [0.72]
    figure = new_figure(12.5, 2.9 * sum(heights) + 0.7, name, _about(metrics, scores))
    axes = figure.subplot_mosaic(rows, height_ratios=heights)
    _draw_loss(axes["loss"], metrics, scores)
    _draw_chances(axes["chances"], metrics)
    _draw_sizes(axes["sizes"], metrics, scores)
    _draw_modes(axes["modes"], metrics, scores)
    if has_teacher:
        _draw_teacher(axes["served"], axes["age"], metrics)
    _draw_optimiser(axes["rate"], axes["norm"], metrics)
    _draw_speed(axes["speed"], metrics)
    last = max(metrics[-1]["step"], 2)
    for each in axes.values():
        each.set_xlim(0, last)
    return save(figure, path)


def curve(records: Sequence[Record], name: str, inside: str | None = None) -> Curve:
    """The records that have a figure; `inside` a group of a record, as "ratio_by_mode"."""
    found: list[tuple[int, float]] = []
    for record in records:
        source: dict[str, Any] = record.get(inside, {}) if inside else record
        if name in source:
            found.append((record["step"], source[name]))
    return [step for step, _ in found], [value for _, value in found]


def _about(metrics: Sequence[Record], scores: Sequence[Record]) -> str:
    last = metrics[-1]
    parts = [f"step {last['step']:,} of {last['total_steps']:,}"]
    if scores:
        best = min(scores, key=lambda record: record["loss"])
        loss, ratio = f"{best['loss']:.3f}", f"{best['ratio']:.2f}"
        parts.append(f"best held-out loss {loss} at step {best['step']:,}, {ratio} of the trivial guess")
    return "; ".join(parts)


def _draw_loss(axes: "Axes", metrics: Sequence[Record], scores: Sequence[Record]) -> None:
    steps, losses = curve(metrics, "loss")
    axes.plot(steps, losses, color=ACCENT, alpha=0.22, linewidth=0.8)
    axes.plot(steps, smoothed(losses), color=ACCENT, linewidth=1.8, label="training, as weighted, smoothed")
    axes.plot(*curve(scores, "loss"), color=SECOND, marker="o", markersize=4, label="held out, ε-error")
    positive = [value for value in losses if value > 0]
    if positive:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:.3g}")
        axes.yaxis.set_minor_formatter("{x:.2g}")
    dress(axes, "Loss", x="step", size=8.5)
    key(axes)


def _draw_chances(axes: "Axes", metrics: Sequence[Record]) -> None:
    """Areas for the number of targets, lines for the other probabilities, named where they lie."""
    sizes = _sizes(metrics)
    rows = [curve(metrics, f"p_targets_{k}") for k in sizes]
    if rows:
        shares = [values for _, values in rows]
        axes.stackplot(rows[0][0], shares, colors=size_colours(len(sizes)), edgecolor=GROUND, linewidth=0.6)
        below = 0.0
        for k, values in zip(sizes, shares, strict=True):
            if values[-1] >= MIN_LABEL_SHARE:
                colour = INK if k <= len(sizes) / 2 else "white"
                _name(axes, 0.985, below + values[-1] / 2, _targets(k), colour, "right")
            below += values[-1]
    for name, label in {"p1": "p1", "p2": "p2", "p_region": "region"}.items():
        steps, values = curve(metrics, name)
        if any(values):
            axes.plot(steps, values, color=INK, linewidth=1.4, linestyle=(0, (4, 2)))
            begin = next(step for step, value in zip(steps, values, strict=True) if value) / steps[-1]
            _name(axes, begin + 0.015, values[-1] + 0.04, f"{label} {values[-1]:.2g}", INK, "left")
    dress(axes, "Probabilities in force", x="step", size=8.5)
    axes.set_ylim(0, 1)


def _name(axes: "Axes", x: float, y: float, text: str, colour: str, side: Literal["right", "left"]) -> None:
    """A name at a share of the width and a value of the axes."""
    where = ("axes fraction", "data")
    axes.annotate(text, (x, y), xycoords=where, color=colour, fontsize=8.5, ha=side, va="center")


def _draw_sizes(axes: "Axes", metrics: Sequence[Record], scores: Sequence[Record]) -> None:
    sizes = _sizes(metrics)
    for k, colour in zip(sizes, size_colours(len(sizes)), strict=True):
        _draw_group(
            axes, metrics, scores, f"loss_targets_{k}", ("ratio_by_targets", str(k)), _targets(k), colour
        )
    _finish_groups(axes, scores, "by number of targets")


def _draw_modes(axes: "Axes", metrics: Sequence[Record], scores: Sequence[Record]) -> None:
    for mode, colour in MODE_COLOURS.items():
        _draw_group(axes, metrics, scores, f"loss_{mode}", ("ratio_by_mode", mode), mode, colour)
    steps, values = curve(scores, "ratio_region")
    if steps:
        axes.plot(steps, values, color=REGION_COLOUR, linewidth=1.7, marker="o", markersize=4, label="region")
    _finish_groups(axes, scores, "by context")


def _draw_group(
    axes: "Axes",
    metrics: Sequence[Record],
    scores: Sequence[Record],
    trained: str,
    judged: tuple[str, str],
    label: str,
    colour: str,
) -> None:
    """Held-out ratios of a group of tasks or, where nothing is held out, its training loss, smoothed."""
    steps, values = curve(scores, judged[1], inside=judged[0]) if scores else curve(metrics, trained)
    if steps:
        values = values if scores else smoothed(values)
        axes.plot(
            steps,
            values,
            color=colour,
            linewidth=1.7,
            marker="o" if scores else None,
            markersize=4,
            label=label,
        )


def _finish_groups(axes: "Axes", scores: Sequence[Record], what: str) -> None:
    title = (
        f"Held-out error over the trivial guess's, {what}" if scores else f"Training loss {what}, smoothed"
    )
    dress(axes, title, x="step", size=8.5)
    if scores:
        axes.axhline(1, color=INK, linewidth=1, linestyle=(0, (1, 2)), label="trivial guess")
    key(axes, columns=2)


def _draw_teacher(served: "Axes", age: "Axes", metrics: Sequence[Record]) -> None:
    steps, wanted = curve(metrics, "teacher_wanted")
    _, got = curve(metrics, "teacher_served")
    served.plot(steps, smoothed(wanted), color=SOFT, linewidth=2.4, alpha=0.6, label="wanted")
    served.plot(steps, smoothed(got), color=ACCENT, linewidth=1.6, label="served")
    total = sum(wanted)
    share = f": {sum(got) / total:.0%} served so far" if total else ": none wanted yet"
    dress(served, f"Samples a step that hear the teacher{share}", x="step", size=8.5)
    served.set_ylim(bottom=0)
    key(served)
    steps, ages = curve(metrics, "teacher_age_steps")
    age.plot(steps, ages, color=ACCENT, alpha=0.22, linewidth=0.8)
    age.plot(steps, smoothed(ages), color=ACCENT, linewidth=1.6)
    dress(age, "Age of the teacher's weights, steps", x="step", size=8.5)
    age.set_ylim(bottom=0)


def _draw_optimiser(rate: "Axes", norm: "Axes", metrics: Sequence[Record]) -> None:
    rate.plot(*curve(metrics, "learning_rate"), color=ACCENT, linewidth=1.5)
    dress(rate, "Learning rate", x="step", size=8)
    rate.set_ylim(bottom=0)
    rate.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    steps, norms = curve(metrics, "grad_norm")
    norm.plot(steps, norms, color=ACCENT, alpha=0.25, linewidth=0.7)
    norm.plot(steps, smoothed(norms), color=ACCENT, linewidth=1.5)
    if any(value > 0 for value in norms):
        norm.set_yscale("log")
        norm.yaxis.set_major_formatter("{x:.3g}")
        norm.yaxis.set_minor_formatter("")
    dress(norm, "Gradient norm before clipping", x="step", size=8)


def _draw_speed(axes: "Axes", metrics: Sequence[Record]) -> None:
    """Throughput, and the steps that were skipped in all: normally none."""
    steps, speeds = curve(metrics, "audio_s_per_s")
    axes.plot(steps, smoothed(speeds), color=ACCENT, linewidth=1.5)
    axes.set_ylim(bottom=0)
    steps, shares = curve(metrics, "skipped")
    counts = list(accumulate(share * length for share, length in zip(shares, _lengths(steps), strict=True)))
    total = round(counts[-1]) if counts else 0
    for step, share in zip(steps, shares, strict=True):
        if share > 0:
            axes.axvline(step, color=SECOND, linewidth=1.2, alpha=0.7)
    dress(
        axes, f"Music learned from, s/s; {total:,} step{'' if total == 1 else 's'} skipped", x="step", size=8
    )


def _lengths(steps: Sequence[int]) -> list[int]:
    """Steps that each record stands for."""
    return [step - before for before, step in zip([0, *steps], steps, strict=False)]


def _sizes(metrics: Sequence[Record]) -> list[int]:
    names = {name for record in metrics for name in record if name.startswith("p_targets_")}
    return sorted(int(name.removeprefix("p_targets_")) for name in names)


def _targets(k: int) -> str:
    return f"{k} target{'s' if k > 1 else ''}"
