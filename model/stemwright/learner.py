"""The training step (§4.1, §4.3, §5.1) as a library: a plain process runs it alone, Ray Train wraps it.

Axes: B batch, K track, D latent channel, S latent frame.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, replace

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from stemwright.batch import Batch
from stemwright.bf16 import has_bf16
from stemwright.curriculum import Curriculum
from stemwright.diffusion import epsilon_loss_sum, num_target_elements
from stemwright.ema import Ema
from stemwright.errors import InputError
from stemwright.flat_state import below, load_optimizer_state, optimizer_state
from stemwright.latent_stats import LatentStats
from stemwright.loss_table import LossTable, Prediction
from stemwright.low_rank import add_low_rank, merged_state
from stemwright.presets import Preset
from stemwright.recomputation import recompute_activations
from stemwright.sharding import full_state, gathered, shard_weights, sharded_like
from stemwright.step_guard import EXPLODED, SkippedStep, StepGuard
from stemwright.tasks import frame_timesteps, prefix, task_prompt, timestep_vector
from stemwright.teacher import InlineTeacher, Teacher
from stemwright.text_embedding import TextEmbedding, TextEncoder
from stemwright.training_draw import TrainingDraw, TrainingDraws
from stemwright.unet import StemUNet

VELOCITY_FLOOR = 0.02
"""Smallest ᾱ that the velocity weighting divides by: ε near pure noise must not outweigh all else."""


def fit_preset(preset: Preset, *, latent_dim: int, text_width: int, frame_rate_hz: float) -> Preset:
    """The preset with the model's K, D, E and frame rate, those of its tracks, data and text encoder."""
    model = replace(
        preset.model,
        num_tracks=len(preset.tracks),
        latent_dim=latent_dim,
        text_width=text_width,
        frame_rate_hz=frame_rate_hz,
    )
    return replace(preset, model=model)


