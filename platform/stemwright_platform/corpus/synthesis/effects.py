"""Light effects for a stem: gentle saturation, a tilt of three bands, a small room.

All are causal and of minimum phase, so no onset moves, and the same draw gives the same sound.
Axes: 2 channels, n audio sample, L sample of the impulse response.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ

Audio = NDArray[np.float32]

ROOM_S = 0.35
"""Where every room has died away."""
LOW_HZ, HIGH_HZ = 220.0, 3200.0
"""Where the three bands meet, an octave wide."""
ROOM_BAND_HZ = (180.0, 7000.0)
"""A room gives back neither boom nor hiss."""
FFT_SIZE = 1 << 16
_LENGTH = round(ROOM_S * SAMPLE_RATE_HZ)
_HOP = FFT_SIZE - _LENGTH + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Effects:
    """What is done to one stem."""

    headroom: float | None
    """Saturation: peaks at 1/headroom of the knee, 1 strong … 5 hardly heard; None for none."""
    bands_db: tuple[float, float, float]
    """Gain of lows, mids and highs."""
    room_db: float | None
    """Power of the room against that of the dry sound; None for none."""
    decay_s: float
    """Time in which the room falls by 60 dB, up to `ROOM_S`."""
    room_seed: int
    """Which room."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Effects":
        """A mild choice; about a third of the stems stay dry, half stay clean."""
        low, mid, high = rng.uniform(-2.5, 2.5, 3)
        headroom, room_db = float(rng.uniform(1.5, 4.0)), float(rng.uniform(-22.0, -12.0))
        is_clean, is_dry = rng.random(2) < (0.5, 0.35)
        return cls(
            headroom=None if is_clean else headroom,
            bands_db=(float(low), float(mid) / 2, float(high)),
            room_db=None if is_dry else room_db,
            decay_s=float(rng.uniform(0.12, ROOM_S)),
            room_seed=int(rng.integers(2**31)),
        )

    def applied(self, stem: Audio) -> Audio:
        """The stem `[2, n]` through the effects: a new array of its length and RMS; silence stays silent.

        A peak may grow by a few dB. What would ring on after the end is cut: leave it some silence there.
        """
        before = _rms(stem)
        if before == 0:
            return stem.copy()
        driven = stem if self.headroom is None else _saturated(stem, self.headroom)
        wet = _convolved(driven, self._response())
        wet *= np.float32(before / _rms(wet))
        return wet

    def _response(self) -> Audio:
        """The impulse response of bands and room, `[2, L]`, starting with the direct sound."""
        bands = np.fft.rfft(_bands(self.bands_db), FFT_SIZE)
        heard = np.ones((2, len(bands)), complex)
        if self.room_db is not None:
            heard += np.fft.rfft(_room(self.room_db, self.decay_s, self.room_seed), FFT_SIZE)
        response = np.fft.irfft(heard * bands, FFT_SIZE)[:, :_LENGTH]
        fade = _LENGTH // 20
        response[:, -fade:] *= np.linspace(1, 0, fade)
        return response.astype(np.float32)


def light_effects(stem: Audio, rng: np.random.Generator) -> Audio:
    """The stem `[2, n]` with effects drawn from `rng`: see `Effects`."""
    return Effects.drawn(rng).applied(stem)


def _saturated(stem: Audio, headroom: float) -> Audio:
    """Soft saturation that leaves quiet sound as it is: x/√(1 + (x/knee)²)."""
    knee = headroom * max(float(stem.max()), -float(stem.min()))
    driven = stem * np.float32(1 / knee)
    np.square(driven, out=driven)
    driven += 1
    np.sqrt(driven, out=driven)
    np.divide(stem, driven, out=driven)
    return driven


def _bands(bands_db: tuple[float, float, float]) -> NDArray[np.float64]:
    """Gains of three bands as a filter of minimum phase `[L]`, by the folded cepstrum."""
    frequency = np.maximum(np.fft.rfftfreq(FFT_SIZE, 1 / SAMPLE_RATE_HZ), 1.0)
    places = np.log2([LOW_HZ / 1.41, LOW_HZ * 1.41, HIGH_HZ / 1.41, HIGH_HZ * 1.41])
    low, mid, high = bands_db
    log_gain = np.interp(np.log2(frequency), places, [low, mid, mid, high]) * np.log(10) / 20
    cepstrum = np.fft.irfft(log_gain)
    cepstrum[1 : FFT_SIZE // 2] *= 2
    cepstrum[FFT_SIZE // 2 + 1 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:_LENGTH]


def _room(power_db: float, decay_s: float, seed: int) -> NDArray[np.float64]:
    """Early reflections and a decaying tail `[2, L]`, after the direct sound and without it."""
    rng = np.random.default_rng(seed)
    time = np.arange(_LENGTH) / SAMPLE_RATE_HZ
    fall = np.exp(-6.9 * time / decay_s)
    room = rng.standard_normal((2, _LENGTH)) * fall * np.clip((time - 0.012) / 0.02, 0, 1)
    tail_power = np.square(room).sum()
    for side in room:
        at = rng.integers(round(0.004 * SAMPLE_RATE_HZ), round(0.035 * SAMPLE_RATE_HZ), 7)
        side[at] += rng.choice([-1.0, 1.0], 7) * np.sqrt(tail_power / 14) * fall[at]
    spectrum = np.fft.rfft(room, FFT_SIZE)
    frequency = np.fft.rfftfreq(FFT_SIZE, 1 / SAMPLE_RATE_HZ)
    # First-order filters: causal, so that nothing of the room comes before its first reflection.
    low, high = ROOM_BAND_HZ
    spectrum *= (1j * frequency / low) / (1 + 1j * frequency / low) / (1 + 1j * frequency / high)
    room = np.fft.irfft(spectrum, FFT_SIZE)[:, :_LENGTH]
    return room * np.sqrt(2 * 10 ** (power_db / 10) / np.square(room).sum())


def _convolved(stem: Audio, response: Audio) -> Audio:
    """Overlap-save convolution `[2, n]` of each channel with its own response; silent blocks cost nothing."""
    spectrum = np.fft.rfft(response, FFT_SIZE).astype(np.complex64)
    out = np.zeros_like(stem)
    block = np.zeros((2, FFT_SIZE), np.float32)
    for start in range(0, stem.shape[1], _HOP):
        first = max(start - _LENGTH + 1, 0)
        piece = stem[:, first : start + _HOP]
        if not piece.any():
            continue
        block[:] = 0
        at = first - (start - _LENGTH + 1)
        block[:, at : at + piece.shape[1]] = piece
        end = min(start + _HOP, stem.shape[1])
        sound = np.fft.irfft(np.fft.rfft(block) * spectrum, FFT_SIZE)
        out[:, start:end] = sound[:, _LENGTH - 1 : _LENGTH - 1 + end - start]
    return out


def _rms(stem: Audio) -> float:
    flat = stem.reshape(-1)
    return float(np.sqrt(np.dot(flat, flat) / max(flat.size, 1)))
