"""What a validation says of a run, in figures for a log and for choosing the best checkpoint."""

from itertools import pairwise
from typing import Any

from stemwright.loss_table import BAND_EDGES, LossTable
from stemwright.training_run import TrainingRun
from stemwright.validation import validate


def score(run: TrainingRun) -> dict[str, Any]:
    """`loss`, the mean held-out ε-error, and its ratio to the trivial guess: whole, by band and by mode.

    Empty where nothing is held out.
    """
    table = validate(run.learner, run.held_out_batches())
    if not table.entries:
        return {}
    return {
        "step": run.learner.step_count,
        "loss": table.losses(lambda entry: "all")["all"],
        "ratio": table.ratios(lambda entry: "all")["all"],
        "ratio_by_band": ratios_by_band(table),
        "ratio_by_mode": {str(mode): ratio for mode, ratio in table.ratios(lambda entry: entry.mode).items()},
    }


def ratios_by_band(table: LossTable) -> dict[str, float]:
    """Ratios to the trivial guess, named by the band's edges as fractions of N: "0.05-0.1"."""
    ratios = table.ratios(table.band)
    return {
        f"{low:g}-{high:g}": ratios[i] for i, (low, high) in enumerate(pairwise(BAND_EDGES)) if i in ratios
    }
