"""Drum tracks: the groove of each bar, fills at the ends of phrases, crashes where sections begin."""

import numpy as np

from stemwright_platform.corpus.demo.bar import Bar
from stemwright_platform.corpus.demo.note import Note

VOICES: dict[str, int] = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "floor tom": 43,
    "hat": 42,
    "pedal hat": 44,
    "low tom": 45,
    "open hat": 46,
    "mid tom": 47,
    "crash": 49,
    "high tom": 50,
    "ride": 51,
    "bell": 53,
    "tambourine": 54,
    "cowbell": 56,
    "high conga": 63,
    "low conga": 64,
    "cabasa": 69,
    "shaker": 70,
    "clave": 75,
}
"""Voice → General MIDI percussion key."""

VELOCITIES = {"X": 112, "x": 90, "o": 52}
CYMBAL_BEATS = 4.0
"""How long cymbals may ring; other voices ring for a beat."""
OPEN_HAT_BEATS = 0.5
"""The foot closes it."""
CYMBALS = {"crash", "ride", "bell"}

Pattern = dict[str, str]


def vary(pattern: Pattern, steps_per_bar: int, rng: np.random.Generator) -> Pattern:
    """The pattern as this song plays it: two bars, a kick or ghost note more or less in the second."""
    varied = {voice: _two_bars(steps, steps_per_bar) for voice, steps in pattern.items()}
    if "kick" in varied and rng.random() < 0.6:
        varied["kick"] = _toggled(varied["kick"], steps_per_bar, rng, "x")
    if "snare" in varied and rng.random() < 0.4:
        varied["snare"] = _toggled(varied["snare"], steps_per_bar, rng, "o")
    return varied


def play_bar(pattern: Pattern, bar: Bar, energy: float) -> list[Note]:
    """The notes of one bar of the groove, in straight time; `energy` 0…1 scales how hard it is played."""
    return [
        _struck(voice, bar.beat(hit.step), VELOCITIES[hit.token] * (0.75 + 0.25 * energy))
        for voice, steps in pattern.items()
        for hit in bar.hits(steps)
    ]


def play_fill(bar: Bar, rng: np.random.Generator) -> list[Note]:
    """A fill over the last beat or two of a bar: snare and toms downwards, getting louder."""
    beats = int(rng.choice([1, 2])) if bar.steps_per_bar > 3 * bar.steps_per_beat else 1
    steps = beats * bar.steps_per_beat
    voices = ["snare", "high tom", "mid tom", "low tom", "floor tom"]
    notes: list[Note] = []
    for step in range(steps):
        if rng.random() < 0.8 or step % bar.steps_per_beat == 0:
            voice = voices[min(step * len(voices) // steps, len(voices) - 1)]
            start = bar.beat(bar.steps_per_bar - steps + step)
            notes.append(_struck(voice, start, 78 + 32 * step / steps))
    return notes


def crash(beat: float) -> list[Note]:
    """A crash with the kick below it."""
    return [_struck("crash", beat, 100), _struck("kick", beat, 108)]


def _struck(voice: str, start: float, velocity: float) -> Note:
    length = CYMBAL_BEATS if voice in CYMBALS else OPEN_HAT_BEATS if voice == "open hat" else 1.0
    return Note(start, length, VOICES[voice], int(np.clip(velocity, 1, 127)))


def _two_bars(steps: str, steps_per_bar: int) -> str:
    return steps * 2 if len(steps) == steps_per_bar else steps


def _toggled(steps: str, steps_per_bar: int, rng: np.random.Generator, token: str) -> str:
    """The second bar with one off-beat step turned on or off; beats stay as they are."""
    offbeats = [step for step in range(steps_per_bar + 1, len(steps)) if step % 4 in (2, 3)]
    if not offbeats:
        return steps
    step = int(rng.choice(offbeats))
    new = "." if steps[step] != "." else token
    return f"{steps[:step]}{new}{steps[step + 1 :]}"
