"""Denoising in a thread of its own, a step of each request at a time."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from stemwright.sampler import Denoiser, Sampling


@dataclass(kw_only=True, slots=True, eq=False)
class Job:
    """A request in the engine. The callbacks run in the engine's thread and must be quick."""

    denoiser: Denoiser
    """The model, of whichever version."""
    sampling: Sampling
    """Its state between steps."""
    on_step: Callable[[int, int], None]
    """Told (step, num_steps) after each step."""
    on_end: Callable[[Tensor | Exception], None]
    """Told the latents or the fault; not told of a cancelled job."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set to end the job before its next step."""


class DenoisingEngine:
    """Steps the jobs in turn; up to `max_active` at once, the others wait."""

    def __init__(self, max_active: int = 1) -> None:
        self._max_active = max_active
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="denoising", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self, job: Job) -> None:
        self._waiting.put(job)

    def close(self) -> None:
        """Stop once the jobs that were started have ended."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        active: list[Job] = []
        while True:
            if not self._admit(active):
                return
            active = [job for job in active if self._step(job)]

    def _admit(self, active: list[Job]) -> bool:
        """Fill up from those that wait, blocking only where nothing is active; False at the end."""
        while len(active) < self._max_active:
            try:
                job = self._waiting.get(block=not active)
            except queue.Empty:
                return True
            if job is None:
                self._waiting.put(None)
                return bool(active)
            active.append(job)
        return True

    def _step(self, job: Job) -> bool:
        """Advance a job; False once it has ended."""
        if job.cancelled.is_set():
            return False
        try:
            self._advance(job)
        except Exception as error:
            job.on_end(error)
            return False
        job.on_step(job.sampling.step, job.sampling.num_steps)
        if job.sampling.done:
            job.on_end(job.sampling.result())
        return not job.sampling.done

    @torch.inference_mode()
    def _advance(self, job: Job) -> None:
        rows = job.sampling.rows()
        job.sampling.advance(job.denoiser(rows.z, rows.t, rows.text))
