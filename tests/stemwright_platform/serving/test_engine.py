import threading

import pytest
import torch

from stemwright.diffusion import NoiseSchedule
from stemwright.guidance import Guidance
from stemwright.sampler import Denoiser, Prompt, Sampling, run
from stemwright.solver_name import Solver
from stemwright.tasks import Task
from stemwright.text_embedding import TextEmbedding
from stemwright_platform.serving.batch_plan import Job, Rank
from stemwright_platform.serving.engine import PATIENT_ROUND, DenoisingEngine

SCHEDULE = NoiseSchedule.scaled_linear(1000, 0.0015, 0.0195)
WAIT_S = 20


def shrink(z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
    return 0.5 * z


def grow(z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
    return 1.1 * z


def sampling(
    seed: int,
    num_steps: int = 5,
    *,
    frames: int = 8,
    task: Task | None = None,
    scale: float = 1.0,
    solver: Solver = "dpmpp_2m",
    prompt: Prompt | None = None,
) -> Sampling:
    generator = torch.Generator().manual_seed(seed)
    return Sampling(
        SCHEDULE,
        task or Task(("bass",)),
        torch.randn(1, 4, 3, frames, generator=generator),
        prompt,
        guidance=Guidance(scale=scale),
        num_steps=num_steps,
        solver=solver,
        generator=generator,
    )


class Heard:
    """What a job told."""

    def __init__(
        self, of: Sampling, denoiser: Denoiser = shrink, rank: Rank = (0.0,), told: list[str] | None = None
    ) -> None:
        self.steps: list[tuple[int, int]] = []
        self.result: torch.Tensor | Exception | None = None
        self.ended = threading.Event()
        self.job = Job(denoiser=denoiser, sampling=of, on_step=self._step, on_end=self._end, rank=rank)

    def _step(self, step: int, num_steps: int) -> None:
        self.steps.append((step, num_steps))

    def _end(self, result: torch.Tensor | Exception) -> None:
        self.result = result
        self.ended.set()

    @property
    def latents(self) -> torch.Tensor:
        assert isinstance(self.result, torch.Tensor), self.result
        return self.result


class Gate:
    """A denoiser that waits until it is let through, and knows how many rows came at a time."""

    def __init__(self, *, open_: bool = False) -> None:
        self.rows: list[int] = []
        self.entered, self._go_on = threading.Event(), threading.Event()
        if open_:
            self._go_on.set()

    def __call__(self, z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
        self.rows.append(len(z))
        self.entered.set()
        assert self._go_on.wait(WAIT_S)
        return 0.5 * z

    def open(self) -> None:
        self._go_on.set()


def held_engine(gate: Gate, max_rows: int) -> tuple[DenoisingEngine, Heard]:
    """An engine in its first step, so that what is started now begins together with the second."""
    engine = DenoisingEngine(max_rows)
    first = Heard(sampling(99, num_steps=1), gate)
    engine.start(first.job)
    assert gate.entered.wait(WAIT_S)
    return engine, first


@pytest.mark.parametrize("max_rows", [1, 3, 16])
def test_jobs_come_out_as_the_library_makes_them(max_rows: int) -> None:
    engine = DenoisingEngine(max_rows)
    jobs = [Heard(sampling(seed)) for seed in range(4)]
    for heard in jobs:
        engine.start(heard.job)
    engine.close()
    for seed, heard in enumerate(jobs):
        assert heard.steps == [(step, 5) for step in range(1, 6)]
        assert torch.equal(heard.latents, run(shrink, sampling(seed)))


def test_requests_of_any_task_solver_guidance_and_length_of_run_share_forwards() -> None:
    gate = Gate()
    engine, _ = held_engine(gate, 16)
    accompanied = Task(("bass", "melody"), ("drums",))
    kinds = [
        lambda: sampling(0, 3),
        lambda: sampling(1, 9, task=accompanied, scale=2.5, solver="ddim"),
        lambda: sampling(2, 20, task=accompanied, scale=0.0, solver="ddpm"),
    ]
    jobs = [Heard(kind(), gate) for kind in kinds]
    for heard in jobs:
        engine.start(heard.job)
    gate.open()
    engine.close()
    # λ = 2.5 takes two rows a step; λ = 0, like a task with nothing given, one
    assert gate.rows == [1] + [4] * 3 + [3] * 6 + [1] * 11
    for kind, heard in zip(kinds, jobs, strict=True):
        torch.testing.assert_close(heard.latents, run(shrink, kind()))


def test_a_request_takes_the_rows_of_one_that_ended_at_once() -> None:
    gate = Gate()
    engine, _ = held_engine(gate, 2)
    for steps in (2, 6, 4):
        engine.start(Heard(sampling(steps, steps), gate).job)
    gate.open()
    engine.close()
    assert gate.rows == [1] + [2] * 6


def test_a_wide_request_is_passed_by_narrow_ones_only_while_its_room_is_not_free() -> None:
    gate = Gate()
    engine, _ = held_engine(gate, 2)
    wide_task = Task(("bass",), ("drums",))
    first = Heard(sampling(0, 3), gate)
    wide = Heard(sampling(1, 2, task=wide_task, scale=2.0), gate)
    narrow = Heard(sampling(2, 6), gate)
    for heard in (first, wide, narrow):
        engine.start(heard.job)
    gate.open()
    engine.close()
    # three rounds of first and narrow, then the two rows of wide, then the rest of narrow
    assert gate.rows == [1, 2, 2, 2, 2, 2, 1, 1, 1]
    assert len(narrow.steps) == 6
    assert len(wide.steps) == 2


def test_requests_of_other_lengths_step_in_the_same_rounds() -> None:
    gate = Gate()
    engine, _ = held_engine(gate, 16)
    short, long = Heard(sampling(0, 4), gate), Heard(sampling(1, 4, frames=12), gate)
    for heard in (short, long):
        engine.start(heard.job)
    gate.open()
    engine.close()
    assert gate.rows == [1] * 9
    assert torch.equal(long.latents, run(shrink, sampling(1, 4, frames=12)))


def test_texts_of_other_lengths_share_a_forward_and_stay_apart() -> None:
    def reads(z: torch.Tensor, t: torch.Tensor, text: TextEmbedding | None) -> torch.Tensor:
        assert text is not None
        told = (text.states * text.mask[..., None]).sum((1, 2))
        return z * told[:, None, None, None]

    def prompt(length: int) -> Prompt:
        told = TextEmbedding(torch.full((1, length, 2), 0.1), torch.ones(1, length, dtype=torch.bool))
        return Prompt(full=told, prefix=told)

    engine = DenoisingEngine()
    jobs = {length: Heard(sampling(0, prompt=prompt(length)), reads) for length in (1, 3, 2)}
    for heard in jobs.values():
        engine.start(heard.job)
    engine.close()
    for length, heard in jobs.items():
        torch.testing.assert_close(heard.latents, run(reads, sampling(0, prompt=prompt(length))))


def test_a_cancelled_job_stops_before_its_next_step_and_lets_the_next_one_in() -> None:
    gate = Gate()
    engine = DenoisingEngine(1)
    cancelled, after = Heard(sampling(0, 900), gate), Heard(sampling(1), gate)
    engine.start(cancelled.job)
    engine.start(after.job)
    assert gate.entered.wait(WAIT_S)
    cancelled.job.cancelled.set()
    gate.open()
    assert after.ended.wait(WAIT_S)
    assert len(cancelled.steps) == 1
    assert not cancelled.ended.is_set()
    engine.close()


def test_jobs_of_two_models_run_side_by_side_each_on_its_own() -> None:
    engine = DenoisingEngine()
    jobs = {denoiser: Heard(sampling(0), denoiser) for denoiser in (shrink, grow)}
    for heard in jobs.values():
        engine.start(heard.job)
    engine.close()
    for denoiser, heard in jobs.items():
        assert torch.equal(heard.latents, run(denoiser, sampling(0)))
    assert not torch.equal(jobs[shrink].latents, jobs[grow].latents)


def test_who_waits_goes_before_who_does_not_and_takes_the_rows_back() -> None:
    gate = Gate()
    engine, _ = held_engine(gate, 1)
    batch = Heard(sampling(0, 4), gate, rank=(1.0,))
    interactive = Heard(sampling(1, 4), gate, rank=(0.0,))
    order: list[str] = []
    batch.job.on_end = lambda _: order.append("batch")
    interactive.job.on_end = lambda _: order.append("interactive")
    engine.start(batch.job)
    engine.start(interactive.job)
    gate.open()
    engine.close()
    assert order == ["interactive", "batch"]


def test_work_that_nobody_waits_for_fills_rows_that_stand_empty_and_is_never_starved() -> None:
    gate = Gate()
    engine, _ = held_engine(gate, 4)
    waited_for = Heard(sampling(0, 3 * PATIENT_ROUND), gate)
    beside = Heard(sampling(1, 3 * PATIENT_ROUND), gate, rank=(1.0,))
    of_other_length = Heard(sampling(2, 2, frames=12), gate, rank=(1.0,))
    for heard in (waited_for, beside, of_other_length):
        engine.start(heard.job)
    ended_after: list[int] = []
    of_other_length.job.on_end = lambda _: ended_after.append(len(waited_for.steps))
    gate.open()
    engine.close()
    assert gate.rows.count(2) == 3 * PATIENT_ROUND
    assert PATIENT_ROUND <= ended_after[0] <= 2 * PATIENT_ROUND


def test_a_fault_in_a_shared_forward_ends_its_own_job_alone() -> None:
    def picky(z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
        if bool((z[:, 0] > 1e6).any()):
            raise RuntimeError("out of memory")
        return 0.5 * z

    gate = Gate(open_=True)
    engine, _ = held_engine(gate, 8)
    good, poisoned = Heard(sampling(0), picky), Heard(sampling(1), picky)
    poisoned.job.sampling._z = poisoned.job.sampling._z + 1e7
    for heard in (poisoned, good):
        engine.start(heard.job)
    engine.close()
    assert isinstance(poisoned.result, RuntimeError)
    assert torch.equal(good.latents, run(picky, sampling(0)))
    assert not engine.alive


def test_every_forward_is_told() -> None:
    told: list[tuple[int, float]] = []
    engine = DenoisingEngine(4, lambda rows, seconds: told.append((rows, seconds)))
    for seed in range(2):
        engine.start(Heard(sampling(seed, 7)).job)
    engine.close()
    assert sum(rows for rows, _ in told) == 14
    assert 7 <= len(told) <= 14
    assert all(seconds > 0 for _, seconds in told)
    assert engine.num_jobs == 0
