"""A sampler for General MIDI sound fonts: one note at a time, with its tuning, loop and volume envelope.

A filter stands still where the font would move it; vibrato is left out. Why not symusic's own renderer:
docs/decisions/0009-sound-font-player.md.
"""

import importlib.util
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stemwright.errors import InputError
from stemwright_platform.corpus.synthesis.sound_font_file import DEFAULTS, Region, SampleHeader, SoundFontFile

SAMPLE_RATE_HZ = 48000
DEFAULT_FONT = "TimGM6mb.sf2"
DRUM_BANK = 128
MAX_RELEASE_S, MAX_DRUM_RELEASE_S = 1.0, 6.0
"""How long a note may ring on after its end; fonts let drums ring whatever the note's length."""
LENGTH_STEP_S = 0.02
"""Notes whose lengths round to the same step share a rendering."""
BYTES_KEPT = 96 << 20
"""Of notes that may come again."""
FONTS_KEPT = 8
MODULATION_SHARE = 0.75
MAX_CUTOFF_HZ = 18000.0
_FLOOR_DB = 80.0
"""A note ends when it has fallen so far."""
_FILTER_TAIL = 1024
"""Samples after a loop's end that a filter looks at."""

Cents = float | NDArray[np.floating]
"""A pitch bend, constant or a curve of one value a sample, whose last one holds on."""


