"""The whole model on one machine: prompt and stems in, stems out (§4.4, Alg. 1's GenerateTracks).

Axes: B takes, K track, D latent channel, S latent frame, n audio sample.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stemwright.checkpoint import Checkpoint, load_checkpoint
from stemwright.codec import Codec, load_codec
from stemwright.errors import InputError
from stemwright.guidance import Guidance
from stemwright.mixing import fitted
from stemwright.sampler import Prompt, Sampling, run
from stemwright.solvers import Solver
from stemwright.stem_coder import StemCoder
from stemwright.tasks import Task, task_prompt
from stemwright.text_embedding import TextEncoder
from stemwright.text_encoder import load_text_encoder

MAX_PROMPT_CHARACTERS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What one generation asks for; None means the checkpoint's default."""

    prompt: str = ""
    """Description of the music; empty leaves everything but the task open."""
    task: Task
    """Targets and given tracks."""
    duration_s: float = 8.0
    """Length of the stems."""
    seed: int = 0
    """Same seed, same take."""
    guidance_scale: float | None = None
    """λ of Eq. 6."""
    text_scale: float | None = None
    """w; 1 is off."""
    num_steps: int | None = None
    """Solver steps."""
    solver: Solver | None = None
    """Reverse process."""

    def __post_init__(self) -> None:
        if not 0 < self.duration_s <= 600:
            raise InputError(f"duration must lie between 0 and 600 seconds, got {self.duration_s:g}")
        if len(self.prompt) > MAX_PROMPT_CHARACTERS:
            raise InputError(
                f"the prompt has {len(self.prompt)} characters: shorten it to {MAX_PROMPT_CHARACTERS}"
            )


class Composer:
    """A checkpoint with its codec and its text encoder."""

    def __init__(self, checkpoint: Checkpoint, codec: Codec, text_encoder: TextEncoder) -> None:
        """InputError unless codec and text encoder are the checkpoint's own."""
        checkpoint.check_text_encoder(text_encoder)
        self.checkpoint, self.codec, self.text_encoder = checkpoint, codec, text_encoder
        self.coder = StemCoder(checkpoint, codec)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        codec_weights: str | None = None,
        text_weights: str | None = None,
        device: str = "cpu",
    ) -> "Composer":
        """A composer from a checkpoint folder; the other weights from local folders or the usual cache."""
        checkpoint = load_checkpoint(folder, device)
        codec = load_codec(checkpoint.origin.codec, weights=codec_weights, device=device)
        encoder = load_text_encoder(checkpoint.origin.text_encoder, weights=text_weights, device=device)
        return cls(checkpoint, codec, encoder)

    def generate(
        self,
        request: Request,
        given_audio: Mapping[str, Tensor] | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> dict[str, Tensor]:
        """Stems `[2, n]` of the targets, and the given audio itself, cut or padded to the same length.

        `given_audio`: 48 kHz stereo in ±1 of every given track. Targets come at the corpus's median level.
        `on_step(step, num_steps)` is called after each solver step. Tracks left out are not returned.
        """
        length = self.coder.num_samples(request.duration_s)
        heard = {name: fitted(audio, length) for name, audio in (given_audio or {}).items()}
        check_given(request.task, heard)
        latents = self.coder.encode(heard, request.duration_s)
        sampling = start_sampling(self.checkpoint, request, latents, self.embed(request))
        made = self.coder.decode(
            run(self.checkpoint.model, sampling, on_step), request.task, request.duration_s
        )
        return {name: (made | heard)[name] for name in request.task.tracks.ordered([*made, *heard])}

    @torch.no_grad()
    def embed(self, request: Request) -> Prompt:
        """The request's prompt behind its task prefix, and the prefix alone."""
        device = self.checkpoint.stats.mean.device
        prefix = request.task.prefix
        return Prompt(
            full=self.text_encoder([task_prompt(prefix, request.prompt)]).to(device),
            prefix=self.text_encoder([prefix]).to(device),
        )


def start_sampling(checkpoint: Checkpoint, request: Request, given: Tensor, prompt: Prompt) -> Sampling:
    """A request's sampling state with the checkpoint's defaults where the request leaves them open."""
    defaults = checkpoint.sampling
    return Sampling(
        checkpoint.schedule,
        request.task,
        given,
        prompt,
        guidance=Guidance(
            scale=defaults.guidance_scale if request.guidance_scale is None else request.guidance_scale,
            text_scale=defaults.text_scale if request.text_scale is None else request.text_scale,
        ),
        num_steps=defaults.num_steps if request.num_steps is None else request.num_steps,
        solver=request.solver or defaults.solver,
        generator=torch.Generator().manual_seed(request.seed),
    )


def check_given(task: Task, given_audio: Mapping[str, Tensor]) -> None:
    """InputError unless exactly the task's given tracks have audio."""
    for name in given_audio:
        task.tracks.index(name)
    if missing := [name for name in task.given if name not in given_audio]:
        raise InputError(f"given track '{missing[0]}' has no audio: pass its stem or leave it out")
    if extra := [name for name in given_audio if name not in task.given]:
        raise InputError(f"'{extra[0]}' has audio but is not given: add it to the given tracks")
