import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile
import yaml

MOISES_SONG = "0b5d6b3c-9c3e-4a0e-9a43-3a0d5f0a9d3e"


def tone(path: Path, duration_s: float = 0.5, rate_hz: int = 44100, channels: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.2 * np.sin(np.arange(round(duration_s * rate_hz)) / 20)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate_hz)
    return path


@pytest.fixture
def write_tone() -> Callable[..., Path]:
    """Writes audio, as `write_tone(path, duration_s, rate_hz=48000, channels=1)`."""
    return tone


@pytest.fixture
def slakh_song() -> Callable[..., Path]:
    """Writes a Slakh song: mono stems with a mix, `stems` as SNN → the fields of metadata.yaml."""

    def write(
        folder: Path, stems: Mapping[str, Mapping[str, Any]], *, suffix: str = ".flac", uuid: str = ""
    ) -> Path:
        known: dict[str, Any] = {"UUID": uuid or folder.name, "audio_dir": "stems", "stems": {}}
        for name, facts in stems.items():
            duration_s = facts.get("duration_s", 0.5)
            fields = {key: value for key, value in facts.items() if key != "duration_s"}
            known["stems"][name] = {"audio_rendered": True, "is_drum": False, "plugin_name": "x.nkm"} | fields
            if known["stems"][name]["audio_rendered"]:
                tone(folder / "stems" / f"{name}{suffix}", duration_s, channels=1)
        tone(folder / f"mix{suffix}", channels=1)
        (folder / "metadata.yaml").write_text(yaml.safe_dump(known))
        return folder

    return write


@pytest.fixture
def moises_song() -> Callable[..., Path]:
    """Writes a MoisesDB song: `stems` as stemName → list of (trackType, id, further fields)."""

    def write(
        root: Path,
        stems: Mapping[str, list[tuple[str, str, Mapping[str, Any]]]],
        *,
        song_id: str = MOISES_SONG,
        genre: str = "bossa_nova",
    ) -> Path:
        folder = root / song_id
        for name, tracks in stems.items():
            for _, track_id, facts in tracks:
                tone(folder / name / f"{track_id}.wav", facts.get("duration_s", 0.5))
        listed = [
            {
                "stemName": name,
                "tracks": [
                    {
                        "id": track_id,
                        "trackType": track_type,
                        "extension": "wav",
                        "has_bleed": facts.get("has_bleed", False),
                    }
                    for track_type, track_id, facts in tracks
                ],
            }
            for name, tracks in stems.items()
        ]
        data = {"artist": "An Artist", "song": "A Song", "genre": genre, "stems": listed}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data.json").write_text(json.dumps(data))
        return folder

    return write


@pytest.fixture
def write_midi() -> Callable[..., Path]:
    """Writes two notes, seven quarters apart, as `write_midi(path, tempo_bpm=96, metre=(3, 4))`."""

    def write(path: Path, *, tempo_bpm: float | None = None, metre: tuple[int, int] | None = None) -> Path:
        file = mido.MidiFile(ticks_per_beat=480)
        file.tracks.append(track := mido.MidiTrack())
        if tempo_bpm:
            track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
        if metre:
            track.append(mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1]))
        for start in (0, 7 * 480 - 100):
            track.append(mido.Message("note_on", note=60, velocity=90, time=start))
            track.append(mido.Message("note_off", note=60, time=100))
        file.save(path)
        return path

    return write
