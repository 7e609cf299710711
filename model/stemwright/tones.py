"""Sound as tones: a voice for each semitone, with a level, a pitch of its own near it, and a place.

A network that had to carry waves would have to carry their phase from frame to frame. Here it carries what
an ear knows, and voices that never stop turning give it back its waves. A tone is that voice's whose semitone
its frequency is nearest to, which is told by how far its phase turns in a millisecond (reassignment, Auger
and Flandrin 1995): a voice may be detuned, bent or in vibrato, and no two of them quarrel about one tone.

Axes: B batch, C channel (mid, side), n audio sample, H half of a latent frame, X what is told of a voice
(level, offset, place), J voice, W bin.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLE_RATE_HZ = 48_000
HOP = 512
"""Audio samples a half frame: 93.75 a second."""
NUM_VOICES = 86
LOWEST_HZ = 32.703
"""C1; the highest voice sounds C♯8, 4.4 kHz."""
EXPONENT, SCALE = 0.4, 3.0
"""Levels are scaled roots of amplitudes: of order 1, and 0 for silence."""
MAX_OFFSET = 0.6
"""Semitones that a voice may leave its own pitch by; a little more than half, so that it may err."""
DECIMATION = 4
WINDOW = 1024
"""Of what is decimated: 85 ms, 11.7 Hz a bin."""
ADVANCE = 8
"""Decimated samples between two spectra whose phases are compared: 0.7 ms."""
LOW_PASS_REACH = 64
REACH = DECIMATION * (WINDOW // 2 + ADVANCE) + LOW_PASS_REACH
"""Audio samples to either side of the middle of a half frame that its voices depend on."""
HIGHEST_BIN = 392
"""4.6 kHz."""
LOBE_BINS = 2.6
"""A bin belongs to no tone that is further away."""
HALVES_AT_ONCE = 48
"""Half frames of all rows sung at a time: what is worked on stays in the processor's cache."""


def voice_hz() -> Tensor:
    """The voices' own pitches, float64 [J]."""
    return LOWEST_HZ * 2 ** (torch.arange(NUM_VOICES, dtype=torch.float64) / 12)


@torch.no_grad()
def heard_voices(audio: Tensor) -> Tensor:
    """Mid and side `[B, C, n]`, n a multiple of 512 → voices `[B, H, X, J]`, H = n / 512.

    Level: `levelled` amplitude of the mid; offset in semitones, −0.5…0.5; place: the side's share of the
    mid's wave, −1.5…1.5.
    """
    low = _decimated(audio.float())
    rate_hz, hop = SAMPLE_RATE_HZ / DECIMATION, HOP // DECIMATION
    here = spectrum(low, WINDOW, hop)[..., 2:HIGHEST_BIN]
    later = spectrum(F.pad(low[:, 0, ADVANCE:], (0, ADVANCE)), WINDOW, hop)[..., 2:HIGHEST_BIN]
    mid, side = here.unbind(1)
    bin_hz = rate_hz / WINDOW
    own = torch.arange(2, HIGHEST_BIN, device=audio.device) * bin_hz
    turned = torch.angle(later * mid.conj()) - 2 * math.pi * own * ADVANCE / rate_hz
    away = (torch.remainder(turned + math.pi, 2 * math.pi) - math.pi) * rate_hz / (2 * math.pi * ADVANCE)
    semitone = 12 * torch.log2((own + away).clamp(min=10.0) / LOWEST_HZ)
    nearest = semitone.round()
    counts = (away.abs() < LOBE_BINS * bin_hz) & (nearest >= 0) & (nearest < NUM_VOICES)
    power = torch.view_as_real(mid).square().sum(-1) * counts
    across = (side * mid.conj()).real * counts
    voice = nearest.nan_to_num().clamp(0, NUM_VOICES - 1).long()
    none = torch.zeros(*power.shape[:2], NUM_VOICES, device=audio.device)
    total = none.scatter_add(-1, voice, power)
    safe = total.clamp(min=1e-12)
    offset = none.scatter_add(-1, voice, power * (semitone - nearest)) / safe
    place = (none.scatter_add(-1, voice, across) / safe).clamp(-1.5, 1.5)
    # the three bins of a Hann window's lobe hold 1.5 times a tone's power
    return torch.stack([levelled((total / 1.5).sqrt()), offset, place], dim=2)


