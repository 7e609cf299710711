"""The rows of Table 2 (§5.3), as named presets: what each adds to the one before."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

import yaml

from stemwright.errors import InputError
from stemwright.tracks import Tracks
from stemwright_platform.sweeps.trial_result import MODES

ROWS = ("baseline", "vector", "curriculum", "bootstrapping", "interactive")
"""In the order of the table. The paper counts self-bootstrapping (§4.3) to its third row."""
COMMON = {"training.region_probability": 0.0, "training.curriculum": "progressive", "training.p2": 0.0}
"""Of every row's preset: regions are none of the paper's, and give targets timesteps by frame."""

Stages = tuple[tuple[str, ...], ...]
"""Tracks that are made one after the other, those of a stage together, each heard by the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AblationRow:
    """One row."""

    name: str
    """Of its preset, as "vector"."""
    label: str
    """As in the paper's table."""
    about: str
    """What it is, in a line."""
    training: dict[str, Any] = field(default_factory=dict)
    """Fields of the training that make it; empty where it has the model of another row."""
    model_of: str | None = None
    """The row whose model it uses."""
    knows: tuple[str, ...] = MODES
    """Kinds of task that it has been trained for."""
    stages: Stages = ()
    """In which order it makes the tracks; none: all at once."""

    @property
    def setting(self) -> dict[str, Any]:
        """For a trial."""
        return {f"training.{name}": value for name, value in self.training.items()}

    def stages_of(self, tracks: Tracks) -> Stages:
        """The stages with the tracks of a model. InputError where they are not its tracks."""
        if not self.stages:
            return (tracks.names,)
        named = [name for stage in self.stages for name in stage]
        if sorted(named) != sorted(tracks.names):
            raise InputError(
                f"row {self.name} makes {', '.join(named)}, the model has {', '.join(tracks.names)}: "
                "say which come first, with --first"
            )
        return tuple(tracks.ordered(stage) for stage in self.stages)


def ablation_rows(
    names: Sequence[str] = ROWS, *, first: Sequence[str] | None = None, tracks: Tracks | None = None
) -> list[AblationRow]:
    """The named rows, in the order of the table. InputError for others, or one without a model.

    `first`: what interactive inference begins with, of these `tracks`; else the preset's.
    """
    if unknown := [name for name in names if name not in ROWS]:
        raise InputError(f"an ablation has no row '{unknown[0]}': choose from {', '.join(ROWS)}")
    rows: list[AblationRow] = []
    for name in ROWS:
        if name in names:
            rows.append(_with_model(_read(name), rows))
    if not rows:
        raise InputError(f"an ablation needs rows: choose from {', '.join(ROWS)}")
    return rows if first is None else [_beginning(row, first, tracks) for row in rows]


def _with_model(row: AblationRow, above: Sequence[AblationRow]) -> AblationRow:
    """A row without a training of its own has the model of the last one above that has."""
    if row.training:
        return row
    trained = [other.name for other in above if other.training and "conditional" in other.knows]
    if not trained:
        raise InputError(f"row {row.name} uses the model of a row before it that hears given tracks: add one")
    return replace(row, model_of=trained[-1])


def _beginning(row: AblationRow, first: Sequence[str], tracks: Tracks | None) -> AblationRow:
    if not row.stages:
        return row
    assert tracks is not None
    begun = tracks.ordered(first)
    rest = tuple(name for name in tracks.names if name not in begun)
    if not begun or not rest:
        raise InputError("interactive inference begins with some of the tracks, not with none or all")
    return replace(row, stages=(begun, rest))


def _read(name: str) -> AblationRow:
    text = (resources.files("stemwright_platform.sweeps") / "ablation" / f"{name}.yaml").read_text("utf-8")
    content = yaml.safe_load(text)
    lists = {key: tuple(content[key]) for key in ("knows",) if key in content}
    stages = tuple(tuple(stage) for stage in content.pop("stages", ()))
    return AblationRow(name=name, stages=stages, **content | lists)
