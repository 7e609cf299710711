"""What each trial may use, and how many run side by side."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stemwright.errors import InputError

GPU_SHARE = 0.25
"""Of a GPU for a trial, where the cluster has any: small models leave most of it idle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Of one trial."""

    cpus: int = 1
    """CPUs, and torch threads."""
    gpus: float | None = None
    """Share of a GPU; `GPU_SHARE` where the cluster has any, by default."""
    parallel: int | None = None
    """Trials side by side; as many as fit by default."""

    def __post_init__(self) -> None:
        if self.cpus < 1:
            raise InputError(f"a trial needs at least one CPU, got {self.cpus}")
        if self.gpus is not None and not 0 <= self.gpus < 64:
            raise InputError(f"a trial's share of GPUs is 0 or more, got {self.gpus:g}")
        if self.parallel is not None and self.parallel < 1:
            raise InputError(f"at least one trial runs at a time, got {self.parallel}")

    @property
    def logical_cpus(self) -> int:
        """Of a cluster that is started for this sweep alone."""
        return max(os.cpu_count() or 1, self.cpus * (self.parallel or 1))

    def asked(self, cluster: Mapping[str, float]) -> dict[str, float]:
        """For Ray. InputError where the cluster never has as much."""
        gpus = self.gpus if self.gpus is not None else (GPU_SHARE if cluster.get("GPU") else 0.0)
        wanted = {"CPU": float(self.cpus), "GPU": float(gpus)}
        for name, amount in wanted.items():
            if amount > (has := cluster.get(name, 0.0)):
                raise InputError(
                    f"a trial asks for {amount:g} {name}s, the cluster has {has:g}: ask for fewer"
                )
        return {name.lower(): amount for name, amount in wanted.items() if amount}
