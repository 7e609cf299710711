"""The codec's training step: reconstruct what several time scales hear, keep latents small, deceive a judge.

Axes: B batch, n audio sample, S latent frame, D latent channel.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stemwright.bf16 import has_bf16
from stemwright.codec_training.discriminator import (
    Discriminator,
    deceive_loss,
    judge_loss,
    likeness_loss,
)
from stemwright.codec_training.spectral_loss import (
    WINDOWS,
    PitchReadout,
    energy_distance,
    heard_from_one_side,
    mel_amplitudes,
    mel_distance,
)
from stemwright.codec_training.voice_loss import voice_losses
from stemwright.conv_codec_net import ConvAutoencoder, ConvCodecConfig, audio_of
from stemwright.ema import Ema
from stemwright.flat_state import below, load_optimizer_state, optimizer_state
from stemwright.strokes import NOISE_FRAMES
from stemwright.tones import heard_voices

MAX_SHIFT = 512
"""Audio samples that a step's spectra are moved by at random, so that no frame is the codec's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodecTraining:
    """One run."""

    steps: int = 16_000
    """Length of the run."""
    batch_size: int = 12
    """Crops a step."""
    crop_frames: int = 48
    """Latent frames of a crop: about a second."""
    learning_rate: float = 1e-3
    """Peak; warm-up of 200 steps, then half a cosine."""
    ema_decay: float = 0.998
    """Of the averaged weights."""
    mel: float = 1.0
    """Weight of the mel distance, the sum over three time scales a step."""
    energy: float = 0.5
    """Weight of the distance of bands' powers over a third of a second, the sum over the same."""
    level: float = 3.0
    """Weight of how loud voices are."""
    offset: float = 1.0
    """Weight of where in their semitones they are."""
    place: float = 0.3
    """Weight of where between the sides they are."""
    kl: float = 1e-3
    """Weight of the latents' distance from N(0, I)."""
    pitch: float = 0.2
    """Weight of the pitch that a linear layer reads off the latents."""
    judged_from: float = 0.9
    """Progress from which the judge has a say."""
    deceive: float = 0.05
    """Weight of deceiving it."""
    likeness: float = 0.5
    """Weight of sounding alike to it."""


