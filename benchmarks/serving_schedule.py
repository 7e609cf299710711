"""Batching at the level of steps against batching of whole requests and against one request at a time.

    make bench-schedule      (or: python benchmarks/serving_schedule.py --step-ms 30)

Scheduling alone: the accelerator is simulated, a step of up to R rows takes a fixed time. Requests are real
samplings on tiny latents: 10 to 50 steps, one to three rows each (nothing given; λ; λ and text guidance),
Poisson arrivals. Whole requests are batched by Ray's own `serve.batch`, told how many rows each takes; a
batch lasts as long as its longest. Saturation: all requests are there at the start; rates until the last of
them has begun. Writes benchmarks/results/serving_schedule.md.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from machine import RESULTS, table
from ray import serve

from stemwright.diffusion import NoiseSchedule
from stemwright.guidance import Guidance
from stemwright.sampler import Prompt, Sampling
from stemwright.tasks import Task
from stemwright.text_embedding import TextEmbedding, cat
from stemwright_platform.cluster import connect
from stemwright_platform.serving.batch_plan import Job
from stemwright_platform.serving.engine import DenoisingEngine

SCHEDULE = NoiseSchedule.scaled_linear(1000, 0.0015, 0.0195)
STEPS = (10, 20, 30, 40, 50)
KINDS = (
    (Task(("bass", "drums")), Guidance()),
    (Task(("bass",), ("drums", "melody")), Guidance(scale=2.0)),
    (Task(("melody",), ("drums",)), Guidance(scale=2.0, text_scale=3.0)),
)
SHORT = 10
ABOUT = (__doc__ or "").split("\n\n")[2].strip()


@dataclass(slots=True)
class Accelerator:
    """Takes its time for a step, whatever the rows."""

    step_s: float
    max_rows: int
    rows: list[int] = field(default_factory=list)
    """Of each step so far."""

    def __call__(self, z: torch.Tensor, t: torch.Tensor, text: object) -> torch.Tensor:
        assert len(z) <= self.max_rows
        self.rows.append(len(z))
        time.sleep(self.step_s)
        return 0.5 * z


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the load."""

    number: int
    num_steps: int
    kind: int
    at_s: float
    """When it comes."""
    shape: tuple[int, ...] = (1, 4, 1, 1)
    """Of its latents."""
    text_width: int = 0
    """Of its prompt's embedding; 0 for an accelerator that reads none."""

    def sampling(self) -> Sampling:
        task, guidance = KINDS[self.kind]
        generator = torch.Generator().manual_seed(self.number)
        return Sampling(
            SCHEDULE,
            task,
            torch.zeros(self.shape),
            self._prompt(),
            guidance=guidance,
            num_steps=self.num_steps,
            generator=generator,
        )

    def _prompt(self) -> Prompt | None:
        if not self.text_width:
            return None
        text = TextEmbedding(torch.zeros(1, 8, self.text_width), torch.ones(1, 8, dtype=torch.bool))
        return Prompt(full=text, prefix=text)


def load(count: int, rate_hz: float, seed: int, **options: Any) -> list[Asked]:
    """Requests with Poisson arrivals; all at once where the rate is infinite. `options`: of each."""
    rng, at = random.Random(seed), 0.0
    asked = []
    for number in range(count):
        asked.append(Asked(number, rng.choice(STEPS), rng.randrange(len(KINDS)), at, **options))
        at += rng.expovariate(rate_hz) if rate_hz < float("inf") else 0.0
    return asked


Server = Callable[[Asked], Awaitable[None]]


def by_steps(accelerator: Accelerator) -> tuple[Server, Callable[[], None]]:
    engine = DenoisingEngine(accelerator.max_rows)

    async def answer(asked: Asked) -> None:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def on_end(result: torch.Tensor | Exception) -> None:
            loop.call_soon_threadsafe(ended.set_result, result)

        engine.start(
            Job(
                denoiser=accelerator,
                sampling=asked.sampling(),
                on_step=lambda step, num_steps: None,
                on_end=on_end,
            )
        )
        await ended

    return answer, engine.close


