"""How long a composition takes on two cores."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import torch

from stemwright.compose import Composer, Request
from stemwright.tasks import Task
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure, Target

DURATION_S = 8.0
CORES = 2
RUNS = 3
MOST_S = 10.0


def speed_figures(context: Context) -> list[Figure]:
    """8 s of all tracks as `stemwright compose` makes them, everything loaded before."""
    composer = context.composer
    steps = context.plan.sampling.num_steps or composer.checkpoint.sampling.num_steps
    device, load = context.plan.device, os.getloadavg()[0]
    with threads(CORES):
        seconds = [compose_s(composer, steps) for _ in range(RUNS + 1)][1:]  # the first warms up
    where = f"{CORES} CPU threads" if device == "cpu" else device
    names = ", ".join(composer.checkpoint.tracks.names)
    return [
        Figure(
            name="speed.compose",
            about=f"Seconds for {DURATION_S:g} s of {names} with default settings, start-up apart",
            value=median(seconds),
            low=min(seconds),
            high=max(seconds),
            target=Target(bound=MOST_S, at_least=False),
            n=len(seconds),
            note=f"{steps} steps on {where}; the middle, fastest and slowest of n runs; "
            f"load of the machine before {load:.1f}",
        )
    ]


def compose_s(composer: Composer, steps: int | None) -> float:
    """Seconds that one composition takes, text, denoiser and codec together."""
    tracks = composer.checkpoint.tracks
    request = Request(
        prompt="slow blues, slide guitar, 90 bpm, A minor",
        task=Task(tracks.names, tracks=tracks),
        duration_s=DURATION_S,
        num_steps=steps,
    )
    start = time.perf_counter()
    composer.generate(request)
    return time.perf_counter() - start


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for a while; other devices do not care."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