class CodecLearner:
    """Autoencoder, judge and their optimisers."""

    def __init__(
        self, net: ConvCodecConfig, training: CodecTraining, *, seed: int, device: str = "cpu"
    ) -> None:
        self.config, self.seed, self.device = training, seed, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = ConvAutoencoder(net).to(self.device)
            self.readout = PitchReadout(net.latent_dim).to(self.device)
            self.judge = Discriminator().to(self.device)
        self.ema = Ema(self.model, training.ema_decay)
        own = [*self.model.parameters(), *self.readout.parameters()]
        self.optimizer = torch.optim.AdamW(own, lr=0.0, betas=(0.8, 0.99), weight_decay=0.01, fused=True)
        self.judge_optimizer = torch.optim.AdamW(
            self.judge.parameters(), lr=0.0, betas=(0.8, 0.99), weight_decay=0.01, fused=True
        )
        self.step_count = 0

    @property
    def progress(self) -> float:
        return self.step_count / self.config.steps

    @property
    def learning_rate(self) -> float:
        """Of the coming step."""
        warm = min(1.0, (self.step_count + 1) / 200)
        fall = 0.5 * (1 + math.cos(math.pi * min(self.progress, 1.0)))
        return self.config.learning_rate * warm * max(fall, 0.01)

    def step(self, audio: Tensor) -> dict[str, float]:
        """One step on audio `[B, 2, n]`; returns the parts of the loss and their weighted sum."""
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step_count)
        losses = self._losses(audio.to(self.device), random)
        weights = {name: getattr(self.config, name, 0.0) for name in losses}  # the judge's own loss has none
        loss = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        own = [*self.model.parameters(), *self.readout.parameters()]
        skipped = not self._update(self.optimizer, own, loss)
        self.ema.update(self.model)
        self.step_count += 1
        return {name: float(value.detach()) for name, value in (losses | {"loss": loss}).items()} | {
            "skipped": float(skipped)
        }

    def _losses(self, audio: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        """All that is weighed, by name; the judge learns on the way."""
        mid_side = torch.stack([audio.sum(1), audio[:, 0] - audio[:, 1]], dim=1) / 2
        voices = heard_voices(mid_side)
        with self._autocast():
            mean, log_variance = self.model.encoder(mid_side, voices)
            noise = torch.randn(mean.shape, generator=random).to(mean)
            log_variance = log_variance.clamp(-12, 4)
            sounding = self.model.decoder(mean + noise * (log_variance / 2).exp())
            read = self.readout(mean, mid_side[:, 0])
        first = int(torch.randint(0, NOISE_FRAMES, (1,), generator=random))
        made = audio_of(sounding, first)
        stereo = torch.stack([made[:, 0] + made[:, 1], made[:, 0] - made[:, 1]], dim=1)
        angles = (torch.rand(len(audio), generator=random) * math.pi).to(self.device)
        shift = int(torch.randint(0, MAX_SHIFT, (1,), generator=random))
        one, true = (heard_from_one_side(x, angles)[..., shift:] for x in (stereo, audio))
        windows = [WINDOWS[int(i)] for i in torch.randperm(len(WINDOWS), generator=random)[:3]]
        mels = [(mel_amplitudes(one, window), mel_amplitudes(true, window)) for window in windows]
        energies = [energy_distance(*mel, window) for mel, window in zip(mels, windows, strict=True)]
        losses = {
            "mel": torch.stack([mel_distance(*mel) for mel in mels]).sum(),
            "energy": torch.stack(energies).sum(),
            "kl": 0.5 * (mean.float() ** 2 + log_variance.exp() - 1 - log_variance).float().mean(),
            "pitch": read,
            **voice_losses(sounding.voices, voices),
        }
        if self.progress < self.config.judged_from:
            return losses
        half = len(audio) // 2 + 1  # to judge them all would take longer than to make them
        return losses | self._judged(one[:half], true[:half])

    def _judged(self, made: Tensor, true: Tensor) -> dict[str, Tensor]:
        """Teach the judge, then hear what it says of the made audio."""
        with self._autocast():
            real, false = self.judge(true), self.judge(made.detach())
        loss = judge_loss(real, false)
        self._update(self.judge_optimizer, list(self.judge.parameters()), loss)
        self.judge.requires_grad_(False)
        with self._autocast():
            said = self.judge(made)
        self.judge.requires_grad_(True)
        return {"judge": loss.detach(), "deceive": deceive_loss(said), "likeness": likeness_loss(real, said)}

    def _update(self, optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], loss: Tensor) -> bool:
        """Whether the step was taken; one that would destroy the weights is not."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, 2.0)
        if not bool(norm.isfinite()):
            return False
        for group in optimizer.param_groups:
            group["lr"] = self.learning_rate
        optimizer.step()
        return True

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=has_bf16(self.device))

    def state(self) -> dict[str, Tensor]:
        """Everything that resuming needs, as flat tensors."""
        state = {
            f"{name}.{key}": value for name, part in self._parts() for key, value in part.state_dict().items()
        }
        state |= {f"ema.{name}": value for name, value in self.ema.state().items()}
        for name, optimizer in self._optimizers():
            state |= optimizer_state(optimizer, f"{name}.")
        return state | {"step_count": torch.tensor(self.step_count)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue from `state()` of a learner of the same shape."""
        for name, part in self._parts():
            part.load_state_dict(below(state, f"{name}."))
        self.ema.load_state(below(state, "ema."))
        for name, optimizer in self._optimizers():
            load_optimizer_state(optimizer, state, f"{name}.")
        self.step_count = int(state["step_count"])

    def _parts(self) -> list[tuple[str, nn.Module]]:
        return [("model", self.model), ("readout", self.readout), ("judge", self.judge)]

    def _optimizers(self) -> list[tuple[str, torch.optim.Optimizer]]:
        return [("optimizer", self.optimizer), ("judge_optimizer", self.judge_optimizer)]
