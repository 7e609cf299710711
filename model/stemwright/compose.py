"""The whole model on one machine: prompt and stems in, stems out (§4.4, Alg. 1's GenerateTracks).

Axes: B takes, K track, D latent channel, S latent frame, n audio sample.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stemwright.beat_grid import BeatGrid, read_grid, with_first_bar
from stemwright.bf16 import denoiser_of
from stemwright.checkpoint import Checkpoint, load_checkpoint
from stemwright.codec import Codec, load_codec
from stemwright.errors import InputError
from stemwright.guidance import Guidance
from stemwright.long_pieces import PieceSampling, window_prompts
from stemwright.mixing import fitted
from stemwright.sampler import Prompt, Sampling, run
from stemwright.solver_name import Solver
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
    grid: BeatGrid | None = None
    """Where beats are, for models that hear it. None: as the prompt tells; music made from nothing begins
    with a bar, in the tempo that the prompt names."""
    region_s: tuple[float, float] | None = None
    """Start and end of what is made anew of takes of the targets, which stay as they are elsewhere; None
    makes the targets from nothing."""
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
        if self.region_s is not None:
            start, end = self.region_s
            if not 0 <= start < end <= self.duration_s:
                raise InputError(
                    f"the region {start:g}-{end:g} s must lie in the {self.duration_s:g} s of the piece, "
                    "its start before its end"
                )
        if len(self.prompt) > MAX_PROMPT_CHARACTERS:
            raise InputError(
                f"the prompt has {len(self.prompt)} characters: shorten it to {MAX_PROMPT_CHARACTERS}"
            )

    @property
    def told_prompt(self) -> str:
        """The prompt with the grid, where it is known or free to choose."""
        if self.grid is not None:
            return self.grid.told(read_grid(self.prompt)[1])
        return self.prompt if self.task.given or self.region_s else with_first_bar(self.prompt)


class Composer:
    """A checkpoint with its codec and its text encoder."""

    def __init__(self, checkpoint: Checkpoint, codec: Codec, text_encoder: TextEncoder) -> None:
        """InputError unless codec and text encoder are the checkpoint's own."""
        checkpoint.check_text_encoder(text_encoder)
        self.checkpoint, self.codec, self.text_encoder = checkpoint, codec, text_encoder
        self.coder, self.denoiser = StemCoder(checkpoint, codec), denoiser_of(checkpoint.model)

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
        takes: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Stems `[2, n]` of the targets, and the given audio itself, cut or padded to the same length.

        `given_audio`: 48 kHz stereo in ±1 of every given track. `takes`: with a region, the same of every
        target; outside the region it comes back bit-identical, inside at its own level. Targets made from
        nothing come at the corpus's median level. `on_step(step, num_steps)` is called after each solver
        step. Tracks left out are not returned.
        """
        length, duration_s = self.coder.num_samples(request.duration_s), request.duration_s
        heard = {name: fitted(audio, length) for name, audio in (given_audio or {}).items()}
        check_given(request.task, heard)
        takes = takes or {}
        check_takes(request, takes, self.codec.sample_rate_hz)
        kept = {name: fitted(audio, length) for name, audio in takes.items()}
        latents = self.coder.encode(heard | kept, duration_s)
        known = None
        if request.region_s is not None:
            known = self.coder.frames_outside(*request.region_s, duration_s)
        windows = self.coder.windows(duration_s)
        told = window_prompts(request.told_prompt, windows, self.codec.frame_rate_hz)
        prompts = [self.embed_told(request.task, prompt) for prompt in told]
        sampling = start_piece(self.checkpoint, request, latents, windows, prompts, known)
        result = run(self.denoiser, sampling, on_step)
        if request.region_s is None:
            made = self.coder.decode(result, request.task, duration_s)
        else:
            made = self.coder.rewrite(result, request.task, duration_s, kept, request.region_s)
        return {name: (made | heard)[name] for name in request.task.tracks.ordered([*made, *heard])}

    def embed(self, request: Request) -> Prompt:
        """The request's prompt behind its task prefix, and the prefix alone."""
        return self.embed_told(request.task, request.told_prompt)

    @torch.no_grad()
    def embed_told(self, task: Task, prompt: str) -> Prompt:
        """A prompt behind a task's prefix, and the prefix alone."""
        device = self.checkpoint.stats.mean.device
        return Prompt(
            full=self.text_encoder([task_prompt(task.prefix, prompt)]).to(device),
            prefix=self.text_encoder([task.prefix]).to(device),
        )


