import math
import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stemwright.audio import encode_audio, encode_wav, read_audio, write_audio
from stemwright.errors import InputError


def tone(duration_s: float, rate: int = 48_000, channels: int = 2, frequency_hz: float = 440.0) -> np.ndarray:
    """`[n, channels]`, each channel a little quieter than the one before."""
    t = np.arange(round(duration_s * rate)) / rate
    wave = 0.5 * np.sin(2 * math.pi * frequency_hz * t)
    return np.stack([wave / (1 + channel) for channel in range(channels)], axis=1).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_lossless_files_come_back_within_a_24_bit_step(tmp_path: Path, suffix: str) -> None:
    audio = torch.from_numpy(tone(1.3).T.copy())
    assert write_audio(tmp_path / f"a.{suffix}", audio) == 0
    assert (read_audio(tmp_path / f"a.{suffix}") - audio).abs().max() <= 2**-23


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_files_keep_length_and_sound(tmp_path: Path, suffix: str) -> None:
    samples = tone(2.0)
    soundfile.write(tmp_path / f"a.{suffix}", samples, 48_000)
    audio = read_audio(tmp_path / f"a.{suffix}")
    assert audio.shape[0] == 2
    assert abs(audio.shape[1] - 96_000) <= 2304  # MP3 may keep its padding
    assert audio[0].square().mean().sqrt() == pytest.approx(0.5 / math.sqrt(2), rel=0.02)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000, 192_000])
def test_other_rates_are_resampled_in_place_and_length(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(12.0, rate), rate, subtype="FLOAT")  # several blocks
    audio = read_audio(tmp_path / "a.wav").numpy()
    want = tone(12.0).T
    assert audio.shape == want.shape
    inside = slice(4800, -4800)
    assert np.abs(audio - want)[:, inside].max() < 2e-3


def test_mono_goes_to_both_channels(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.5, channels=1), 48_000, subtype="FLOAT")
    left, right = read_audio(tmp_path / "a.wav")
    assert torch.equal(left, right)
    assert left.abs().max() > 0.4


def test_a_file_of_one_millisecond_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.001, 44_100), 44_100)
    assert read_audio(tmp_path / "a.wav").shape == (2, 48)


def test_a_silent_file_is_read_as_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros((4410, 2)), 44_100)
    audio = read_audio(tmp_path / "a.flac")
    assert audio.shape == (2, 4800)
    assert not audio.any()


def test_an_uploaded_file_object_reads_as_the_path_does(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(0.7), 44_100)
    assert torch.equal(
        read_audio(BytesIO((tmp_path / "a.flac").read_bytes())), read_audio(tmp_path / "a.flac")
    )


def truncated(path: Path, container: str) -> None:
    whole = BytesIO()
    soundfile.write(whole, np.random.default_rng(0).normal(size=(48_000, 2)) * 0.1, 48_000, format=container)
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])


BAD = {
    "missing.wav": (lambda path: None, "no such file"),
    "folder.wav": (lambda path: path.mkdir(), "not a file"),
    "empty.wav": (lambda path: path.write_bytes(b""), "is empty"),
    "samples.wav": (lambda path: soundfile.write(path, np.zeros((0, 2)), 48_000), "has no samples"),
    "text.wav": (lambda path: path.write_text("not audio at all" * 50), "not audio"),
    "text.raw": (lambda path: path.write_text("not audio at all" * 50), "not audio"),
    "picture.mp3": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500)), "not audio"),
    "header.flac": (lambda path: path.write_bytes(b"fLaC" + bytes(30)), "not audio"),
    "nan.wav": (
        lambda path: soundfile.write(path, np.full((90, 2), np.nan), 48_000, subtype="FLOAT"),
        "not finite",
    ),
    "infinite.wav": (
        lambda path: soundfile.write(path, np.full((90, 2), np.inf), 48_000, subtype="FLOAT"),
        "not finite",
    ),
    "integers.wav": (
        lambda path: soundfile.write(path, np.full((90, 2), -3e4), 48_000, subtype="FLOAT"),
        "beyond ±1",
    ),
    "surround.wav": (lambda path: soundfile.write(path, np.zeros((90, 6)), 48_000), "6 channels"),
    "slow.wav": (lambda path: soundfile.write(path, np.zeros((90, 1)), 4_000), "4000 Hz"),
    "fast.wav": (lambda path: soundfile.write(path, np.zeros((90, 1)), 384_000), "384000 Hz"),
    "long.wav": (lambda path: soundfile.write(path, np.zeros((48_000 * 3, 1)), 48_000), "limit is 2 s"),
    "cut.wav": (lambda path: truncated(path, "WAV"), "truncated"),
    "cut.flac": (lambda path: truncated(path, "FLAC"), "truncated|damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_one_line_with_its_name(tmp_path: Path, name: str) -> None:
    make, message = BAD[name]
    make(tmp_path / name)
    with pytest.raises(InputError, match=message) as error:
        read_audio(tmp_path / name, max_duration_s=2.0)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_errors_call_an_upload_by_the_name_given() -> None:
    with pytest.raises(InputError, match=r"^bass\.mp3: is empty"):
        read_audio(BytesIO(), name="bass.mp3")


def test_a_streamed_wav_without_a_known_length_is_no_truncated_one(tmp_path: Path) -> None:
    data = bytearray(encode_wav(torch.from_numpy(tone(0.5).T.copy())))
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    assert read_audio(BytesIO(bytes(data))).shape == (2, 24_000)


@pytest.mark.parametrize("container", ["wav", "flac", "ogg"])
def test_samples_beyond_full_scale_are_limited_and_counted(tmp_path: Path, container: str) -> None:
    audio = torch.from_numpy(tone(0.5).T.copy())
    audio[0, 100:103] = torch.tensor([1.5, -7.0, 1.0])
    assert write_audio(tmp_path / f"a.{container}", audio) == 2
    if container != "ogg":
        assert read_audio(tmp_path / f"a.{container}")[0, 100:103].tolist() == pytest.approx(
            [1, -1, 1], abs=1e-6
        )


def test_writing_leaves_no_half_file_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not finite"):
        write_audio(tmp_path / "a.wav", torch.full((2, 10), math.nan))
    with pytest.raises(InputError, match=r"\.wav, \.flac or \.ogg"):
        write_audio(tmp_path / "a.aiff", torch.zeros(2, 10))
    assert list(tmp_path.iterdir()) == []


def test_a_long_ogg_is_written(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.ogg", torch.zeros(2, 48_000 * 60))
    assert read_audio(tmp_path / "a.ogg").shape == (2, 48_000 * 60)


def test_encoded_bytes_are_what_a_file_would_hold(tmp_path: Path) -> None:
    audio = torch.from_numpy(tone(0.25).T.copy())
    write_audio(tmp_path / "a.wav", audio)
    assert encode_wav(audio) == (tmp_path / "a.wav").read_bytes()
    assert encode_audio(audio, container="flac")[:4] == b"fLaC"
