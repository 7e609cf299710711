"""What a validation says of a run, in figures for a log and for choosing the best checkpoint."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from stemwright.loss_table import BAND_EDGES, Entry, LossTable
from stemwright.training_run import TrainingRun
from stemwright.validation import validate, validate_regions

BANDS = tuple(f"{low:g}-{high:g}" for low, high in pairwise(BAND_EDGES))
"""Timestep bands by their edges as fractions of N: "0.05-0.1"."""


def score(run: TrainingRun, rounds: int = 1) -> dict[str, Any]:
    """`loss`, the mean held-out ε-error, and `ratio`, it over that of the trivial guess.

    Both whole, by number of targets, by context and by timestep band, ratios also by context and band; for
    parts of the targets apart, as `loss_region` and so on, where the preset trains them. `rounds`: how often
    all is asked, with other windows and noise. Empty where nothing is held out.
    """
    batches, judge = run.held_out_batches(), run.plan.judging
    table = validate(run.learner, batches, rounds, judge=judge)
    if not table.entries:
        return {}
    regions = validate_regions(run.learner, batches, rounds, judge=judge)
    return {"step": run.learner.step_count, **figures(table, regions)}


def figures(table: LossTable, regions: LossTable) -> dict[str, Any]:
    """The figures of a validation that has asked something; `regions` may be empty."""
    by_cell = {mode: ratios_by_band(table, mode) for mode in {str(e.mode): None for e in table.entries}}
    found: dict[str, Any] = {
        "loss": table.losses(_whole)["all"],
        "ratio": table.ratios(_whole)["all"],
        **_grouped(table, "targets", lambda entry: str(entry.num_targets)),
        **_grouped(table, "mode", lambda entry: entry.mode),
        **_grouped(table, "band", lambda entry: BANDS[table.band(entry)]),
        "ratio_by_mode_and_band": by_cell,
    }
    if regions.entries:
        found["loss_region"] = regions.losses(_whole)["all"]
        found["ratio_region"] = regions.ratios(_whole)["all"]
        by_cell["region"] = ratios_by_band(regions)
    return found


def ratios_by_band(table: LossTable, mode: str | None = None) -> dict[str, float]:
    """Ratios to the trivial guess by band, of one context or of all."""

    def group(entry: Entry) -> str | None:
        return BANDS[table.band(entry)] if mode in (None, entry.mode) else None

    ratios = table.ratios(group)
    return {band: ratios[band] for band in BANDS if band in ratios}


def _grouped(table: LossTable, name: str, by: Callable[[Entry], str]) -> dict[str, dict[str, float]]:
    """`loss_by_…` and `ratio_by_…`, in the order of the groups' names, which is also that of the bands."""

    def ordered(values: dict[object, float]) -> dict[str, float]:
        named = {str(key): value for key, value in values.items()}
        return {key: named[key] for key in sorted(named)}

    return {f"loss_by_{name}": ordered(table.losses(by)), f"ratio_by_{name}": ordered(table.ratios(by))}


def _whole(entry: Entry) -> str:
    return "all"
