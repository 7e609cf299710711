"""The training step (§4.1, §4.3, §5.1) as a library: a plain process runs it alone, Ray Train wraps it.

Axes: B batch, K track, D latent channel, S latent frame.
"""

from dataclasses import asdict, replace

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from stemwright.batch import Batch
from stemwright.curriculum import Curriculum
from stemwright.diffusion import epsilon_loss_sum
from stemwright.ema import Ema
from stemwright.errors import InputError
from stemwright.latent_stats import LatentStats
from stemwright.loss_table import LossTable, Prediction
from stemwright.presets import Preset
from stemwright.tasks import prefix, task_prompt, timestep_vector
from stemwright.text_embedding import TextEmbedding, TextEncoder
from stemwright.training_draw import TrainingDraw, draw
from stemwright.unet import StemUNet

VELOCITY_FLOOR = 0.02
"""Smallest ᾱ that the velocity weighting divides by: ε near pure noise must not outweigh all else."""


def fit_preset(preset: Preset, *, latent_dim: int, text_width: int) -> Preset:
    """The preset with the model's K, D and E set to those of its tracks, data and text encoder."""
    model = replace(preset.model, num_tracks=len(preset.tracks), latent_dim=latent_dim, text_width=text_width)
    return replace(preset, model=model)


class Learner:
    """Model, EMA, optimiser and curriculum of one run; `step` by `step`.

    Data-parallel by itself where torch.distributed is initialised: every sample draws from its own
    generator and the loss is normalised over the global batch, so n workers of b equal one of n·b.
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
    ) -> None:
        """`preset` must fit the data: see `fit_preset`. `total_steps`: length of curriculum and decay."""
        if total_steps < 1:
            raise InputError(f"training needs at least one step, got {total_steps}")
        self.preset, self.config = preset, preset.training
        self.total_steps, self.steps_per_epoch, self.seed = total_steps, steps_per_epoch, seed
        self.device = torch.device(device)
        self.stats, self.text_encoder = stats, text_encoder
        self.schedule = preset.schedule.build()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = StemUNet(preset.model, self.schedule).to(self.device)
        self.ema = Ema(self.model, self.config.ema_decay)
        self.curriculum = Curriculum(
            num_tracks=len(preset.tracks),
            full_at=self.config.full_at,
            joint_opens_at=self.config.joint_opens_at,
        )
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=self.config.learning_rate,
            betas=self.config.betas,
            weight_decay=self.config.weight_decay,
            fused=True,
        )
        self.step_count = 0
        self._parallel: nn.Module = (
            DistributedDataParallel(self.model) if dist.is_initialized() else self.model
        )

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
        """One optimiser step; returns loss, gradient norm, learning rate and the loss by size and mode."""
        batch = batch.to(self.device)
        drawn = draw(batch, self.curriculum, self.config, self.progress, self.schedule, self.seed)
        made = self._predict(self._parallel, batch, drawn)
        total, count = epsilon_loss_sum(made.eps, drawn.noise, made.loss_mask, self._weight(made.t))
        global_count = self._all_reduced(count.double()).clamp(min=1)
        # DDP averages gradients over workers, hence the factor
        loss = total / global_count.float() * self._world_size
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.step()
        self.ema.update(self.model)
        metrics = {
            "loss": float(self._all_reduced(loss.detach() / self._world_size)),
            "grad_norm": float(norm),
            "learning_rate": self.learning_rate,
            **self._losses(made),
        }
        self.step_count += 1
        return metrics

    @torch.no_grad()
    def evaluate(self, batch: Batch, drawn: TrainingDraw) -> Prediction:
        """The averaged model's prediction on a batch, under a draw that the caller fixes."""
        return self._predict(self.ema.module, batch.to(self.device), drawn)

    def _predict(self, model: nn.Module, batch: Batch, drawn: TrainingDraw) -> Prediction:
        z0 = self.stats.normalise(batch.latents)
        t = timestep_vector(drawn.target, drawn.given, drawn.t, self.schedule.num_timesteps)
        z = self.schedule.add_noise(z0, drawn.noise, t, absent=~(drawn.target | drawn.given))
        text = self._text(batch, drawn)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bf16):
            eps = model(z, t, text, batch.frame_mask)
        return Prediction(eps=eps.float(), z=z, t=t, drawn=drawn, loss_mask=drawn.loss_mask(batch.frame_mask))

    def _weight(self, t: Tensor) -> Tensor | None:
        """Weight of each track's squared ε-error, [B, K, 1, 1]; None is Eq. 2 as it stands."""
        if self.config.loss == "epsilon":
            return None
        return 1 / self.schedule.level(t, torch.empty((), device=t.device)).clamp(min=VELOCITY_FLOOR)

    def _text(self, batch: Batch, drawn: TrainingDraw) -> TextEmbedding:
        prompts = [
            task_prompt(prefix(target, self.preset.tracks), "" if dropped else prompt)
            for target, dropped, prompt in zip(
                drawn.target.cpu(), drawn.text_dropped.tolist(), batch.prompts, strict=True
            )
        ]
        return self.text_encoder(prompts).to(self.device)

    def _losses(self, made: Prediction) -> dict[str, float]:
        table = LossTable(self.schedule)
        table.add(made)
        return table.summary()

    @property
    def _world_size(self) -> int:
        return dist.get_world_size() if dist.is_initialized() else 1

    def _all_reduced(self, value: Tensor) -> Tensor:
        if dist.is_initialized():
            dist.all_reduce(value)
        return value

    def state(self) -> dict[str, Tensor]:
        """Everything that resuming needs, as flat tensors (nothing is pickled)."""
        state = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        state |= {f"ema.{name}": value for name, value in self.ema.state().items()}
        for i, moments in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{i}.{name}": torch.as_tensor(value) for name, value in moments.items()}
        state["step_count"] = torch.tensor(self.step_count)
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue from `state()` of a learner with the same preset."""
        self.model.load_state_dict(_below(state, "model."))
        self.ema.load_state(_below(state, "ema."))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _below(state, "optimizer.").items():
            index, moment = name.split(".", 1)
            moments.setdefault(int(index), {})[moment] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self.step_count = int(state["step_count"])

    def description(self) -> dict[str, object]:
        """The training configuration, for logs and model cards."""
        return {**asdict(self.config), "total_steps": self.total_steps, "seed": self.seed}


def has_bf16(device: torch.device) -> bool:
    """Whether bf16 products are faster than float32 ones there; emulated, they are many times slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = getattr(torch.cpu, "get_capabilities", dict)()  # since torch 2.13
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def _below(state: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