class WholeRequests:
    """A deployment's class: batches as Serve does."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self.batched = serve.batch(
            max_batch_size=accelerator.max_rows,
            batch_wait_timeout_s=0.0,
            batch_size_fn=lambda samplings: sum(sampling.num_rows for sampling in samplings),
        )(self._batched)

    async def __call__(self, asked: Asked) -> None:
        await self.batched(asked.sampling())

    async def _batched(self, samplings: list[Sampling]) -> list[None]:
        await asyncio.to_thread(self._run, samplings)
        return [None] * len(samplings)

    def _run(self, samplings: Sequence[Sampling]) -> None:
        going = list(samplings)
        while going:
            rows = [sampling.rows() for sampling in going]
            z, t = torch.cat([r.z for r in rows]), torch.cat([r.t for r in rows])
            texts = [r.text for r in rows if r.text is not None]
            eps = self._accelerator(z, t, cat(texts) if texts else None).split([len(r.z) for r in rows])
            for sampling, noise in zip(going, eps, strict=True):
                sampling.advance(noise)
            going = [sampling for sampling in going if not sampling.done]


def by_whole_requests(accelerator: Accelerator) -> tuple[Server, Callable[[], None]]:
    deployment = serve.deployment(max_ongoing_requests=10_000)(WholeRequests)
    handle = serve.run(deployment.bind(accelerator), route_prefix=None)

    async def answer(asked: Asked) -> None:
        await handle.remote(asked)

    return answer, serve.shutdown


def one_by_one(accelerator: Accelerator) -> tuple[Server, Callable[[], None]]:
    lock = asyncio.Lock()

    def run(sampling: Sampling) -> None:
        while not sampling.done:
            rows = sampling.rows()
            sampling.advance(accelerator(rows.z, rows.t, rows.text))

    async def answer(asked: Asked) -> None:
        async with lock:
            await asyncio.to_thread(run, asked.sampling())

    return answer, lambda: None


SERVERS: dict[str, Callable[[Accelerator], tuple[Server, Callable[[], None]]]] = {
    "steps": by_steps,
    "whole requests": by_whole_requests,
    "one by one": one_by_one,
}


async def served(answer: Server, requests: Sequence[Asked]) -> tuple[list[float], list[float]]:
    """Latency of each request, and when each ended, in seconds since the start."""
    start = time.perf_counter()
    latencies, ends = [0.0] * len(requests), [0.0] * len(requests)

    async def one(asked: Asked) -> None:
        await asyncio.sleep(max(asked.at_s - (time.perf_counter() - start), 0))
        came = time.perf_counter()
        await answer(asked)
        ended = time.perf_counter()
        latencies[asked.number], ends[asked.number] = ended - came, ended - start

    await asyncio.gather(*map(one, requests))
    return latencies, ends


def measured(name: str, accelerator: Accelerator, requests: Sequence[Asked]) -> dict[str, Any]:
    """One server under one load."""

    async def run() -> dict[str, Any]:
        answer, close = SERVERS[name](accelerator)
        latencies, ends = await served(answer, requests)
        close()
        return {"latencies": latencies, "ends": ends, "rows": accelerator.rows}

    return asyncio.run(run())


def work(requests: Sequence[Asked]) -> float:
    """Row steps that requests take."""
    return float(sum(asked.num_steps * asked.sampling().num_rows for asked in requests))


def ideal_gain(requests: Sequence[Asked], max_rows: int) -> float:
    """How much longer packed batches last than their rows' mean: what batching by steps can save."""
    lasting = mean = 0.0
    batch: list[Asked] = []
    room = max_rows
    for asked in [*requests, None]:
        if asked is None or asked.sampling().num_rows > room:
            lasting += max(one.num_steps for one in batch) * (max_rows - room)
            mean += work(batch)
            batch, room = [], max_rows
        if asked is not None:
            batch.append(asked)
            room -= asked.sampling().num_rows
    return lasting / mean


def saturated(step_s: float, max_rows: int, count: int) -> list[str]:
    requests = load(count, float("inf"), seed=0)
    ideal = ideal_gain(requests, max_rows)
    rates, rows, occupied, around = {}, [], 0.0, 0.0
    for name in SERVERS:
        some = requests if name != "one by one" else requests[: max(count // max_rows, 8)]
        got = measured(name, Accelerator(step_s, max_rows), some)
        # to when nobody waits any more: afterwards rows stand empty whoever serves
        until = sorted(got["ends"])[int(0.85 * len(some))]
        done = [asked for asked in some if got["ends"][asked.number] <= until]
        rates[name] = work(done) / until
        busy = rates[name] * step_s / max_rows
        rows.append((name, f"{rates[name]:.0f}", f"{busy:.1%}", f"{max(got['ends']):.1f}"))
        if name == "steps":
            full = got["rows"][: int(0.85 * len(got["rows"]))]
            occupied = statistics.mean(full) / max_rows
            around = max_rows * occupied / rates[name] - step_s
    gain = rates["steps"] / rates["whole requests"]
    return [
        f"## Saturated: {count} requests at once, {max_rows} rows, {1000 * step_s:g} ms a step\n",
        table(("batched by", "row steps/s", "of what it could do", "all done after s"), rows),
        f"By steps, {occupied:.1%} of a step's row slots are busy (target 90 %); between two steps pass "
        f"{1000 * around:.1f} ms, for which an accelerator waits.\n",
        f"Gain over whole requests {gain:.2f}; ideal, E[longest] / E[mean] of packed batches, {ideal:.2f}: "
        f"{gain / ideal:.0%} of it (target 95 %).\n",
    ]


def loaded(step_s: float, max_rows: int, count: int, share: float) -> list[str]:
    sample = load(2000, float("inf"), seed=1)
    rate_hz = share * max_rows / step_s / (work(sample) / len(sample))
    requests = load(count, rate_hz, seed=2)
    rows = []
    for name in ("steps", "whole requests"):
        latencies = measured(name, Accelerator(step_s, max_rows), requests)["latencies"]
        short = [latencies[asked.number] for asked in requests if asked.num_steps == SHORT]
        every = [latencies[asked.number] / asked.num_steps / step_s for asked in requests]
        solo = SHORT * step_s
        p95 = statistics.quantiles(short, n=20)[-1]
        row = (statistics.median(short) / solo, p95 / solo, statistics.median(every))
        rows.append((name, *(f"{value:.2f}" for value in row)))
    heads = ("batched by", f"{SHORT} steps, median", f"{SHORT} steps, p95", "all, median")
    return [
        f"## At {share:.0%} load: {count} requests, Poisson, {rate_hz:.2f}/s\n",
        "Latencies in multiples of what the request takes alone.\n",
        table(heads, rows),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--step-ms", type=float, default=30.0)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--requests", type=int, default=400)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    connect()
    step_s = asked.step_ms / 1000
    parts = [
        f"# Batching at the level of steps\n\n{ABOUT}\n",
        *saturated(step_s, asked.rows, asked.requests),
        *loaded(step_s, asked.rows, asked.requests, 0.7),
    ]
    text = "\n".join(parts)
    print(text)
    (RESULTS / "serving_schedule.md").write_text(text)


if __name__ == "__main__":
    main()
