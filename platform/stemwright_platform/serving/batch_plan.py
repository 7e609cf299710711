"""Which requests step next, together: one forward's rows, from all the requests that can share it.

Every row has timesteps of its own, so requests at other steps, of other tasks, solvers and guidance go
together. What they must share is the model and the shape of a row.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from stemwright.sampler import Denoiser, Steps

Rank = tuple[float, ...]
"""Who goes first: class, then turn within it. In class 0 somebody waits and listens."""


@dataclass(kw_only=True, slots=True, eq=False)
class Job:
    """A request in the engine. The callbacks run in the engine's thread and must be quick."""

    denoiser: Denoiser
    """The model, of whichever version."""
    sampling: Steps
    """Its state between steps."""
    on_step: Callable[[int, int], None]
    """Told (step, num_steps) after each step."""
    on_end: Callable[[Tensor | Exception], None]
    """Told the latents or the fault; not told of a cancelled job."""
    rank: Rank = (0.0,)
    """The lower goes first; equals in order of arrival."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set to end the job before its next step."""

    @property
    def company(self) -> Hashable:
        """Jobs that agree in it can share a forward."""
        return id(self.denoiser), self.sampling.row_shape


def forwards(jobs: Sequence[Job], max_rows: int, *, patient: bool) -> list[list[Job]]:
    """The forwards of one round over `jobs`, each of at most `max_rows` rows (or one job of more).

    A job keeps its place from round to round until it has ended or a lower rank comes: a job that waits for
    room is passed by smaller ones only while that room would stand empty. A company steps once a round;
    where somebody waits and listens, those in which nobody does are left out, unless the round is `patient`.
    """
    companies: dict[Hashable, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: job.rank):
        companies.setdefault(job.company, []).append(job)
    best = min((members[0].rank[0] for members in companies.values()), default=0.0)
    stepping = [members for members in companies.values() if patient or members[0].rank[0] == best]
    return [_packed(members, max_rows) for members in stepping]


def _packed(members: Sequence[Job], max_rows: int) -> list[Job]:
    """As many as fit, in their order; the first in any case."""
    taken, room = [members[0]], max_rows - members[0].sampling.num_rows
    for job in members[1:]:
        if room <= 0:
            break
        if (rows := job.sampling.num_rows) <= room:
            taken.append(job)
            room -= rows
    return taken