def start_piece(
    checkpoint: Checkpoint,
    request: Request,
    latents: Tensor,
    windows: Sequence[range],
    prompts: Sequence[Prompt],
    known: Tensor | None = None,
) -> PieceSampling:
    """A request's sampling state, window by window (`StemCoder.windows`), each with its prompt.

    Options as `start_sampling` has them. The noise of a piece of one window is that of `start_sampling`.
    """
    told, generator = dict(zip(windows, prompts, strict=True)), _noise(request.seed)

    def begin(window: range, inside: Tensor, kept: Tensor | None) -> Sampling:
        return start_sampling(checkpoint, request, inside, told[window], kept, generator)

    return PieceSampling(request.task, latents, windows, begin, known)


def start_sampling(
    checkpoint: Checkpoint,
    request: Request,
    given: Tensor,
    prompt: Prompt,
    known: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Sampling:
    """A request's sampling state with the checkpoint's defaults where the request leaves them open.

    `known`: boolean [S], the targets' frames that are kept. `generator`: noise, by the request's seed unless
    it is given. InputError where the model never learned to keep frames.
    """
    if known is not None and not checkpoint.preset.training.region_probability:
        raise InputError(
            "this model cannot rewrite a part of a track: it was trained without regions "
            "(training.region_probability); generate whole tracks or train one with them"
        )
    defaults = checkpoint.sampling
    return Sampling(
        checkpoint.schedule,
        request.task,
        given,
        prompt,
        known=known,
        guidance=Guidance(
            scale=defaults.guidance_scale if request.guidance_scale is None else request.guidance_scale,
            text_scale=defaults.text_scale if request.text_scale is None else request.text_scale,
        ),
        num_steps=defaults.num_steps if request.num_steps is None else request.num_steps,
        solver=request.solver or defaults.solver,
        generator=_noise(request.seed) if generator is None else generator,
    )


def _noise(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_given(task: Task, given_audio: Mapping[str, Tensor]) -> None:
    """InputError unless exactly the task's given tracks have audio."""
    for name in given_audio:
        task.tracks.index(name)
    if missing := [name for name in task.given if name not in given_audio]:
        raise InputError(f"given track '{missing[0]}' has no audio: pass its stem or leave it out")
    if extra := [name for name in given_audio if name not in task.given]:
        raise InputError(f"'{extra[0]}' has audio but is not given: add it to the given tracks")


def check_takes(request: Request, takes: Mapping[str, Tensor], sample_rate_hz: int) -> None:
    """InputError unless a region comes with a take of every target, and whatever a take lacks is in it."""
    if request.region_s is None:
        if takes:
            raise InputError(f"the take of '{next(iter(takes))}' needs a region: say which part to make anew")
        return
    start_s, end_s = request.region_s
    for name in request.task.targets:
        if name not in takes:
            raise InputError(f"no take of '{name}': a region is made anew in takes of all targets")
        length_s = takes[name].shape[-1] / sample_rate_hz
        continues = start_s <= length_s and end_s >= request.duration_s
        if length_s < request.duration_s and not continues:
            raise InputError(
                f"the take of '{name}' ends at {length_s:g} s: a region that continues it starts no later "
                f"and reaches the end of the piece at {request.duration_s:g} s"
            )
    if extra := [name for name in takes if name not in request.task.targets]:
        raise InputError(f"'{extra[0]}' has a take to rewrite but is no target: add it to the targets")
