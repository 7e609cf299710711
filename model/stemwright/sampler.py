"""Sampling with any denoiser `(z, t, text) → ε` (§4.1, §4.4), as a state that advances step by step.

Axes: B takes of one request, R = B × guidance terms rows, K track, D latent channel, S latent frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.guidance import Guidance, Term
from stemwright.solver_name import Solver, checked_solver
from stemwright.solvers import clean_at, ddim_step, ddpm_step, dpmpp_2m_step, timestep_grid
from stemwright.tasks import Task, frame_timesteps, timestep_vector
from stemwright.text_embedding import TextEmbedding, cat

Denoiser = Callable[[Tensor, Tensor, TextEmbedding | None], Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """A request's text, embedded twice, for B takes."""

    full: TextEmbedding
    """Task prefix and description (e)."""
    prefix: TextEmbedding
    """The task prefix alone (∅), for text guidance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """What one step asks of the denoiser. Rows of several requests may be concatenated."""

    z: Tensor
    """[R, K, D, S]."""
    t: Tensor
    """int64 [R, K], or [R, K, S] where frames of targets are known."""
    text: TextEmbedding | None
    """R prompts, or None for a denoiser that reads none."""


class Steps(Protocol):
    """What a request on its way from noise to latents can do; `Sampling` says what each means."""

    @property
    def step(self) -> int: ...
    @property
    def num_steps(self) -> int: ...
    @property
    def done(self) -> bool: ...
    @property
    def num_rows(self) -> int: ...
    @property
    def row_shape(self) -> tuple[int, ...]: ...
    def rows(self) -> Rows: ...
    def advance(self, eps: Tensor) -> None: ...
    def result(self) -> Tensor: ...


class Sampling:
    """One request on its way from noise to latents."""

    def __init__(
        self,
        schedule: NoiseSchedule,
        task: Task,
        given: Tensor,
        prompt: Prompt | None = None,
        *,
        known: Tensor | None = None,
        guidance: Guidance | None = None,
        num_steps: int = 50,
        solver: Solver = "dpmpp_2m",
        generator: torch.Generator | None = None,
        redraw_absent: bool = False,
    ) -> None:
        """`given`: normalised latents [B, K, D, S]; slots that the task does not give are ignored.

        `known`: boolean, broadcastable to [B, K, S], true at frames of targets that are kept as `given` has
        them; the rest of the targets is generated to fit.
        `generator` lives on the CPU, so that a seed means the same noise on every device.
        `redraw_absent` draws the absent tracks' noise anew at each step; by default it is drawn once
        and kept (Fig. 3). Raises InputError for an unknown solver or a bad number of steps.
        """
        self.schedule, self.task, self.prompt = schedule, task, prompt
        self.guidance = guidance or Guidance()
        self.solver = checked_solver(solver)
        self.grid = timestep_grid(schedule, num_steps, solver)
        self.step = 0
        self._generator, self._redraw_absent = generator, redraw_absent
        self._given = given
        self._is_target = task.target_mask.to(given.device)[:, None, None]
        self._is_given = task.given_mask.to(given.device)[:, None, None]
        self._known = None if known is None else self._of_targets(known.to(given.device))
        self._z = self._draw()
        self._absent = self._draw()
        self._before: tuple[int, Tensor] | None = None
        self._told: tuple[tuple[Term, ...], TextEmbedding | None] = ((), None)
        """Terms and their text, which only an interval of guidance changes from step to step."""

    @property
    def num_steps(self) -> int:
        return len(self.grid) - 1

    @property
    def done(self) -> bool:
        return self.step == self.num_steps

    @property
    def num_rows(self) -> int:
        """R of the current step."""
        return len(self._terms()) * len(self._z)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """What rows that share a forward agree in: K, D, S, whether frames have timesteps of their own, and
        whether there is text."""
        return (*self._z.shape[1:], self._known is not None, self.prompt is not None)

    def rows(self) -> Rows:
        """The rows of the current step: every guidance term of every take, in one batch."""
        terms = self._terms()
        return Rows(
            z=torch.cat([self._heard(term) for term in terms]),
            t=torch.cat([self._timesteps(term) for term in terms]),
            text=self._text(terms),
        )

    def advance(self, eps: Tensor) -> None:
        """Take one step with the denoiser's answer [R, K, D, S] to `rows()`."""
        t, s = self.grid[self.step], self.grid[self.step + 1]
        guided = self.guidance.combine(eps, self._terms(), len(self._z))
        self._z = self._stepped(guided, t, s)
        self.step += 1
        if self._redraw_absent:
            self._absent = self._draw()

    def result(self) -> Tensor:
        """Latents [B, K, D, S]: targets as generated so far, given slots and known frames bit-identical,
        absent slots zero."""
        others = torch.where(self._is_given, self._given, torch.zeros_like(self._given))
        return torch.where(self._is_target, self._targets(), others)

    def _stepped(self, eps: Tensor, t: int, s: int) -> Tensor:
        if self.solver == "ddpm":
            return ddpm_step(self.schedule, self._z, eps, t, s, self._draw())
        if self.solver == "ddim":
            return ddim_step(self.schedule, self._z, eps, t, s)
        clean = clean_at(self.schedule, self._z, eps, t)
        before, self._before = self._before, (t, clean)
        return dpmpp_2m_step(self.schedule, self._z, clean, t, s, before)

    def _terms(self) -> tuple[Term, ...]:
        return self.guidance.terms(self.task, self.grid[self.step] / self.schedule.num_timesteps)

    def _heard(self, term: Term) -> Tensor:
        """Z_c or Z_m of Eq. 6: the same absent noise in every row."""
        others = torch.where(self._is_given, self._given, self._absent) if term.hears_given else self._absent
        return torch.where(self._is_target, self._targets(), others)

    def _targets(self) -> Tensor:
        """The targets' state, with what is known of them."""
        return self._z if self._known is None else torch.where(self._known[:, :, None], self._given, self._z)

    def _of_targets(self, known: Tensor) -> Tensor:
        """Known frames of targets, boolean [B, K, S]."""
        batch, num_tracks, _, frames = self._given.shape
        return known.expand(batch, num_tracks, frames) & self._is_target[:, 0]

    def _timesteps(self, term: Term) -> Tensor:
        target, given = self._is_target[:, 0, 0], self._is_given[:, 0, 0] & term.hears_given
        t = torch.full((len(self._z),), self.grid[self.step], device=self._z.device)
        of_tracks = timestep_vector(target, given, t, self.schedule.num_timesteps)
        return of_tracks if self._known is None else frame_timesteps(of_tracks, self._known)

    def _text(self, terms: tuple[Term, ...]) -> TextEmbedding | None:
        if self.prompt is None:
            return None
        if self._told[0] != terms:
            texts = [self.prompt.full if term.reads_prompt else self.prompt.prefix for term in terms]
            self._told = (terms, cat(texts))
        return self._told[1]

    def _draw(self) -> Tensor:
        noise = torch.randn(self._given.shape, generator=self._generator, dtype=self._given.dtype)
        return noise.to(self._given.device)


@torch.no_grad()
def sample(
    denoiser: Denoiser,
    schedule: NoiseSchedule,
    task: Task,
    given: Tensor,
    text: Prompt | None = None,
    *,
    known: Tensor | None = None,
    guidance_scale: float = 1.0,
    num_steps: int = 50,
    generator: torch.Generator | None = None,
    solver: Solver = "dpmpp_2m",
) -> Tensor:
    """Latents [B, K, D, S] of a task with plain Eq. 6 guidance; see `Sampling` for shapes and options."""
    sampling = Sampling(
        schedule,
        task,
        given,
        text,
        known=known,
        guidance=Guidance(scale=guidance_scale),
        num_steps=num_steps,
        generator=generator,
        solver=solver,
    )
    return run(denoiser, sampling)


@torch.no_grad()
def run(denoiser: Denoiser, sampling: Steps, on_step: Callable[[int, int], None] | None = None) -> Tensor:
    """Advance a request to its end; `on_step(step, num_steps)` is called after each step."""
    while not sampling.done:
        rows = sampling.rows()
        sampling.advance(denoiser(rows.z, rows.t, rows.text))
        if on_step is not None:
            on_step(sampling.step, sampling.num_steps)
    return sampling.result()
