"""Stems to normalised latents and back, at a checkpoint's levels: what surrounds the denoiser.

Axes: K track, D latent channel, S latent frame, n audio sample.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from stemwright.checkpoint import Checkpoint
from stemwright.codec import Codec
from stemwright.long_pieces import piece_windows
from stemwright.loudness import integrated_lufs, match_loudness, matching_gain_db
from stemwright.mixing import fitted, softened, spliced, turned_down
from stemwright.tasks import Task

EDGE_S = 0.003
"""Fade at both ends of a take: a codec has no frames before the first and after the last to overlap with."""

SPLICE_S = 0.02
"""Cross-fade from a take to what was made of its region."""


class StemCoder:
    """A codec with the statistics, slots and levels of a checkpoint; needs no model weights."""

    def __init__(self, checkpoint: Checkpoint, codec: Codec) -> None:
        """InputError unless the codec is the checkpoint's own. The checkpoint's model is not kept."""
        checkpoint.check_codec(codec)
        self.codec, self.tracks = codec, checkpoint.tracks
        self.stats, self.origin = checkpoint.stats, checkpoint.origin
        self._training = checkpoint.preset.training

    def num_samples(self, duration_s: float) -> int:
        """Audio samples of a composition."""
        return round(duration_s * self.codec.sample_rate_hz)

    def num_frames(self, duration_s: float) -> int:
        """Latent frames of a composition: whole codec segments."""
        frames = math.ceil(self.num_samples(duration_s) / self.codec.hop)
        return math.ceil(frames / self.codec.segment_frames) * self.codec.segment_frames

    def windows(self, duration_s: float) -> list[range]:
        """Frames of the windows that a composition is made in: one, where the model learned from windows so
        long or never learned to continue."""
        num_frames, training = self.num_frames(duration_s), self._training
        if not training.region_probability:
            return [range(num_frames)]
        longest = round(max(training.windows_s) * self.codec.frame_rate_hz)
        return piece_windows(num_frames, longest, self.codec.segment_frames)

    @torch.no_grad()
    def encode(self, given_audio: Mapping[str, Tensor], duration_s: float) -> Tensor:
        """Normalised latents `[1, K, D, S]` of stems `[2, n]`, brought to the training loudness first.

        Slots without audio hold no meaning.
        """
        mean = self.stats.mean
        latents = torch.zeros(1, *mean.shape, self.num_frames(duration_s), device=mean.device)
        for name, audio in given_audio.items():
            level = self.origin.loudness_lufs
            matched, _ = match_loudness(audio, self.codec.sample_rate_hz, target_lufs=level)
            whole = fitted(matched, latents.shape[-1] * self.codec.hop)
            latents[:, self.tracks.index(name)] = self.codec.encode(whole[None].to(latents.device))
        return self.stats.normalise(latents)

    @torch.no_grad()
    def decode(
        self, latents: Tensor, task: Task, duration_s: float, gains_db: Mapping[str, float] | None = None
    ) -> dict[str, Tensor]:
        """Audio `[2, n]` of the targets in normalised latents `[1, K, D, S]`.

        It comes at the level that `gains_db` brought to the training loudness, at the corpus's by default; a
        stem that would clip there is turned down.
        """
        slots = [self.tracks.index(name) for name in task.targets]
        raw = self.stats.denormalise(latents)[0, slots]
        audio = self.codec.decode(raw)[..., : self.num_samples(duration_s)].cpu()
        audio = softened(audio, round(EDGE_S * self.codec.sample_rate_hz))
        corpus = dict(zip(self.tracks.names, self.origin.gains_db, strict=True))
        levels = {**corpus, **(gains_db or {})}
        return {
            name: turned_down(audio[i] * 10 ** (-levels[name] / 20)) for i, name in enumerate(task.targets)
        }

    def rewrite(
        self,
        latents: Tensor,
        task: Task,
        duration_s: float,
        takes: Mapping[str, Tensor],
        region_s: tuple[float, float],
    ) -> dict[str, Tensor]:
        """Takes `[2, n]` of the targets with a region from latents `[1, K, D, S]`, at the takes' levels.

        Outside the region they stay bit-identical.
        """
        levels = {name: self.gain_db(take) for name, take in takes.items()}
        made = self.decode(latents, task, duration_s, levels)
        start, end = map(self.num_samples, region_s)
        fade = round(SPLICE_S * self.codec.sample_rate_hz)
        return {name: spliced(take, made[name], start, end, fade) for name, take in takes.items()}

    def gain_db(self, audio: Tensor) -> float:
        """What brings audio `[2, n]` to the training loudness."""
        lufs = integrated_lufs(audio, self.codec.sample_rate_hz)
        return matching_gain_db(lufs, self.origin.loudness_lufs)

    def frames_outside(self, start_s: float, end_s: float, duration_s: float) -> Tensor:
        """Latent frames with nothing of a span of time in them, boolean [S]; whole codec segments."""
        segment = self.codec.segment_frames
        samples = segment * self.codec.hop
        begin = torch.arange(self.num_frames(duration_s) // segment) * samples
        start, end = self.num_samples(start_s), self.num_samples(end_s)
        return ((begin + samples <= start) | (begin >= end)).repeat_interleave(segment)
