"""A part as sound: its notes played by a sound font, with level, place and bends of its channel.

Axes: 2 channels, n audio sample.
"""

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.midi.channel import Curve, amplitude
from stemwright_platform.corpus.midi.programs import family
from stemwright_platform.corpus.midi.score import Part
from stemwright_platform.corpus.synthesis.effects import Audio
from stemwright_platform.corpus.synthesis.sound_font import MAX_RELEASE_S, SAMPLE_RATE_HZ, SoundFont

RAMP_S = 0.005
"""A jump of level, place or pitch takes so long, so that it does not click."""
CHOKE_S = 0.012
"""So does the end of a note that another of its exclusive class cuts off."""
MAX_BEND_CENTS = 3600


def play(part: Part, font: SoundFont, stem: Audio) -> None:
    """Add a part to a stem `[2, n]` at the font's own level; what sounds after its end is lost."""
    program = playable_program(part, font)
    last_s = float(part.notes.end_s.max())
    is_moving = any(curve.changes_within(0.0, last_s) for curve in (part.gain, part.pan))
    target = np.zeros_like(stem) if is_moving else stem
    start_s = float(part.notes.start_s[0])
    sides = None if is_moving else part.gain.at(start_s) * _sides(np.array([part.pan.at(start_s)]))[:, 0]
    ends = _choked(part, font, program) if part.is_drum else {}
    for place in range(len(part.notes)):
        sound = _note(part, place, font, program)
        if place in ends:
            sound = _cut(sound, ends[place] - float(part.notes.start_s[place]))
        level = amplitude(int(part.notes.velocity[place]))
        _add(sound, float(part.notes.start_s[place]), level if sides is None else level * sides, target)
    if is_moving:
        moved = _smooth(part.gain, stem.shape[1]) * _sides(_smooth(part.pan, stem.shape[1]))
        stem += target * moved.astype(np.float32)


def playable_program(part: Part, font: SoundFont) -> int:
    """The part's program, or where the font lacks it the nearest one that it has."""
    if font.has(part.program, part.is_drum):
        return part.program
    if part.is_drum:
        return part.program // 8 * 8 if font.has(part.program // 8 * 8, True) else 0
    group = range(part.program // 8 * 8, part.program // 8 * 8 + 8)
    others = (*family(part.program, False), *group)
    return next((other for other in others if font.has(other, False)), 0)


def _note(part: Part, place: int, font: SoundFont, program: int) -> Audio:
    """One note, bent as its channel is."""
    start_s, end_s = float(part.notes.start_s[place]), float(part.notes.end_s[place])
    pitch, velocity = int(part.notes.pitch[place]), int(part.notes.velocity[place])
    bend = part.bend_cents
    if part.is_drum:
        return font.note(program, True, pitch, velocity, end_s - start_s)
    if bend.changes_within(start_s, end_s + MAX_RELEASE_S):
        samples = int((end_s + MAX_RELEASE_S - start_s) * SAMPLE_RATE_HZ)
        cents = np.clip(_smooth(bend, samples, start_s), -MAX_BEND_CENTS, MAX_BEND_CENTS)
        return font.bent_note(program, False, pitch, velocity, end_s - start_s, cents)
    cents = round(np.clip(bend.at(start_s), -MAX_BEND_CENTS, MAX_BEND_CENTS))
    return font.note(program, False, pitch, velocity, end_s - start_s, cents)


def _choked(part: Part, font: SoundFont, program: int) -> dict[int, float]:
    """Number of each drum note that another cuts off → when."""
    ends: dict[int, float] = {}
    sounding: dict[int, int] = {}
    for place, (pitch, velocity) in enumerate(zip(part.notes.pitch, part.notes.velocity, strict=True)):
        if group := font.exclusive_class(program, True, int(pitch), int(velocity)):
            start_s = float(part.notes.start_s[place])
            before = sounding.get(group)
            if before is not None and part.notes.start_s[before] < start_s:
                ends[before] = start_s
            sounding[group] = place
    return ends


def _cut(sound: Audio, length_s: float) -> Audio:
    """The start of a note, faded out in `CHOKE_S` after its length."""
    length, fade = int(length_s * SAMPLE_RATE_HZ), int(CHOKE_S * SAMPLE_RATE_HZ)
    if length + fade >= sound.shape[1]:
        return sound
    cut = sound[:, : length + fade].copy()
    cut[:, length:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut


def _add(sound: Audio, start_s: float, level: float | NDArray[np.float64], target: Audio) -> None:
    first = round(start_s * SAMPLE_RATE_HZ)
    last = min(first + sound.shape[1], target.shape[1])
    if last > first:
        gain = np.broadcast_to(np.asarray(level, np.float32), (2,))[:, None]
        target[:, first:last] += sound[:, : last - first] * gain


def _sides(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gains `[2, m]` of a balance −1 … 1 of equal power, 1 and 1 in the middle."""
    angle = (place + 1) * np.pi / 4
    return np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)])


def _smooth(curve: Curve, num_samples: int, start_s: float = 0.0) -> NDArray[np.float64]:
    """A curve `[num_samples]` from a moment on, its jumps stretched to `RAMP_S`."""
    first = int(np.searchsorted(curve.seconds, start_s, "right"))
    last = int(np.searchsorted(curve.seconds, start_s + num_samples / SAMPLE_RATE_HZ, "right"))
    value = curve.at(start_s)
    if first == last:
        return np.full(num_samples, value)
    jumps = (curve.seconds[first:last] - start_s) * SAMPLE_RATE_HZ
    values = curve.values[first:last]
    before = np.concatenate([[value], values[:-1]])
    # Each jump: the old value where it begins, the new one a ramp later, or where the next begins.
    ends = np.minimum(jumps + RAMP_S * SAMPLE_RATE_HZ, np.append(jumps[1:], np.inf))
    moments = np.stack([jumps, ends], axis=1).reshape(-1)
    return np.interp(np.arange(num_samples), moments, np.stack([before, values], axis=1).reshape(-1))
