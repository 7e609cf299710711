from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.corpus.importers.audio_header import read_header


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_a_header_tells_length_rate_and_channels(
    tmp_path: Path, write_tone: Callable[..., Path], suffix: str
) -> None:
    header = read_header(write_tone(tmp_path / f"a{suffix}", 0.5, rate_hz=32000, channels=1))
    assert (header.num_samples, header.sample_rate_hz, header.num_channels) == (16000, 32000, 1)
    assert header.duration_s == 0.5


def test_unusable_files_are_refused_by_name(tmp_path: Path, write_tone: Callable[..., Path]) -> None:
    (tmp_path / "text.wav").write_text("no audio")
    write_tone(tmp_path / "empty.wav", 0.0)
    for name, part in {"text": "not audio", "empty": "no samples", "gone": "is missing"}.items():
        with pytest.raises(InputError, match=part) as caught:
            read_header(tmp_path / f"{name}.wav")
        assert f"{name}.wav" in str(caught.value)
