"""How an uploaded stem comes to lie on a composition's grid: stretched, then moved.

Nothing is done by itself: what is found is offered, and the musician applies it or not.
"""

import math

from stemwright_platform.serving.schema import Alignment
from stemwright_platform.serving.steady_pulse import Pulse

NEAR_S = 0.025
"""Beats this near to the grid lie on it: they are not heard more exactly."""
SAME_TEMPO = 0.002
"""Tempos that differ by less, relatively, are the same: they are not heard more exactly."""
OCTAVES = (0.5, 1.0, 2.0)
"""Beats of the composition that one heard beat may be: half the tempo and double are common mistakes."""


def alignment(pulse: Pulse | None, tempo_bpm: float | None, beats_per_bar: int) -> Alignment:
    """What brings a stem's beats and bars onto a grid that begins at 0 s.

    `tempo_bpm`: the composition's; None: the stem's own, which is then not stretched. `pulse`: what was heard
    in the stem; None: no beat, so that there is nothing to offer.
    """
    if pulse is None:
        return Alignment(heard_bpm=None)
    tempo_bpm = tempo_bpm or pulse.tempo_bpm
    octave = min(OCTAVES, key=lambda octave: abs(math.log(octave * pulse.tempo_bpm / tempo_bpm)))
    heard_bpm, beat_s = octave * pulse.tempo_bpm, 60 / tempo_bpm
    stretch = round(heard_bpm / tempo_bpm, 5)
    if abs(stretch - 1) < SAME_TEMPO:
        stretch = 1.0
    to_beat_s = -math.remainder(stretch * pulse.beat_s, min(octave, 1.0) * beat_s)
    beats = round((stretch * pulse.bar_s + to_beat_s) / beat_s)
    to_bar_s = to_beat_s - math.remainder(beats, beats_per_bar) * beat_s
    return Alignment(
        heard_bpm=round(heard_bpm, 2),
        stretch=stretch,
        offset_to_beat_s=_told(to_beat_s),
        offset_to_bar_s=_told(to_bar_s),
    )


def _told(offset_s: float) -> float:
    return 0.0 if abs(offset_s) < NEAR_S else round(offset_s, 3)
