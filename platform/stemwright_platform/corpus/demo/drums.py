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

FILLS: tuple[tuple[str, ...], ...] = (
    ("snare", "high tom", "mid tom", "low tom", "floor tom"),
    ("high tom", "high tom", "low tom", "floor tom"),
    ("snare",),
    ("snare", "floor tom"),
    ("mid tom", "snare", "floor tom", "snare"),
)
"""Voices that fills move through."""

Pattern = dict[str, str]


def vary(pattern: Pattern, steps_per_bar: int, rng: np.random.Generator) -> Pattern:
    """The pattern as this song plays it: two bars, a kick or ghost note more or less in the second."""
    varied = {voice: _two_bars(steps, steps_per_bar) for voice, steps in pattern.items()}
    if "kick" in varied and rng.random() < 0.6:
        varied["kick"] = _toggled(varied["kick"], steps_per_bar, rng, "x")
    if "snare" in varied and rng.random() < 0.4:
        varied["snare"] = _toggled(varied["snare"], steps_per_bar, rng, "o")
    return varied


def at_energy(pattern: Pattern, energy: float, steps_per_beat: int, *, softens: bool) -> Pattern:
    """The pattern as it is played at an energy 0…1: sparse and soft below, open and ringing above.

    Below 0.65 a band that `softens` plays the rim instead of the snare, below 0.55 ghost notes go, above
    0.85 the hats between beats are opened.
    """
    played = dict(pattern)
    if energy < 0.65 and softens and "snare" in played and "rim" not in played:
        played["rim"] = played.pop("snare").replace("X", "x").replace("o", ".")
    if energy < 0.55:
        played = {voice: steps.replace("o", ".") for voice, steps in played.items()}
    if energy > 0.85 and steps_per_beat == 4 and "hat" in played and "open hat" not in played:
        closed, opened = _opened(played["hat"])
        if set(closed) != {"."}:
            played |= {"hat": closed, "open hat": opened}
    return played


def play_bar(pattern: Pattern, bar: Bar, energy: float) -> list[Note]:
    """The notes of one bar of the groove, in straight time; `energy` 0…1 scales how hard it is played."""
    force = 0.62 + 0.38 * energy
    return [
        _struck(voice, bar.beat(hit.step), VELOCITIES[hit.token] * force)
        for voice, steps in pattern.items()
        for hit in bar.hits(steps)
    ]


def play_fill(bar: Bar, beats: int, force: float, rng: np.random.Generator) -> list[Note]:
    """A fill over the last beats of a bar, getting louder: snare and toms downwards, or the snare alone."""
    steps = min(beats * bar.steps_per_beat, bar.steps_per_bar)
    voices = FILLS[int(rng.integers(len(FILLS)))]
    density = float(rng.uniform(0.6, 0.95))
    notes: list[Note] = []
    for step in range(steps):
        if rng.random() < density or step % bar.steps_per_beat == 0:
            voice = voices[min(step * len(voices) // steps, len(voices) - 1)]
            start = bar.beat(bar.steps_per_bar - steps + step)
            notes.append(_struck(voice, start, force * (78 + 34 * step / steps)))
    return notes


def play_build(bar: Bar, bars_left: int, bars: int, *, has_kick: bool) -> list[Note]:
    """One bar of a build-up `bars` long: the snare ever faster and louder; `bars_left` counts this one."""
    done = bars - bars_left
    # Beats, then half beats, then every step.
    halves = 2 if bar.steps_per_beat == 4 else bar.steps_per_beat
    every = (bar.steps_per_beat, halves, 1)[min(3 * done // bars, 2)]
    notes: list[Note] = []
    for step in range(0, bar.steps_per_bar, every):
        force = (done + step / bar.steps_per_bar) / bars
        notes.append(_struck("snare", bar.beat(step), 58 + 54 * force))
        if has_kick and step % bar.steps_per_beat == 0:
            notes.append(_struck("kick", bar.beat(step), 84 + 20 * force))
    return notes


def count_in(beats: int) -> list[Note]:
    """Sticks before the first downbeat."""
    return [_struck("rim", -float(beat), 84) for beat in range(beats, 0, -1)]


def crash(beat: float, force: float = 1.0) -> list[Note]:
    """A crash with the kick below it."""
    return [_struck("crash", beat, 100 * force), _struck("kick", beat, 108 * force)]


def _struck(voice: str, start: float, velocity: float) -> Note:
    length = CYMBAL_BEATS if voice in CYMBALS else OPEN_HAT_BEATS if voice == "open hat" else 1.0
    return Note(start, length, VOICES[voice], int(np.clip(velocity, 1, 127)))


def _opened(hats: str) -> tuple[str, str]:
    """The hats that stay closed, and those halfway between beats, which are opened."""
    halves = {place for place in range(len(hats)) if place % 4 == 2}
    closed = "".join("." if place in halves else token for place, token in enumerate(hats))
    opened = "".join("x" if place in halves and token != "." else "." for place, token in enumerate(hats))
    return closed, opened


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
