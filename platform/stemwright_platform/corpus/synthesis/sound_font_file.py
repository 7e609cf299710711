"""Reading SoundFont 2 files (.sf2, and .sf3 with Vorbis samples): presets, zones and samples.

Generators are numbered as in the SoundFont 2.04 specification, §8.1.2.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from stemwright.errors import InputError

Generators = dict[int, int]

KEY_RANGE, VELOCITY_RANGE, INSTRUMENT, SAMPLE = 43, 44, 41, 53
DEFAULTS: Generators = {8: 13500, 33: -12000, 34: -12000, 35: -12000, 36: -12000, 38: -12000, 56: 100, 58: -1}
"""Generators whose default is not 0."""
_RANGES = (KEY_RANGE, VELOCITY_RANGE)
_NOT_ADDED = (INSTRUMENT, SAMPLE, 54, 57, 58)
_VORBIS = 0x10
_RECORDS = {
    "phdr": "<20sHHHIII",
    "pbag": "<HH",
    "pgen": "<Hh",
    "inst": "<20sH",
    "ibag": "<HH",
    "igen": "<Hh",
    "shdr": "<20sIIIIIBbHH",
}


class SampleHeader(NamedTuple):
    """A recording; positions in samples, or in bytes where it is Vorbis."""

    name: bytes
    start: int
    end: int
    loop_start: int
    loop_end: int
    rate_hz: int
    root: int
    cents: int
    link: int
    kind: int


@dataclass(frozen=True, slots=True)
class Region:
    """A recording as one preset uses it over a range of keys and velocities."""

    generators: Generators
    """Instrument values with the preset's added; a generator that is left out has its default."""
    sample: int
    """Number of its `SampleHeader`."""

    def sounds(self, pitch: int, velocity: int) -> bool:
        """Whether a note is in its ranges."""
        return all(
            low <= value <= high
            for (low, high), value in (
                (_range(self.generators, KEY_RANGE), pitch),
                (_range(self.generators, VELOCITY_RANGE), velocity),
            )
        )


class SoundFontFile:
    """An open sound font; samples are read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"no sound font at {path}: give an .sf2 or .sf3 file with --soundfont")
        try:
            self._data = np.memmap(path, np.uint8, "r")
            chunks = dict(_chunks(self._data, 12, len(self._data)))
            self._samples_at, _ = chunks["smpl"]
            self._tables = {
                name: _records(self._data, *chunks[name], layout) for name, layout in _RECORDS.items()
            }
        except (KeyError, ValueError, struct.error, OSError):
            raise InputError(f"{path} is not a sound font: give an .sf2 or .sf3 file") from None
        self.headers = [SampleHeader(*record) for record in self._tables["shdr"]]
        self.presets = {(row[2], row[1]): number for number, row in enumerate(self._tables["phdr"][:-1])}
        """(bank, program) → number."""
        self.sample = lru_cache(maxsize=384)(self._read_sample)
        self.regions = lru_cache(maxsize=64)(self._read_regions)

    def _read_regions(self, bank: int, program: int) -> tuple[Region, ...]:
        """All regions of a preset; none where the font lacks it."""
        if (number := self.presets.get((bank, program))) is None:
            return ()
        return tuple(
            Region(_added(preset, zone), zone[SAMPLE])
            for preset in self._zones("p", number, INSTRUMENT)
            for zone in self._zones("i", preset[INSTRUMENT], SAMPLE)
        )

    def _zones(self, level: str, number: int, last: int) -> Iterator[Generators]:
        """The zones of a preset or an instrument that end in generator `last`, global values filled in."""
        heads = self._tables["phdr" if level == "p" else "inst"]
        bags, generators = self._tables[f"{level}bag"], self._tables[f"{level}gen"]
        column = 3 if level == "p" else 1
        shared: Generators = {}
        for place, bag in enumerate(range(heads[number][column], heads[number + 1][column])):
            zone = dict(generators[bags[bag][0] : bags[bag + 1][0]])
            if last in zone:
                yield shared | zone
            elif place == 0:
                shared = zone

    def _read_sample(self, number: int) -> NDArray[np.float32]:
        """A recording as float32 [n] in ±1."""
        header = self.headers[number]
        if header.kind & _VORBIS:
            data = self._data[self._samples_at + header.start : self._samples_at + header.end]
            audio, _ = soundfile.read(BytesIO(data.tobytes()), dtype="float32", always_2d=True)
            return np.asarray(audio[:, 0], np.float32)
        first, last = (self._samples_at + 2 * at for at in (header.start, header.end))
        return np.asarray(np.frombuffer(self._data[first:last].tobytes(), "<i2") / 32768, np.float32)

    def loop(self, number: int) -> tuple[int, int]:
        """Loop points within the recording."""
        header = self.headers[number]
        first = 0 if header.kind & _VORBIS else header.start
        return header.loop_start - first, header.loop_end - first


def _chunks(data: NDArray[np.uint8], at: int, end: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """RIFF chunks by name, with first byte and size; lists are opened."""
    while at + 8 <= end:
        name, size = struct.unpack("<4sI", data[at : at + 8].tobytes())
        if name == b"LIST":
            yield from _chunks(data, at + 12, at + 8 + size)
        else:
            yield name.decode("latin-1"), (at + 8, size)
        at += 8 + size
        # RIFF pads odd chunks with a zero; MuseScore's .sf3 files do not.
        at += int(size % 2 and at < end and data[at] == 0)


def _records(data: NDArray[np.uint8], at: int, size: int, layout: str) -> list[tuple]:
    return list(struct.iter_unpack(layout, data[at : at + size].tobytes()))


def _added(preset: Generators, zone: Generators) -> Generators:
    """The preset's values added to the instrument's, ranges intersected."""
    total = dict(zone)
    for name, value in preset.items():
        if name in _RANGES:
            low, high = _range(preset, name)
            low, high = max(low, _range(zone, name)[0]), min(high, _range(zone, name)[1])
            total[name] = high << 8 | low
        elif name not in _NOT_ADDED:
            total[name] = zone.get(name, DEFAULTS.get(name, 0)) + value
    return total


def _range(generators: Generators, name: int) -> tuple[int, int]:
    if name not in generators:
        return 0, 127
    value = generators[name] & 0xFFFF
    return value & 0xFF, value >> 8
