"""Mixes parted into tracks with Demucs, before scores by track (§5.1).

What Demucs calls vocals is the melody, and everything else the instrument: the corpora are read in the same
way. So a lead that is not sung lies in the instrument, and the melody of an instrumental mix is what little
Demucs takes for a voice. Separation leaves traces: its tracks compare with tracks parted in the same way.

Axes: n audio sample.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stemwright.audio import read_audio, write_audio
from stemwright.errors import InputError
from stemwright.metrics.weights_file import file_sha256
from stemwright_platform.crew import made_by
from stemwright_platform.evaluation.baselines.baseline import BaselineClip
from stemwright_platform.evaluation.baselines.demucs_files import (
    DEFAULT,
    DemucsFiles,
    find_demucs,
    load_demucs,
)

TRACK_OF_SOURCE: Mapping[str, str] = {
    "drums": "drums",
    "bass": "bass",
    "other": "instrument",
    "guitar": "instrument",
    "piano": "instrument",
    "vocals": "melody",
}
"""Demucs' name → ours; the sources of one track are summed."""
RECORD = "separation.json"
_OVERLAP = 0.25


class Separator:
    """A Demucs model that parts audio, the same way each time (no random shifts)."""

    def __init__(self, model: Any, *, fingerprint: str, device: torch.device | str = "cpu") -> None:
        """`model`: of demucs, or a bag of them; InputError where it has a source that is no track."""
        self._model, self._device = model.eval(), torch.device(device)
        self.fingerprint = fingerprint
        """Of weights and settings."""
        self.sample_rate_hz = int(model.samplerate)
        """Of what it takes and gives."""
        if unknown := sorted(set(model.sources) - TRACK_OF_SOURCE.keys()):
            raise InputError(f"this Demucs model parts {', '.join(unknown)}, which is none of the tracks")

    @classmethod
    def load(
        cls, weights: str | None = None, *, name: str = DEFAULT, device: torch.device | str = "cpu"
    ) -> "Separator":
        """A published model by its name, from a folder or the usual caches; InputError where missing."""
        files = find_demucs(weights, name)
        return cls(load_demucs(files), fingerprint=separation_fingerprint(files), device=device)

    @torch.inference_mode()
    def part(self, audio: Tensor) -> dict[str, Tensor]:
        """A mix `[2, n]` at the model's rate, any n above 0 → track → `[2, n]`, together about the mix."""
        from demucs.apply import apply_model

        # Demucs was trained on mixes of this level; its own interface does the same.
        mono = audio.mean(dim=0)
        centre, level = mono.mean(), mono.std(correction=0) + 1e-8
        parted = apply_model(
            self._model,
            ((audio - centre) / level)[None],
            shifts=0,
            overlap=_OVERLAP,
            device=self._device,
        )[0]
        tracks: dict[str, Tensor] = {}
        for source, sound in zip(self._model.sources, parted * level + centre, strict=True):
            track = TRACK_OF_SOURCE[source]
            tracks[track] = tracks[track] + sound if track in tracks else sound
        return tracks


class Parting:
    """What one worker does: a clip that is a mix → the same clip with its tracks in OUT/NAME."""

    def __init__(self, out: Path, weights: str | None, name: str, device: str) -> None:
        self._out, self._device = out, device
        self._files = find_demucs(weights, name)
        self._fingerprint = separation_fingerprint(self._files)
        self._separator: Separator | None = None

    def __call__(self, clip: BaselineClip) -> BaselineClip:
        assert clip.mix is not None
        folder = self._out / clip.name
        record = {"mix_sha256": file_sha256(clip.mix), "separator": self._fingerprint}
        stems = _parted_before(folder, record)
        if stems is None:
            separator = self._loaded()
            tracks = separator.part(read_audio(clip.mix, separator.sample_rate_hz))
            stems = _write(folder, tracks, separator.sample_rate_hz, record)
        return replace(clip, stems=stems)

    def _loaded(self) -> Separator:
        """Only where something is left to be parted."""
        if self._separator is None:
            model = load_demucs(self._files)
            self._separator = Separator(model, fingerprint=self._fingerprint, device=self._device)
        return self._separator


def part_mixes(
    clips: Sequence[BaselineClip],
    out: Path,
    *,
    weights: str | None = None,
    name: str = DEFAULT,
    device: str = "cpu",
    jobs: int | None = 1,
) -> Iterator[BaselineClip]:
    """Each clip, as it is done, in no promised order: stems as they were, mixes with their tracks.

    Tracks are FLAC files below `out`, a folder a clip, and stay: the same mix parted by the same model is not
    parted again. `weights`, `name`: as `find_demucs`; `jobs`: Ray actors, 1 for this process alone, None for
    as many as fit. Raises InputError where weights or the package are missing, or a mix cannot be read.
    """
    mixes = [clip for clip in clips if clip.mix is not None and not clip.stems]
    yield from (clip for clip in clips if clip.mix is None or clip.stems)
    make: Callable[[], Callable[[BaselineClip], BaselineClip]] = partial(Parting, out, weights, name, device)
    num_gpus = 1.0 if device.startswith("cuda") else 0.0
    yield from (parted for _, parted in made_by(make, mixes, jobs, num_gpus=num_gpus))


def separation_fingerprint(files: DemucsFiles) -> str:
    """Changes whenever the tracks would."""
    hashes = [file_sha256(path) for path in files.models]
    settings = ("demucs", 1, hashes, files.weights, files.segment_s, _OVERLAP)
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]


def _parted_before(folder: Path, record: dict[str, str]) -> dict[str, Path] | None:
    """The tracks that lie there if they are of this mix and this model; None if not."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        stems = {track: folder / f"{track}.flac" for track in found.pop("tracks")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return stems if found == record and all(path.is_file() for path in stems.values()) else None


def _write(
    folder: Path, tracks: Mapping[str, Tensor], sample_rate_hz: int, record: dict[str, str]
) -> dict[str, Path]:
    """The record is written last: a folder without one is parted again."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    stems = {track: folder / f"{track}.flac" for track in tracks}
    for track, path in stems.items():
        write_audio(path, tracks[track].cpu(), sample_rate_hz)
    partial_record = folder / f".{RECORD}"
    partial_record.write_text(json.dumps({**record, "tracks": list(stems)}) + "\n", encoding="utf-8")
    os.replace(partial_record, folder / RECORD)
    return stems
