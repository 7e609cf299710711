"""Aliases of registered models, and the versions that held them before.

`models:/NAME@ALIAS` means one version at a time. Which ones it meant before stands in a tag of the registered
model, oldest first, so that it can be rolled back after any restart, from any machine.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stemwright.errors import InputError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CHAMPION = "champion"
TAG = "alias_history."
"""What the tag's name begins with; the alias follows."""
MAX_HISTORY = 1000
"""Versions that a history remembers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """An alias went from one version to another."""

    name: str
    alias: str
    version: int
    """It means now."""
    before: int | None
    """It meant before; None where it is new, the same version where nothing moved."""

    def __str__(self) -> str:
        here = f"models:/{self.name}@{self.alias} is version {self.version}"
        if self.before is None:
            return here
        return f"{here} already" if self.before == self.version else f"{here}, was {self.before}"


def promote(client: "MlflowClient", name: str, version: int, alias: str = CHAMPION) -> Move:
    """Let `models:/NAME@ALIAS` mean a version from now on; what it meant before is remembered.

    The alias first, then the history: cut short in between, the next call finds the alias elsewhere than the
    history says and adds it.
    """
    history = alias_history(client, name, alias)
    before = history[-1] if history else None
    if before != version:
        history.append(version)
    client.set_registered_model_alias(name, alias, str(version))
    _remember(client, name, alias, history)
    return Move(name=name, alias=alias, version=version, before=before)


def roll_back(client: "MlflowClient", name: str, alias: str = CHAMPION) -> Move:
    """Let an alias mean what it meant before its last promotion; versions deleted since are passed over.

    The history first, then the alias: cut short in between, nothing has moved and the next call does it.
    Raises InputError where there is nothing to go back to.
    """
    history = alias_history(client, name, alias)
    if not history:
        raise InputError(f"{name} has no alias '{alias}': set it with `stemwright models promote`")
    there = {int(found.version) for found in client.search_model_versions(f"name = '{name}'")}
    before = history.pop()
    while history and (history[-1] not in there or history[-1] == before):
        history.pop()
    if not history:
        raise InputError(
            f"models:/{name}@{alias} meant no other version before {before}: choose one with "
            "`stemwright models promote`"
        )
    _remember(client, name, alias, history)
    client.set_registered_model_alias(name, alias, str(history[-1]))
    return Move(name=name, alias=alias, version=history[-1], before=before)


def alias_history(client: "MlflowClient", name: str, alias: str) -> list[int]:
    """Versions that the alias has meant, oldest first; the last is what it means now.

    A move made by another tool is in it from the first call on that sees it.
    """
    model = client.get_registered_model(name)
    history: list[int] = json.loads(model.tags.get(TAG + alias, "[]"))
    now = model.aliases.get(alias)
    if now is not None and history[-1:] != [int(now)]:
        history.append(int(now))
    return history


def _remember(client: "MlflowClient", name: str, alias: str, history: list[int]) -> None:
    client.set_registered_model_tag(name, TAG + alias, json.dumps(history[-MAX_HISTORY:]))
