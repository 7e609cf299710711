"""Lets these tests share `written_midi.py`, and gives them a font."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright_platform.corpus.synthesis.sound_font import SoundFont, default_sound_font

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def write_midi(tmp_path: Path) -> Callable[..., Path]:
    """Writes bytes as a MIDI file, as `write_midi(data, "name.mid")`."""

    def write(data: bytes, name: str = "song.mid") -> Path:
        path = tmp_path / "midi" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write


@pytest.fixture(scope="session")
def small_font() -> SoundFont:
    return SoundFont(default_sound_font())