def sung(voices: Tensor) -> Tensor:
    """Voices `[B, H, X, J]` → mid and side `[B, C, 512·H]`.

    Levels and frequencies go straight from the middle of one half frame to that of the next. Where a voice
    is in its turn follows from its frequencies so far; voices start at fixed places, no two alike, so that a
    chord has no common peak. Levels and places have gradients, offsets none: through a sum of waves, pitch
    would take long to find.
    """
    level, offset, place = voices.float().unbind(2)
    amplitude = amplitudes(level)
    own = voice_hz().to(voices.device)
    hz = own.float() * 2 ** (offset.detach().clamp(-MAX_OFFSET, MAX_OFFSET) / 12)
    hz, amplitude, place = (torch.cat([x[:, :1], x, x[:, -1:]], dim=1) for x in (hz, amplitude, place))
    turns = (hz[:, 1:].double() + hz[:, :-1].double()) / 2 * HOP / SAMPLE_RATE_HZ
    start = _first_turns().to(voices.device)
    before = F.pad(turns.cumsum(1)[:, :-1], (0, 0, 1, 0))
    at = ((start + before) % 1.0).float()
    size = max(HALVES_AT_ONCE // len(voices), 1)
    pieces = [
        _piece(
            hz[:, i : i + size + 1],
            amplitude[:, i : i + size + 1],
            place[:, i : i + size + 1],
            at[:, i : i + size],
        )
        for i in range(0, at.shape[1], size)
    ]
    whole = torch.cat(pieces, dim=2)
    # from half a hop before the first middle to half a hop after the last
    return whole[..., HOP // 2 : HOP // 2 + HOP * voices.shape[1]]


def levelled(amplitude: Tensor) -> Tensor:
    """Amplitude → level."""
    return SCALE * amplitude.clamp(min=1e-10) ** EXPONENT


def amplitudes(level: Tensor) -> Tensor:
    """Level → amplitude; below 0 is silence."""
    return (level.clamp(min=0) / SCALE) ** (1 / EXPONENT)


def spectrum(audio: Tensor, window: int, hop: int) -> Tensor:
    """Audio `[..., n]` → complex `[..., n / hop, window / 2 + 1]`; each frame's window is centred on its hop.

    Scaled so that a sine of amplitude 1 has a peak of 1.
    """
    reach = (window - hop) // 2
    frames = F.pad(audio.float(), (reach, window - hop - reach)).unfold(-1, window, hop)
    shape = torch.hann_window(window, device=audio.device)
    return torch.fft.rfft(frames * shape) * (4 / window)


def _piece(hz: Tensor, amplitude: Tensor, place: Tensor, at: Tensor) -> Tensor:
    """Sound between middles of half frames: `[B, h + 1, J]` and turns `[B, h, J]` → `[B, C, 512·h]`."""
    along = torch.arange(HOP, device=hz.device) / HOP
    radians = 2 * math.pi * HOP / SAMPLE_RATE_HZ
    first_hz, rise = radians * hz[:, :-1, :, None], radians * (hz[:, 1:] - hz[:, :-1])[..., None]
    wave = torch.addcmul(2 * math.pi * at[..., None], first_hz, along)
    wave = wave.addcmul_(rise, along.square() / 2).sin_()
    across = amplitude * place
    ends = torch.stack([amplitude[:, :-1], amplitude[:, 1:], across[:, :-1], across[:, 1:]], dim=2)
    first, last, side_first, side_last = (ends @ wave).unbind(2)
    sides = [first + (last - first) * along, side_first + (side_last - side_first) * along]
    return torch.stack(sides, dim=1).flatten(2)


def _decimated(audio: Tensor) -> Tensor:
    """`[B, C, n]` → `[B, C, n / 4]`, free of what would fold."""
    filters = _low_pass(audio.device)
    reach = filters.shape[-1] // 2
    flat = F.pad(audio.flatten(0, 1)[:, None], (reach, reach))
    return F.conv1d(flat, filters, stride=DECIMATION).unflatten(0, audio.shape[:2])[:, :, 0]


@lru_cache(maxsize=2)
def _low_pass(device: torch.device) -> Tensor:
    """To 5 kHz: a windowed sinc, `[1, 1, taps]`."""
    reach, cutoff = LOW_PASS_REACH, 5000 / SAMPLE_RATE_HZ
    taps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    shape = torch.hann_window(2 * reach + 1, periodic=False, dtype=torch.float64)
    response = torch.sinc(2 * cutoff * taps) * shape
    return (response / response.sum()).float()[None, None].to(device)


@lru_cache(maxsize=1)
def _first_turns() -> Tensor:
    return torch.rand(NUM_VOICES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
