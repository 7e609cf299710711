"""Stems summed."""

from collections.abc import Mapping

from stemwright_platform.corpus.synthesis.effects import Audio


def mix_of(stems: Mapping[str, Audio]) -> Audio:
    """The sum `[2, n]` of stems of one length, at least one."""
    first, *rest = stems.values()
    total = first.copy()
    for stem in rest:
        total += stem
    return total
