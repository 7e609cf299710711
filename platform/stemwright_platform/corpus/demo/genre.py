"""What makes a genre: the pools that an arrangement is drawn from."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Groove:
    """A drum pattern with the bass lines and comping that lock to it.

    Patterns are strings of steps (see `note.hits`), one or more bars long; a bar has
    `Genre.steps_per_bar` steps.
    """

    drums: dict[str, str]
    """Voice of `drums.VOICES` → pattern: 'X' accent, 'x' normal, 'o' soft."""
    bass: tuple[str, ...]
    """Patterns of R, 3, 5, 7, 8 (chord tones), 'a' (approach to the next root); or "kick", "walk"."""
    comping: tuple[str, ...]
    """Patterns: 'X', 'x' the chord, loud or soft; digits single voices from the lowest."""
    keywords: tuple[str, ...] = ()
    """True of every song that uses it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Genre:
    """A genre's pools."""

    name: str
    """As prompts say it."""
    tempo_bpm: tuple[int, int]
    """Slowest and fastest."""
    beats_per_bar: int = 4
    steps_per_beat: int = 4
    """4: sixteenths; 3: triplets."""
    swing: tuple[float, float] = (0.0, 0.0)
    """Least and most delay of every second step, in steps; for straight steps only."""
    looseness_ms: float = 5.0
    """Standard deviation of the players' timing."""
    progressions: dict[str, tuple[str, ...]]
    """Mode → progressions in Roman numerals."""
    grooves: tuple[Groove, ...]
    kits: tuple[int, ...]
    """General MIDI drum kits (program numbers, from 0)."""
    bass_programs: tuple[int, ...]
    """General MIDI programs, from 0."""
    comping_programs: tuple[int, ...]
    melody_programs: tuple[int, ...]
    rhythms: tuple[str, ...]
    """A bar of melody each: 'x' starts a note."""
    form: str = "song"
    """One of `form.ORDERS`."""
    can_miss: tuple[str, ...] = ()
    """Tracks that a song can do without from the first bar to the last."""
    melody_scale: str = "scale"
    """"scale", "pentatonic" or "blues"."""
    moods: tuple[str, ...]
    keywords: tuple[str, ...]
    themes: tuple[str, ...]
    also: tuple[str, ...] = field(default=())
    """Other genres that the same songs may truly be called."""

    @property
    def steps_per_bar(self) -> int:
        return self.beats_per_bar * self.steps_per_beat