class SoundFont:
    """A sound font in memory, and the notes that it played last."""

    def __init__(self, path: Path) -> None:
        self._file = SoundFontFile(path)
        self._notes: OrderedDict[tuple, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0
        self._matching = lru_cache(maxsize=4096)(self._regions)
        self._recording = lru_cache(maxsize=384)(self._filter)

    @property
    def path(self) -> Path:
        return self._file.path

    def has(self, program: int, is_drum: bool) -> bool:
        """Whether the font has the instrument or the drum kit."""
        return (DRUM_BANK if is_drum else 0, program) in self._file.presets

    def exclusive_class(self, program: int, is_drum: bool, pitch: int, velocity: int) -> int:
        """Notes of one class cut each other off, as a closed hi-hat the open one; 0: no class."""
        regions = self._matching(program, is_drum, pitch, velocity)
        return next((region.generators[57] for region in regions if region.generators.get(57)), 0)

    def note(
        self, program: int, is_drum: bool, pitch: int, velocity: int, length_s: float, cents: int = 0
    ) -> NDArray[np.float32]:
        """One note with its release, float32 `[2, n]`, at full level whatever its velocity.

        The velocity chooses among the font's layers; how loud it is played is up to the caller.
        `cents`: how far it is bent. A program that the font lacks is silent: `[2, 0]`.
        """
        regions = self._matching(program, is_drum, pitch, velocity)
        steps = max(round(length_s / LENGTH_STEP_S), 1)
        key = (program, is_drum, pitch, cents, steps, *(region.sample for region in regions))
        if (kept := self._notes.get(key)) is None:
            kept = self._keep(key, self._mixed(regions, pitch, steps * LENGTH_STEP_S, is_drum, cents))
        self._notes.move_to_end(key)
        return kept

    def bent_note(
        self, program: int, is_drum: bool, pitch: int, velocity: int, length_s: float, cents: NDArray
    ) -> NDArray[np.float32]:
        """`note` with a pitch that moves: `cents [m]` over its samples, the last value for the rest."""
        regions = self._matching(program, is_drum, pitch, velocity)
        return self._mixed(regions, pitch, length_s, is_drum, cents)

    def _keep(self, key: tuple, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Remember a note, forgetting those that were played longest ago."""
        sound.setflags(write=False)
        self._notes[key] = sound
        self._bytes += sound.nbytes
        while self._bytes > BYTES_KEPT and len(self._notes) > 1:
            self._bytes -= self._notes.popitem(last=False)[1].nbytes
        return sound

    def _regions(self, program: int, is_drum: bool, pitch: int, velocity: int) -> tuple[Region, ...]:
        """What a note is made of: one recording or, layered or in stereo, several."""
        bank = DRUM_BANK if is_drum else 0
        # Fonts with fewer kits play the standard one.
        preset = self._file.regions(bank, program) or (self._file.regions(bank, 0) if is_drum else ())
        return tuple(region for region in preset if region.sounds(pitch, velocity))

    def _mixed(
        self, regions: tuple[Region, ...], pitch: int, length_s: float, is_drum: bool, cents: Cents
    ) -> NDArray[np.float32]:
        max_release_s = MAX_DRUM_RELEASE_S if is_drum else MAX_RELEASE_S
        sounds = [self._played(region, pitch, length_s, max_release_s, cents) for region in regions]
        total = np.zeros((2, max((len(mono) for mono, _ in sounds), default=0)), np.float32)
        for mono, sides in sounds:
            for channel, side in zip(total, sides, strict=True):
                channel[: len(mono)] += mono * side
        return total

    def _played(
        self, region: Region, pitch: int, length_s: float, max_release_s: float, cents: Cents
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A region's part of a note `[n]`, and its gains left and right."""
        generators = DEFAULTS | region.generators
        envelope = _volume(generators, length_s, max_release_s)
        mono = self._resampled(region, pitch, len(envelope), cents)
        mono *= envelope[: len(mono)]
        pan = np.clip(generators.get(17, 0) / 500, -1, 1)
        # fluidsynth and the fonts made with it count initial attenuation at 0.4 of the written centibels.
        gain = 10 ** (-0.4 * generators.get(48, 0) / 200)
        sides = gain * np.array([np.cos((pan + 1) * np.pi / 4), np.sin((pan + 1) * np.pi / 4)])
        return mono, sides.astype(np.float32)

    def _resampled(self, region: Region, pitch: int, num_samples: int, cents: Cents) -> NDArray[np.float32]:
        """The recording at the note's pitch, looped as the region says: up to `num_samples`, or its end."""
        generators = DEFAULTS | region.generators
        header = self._file.headers[region.sample]
        step = _rate(generators, header, pitch)
        positions = _positions(step, num_samples, cents)
        positions += generators.get(0, 0) + 32768 * generators.get(4, 0)
        loop = self._loop(region)
        cutoff_hz = min(_cutoff_hz(generators), _alias_cutoff_hz(step, header.rate_hz))
        recording = self._recording(region.sample, cutoff_hz, loop)
        if loop is None:
            positions = positions[: np.searchsorted(positions, len(recording) - 1)]
        else:
            recording = _unrolled(recording, *loop, int(positions[-1]) + 3)
        return _interpolated(recording, positions)

    def _loop(self, region: Region) -> tuple[int, int] | None:
        """First sample of the region's loop and the one after its last; None where it plays to its end."""
        generators = region.generators
        start, end = self._file.loop(region.sample)
        start += generators.get(2, 0) + 32768 * generators.get(45, 0)
        end += generators.get(3, 0) + 32768 * generators.get(50, 0)
        end = min(end, len(self._file.sample(region.sample)))
        return (start, end) if generators.get(54, 0) & 1 and 0 <= start < end else None

    def _filter(self, number: int, cutoff_hz: float, loop: tuple[int, int] | None) -> NDArray[np.float32]:
        """A recording, or what of it a loop plays, low-passed at second order as it sounds at its root."""
        sample = self._file.sample(number)
        header = self._file.headers[number]
        if loop:
            sample = sample[: loop[1]]
        if cutoff_hz >= min(MAX_CUTOFF_HZ, header.rate_hz / 2):
            return sample
        size = len(sample)
        # What the filter sees after the end of a loop is its start again; after the last sample, silence.
        tail = size + _FILTER_TAIL
        whole = _unrolled(sample, *loop, tail) if loop else np.pad(sample, (0, _FILTER_TAIL))
        fft_size = 2 ** int(np.ceil(np.log2(tail + _FILTER_TAIL)))
        spectrum = np.fft.rfft(whole, fft_size)
        frequency = np.fft.rfftfreq(fft_size, 1 / header.rate_hz)
        filtered = np.fft.irfft(spectrum / np.sqrt(1 + (frequency / cutoff_hz) ** 4), fft_size)
        return np.asarray(filtered[:size], np.float32)


@lru_cache(maxsize=FONTS_KEPT)
def load_sound_font(path: Path) -> SoundFont:
    """The sound font at a path, loaded once a process. Raises InputError where it is none."""
    return SoundFont(path)


def default_sound_font() -> Path:
    """The small sound font that pretty_midi carries (GPL-2: rendered with, never shipped)."""
    spec = importlib.util.find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / DEFAULT_FONT).is_file():
            return path
    raise InputError(f"{DEFAULT_FONT} not found: install pretty_midi, or give a sound font with --soundfont")


def _rate(generators: dict[int, int], header: SampleHeader, pitch: int) -> float:
    """Samples of the recording a sample of the note."""
    root = header.root if generators[58] < 0 else generators[58]
    cents = (pitch - root) * generators[56] + header.cents
    cents += 100 * generators.get(51, 0) + generators.get(52, 0)
    return 2 ** (cents / 1200) * header.rate_hz / SAMPLE_RATE_HZ


def _cutoff_hz(generators: dict[int, int]) -> float:
    """The low-pass filter's corner, with most of what the modulation envelope opens it by."""
    cents = generators[8] + MODULATION_SHARE * max(generators.get(11, 0), 0)
    return 8.176 * 2 ** (cents / 1200)


def _alias_cutoff_hz(step: float, rate_hz: int) -> float:
    """Where a recording must end that is played faster than it was made, in steps of half an octave."""
    if step <= 1.2:
        return float("inf")
    return rate_hz / 2 / 2 ** (np.ceil(2 * np.log2(step)) / 2)


def _positions(step: float, num_samples: int, cents: Cents) -> NDArray[np.float64]:
    """Where in the recording each sample of a note is read, from 0."""
    if not isinstance(cents, np.ndarray):
        return np.arange(num_samples, dtype=np.float64) * (step * 2 ** (float(cents) / 1200))
    steps = np.full(num_samples, step * 2 ** (float(cents[-1]) / 1200), np.float64)
    bent = min(len(cents), num_samples)
    steps[:bent] = step * 2 ** (cents[:bent].astype(np.float64) / 1200)
    return np.cumsum(steps, dtype=np.float64) - steps[0]


def _unrolled(recording: NDArray[np.float32], start: int, end: int, length: int) -> NDArray[np.float32]:
    """The recording up to the loop's end and the loop again and again: at least `length` samples."""
    turns = max(0, -(-(length - end) // (end - start)))
    return np.concatenate([recording[:end], np.tile(recording[start:end], turns)])


def _interpolated(recording: NDArray[np.float32], positions: NDArray[np.float64]) -> NDArray[np.float32]:
    """The recording `[m]` between its samples, by cubic Hermite splines; positions in 0 … m − 1."""
    padded = np.concatenate([recording[:1], recording, [0, 0]]).astype(np.float32, copy=False)
    index = positions.astype(np.int32)
    f = (positions - index).astype(np.float32)
    # a before, b at, c and d after the position's whole part
    a, b, c, d = (padded.take(index + offset) for offset in range(4))
    sound = 1.5 * (b - c)
    sound += 0.5 * (d - a)
    sound *= f
    sound += a - 2.5 * b + 2 * c - 0.5 * d
    sound *= f
    sound += 0.5 * (c - a)
    sound *= f
    sound += b
    return sound


def _volume(generators: dict[int, int], length_s: float, max_release_s: float) -> NDArray[np.float32]:
    """The volume envelope of a note as amplitudes `[n]`, from its start to the end of its release."""
    delay, attack, hold, decay, release = (2 ** (generators[name] / 1200) for name in (33, 34, 35, 36, 38))
    release = min(release, max_release_s * 100 / _FLOOR_DB)
    sustain_db = min(max(generators.get(37, 0) / 10, 0.0), 100.0)
    peak, fall = delay + attack, delay + attack + hold
    time = np.arange(int((length_s + release * _FLOOR_DB / 100) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    off = int(length_s * SAMPLE_RATE_HZ)
    fallen_db = np.interp(time, [fall, fall + decay * sustain_db / 100], [0.0, sustain_db])
    fallen_db[off:] = fallen_db[off] + (time[off:] - length_s) * 100 / release
    amplitude = np.exp(fallen_db.astype(np.float32) * np.float32(-np.log(10) / 20))
    # A note that is let go before its peak falls from where it is.
    rise = slice(0, int(peak * SAMPLE_RATE_HZ) + 1 if length_s >= peak else None)
    amplitude[rise] *= np.clip((np.minimum(time[rise], length_s) - delay) / attack, 0, 1)
    return amplitude
