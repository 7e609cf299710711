"""What makes the sound of a clip: the model, what it is held against, and the corpus itself.

Axes: n audio sample.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from stemwright.compose import Composer, Request
from stemwright.solver_name import Solver
from stemwright.tasks import Task
from stemwright.unet import StemUNet
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.corpus_audio import CorpusAudio
from stemwright_platform.evaluation.strangers import strangers

System = Literal["model", "real", "round_trip", "shuffled", "untrained"]
MODEL: System = "model"
REFERENCES: tuple[System, ...] = ("real", "round_trip", "shuffled", "untrained")
"""What a model's figures stand between."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingChoice:
    """How the model is asked; None means the checkpoint's default."""

    guidance_scale: float | None = None
    text_scale: float | None = None
    num_steps: int | None = None
    solver: Solver | None = None


class Systems:
    """Everything that fills a clip."""

    def __init__(
        self, composer: Composer, corpus: CorpusAudio, choice: SamplingChoice, pool: Sequence[Clip], seed: int
    ) -> None:
        """`pool`: where the stems of strangers come from."""
        self._composer, self._corpus, self._choice = composer, corpus, choice
        self._pool, self._seed = pool, seed
        self._untrained = untrained(composer)
        self._makers: dict[str, Callable[[Clip, Task], dict[str, Tensor]]] = {
            "model": lambda clip, task: self._generated(self._composer, clip, task),
            "untrained": lambda clip, task: self._generated(self._untrained, clip, task),
            "real": lambda clip, task: corpus.recorded(clip),
            "round_trip": lambda clip, task: corpus.round_trip(clip),
            "shuffled": lambda clip, task: self._shuffled(clip),
        }

    def stems(self, system: System, clip: Clip, task: Task, turn: int = 0) -> dict[str, Tensor]:
        """Stems `[2, n]` of the task's targets and given tracks, whichever the system's are.

        `turn`: another take of the same, by another seed.
        """
        if system == MODEL and turn:
            return self._generated(self._composer, clip, task, turn)
        return self._makers[system](clip, task)

    def _generated(self, composer: Composer, clip: Clip, task: Task, turn: int = 0) -> dict[str, Tensor]:
        heard = self._corpus.heard(clip) if task.given else {}
        length = composer.coder.num_samples(clip.duration_s)
        given = {name: heard.get(name, torch.zeros(2, length)) for name in task.given}
        return composer.generate(request_of(clip, task, self._choice, self._seed, turn), given)

    def _shuffled(self, clip: Clip) -> dict[str, Tensor]:
        return {
            stranger.track: self._corpus.heard(stranger.clip)[stranger.track]
            for stranger in strangers(clip, self._pool, self._seed)
        }


def untrained(composer: Composer) -> Composer:
    """The same composer with the model as it was before its first step."""
    checkpoint = composer.checkpoint
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        model = StemUNet(checkpoint.preset.model, checkpoint.schedule).eval()
    fresh = replace(checkpoint, model=model.to(checkpoint.stats.mean.device))
    return Composer(fresh, composer.codec, composer.text_encoder)


def request_of(clip: Clip, task: Task, choice: SamplingChoice, seed: int, turn: int = 0) -> Request:
    """What any model is asked for a clip. `turn`: another take of the same."""
    return Request(
        prompt=clip.prompt,
        task=task,
        duration_s=clip.duration_s,
        grid=clip.grid,
        seed=take_seed(seed, clip, turn),
        guidance_scale=choice.guidance_scale,
        text_scale=choice.text_scale,
        num_steps=choice.num_steps,
        solver=choice.solver,
    )


def take_seed(seed: int, clip: Clip, turn: int = 0) -> int:
    """The same noise for a clip whatever is asked and of whichever model: systems compare in pairs."""
    return zlib.crc32(f"{seed}/{clip.clip}/{turn}".encode())
