"""Takes made in batches and heard at once: sound is kept where it is asked for, what was heard always.

Axes: B take, K track, D latent channel, S latent frame, n audio sample.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from stemwright.beat_grid import grid_of_window
from stemwright.compose import Composer, Request, start_sampling
from stemwright.diffusion import NoiseSchedule
from stemwright.mixing import fitted
from stemwright.sampler import Denoiser
from stemwright.tasks import Task
from stemwright.text_embedding import TextEmbedding
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.stem_hearing import StemHearing
from stemwright_platform.assessment.take import TakeOrder, write_heard
from stemwright_platform.assessment.window import Window
from stemwright_platform.corpus.stem_audio import read_stem
from stemwright_platform.evaluation.clip_folder import write_clip
from stemwright_platform.evaluation.systems import SamplingChoice
from stemwright_platform.evaluation.task_name import parse_task
from stemwright_platform.sweeps.guidance_rows import GuidanceRows

Stems = dict[str, Tensor]
"""Track → audio `[2, n]`."""


class TakeMaking:
    """What an actor does: a batch of orders → their files."""

    def __init__(self, plan: AssessmentPlan, out: str, *, keep: bool = False) -> None:
        """`keep`: sound is written, too."""
        self._plan, self._out, self._keep = plan, Path(out), keep
        self._composer = plan_composer(plan)
        self._hearing = StemHearing()

    def __call__(self, orders: Sequence[TakeOrder]) -> None:
        for order, stems in zip(orders, self._stems(orders), strict=True):
            targets = self._task(order).targets
            made = {name: audio for name, audio in stems.items() if name in targets}
            if self._keep and not order.sound_folder(self._out).exists():
                write_clip(order.sound_folder(self._out), stems, self._composer.codec.sample_rate_hz)
            if not order.heard_file(self._out).exists():
                write_heard(order.heard_file(self._out), self._hearing(made))

    def _stems(self, orders: Sequence[TakeOrder]) -> list[Stems]:
        rate_hz = self._composer.codec.sample_rate_hz
        if orders[0].maker == "real":
            return [recorded(order.window, rate_hz) for order in orders]
        tasks = [self._task(order) for order in orders]
        asked = [take_request(order, task, self._plan) for order, task in zip(orders, tasks, strict=True)]
        given = [
            recorded(order.window, rate_hz, task.given) for order, task in zip(orders, tasks, strict=True)
        ]
        denoiser: Denoiser = self._composer.denoiser
        if orders[0].maker == "untrained":
            denoiser = TrivialGuess(self._composer.checkpoint.schedule)
        return generated(self._composer, denoiser, asked, given)

    def _task(self, order: TakeOrder) -> Task:
        """The task, of the tracks that the song has."""
        tracks = self._composer.checkpoint.tracks
        task, there = parse_task(order.task, tracks), order.window.tracks
        targets = tuple(name for name in task.targets if order.maker != "real" or name in there)
        return Task(targets, tuple(name for name in task.given if name in there), tracks=tracks)


def plan_composer(plan: AssessmentPlan) -> Composer:
    """The model of a plan, on its device."""
    return Composer.load(
        plan.model, codec_weights=plan.codec_weights, text_weights=plan.text_weights, device=plan.device
    )


def take_request(order: TakeOrder, task: Task, plan: AssessmentPlan) -> Request:
    """What the model is asked for: in the window's words, with its bars where they are known."""
    window, choice = order.window, joined(plan.sampling, order.sampling)
    grid = None
    if plan.tell_grid:
        grid = grid_of_window(window.song.downbeats_s, window.tempo_bpm, window.start_s, window.duration_s)
    return Request(
        prompt=window.prompt if order.prompt is None else order.prompt,
        task=task,
        duration_s=window.duration_s,
        grid=grid,
        seed=zlib.crc32(f"{plan.seed}/{window.name}/{order.turn}".encode()),
        guidance_scale=choice.guidance_scale,
        text_scale=choice.text_scale,
        num_steps=choice.num_steps,
        solver=choice.solver,
    )


def joined(plan: SamplingChoice, order: SamplingChoice) -> SamplingChoice:
    """The order's settings where it has any, else the plan's."""
    of_order = {
        name: value for name in SamplingChoice.__slots__ if (value := getattr(order, name)) is not None
    }
    return replace(plan, **of_order)


def generated(
    composer: Composer,
    denoiser: Denoiser,
    requests: Sequence[Request],
    given: Sequence[Mapping[str, Tensor]],
) -> list[Stems]:
    """Stems of each request, as `Composer.generate` makes them, all in one batch of the denoiser.

    `given`: audio `[2, n]` of each request's given tracks. Requests are of one length and number of steps.
    """
    coder, duration_s = composer.coder, requests[0].duration_s
    length = coder.num_samples(duration_s)
    heard = [{name: fitted(audio, length) for name, audio in stems.items()} for stems in given]
    samplings = [
        start_sampling(composer.checkpoint, request, coder.encode(stems, duration_s), composer.embed(request))
        for request, stems in zip(requests, heard, strict=True)
    ]
    latents = GuidanceRows(samplings).run(denoiser)
    return [
        coder.decode(result, request.task, duration_s) | stems
        for result, request, stems in zip(latents, requests, heard, strict=True)
    ]


class TrivialGuess:
    """The denoiser as it is before its first step, ε̂ = √(1 − ᾱ)·z, without a network's cost."""

    def __init__(self, schedule: NoiseSchedule) -> None:
        self._schedule = schedule

    def __call__(self, z: Tensor, t: Tensor, text: TextEmbedding | None) -> Tensor:
        """`z` [R, K, D, S], `t` [R, K] or [R, K, S]; the text says nothing to it."""
        return (1 - self._schedule.level(t, z)).sqrt() * z


def recorded(window: Window, sample_rate_hz: int, names: Sequence[str] | None = None) -> Stems:
    """Recordings `[2, n]` of a window's tracks, or of some of them.

    InputError, naming the file, where one cannot be read.
    """
    spans_s = window.start_s, window.duration_s, window.rolled_s
    start, length, rolled = (round(span_s * sample_rate_hz) for span_s in spans_s)
    found = {}
    for name in window.tracks if names is None else names:
        paths = window.song.tracks[name]
        whole = read_stem(paths, sample_rate_hz) if paths else torch.zeros(2, 1)
        found[name] = fitted(whole[:, start:], length).roll(-rolled, dims=1)
    return found


def batches(orders: Sequence[TakeOrder], size: int) -> list[list[TakeOrder]]:
    """Orders that can be made at once, at most so many together."""

    def kind(order: TakeOrder) -> str:
        return f"{order.folder_name}/{order.task}/{order.window.duration_s}"

    found = []
    for _, alike in groupby(sorted(orders, key=kind), key=kind):
        group = list(alike)
        found += [group[start : start + size] for start in range(0, len(group), size)]
    return found
