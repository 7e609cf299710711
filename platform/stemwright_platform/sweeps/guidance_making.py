"""The sounds of a sweep: a clip at every λ at once, given latents and prompt embedded once.

Axes: B take, K track, D latent channel, S latent frame, n audio sample.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stemwright.compose import Request, start_sampling
from stemwright.sampler import Sampling
from stemwright.tasks import Task
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import clip_folder, sound_file, write_clip
from stemwright_platform.evaluation.making import Source, heard_system
from stemwright_platform.evaluation.systems import SamplingChoice, take_seed
from stemwright_platform.evaluation.task_name import JOINT, parse_task
from stemwright_platform.sweeps.guidance_plan import SweepItem, take_folder
from stemwright_platform.sweeps.guidance_rows import GuidanceRows
from stemwright_platform.sweeps.seed_spread import seed_spread

SPREAD, LEVEL_DB = "seed_spread", "level_db"
"""Facts of a made clip: deviation of its takes, and its targets' level against the real ones'."""
SILENT = 1e-5
"""RMS of a track below which it has no level, -100 dB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Rows of the denoiser."""

    asked: int
    """That it answered."""
    wanted: int
    """That the requests would have asked for one by one."""


class GuidanceMaking:
    """What an actor does: an item → its folders, filled."""

    def __init__(self, source: Source, out: str, choice: SamplingChoice, takes: int, seed: int) -> None:
        self._composer, self._corpus = source.open()
        self._out, self._choice, self._takes, self._seed = Path(out), choice, takes, seed

    def __call__(self, item: SweepItem) -> Cost:
        clip, task = item.clip, self._task(item)
        heard = self._corpus.heard(clip)
        rows = GuidanceRows(self._samplings(item, task, {name: heard[name] for name in task.given}))
        made = rows.run(self._composer.denoiser)
        for number, scale in enumerate(item.scales):
            takes = made[number * self._takes : (number + 1) * self._takes]
            spread = seed_spread(torch.cat(takes)[:, task.target_mask.to(takes[0].device)])
            for turn, latents in enumerate(takes):
                folder = take_folder(self._out, scale, item.task, clip.clip, turn)
                self._write(folder, clip, task, latents, heard, spread)
        return Cost(asked=rows.asked, wanted=rows.wanted)

    def _task(self, item: SweepItem) -> Task:
        """The task, of the tracks that the song has."""
        tracks = self._composer.checkpoint.tracks
        task, there = parse_task(item.task, tracks), set(item.clip.tracks)
        return Task(task.targets, tuple(name for name in task.given if name in there), tracks=tracks)

    def _samplings(self, item: SweepItem, task: Task, given: Mapping[str, Tensor]) -> list[Sampling]:
        """λ by λ, take by take: exactly the requests that `stemwright evaluate` makes of each."""
        requests = [
            [self._request(item.clip, task, scale, turn) for turn in range(self._takes)]
            for scale in item.scales
        ]
        latents = self._composer.coder.encode(given, item.clip.duration_s)
        prompt = self._composer.embed(requests[0][0])
        return [
            start_sampling(self._composer.checkpoint, request, latents, prompt)
            for of_scale in requests
            for request in of_scale
        ]

    def _request(self, clip: Clip, task: Task, scale: float, turn: int) -> Request:
        return Request(
            prompt=clip.prompt,
            task=task,
            duration_s=clip.duration_s,
            seed=take_seed(self._seed, clip, turn),
            guidance_scale=scale,
            text_scale=self._choice.text_scale,
            num_steps=self._choice.num_steps,
            solver=self._choice.solver,
        )

    def _write(
        self,
        folder: Path,
        clip: Clip,
        task: Task,
        latents: Tensor,
        heard: Mapping[str, Tensor],
        spread: float,
    ) -> None:
        if folder.exists():
            return
        made = self._composer.coder.decode(latents, task, clip.duration_s)
        sounding = made | {name: heard[name] for name in task.given}
        stems = {name: sounding[name] for name in task.tracks.ordered(sounding)}
        files = clip_folder(self._out, heard_system(self._corpus), JOINT, clip.clip)
        kept = {name: path for name in task.given if (path := sound_file(files, name)).exists()}
        level = level_db(made, {name: heard[name] for name in task.targets})
        facts = {SPREAD: _known(spread), LEVEL_DB: _known(level)}
        write_clip(folder, stems, self._corpus.sample_rate_hz, kept=kept, facts=facts)


def level_db(made: Mapping[str, Tensor], real: Mapping[str, Tensor]) -> float:
    """How much louder tracks `[2, n]` are than the real ones, dB, the mean over tracks.

    NaN where the real ones are silent. A track that came out silent counts as 100 dB below full scale.
    """
    found = [
        20 * math.log10(max(_rms(made[name]), SILENT) / _rms(audio))
        for name, audio in real.items()
        if _rms(audio) > SILENT
    ]
    return sum(found) / len(found) if found else math.nan


def _rms(audio: Tensor) -> float:
    return float(audio.double().square().mean().sqrt())


def _known(value: float) -> Any:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
