"""The picture beside the model card: how the training went, small enough to ship."""

from pathlib import Path

from stemwright.run_folder import RunFolder
from stemwright.training_log import read_log
from stemwright_platform.picture_style import ACCENT, INK, SECOND, dress, key, new_figure, save, smoothed
from stemwright_platform.training.training_curves import curve


def draw_card_picture(run: RunFolder, path: Path) -> Path:
    """Training and held-out loss, and held-out error over the trivial guess's by noise level, as a PNG."""
    metrics, scores = read_log(run.metrics), read_log(run.validation)
    figure = new_figure(9, 3.2, "Training")
    loss, bands = figure.subplots(1, 2)
    steps, losses = curve(metrics, "loss")
    loss.plot(steps, smoothed(losses), color=ACCENT, linewidth=1.6, label="training, as weighted, smoothed")
    loss.plot(*curve(scores, "loss"), color=SECOND, marker="o", markersize=3, label="held out, ε-error")
    if any(value > 0 for value in losses):
        loss.set_yscale("log")
        loss.yaxis.set_major_formatter("{x:.3g}")
        loss.yaxis.set_minor_formatter("{x:.2g}")
    dress(loss, "Loss", x="step")
    key(loss)
    if scores:
        best = min(scores, key=lambda record: record["loss"])
        ratios = best["ratio_by_band"]
        bands.bar(list(ratios), list(ratios.values()), color=ACCENT, width=0.7)
        bands.axhline(1, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        bands.tick_params(axis="x", rotation=60)
    dress(bands, "Held-out error over the trivial guess's, by ᾱ", size=8)
    return save(figure, path)
