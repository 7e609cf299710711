"""A run's log as MLflow takes it: metrics of the records that it has not had yet, in calls of a fair size."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.training_log import LogReader, Record

if TYPE_CHECKING:
    from mlflow.entities import Metric


class FollowedLog:
    """Reads on where it left off; a step that a resumed run repeats is passed over."""

    def __init__(self, path: Path, prefix: str = "") -> None:
        """`prefix`: what the names of the metrics begin with."""
        self.prefix = prefix
        self.sent = 0
        """The last step that MLflow has."""
        self._reader = LogReader(path)
        self._left: list[Metric] = []

    def next_metrics(self, limit: int) -> list["Metric"]:
        """At most `limit` metrics, of whole records as long as one has no more; empty where all is read.

        They carry the time of this call: MLflow drops what it gets a second time with the same time.
        """
        metrics, self._left = self._left, []
        if not metrics:
            for record in self._reader.new_records():
                if record["step"] > self.sent:
                    self.sent = record["step"]
                    metrics += _metrics(record, self.prefix)
                if len(metrics) > limit // 2:
                    break
        metrics, self._left = metrics[:limit], metrics[limit:]
        return metrics


def _metrics(record: Record, prefix: str) -> list["Metric"]:
    from mlflow.entities import Metric

    now_ms = int(time.time() * 1000)
    return [
        Metric(f"{prefix}{name}", float(value), now_ms, record["step"])
        for name, value in flat(record).items()
        if name != "step" and isinstance(value, int | float)
    ]


def flat(nested: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """Nested mappings as one, its names joined by dots."""
    entries: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            entries |= flat(value, f"{start}{name}.")
        else:
            entries[f"{start}{name}"] = value
    return entries
