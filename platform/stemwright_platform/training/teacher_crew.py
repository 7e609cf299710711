"""The teachers of a run: how many, on what, and their actors, which outlive a lost worker."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stemwright.errors import InputError
from stemwright.training_run import TrainingPlan

REFRESH_STEPS = 50
"""From one set of averaged weights to the next."""
SHARE_OF_A_GPU = 0.5
"""What a teacher takes of a GPU where nothing is said and the cluster has some."""

Hands = tuple[tuple[Any, ...], ...]
"""Actor handles by rank."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherCrew:
    """Who makes the tracks that p2 asks for."""

    count: int = 0
    """Actors of the pool, shared evenly among the workers; 0: each worker makes its tracks itself."""
    gpus: float | None = None
    """Share of a GPU for each; by default half a GPU where the cluster has any."""
    cpus: float = 1.0
    """CPUs for each."""
    refresh_steps: int = REFRESH_STEPS
    """Steps from one set of averaged weights to the next."""

    def __post_init__(self) -> None:
        if self.count < 0:
            raise InputError(f"teachers are counted from 0, got {self.count}")
        if not 0 < self.cpus < math.inf:
            raise InputError(f"a teacher needs a part of a CPU at least, got {self.cpus:g}")
        if self.gpus is not None and not (0 <= self.gpus <= 1 or self.gpus.is_integer()):
            raise InputError(f"a teacher takes a part of a GPU or whole ones, got {self.gpus:g}")
        if self.refresh_steps < 1:
            raise InputError(f"teachers get new weights every 1 or more steps, got {self.refresh_steps}")

    @property
    def total_cpus(self) -> int:
        """Of all of them, rounded up."""
        return math.ceil(self.count * self.cpus)

    def check(self, plan: TrainingPlan) -> None:
        """InputError where the run has no use for the crew, or a worker would be left without."""
        if not self.count:
            return
        if plan.preset.training.p2 == 0:
            raise InputError(
                f"preset {plan.preset.name} has p2 = 0, so its teachers would have nothing to do: "
                "set training.p2, or leave out --teachers"
            )
        if plan.preset.training.parallel == "fsdp":
            raise InputError(
                "teachers take the averaged weights from one worker, and training.parallel fsdp shards them: "
                "leave out --teachers, and each worker makes its tracks itself"
            )
        if plan.min_workers is not None:
            raise InputError(
                "teachers belong to one worker each, and those of --min-workers come and go: leave "
                "out one of the two"
            )
        if self.count < plan.workers:
            raise InputError(
                f"{plan.workers} workers need as many teachers at least, got {self.count}: "
                "raise --teachers, or 0 to let each worker make its tracks itself"
            )

    @contextmanager
    def hired(self, plan: TrainingPlan, *, workers_use_gpus: bool) -> Iterator[Hands]:
        """The actors on this process's Ray cluster, dealt to the ranks in turn; they end with the block.

        Raises InputError where the cluster has no room for them beside the workers.
        """
        if not self.count:
            yield ((),) * plan.workers
            return
        import ray

        from stemwright_platform.training.teacher_actor import MAX_CONCURRENCY, TeacherActor

        gpus = self._gpus_each(ray.cluster_resources(), plan.workers, workers_use_gpus)
        kind: Any = ray.remote(TeacherActor)
        options = kind.options(
            num_cpus=self.cpus, num_gpus=gpus, max_restarts=-1, max_concurrency=MAX_CONCURRENCY
        )
        actors = [options.remote(plan, number % plan.workers) for number in range(self.count)]
        try:
            yield tuple(tuple(actors[rank :: plan.workers]) for rank in range(plan.workers))
        finally:
            for actor in actors:
                ray.kill(actor)

    def _gpus_each(self, there_are: Mapping[str, float], workers: int, workers_use_gpus: bool) -> float:
        """A teacher's share; InputError where the cluster has too little."""
        gpus = self.gpus if self.gpus is not None else SHARE_OF_A_GPU * (there_are.get("GPU", 0) > 0)
        taken_gpus = workers if workers_use_gpus else 0
        # whole teachers on a card: shares do not add up across cards
        cards = math.ceil(self.count / (1 // gpus)) if 0 < gpus <= 1 else self.count * int(gpus)
        needed = {"CPU": workers + self.count * self.cpus, "GPU": taken_gpus + cards}
        for kind, amount in needed.items():
            if amount > there_are.get(kind, 0):
                remedy = "or --teachers 0" if kind == "CPU" else "--teacher-gpus 0, or --teachers 0"
                raise InputError(
                    f"workers ({workers}) and teachers ({self.count}) need {amount:g} {kind}s, the cluster "
                    f"has {there_are.get(kind, 0):g}: take fewer teachers, {remedy}"
                )
        return gpus
