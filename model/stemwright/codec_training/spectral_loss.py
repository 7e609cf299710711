"""What the codec's training listens for: spectra at many time scales, and pitch that latents tell plainly.

Axes: B batch, n audio sample, F frame, W bin, M mel band, S latent frame, D latent channel.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from stemwright.conv_codec_net import HOP
from stemwright.tones import SAMPLE_RATE_HZ, spectrum

WINDOWS = (256, 512, 1024, 2048, 4096, 8192)
"""Time scales in audio samples, 5 to 171 ms; a long window hears pitch, a short one strokes."""
MEL_FLOOR = 1e-5
"""-100 dB: what is below counts as silence."""
ENERGY_SPAN = 16_384
"""Audio samples, 0.34 s."""
PITCHES = range(24, 108)
"""MIDI numbers whose levels latents are asked for: C1, 33 Hz, to B7, 4 kHz."""
PITCH_WINDOW = 8192
PITCH_FLOOR = 1e-4


def heard_from_one_side(audio: Tensor, angles: Tensor) -> Tensor:
    """Stereo `[B, 2, n]` → `[B, n]`, each row from its own angle: 0 left, π/2 right, π/4 mid, 3π/4 side.

    Over many angles one channel's loss holds all of a stereo signal, at half the cost.
    """
    return angles.cos()[:, None] * audio[:, 0] + angles.sin()[:, None] * audio[:, 1]


def mel_amplitudes(audio: Tensor, window: int) -> Tensor:
    """`[B, n]` → mean amplitudes of mel bands `[B, F, M]` at one time scale."""
    bins = torch.view_as_real(spectrum(audio, window, window // 2)).square().sum(-1)
    return (bins + 1e-14).sqrt() @ mel_filters(window, audio.device)


def mel_distance(made: Tensor, true: Tensor) -> Tensor:
    """Mean distance of the log10 of amplitudes `[B, F, M]`: what sounds when."""
    return (_log_amplitude(made) - _log_amplitude(true)).abs().mean()


def energy_distance(made: Tensor, true: Tensor, window: int) -> Tensor:
    """The same of each band's power over `ENERGY_SPAN`: how much sounds, whenever it does.

    A network that does not know when a stroke comes says what is likeliest in each frame, which is little;
    here it has to account for the whole.
    """
    frames = min(ENERGY_SPAN // (window // 2), made.shape[1])
    whole = made.shape[1] // frames * frames
    powers = (x[:, :whole].square().unflatten(1, (-1, frames)).mean(2) for x in (made, true))
    one, two = (_log_amplitude((power + 1e-14).sqrt()) for power in powers)
    return (one - two).abs().mean()


def _log_amplitude(amplitude: Tensor) -> Tensor:
    return torch.log10(amplitude.clamp(min=MEL_FLOOR))


@lru_cache(maxsize=16)
def mel_filters(window: int, device: torch.device) -> Tensor:
    """Filters `[W, M]` that average, about as many as the window can tell apart."""
    from librosa.filters import mel  # takes a second to import

    bands = min(window // 16, 256)
    filters = mel(sr=SAMPLE_RATE_HZ, n_fft=window, n_mels=bands, fmax=20_000, norm=None).T
    filters = filters[:, filters.sum(0) > 0]
    return torch.from_numpy(filters / filters.sum(0)).float().to(device)


class PitchReadout(nn.Module):
    """A linear layer that must read the level of each semitone off the latents.

    It makes the codec lay out pitch plainly, which is what a model of harmony has to find there; the
    decoder does not need it, and it is thrown away after training.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(latent_dim, len(PITCHES))

    def forward(self, latents: Tensor, audio: Tensor) -> Tensor:
        """Mean distance between what is read off `[B, S, D]` and what sounds in mono `[B, S·HOP]`."""
        return (self.linear(latents) - pitch_levels(audio)).abs().mean()


def pitch_levels(audio: Tensor) -> Tensor:
    """Mono `[B, S·HOP]` → level of each semitone `[B, S, 84]`, log10 amplitude, about -2 … 2."""
    bins = torch.view_as_real(spectrum(audio, PITCH_WINDOW, HOP)).square().sum(-1)
    power = bins @ _pitch_filters(audio.device)
    return 0.5 * torch.log10(power + PITCH_FLOOR**2) + 2.5


@lru_cache(maxsize=2)
def _pitch_filters(device: torch.device) -> Tensor:
    """Triangles `[W, 84]` a semitone to either side, no narrower than the window can tell apart."""
    frequency = np.arange(PITCH_WINDOW // 2 + 1) * SAMPLE_RATE_HZ / PITCH_WINDOW
    centre = 440 * 2 ** ((np.array(PITCHES) - 69) / 12)
    reach = np.maximum(centre * (2 ** (1 / 12) - 1), SAMPLE_RATE_HZ / PITCH_WINDOW)
    filters = np.clip(1 - np.abs(frequency[:, None] - centre) / reach, 0, None)
    return torch.from_numpy(filters).float().to(device)
