"""The loss of a run over its steps, drawn."""

from collections.abc import Sequence
from pathlib import Path

from stemwright.training_log import Record


def draw_loss_curve(metrics: Sequence[Record], scores: Sequence[Record], path: Path) -> None:
    """Write a PNG: training loss, smoothed, and held-out loss where there is one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="step", ylabel="ε-loss", yscale="log")
    steps, losses = [r["step"] for r in metrics], [r["loss"] for r in metrics]
    axes.plot(steps, losses, color="0.8", linewidth=0.8, label="training, weighted")
    axes.plot(steps, _smooth(losses), color="C0", label="training, smoothed")
    if scores:
        axes.plot([r["step"] for r in scores], [r["loss"] for r in scores], "C1o-", label="held out")
    axes.legend()
    figure.savefig(path, dpi=120)


def _smooth(values: Sequence[float], weight: float = 0.95) -> list[float]:
    """Exponential mean, corrected for its start."""
    means, mean = [], 0.0
    for count, value in enumerate(values, 1):
        mean = weight * mean + (1 - weight) * value
        means.append(mean / (1 - weight**count))
    return means
