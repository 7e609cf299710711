import threading

import pytest
import torch

from stemwright.diffusion import NoiseSchedule
from stemwright.sampler import Denoiser, Sampling, run
from stemwright.tasks import Task
from stemwright_platform.serving.engine import DenoisingEngine, Job

SCHEDULE = NoiseSchedule.scaled_linear(1000, 0.0015, 0.0195)


def shrink(z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
    return 0.5 * z


def grow(z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
    return 1.1 * z


def sampling(seed: int, num_steps: int = 5) -> Sampling:
    given = torch.zeros(1, 4, 3, 8)
    generator = torch.Generator().manual_seed(seed)
    return Sampling(SCHEDULE, Task(("bass",)), given, num_steps=num_steps, generator=generator)


class Heard:
    """What a job told."""

    def __init__(self, seed: int = 0, num_steps: int = 5, denoiser: Denoiser = shrink) -> None:
        self.steps: list[tuple[int, int]] = []
        self.result: torch.Tensor | Exception | None = None
        self.ended = threading.Event()
        self.job = Job(
            denoiser=denoiser,
            sampling=sampling(seed, num_steps),
            on_step=lambda *step: self.steps.append(step),
            on_end=self._end,
        )

    def _end(self, result: torch.Tensor | Exception) -> None:
        self.result = result
        self.ended.set()


@pytest.mark.parametrize("max_active", [1, 3])
def test_jobs_come_out_as_the_library_makes_them(max_active: int):
    engine = DenoisingEngine(max_active)
    jobs = [Heard(seed) for seed in range(4)]
    for heard in jobs:
        engine.start(heard.job)
    engine.close()
    for seed, heard in enumerate(jobs):
        assert heard.steps == [(step, 5) for step in range(1, 6)]
        assert torch.equal(heard.result, run(shrink, sampling(seed)))


def test_a_cancelled_job_stops_before_its_next_step_and_lets_the_next_one_in():
    entered, go_on = threading.Event(), threading.Event()

    def slow(z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
        entered.set()
        assert go_on.wait(10)
        return z

    engine = DenoisingEngine()
    cancelled, after = Heard(num_steps=900, denoiser=slow), Heard(denoiser=slow)
    engine.start(cancelled.job)
    engine.start(after.job)
    assert entered.wait(10)
    cancelled.job.cancelled.set()
    go_on.set()
    assert after.ended.wait(10)
    assert len(cancelled.steps) == 1
    assert not cancelled.ended.is_set()
    engine.close()


def test_jobs_of_two_models_run_side_by_side_each_on_its_own():
    engine = DenoisingEngine(max_active=2)
    jobs = {denoiser: Heard(denoiser=denoiser) for denoiser in (shrink, grow)}
    for heard in jobs.values():
        engine.start(heard.job)
    engine.close()
    for denoiser, heard in jobs.items():
        assert torch.equal(heard.result, run(denoiser, sampling(0)))
    assert not torch.equal(jobs[shrink].result, jobs[grow].result)


def test_a_fault_ends_its_own_job_alone():
    def picky(z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
        if (t == 1000).any(0)[0] and not failed.is_set():
            failed.set()
            raise RuntimeError("out of memory")
        return z

    failed = threading.Event()
    engine = DenoisingEngine()
    first, second = Heard(denoiser=picky), Heard(denoiser=picky)
    engine.start(first.job)
    engine.start(second.job)
    engine.close()
    assert isinstance(first.result, RuntimeError)
    assert isinstance(second.result, torch.Tensor)
    assert not engine.alive
