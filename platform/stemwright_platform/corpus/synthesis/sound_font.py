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
MAX_RELEASE_S = 0.6
"""How long a note may ring on after its end."""
LENGTH_STEP_S = 0.02
"""Notes whose lengths round to the same step share a rendering."""
NOTES_KEPT = 192
MODULATION_SHARE = 0.75
MAX_CUTOFF_HZ = 18000.0
_FLOOR_DB = 80.0
"""A note ends when it has fallen so far."""


class SoundFont:
    """A sound font in memory, and the notes that it played last."""

    def __init__(self, path: Path) -> None:
        self._file = SoundFontFile(path)
        self._notes: OrderedDict[tuple, NDArray[np.float32]] = OrderedDict()
        self._matching = lru_cache(maxsize=4096)(self._regions)
        self._filtered = lru_cache(maxsize=256)(self._filter)

    @property
    def path(self) -> Path:
        return self._file.path

    def note(
        self, program: int, is_drum: bool, pitch: int, velocity: int, length_s: float
    ) -> NDArray[np.float32]:
        """One note with its release, float32 `[2, n]`, at full level whatever its velocity.

        The velocity chooses among the font's layers; how loud it is played is up to the caller.
        A program that the font lacks is silent: `[2, 0]`.
        """
        regions = self._matching(program, is_drum, pitch, velocity)
        steps = max(round(length_s / LENGTH_STEP_S), 1)
        key = (program, is_drum, pitch, steps, *(region.sample for region in regions))
        if key not in self._notes:
            self._notes[key] = self._mixed(regions, pitch, steps * LENGTH_STEP_S)
            if len(self._notes) > NOTES_KEPT:
                self._notes.popitem(last=False)
        self._notes.move_to_end(key)
        return self._notes[key]

    def _regions(self, program: int, is_drum: bool, pitch: int, velocity: int) -> tuple[Region, ...]:
        """What a note is made of: one recording or, layered or in stereo, several."""
        bank = DRUM_BANK if is_drum else 0
        # Fonts with fewer kits play the standard one.
        preset = self._file.regions(bank, program) or (self._file.regions(bank, 0) if is_drum else ())
        return tuple(region for region in preset if region.sounds(pitch, velocity))

    def _mixed(self, regions: tuple[Region, ...], pitch: int, length_s: float) -> NDArray[np.float32]:
        sounds = [self._played(region, pitch, length_s) for region in regions]
        total = np.zeros((2, max((sound.shape[1] for sound in sounds), default=0)), np.float32)
        for sound in sounds:
            total[:, : sound.shape[1]] += sound
        return total

    def _played(self, region: Region, pitch: int, length_s: float) -> NDArray[np.float32]:
        """A region's part of a note, `[2, n]`."""
        generators = DEFAULTS | region.generators
        envelope = _volume(generators, length_s)
        mono = self._resampled(region, pitch, len(envelope))
        mono *= envelope[: len(mono)]
        pan = np.clip(generators.get(17, 0) / 500, -1, 1)
        # fluidsynth and the fonts made with it count initial attenuation at 0.4 of the written centibels.
        gain = 10 ** (-0.4 * generators.get(48, 0) / 200)
        sides = gain * np.array([np.cos((pan + 1) * np.pi / 4), np.sin((pan + 1) * np.pi / 4)])
        return mono * sides.astype(np.float32)[:, None]

    def _resampled(self, region: Region, pitch: int, num_samples: int) -> NDArray[np.float32]:
        """The recording at the note's pitch, looped as the region says: up to `num_samples`, or its end."""
        generators = DEFAULTS | region.generators
        sample = self._filtered(region.sample, _cutoff_hz(generators))
        step = _rate(generators, self._file.headers[region.sample], pitch)
        positions = np.arange(num_samples) * step + generators.get(0, 0) + 32768 * generators.get(4, 0)
        start, end = self._file.loop(region.sample)
        start += generators.get(2, 0) + 32768 * generators.get(45, 0)
        end = min(end + generators.get(3, 0) + 32768 * generators.get(50, 0), len(sample) - 1)
        if generators.get(54, 0) & 1 and 0 <= start < end:
            after = int(np.searchsorted(positions, end))
            positions[after:] = start + (positions[after:] - start) % (end - start)
        else:
            positions = positions[: np.searchsorted(positions, len(sample) - 1)]
        index = positions.astype(np.int32)
        fraction = (positions - index).astype(np.float32)
        sound = sample[index]
        sound += (sample[index + 1] - sound) * fraction
        return sound

    def _filter(self, number: int, cutoff_hz: float) -> NDArray[np.float32]:
        """A recording through a low-pass filter of second order, as it sounds at its root key."""
        sample = self._file.sample(number)
        header = self._file.headers[number]
        if cutoff_hz >= min(MAX_CUTOFF_HZ, header.rate_hz / 2):
            return sample
        size = 2 ** int(np.ceil(np.log2(len(sample) + 256)))
        spectrum = np.fft.rfft(sample, size)
        frequency = np.fft.rfftfreq(size, 1 / header.rate_hz)
        filtered = np.fft.irfft(spectrum / np.sqrt(1 + (frequency / cutoff_hz) ** 4), size)
        return np.asarray(filtered[: len(sample)], np.float32)


@lru_cache(maxsize=1)
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


def _volume(generators: dict[int, int], length_s: float) -> NDArray[np.float32]:
    """The volume envelope of a note as amplitudes `[n]`, from its start to the end of its release."""
    delay, attack, hold, decay, release = (2 ** (generators[name] / 1200) for name in (33, 34, 35, 36, 38))
    release = min(release, MAX_RELEASE_S * 100 / _FLOOR_DB)
    sustain_db = min(max(generators.get(37, 0) / 10, 0.0), 100.0)
    peak, fall = delay + attack, delay + attack + hold
    time = np.arange(int((length_s + release * _FLOOR_DB / 100) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    off = int(length_s * SAMPLE_RATE_HZ)
    fallen_db = np.interp(time, [fall, fall + decay * sustain_db / 100], [0.0, sustain_db])
    fallen_db[off:] = fallen_db[off] + (time[off:] - length_s) * 100 / release
    amplitude = np.exp(fallen_db.astype(np.float32) * np.float32(-np.log(10) / 20))
    rise = slice(0, int(peak * SAMPLE_RATE_HZ) + 1)
    amplitude[rise] *= np.clip((time[rise] - delay) / attack, 0, 1)
    return amplitude
