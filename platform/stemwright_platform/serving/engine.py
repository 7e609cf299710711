"""Denoising in a thread of its own, batched at the level of steps.

After each step, requests that have ended leave and others take their rows: nobody waits for the longest of
a batch, and no row stands empty while somebody waits. (Continuous batching, as Orca does it for text: Yu
et al., OSDI 2022.)
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from stemwright.sampler import Rows
from stemwright.text_embedding import TextEmbedding, cat
from stemwright_platform.serving.batch_plan import Job, forwards

PATIENT_ROUND = 8
"""In every eighth round those step too for whom nobody waits, so that they end some time."""


class DenoisingEngine:
    """Steps requests together, at most `max_rows` rows a forward; requests beyond that wait their turn."""

    def __init__(
        self, max_rows: int = 8, on_forward: Callable[[int, float], None] = lambda rows, seconds: None
    ) -> None:
        """`on_forward`: told the rows of a forward and the seconds it took, in the engine's thread."""
        self._max_rows, self._on_forward = max_rows, on_forward
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._round = 0
        self.num_jobs = 0
        """Requests that have begun or wait their turn."""
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

    @torch.inference_mode()
    def _run(self) -> None:
        jobs: list[Job] = []
        while self._admit(jobs):
            self._round += 1
            for company in forwards(jobs, self._max_rows, patient=self._round % PATIENT_ROUND == 0):
                ended = self._step_together(company)
                jobs = [job for job in jobs if job not in ended]

    def _admit(self, jobs: list[Job]) -> bool:
        """Take in all that came, let go of what was cancelled, and wait where there is nothing to do.

        False at the end.
        """
        jobs[:] = [job for job in jobs if not job.cancelled.is_set()]
        while True:
            self.num_jobs = len(jobs)
            try:
                job = self._waiting.get(block=not jobs)
            except queue.Empty:
                return True
            if job is None:
                self._waiting.put(None)
                return bool(jobs)
            if not job.cancelled.is_set():
                jobs.append(job)

    def _step_together(self, jobs: Sequence[Job]) -> list[Job]:
        """One step of each; those that have ended. A fault that they share is looked for one by one."""
        began = time.perf_counter()
        rows, ended = [], []
        for job in jobs:
            try:
                rows.append((job, job.sampling.rows()))
            except Exception as error:
                job.on_end(error)
                ended.append(job)
        try:
            noise = _denoised([asked for _, asked in rows], jobs[0]) if rows else []
        except Exception as error:
            if len(rows) > 1:
                return ended + [job for one, _ in rows for job in self._step_together([one])]
            rows[0][0].on_end(error)
            return [*ended, rows[0][0]]
        ended += [job for (job, _), eps in zip(rows, noise, strict=True) if _advanced(job, eps)]
        self._on_forward(sum(len(asked.z) for _, asked in rows), time.perf_counter() - began)
        return ended


def _denoised(asked: Sequence[Rows], job: Job) -> Sequence[Tensor]:
    """ε of each request's rows, from one forward; they are of one `company`, which is `job`'s."""
    if len(asked) == 1:
        return [job.denoiser(asked[0].z, asked[0].t, asked[0].text)]
    z, t = torch.cat([rows.z for rows in asked]), torch.cat([rows.t for rows in asked])
    eps = job.denoiser(z, t, _texts(asked))
    return eps.split([len(rows.z) for rows in asked])


def _texts(asked: Sequence[Rows]) -> TextEmbedding | None:
    texts = [rows.text for rows in asked if rows.text is not None]
    return cat(texts) if texts else None


def _advanced(job: Job, eps: Tensor) -> bool:
    """Take the step; whether the job has ended."""
    try:
        job.sampling.advance(eps)
    except Exception as error:
        job.on_end(error)
        return True
    job.on_step(job.sampling.step, job.sampling.num_steps)
    if job.sampling.done:
        job.on_end(job.sampling.result())
    return job.sampling.done