class Learner:
    """Model, EMA, optimiser, curriculum and teacher of one run; `step` by `step`.

    Data-parallel by itself where torch.distributed is initialised: every sample draws from its own
    generator and the loss is normalised over the global batch, so n workers of b equal one of n·b. Each
    worker has all of the model, or a shard of it: `training.parallel`.
    """

    def __init__(
        self,
        preset: Preset,
        *,
        stats: LatentStats,
        text_encoder: TextEncoder,
        total_steps: int,
        steps_per_epoch: int = 1,
        seed: int = 0,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        model: nn.Module | None = None,
    ) -> None:
        """`preset` must fit the data: see `fit_preset`. `total_steps`: length of curriculum and decay.

        `model`: another network, called as a `StemUNet` is, in its place. `dtype`: of the parameters.
        """
        if total_steps < 1:
            raise InputError(f"training needs at least one step, got {total_steps}")
        self.preset, self.config = preset, preset.training
        self.device, self.dtype = torch.device(device), dtype
        self.stats, self.text_encoder = stats, text_encoder
        self.schedule = preset.schedule.build()
        self.draws = TrainingDraws(
            preset, total_steps=total_steps, steps_per_epoch=steps_per_epoch, seed=seed
        )
        self.model = (model or seeded_model(preset, seed)).to(self.device, dtype)
        if self.config.lora_rank is not None:
            assert isinstance(self.model, StemUNet)
            add_low_rank(self.model, self.config.lora_rank, seed)
        self.ema = Ema(self.model, self.config.ema_decay)
        if self.config.recompute:
            recompute_activations(self.model)
        self._parallel = self._shared_out()
        self.teacher: Teacher | None = None
        if self.config.p2 > 0:
            self.teacher = InlineTeacher(self.denoise_averaged, preset, text_encoder, seed)
        self.optimizer = torch.optim.AdamW(
            [parameter for parameter in self.model.parameters() if parameter.requires_grad],
            lr=self.config.learning_rate,
            betas=self.config.betas,
            weight_decay=self.config.weight_decay,
            fused=True,
        )
        self.step_count = 0
        self.skipped: SkippedStep | None = None
        """The latest step, where it was skipped."""
        self._guard = StepGuard()
        self._full_state: dict[str, Tensor] | None = None
        """What `gathered` has gathered."""

    def _shared_out(self) -> nn.Module:
        """What the forward pass of training calls."""
        if not dist.is_initialized():
            return self.model
        if self.config.parallel == "ddp":
            # gradients lie in the buckets that travel, rather than beside them
            return DistributedDataParallel(self.model, gradient_as_bucket_view=True)
        for model in (self.model, self.ema.module):
            shard_weights(model)
        return self.model

    @property
    def total_steps(self) -> int:
        """Length of the run."""
        return self.draws.total_steps

    @total_steps.setter
    def total_steps(self, steps: int) -> None:
        self.draws.total_steps = steps

    @property
    def steps_per_epoch(self) -> int:
        return self.draws.steps_per_epoch

    @property
    def curriculum(self) -> Curriculum:
        return self.draws.curriculum

    @property
    def progress(self) -> float:
        """Fraction of the run done, 0…1."""
        return self.step_count / self.total_steps

    @property
    def uses_bf16(self) -> bool:
        """Whether the forward and backward pass run in bf16."""
        asked = self.config.precision
        return has_bf16(self.device) if asked == "auto" else asked == "bf16"

    @property
    def learning_rate(self) -> float:
        """Of the coming step: linear warm-up, linear decay to 0."""
        warm = min(1.0, (self.step_count + 1) / max(self.config.warmup_steps, 1))
        return self.config.learning_rate * warm * (1 - self.progress)

    def step(self, batch: Batch) -> dict[str, float]:
        """One optimiser step; returns what a log wants to know of it.

        `loss`, `grad_norm`, `learning_rate`, the losses by size and mode, use of the teacher. A step of a bad
        batch changes nothing but `step_count`, has no loss, and is told in `skipped`. Raises TrainingDiverged
        where too many are.
        """
        self.skipped = None
        batch = batch.to(self.device)
        drawn, noise = self.draws.draw(batch, self.step_count), self.draws.noise(batch)
        z0, of_teacher = self._heard(batch, drawn)
        # DDP's gradients are views of its buckets, and stay: new ones would take memory beside them
        self.optimizer.zero_grad(set_to_none=not isinstance(self._parallel, DistributedDataParallel))
        loss, made = self._gradient(batch, z0, drawn, noise)
        norm = self._clipped_norm()
        figures = {"learning_rate": self.learning_rate, **of_teacher}
        mean = float(self._summed(loss.double()))
        reason = self._guard.fault(mean, norm)
        figures["skipped"] = float(reason is not None)
        if reason is None:
            self._update(mean)
            figures |= {"loss": mean, "grad_norm": norm, **self._losses(made)}
        else:
            self._skip(reason, batch, made)
        self.step_count += 1
        return figures

    def _clipped_norm(self) -> float:
        """The norm of the whole gradient, which is clipped where it is too long."""
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

    def _update(self, loss: float) -> None:
        self._guard.accept(loss)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.step()
        self.ema.update(self.model)

    def _skip(self, reason: str, batch: Batch, made: Sequence[Prediction]) -> None:
        """Leave the step out, naming the samples whose own error is at fault."""
        error = torch.cat(
            [torch.where(m.loss_mask, m.eps - m.noise, 0.0).square().mean((1, 2, 3)) for m in made]
        )
        bad = ~error.isfinite() | (error > EXPLODED)
        ids, at_fault = self._gathered(batch.sample_ids), self._gathered(bad.long()) > 0
        if bool(at_fault.any()):
            ids = ids[at_fault]
        self.skipped = SkippedStep(step=self.step_count, reason=reason, sample_ids=tuple(ids.tolist()))
        self._guard.skip(self.step_count, reason)

    @torch.no_grad()
    def evaluate(self, batch: Batch, drawn: TrainingDraw, noise: Tensor) -> Prediction:
        """The averaged model's prediction on a batch, under a draw and noise that the caller fixes."""
        batch = batch.to(self.device)
        z0 = self.stats.normalise(batch.latents.to(self.dtype))
        return self._predict(self.ema.module, batch, z0, drawn.to(self.device), noise.to(self.device))

    @torch.no_grad()
    def denoise_averaged(
        self, z: Tensor, t: Tensor, text: TextEmbedding, frame_mask: Tensor | None = None
    ) -> Tensor:
        """ε̂ of the averaged model, in the precision of training."""
        with self._autocast():
            return self.ema.module(z, t, text, frame_mask).to(z.dtype)

    def averaged_weights(self) -> dict[str, Tensor]:
        """The averaged model's state, as a `StemUNet` of the preset takes it; see `gathered`."""
        if self._full_state is None:
            return merged_state(self.ema.module)
        return {name: self._full_state[f"ema.{name}"] for name, _ in self.ema.module.named_parameters()}

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Within it any worker may evaluate, and the first read states. All workers enter it together.

        It is needed where weights are sharded; else it does nothing.
        """
        if dist.is_initialized() and self.config.parallel == "fsdp":
            self._full_state = full_state(self._own_state())
        try:
            with gathered(self.ema.module):
                yield
        finally:
            self._full_state = None

    def _heard(self, batch: Batch, drawn: TrainingDraw) -> tuple[Tensor, dict[str, float]]:
        """Normalised latents [B, K, D, S], some given tracks the teacher's, and what a log says of that."""
        z0 = self.stats.normalise(batch.latents.to(self.dtype))
        if self.teacher is None:
            return z0, {}
        with gathered(self.ema.module) if self.draws.p2(self.step_count) else nullcontext():
            made = self.teacher.substitutes(self.step_count, batch, z0, drawn)
        wanted = drawn.substituted
        served = (made.made & wanted).any(1)
        counts = self._summed(
            torch.stack([wanted.any(1).sum(), served.sum(), made.age_steps * served.sum()]).double()
        )
        asked, got, age = counts.tolist()
        figures = {"p2": self.draws.p2(self.step_count), "teacher_wanted": asked, "teacher_served": got}
        if got:
            figures["teacher_age_steps"] = age / got
        if not bool(made.made.any()):
            return z0, figures
        return torch.where(made.made[..., None, None], made.latents.to(z0), z0), figures

    def _gradient(
        self, batch: Batch, z0: Tensor, drawn: TrainingDraw, noise: Tensor
    ) -> tuple[Tensor, list[Prediction]]:
        """Add the gradient of Eq. 2's mean over all target elements of the global batch, part by part.

        Returns this worker's share of that mean, and what was predicted.
        """
        asked = num_target_elements(drawn.loss_mask(batch.frame_mask), noise)
        count = self._summed(asked.double()).clamp(min=1).to(z0.dtype)
        loss, made = torch.zeros((), device=self.device, dtype=z0.dtype), []
        for rows, is_last in self._parts(len(noise)):
            with self._gradients_shared(is_last):
                part = self._predict(
                    self._parallel, batch.part(rows), z0[rows], drawn.rows(rows), noise[rows]
                )
                total, _ = epsilon_loss_sum(part.eps, part.noise, part.loss_mask, self._weight(part.t))
                share = total / count
                # DDP averages gradients over workers, hence the factor
                (share * self._world_size).backward()
            loss += share.detach()
            made.append(replace(part, eps=part.eps.detach()))
        return loss, made

    def _parts(self, batch_size: int) -> Iterator[tuple[slice, bool]]:
        """The rows that go through the model at once, and whether they are the last."""
        size = self.config.micro_batch or self.config.batch_size
        for start in range(0, batch_size, size):
            yield slice(start, start + size), start + size >= batch_size

    def _gradients_shared(self, now: bool) -> AbstractContextManager[object]:
        """Where workers share gradients: `now`, or with a later part of the same step."""
        if now or not isinstance(self._parallel, DistributedDataParallel):
            return nullcontext()
        return self._parallel.no_sync()

    def _predict(
        self, model: nn.Module, batch: Batch, z0: Tensor, drawn: TrainingDraw, noise: Tensor
    ) -> Prediction:
        noise = noise.to(z0.dtype)
        of_track = timestep_vector(drawn.target, drawn.given, drawn.t, self.schedule.num_timesteps)
        t = frame_timesteps(of_track, drawn.known_frames) if self.config.region_probability else of_track
        z = self.schedule.add_noise(z0, noise, t, absent=~(drawn.target | drawn.given))
        text = self._text(batch, drawn)  # outside of autocast: the encoder is the same wherever it is asked
        with self._autocast():
            eps = model(z, t, text, batch.frame_mask)
        return Prediction(
            eps=eps.to(z.dtype),
            z=z,
            t=of_track,
            noise=noise,
            drawn=drawn,
            loss_mask=drawn.loss_mask(batch.frame_mask),
        )

    def _weight(self, t: Tensor) -> Tensor | None:
        """Weight of each track's squared ε-error, [B, K, 1, 1]; None is Eq. 2 as it stands."""
        if self.config.loss == "epsilon":
            return None
        like = torch.empty((), device=t.device, dtype=self.dtype)
        return 1 / self.schedule.level(t, like).clamp(min=VELOCITY_FLOOR)

    def _text(self, batch: Batch, drawn: TrainingDraw) -> TextEmbedding:
        prompts = [
            task_prompt(prefix(target, self.preset.tracks), "" if dropped else prompt)
            for target, dropped, prompt in zip(
                drawn.target.cpu(), drawn.text_dropped.tolist(), batch.prompts, strict=True
            )
        ]
        return self.text_encoder(prompts).to(self.device, self.dtype)

    def _losses(self, made: Sequence[Prediction]) -> dict[str, float]:
        table = LossTable(self.schedule)
        for part in made:
            table.add(part)
        return table.summary(len(self.preset.tracks), lambda own: self._summed(own.to(self.device)))

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bf16)

    @property
    def _world_size(self) -> int:
        return dist.get_world_size() if dist.is_initialized() else 1

    def _summed(self, value: Tensor) -> Tensor:
        """The sum over all workers."""
        if dist.is_initialized():
            dist.all_reduce(value)
        return value

    def _gathered(self, value: Tensor) -> Tensor:
        """The values [B] of all workers in a row."""
        if not dist.is_initialized():
            return value
        parts = [torch.empty_like(value) for _ in range(self._world_size)]
        dist.all_gather(parts, value)
        return torch.cat(parts)

    def state(self) -> dict[str, Tensor]:
        """Everything that resuming needs, as flat tensors (nothing is pickled); see `gathered`."""
        return self._own_state() if self._full_state is None else self._full_state

    def _own_state(self) -> dict[str, Tensor]:
        """What this worker has of the state."""
        state = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        state |= {f"ema.{name}": value for name, value in self.ema.state().items()}
        state |= optimizer_state(self.optimizer, "optimizer.")
        state |= {f"guard.{name}": value for name, value in self._guard.state().items()}
        state["step_count"] = torch.tensor(self.step_count)
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue from `state()` of a learner with the same preset, with any number of workers."""
        state = sharded_like(state, self._owners(state))
        self.model.load_state_dict(below(state, "model."))
        self.ema.load_state(below(state, "ema."))
        load_optimizer_state(self.optimizer, state, "optimizer.")
        self._guard.load_state(below(state, "guard."))
        self.step_count = int(state["step_count"])

    def _owners(self, state: Iterable[str]) -> dict[str, Tensor]:
        """The parameter that each tensor of a state is of."""
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        moments = [name for name in state if name.startswith("optimizer.")]
        owners: dict[str, Tensor] = {name: trained[int(name.split(".")[1])] for name in moments}
        of_model = {f"model.{name}": parameter for name, parameter in self.model.named_parameters()}
        of_average = {f"ema.{name}": parameter for name, parameter in self.ema.module.named_parameters()}
        return owners | of_model | of_average

    def description(self) -> dict[str, object]:
        """The training configuration, for logs and model cards."""
        return {**asdict(self.config), "total_steps": self.total_steps, "seed": self.draws.seed}


def seeded_model(preset: Preset, seed: int) -> StemUNet:
    """A model with weights drawn by a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StemUNet(preset.model, preset.schedule.build())
