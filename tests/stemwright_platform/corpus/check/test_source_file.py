from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest
import soundfile

from stemwright_platform.corpus.check.measurement import FileMeasure
from stemwright_platform.corpus.check.source_file import ClipCounter, SourceFile

RATE_HZ = 48_000
FORMATS = {
    "flac": ("FLAC", "PCM_16"),
    "wav": ("WAV", "PCM_24"),
    "ogg": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def noise(seconds: float, channels: int = 2) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (0.1 * rng.standard_normal((round(seconds * RATE_HZ), channels))).astype(np.float32)


def read(path: Path, rate_hz: int = RATE_HZ) -> tuple[np.ndarray, FileMeasure]:
    file = SourceFile(str(path))
    file.begin(rate_hz)
    blocks = []
    while (block := file.read(50_000)).shape[1]:
        blocks.append(block)
    audio = np.concatenate(blocks, axis=1) if blocks else np.zeros((2, 0))
    return audio, file.measure()


@pytest.fixture(params=FORMATS)
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    container, subtype = FORMATS[request.param]
    path = tmp_path / f"whole.{request.param}"
    soundfile.write(path, noise(9), RATE_HZ, format=container, subtype=subtype)
    return path


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    out = path.with_name("cut" + path.suffix)
    out.write_bytes(data[: round(share * len(data))])
    return out


def test_a_sound_file_is_read_to_its_end_and_has_no_fault(whole: Path) -> None:
    audio, measure = read(whole)
    assert audio.shape == (2, 9 * RATE_HZ)
    assert (measure.fault_kind, measure.fault) == (None, "")
    assert (measure.sample_rate_hz, measure.num_channels, measure.duration_s) == (RATE_HZ, 2, 9.0)
    assert not measure.equal_channels


@pytest.mark.parametrize("share", [0.3, 0.97])
def test_a_cut_file_of_any_format_is_truncated(whole: Path, share: float) -> None:
    _, measure = read(cut(whole, share))
    assert measure.fault_kind == "truncated"
    assert "cut." in measure.fault


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_a_file_damaged_in_the_middle_is_unreadable(tmp_path: Path, suffix: str) -> None:
    container, subtype = FORMATS[suffix]
    path = tmp_path / f"damaged.{suffix}"
    soundfile.write(path, noise(9), RATE_HZ, format=container, subtype=subtype)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 500] = bytes(500)
    path.write_bytes(data)
    assert read(path)[1].fault_kind == "unreadable"


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no audio"),
        lambda path: soundfile.write(path, np.full((99, 2), np.nan), RATE_HZ, subtype="FLOAT"),
    ],
    ids=["missing", "empty", "text", "not finite"],
)
def test_what_is_no_audio_is_unreadable_and_never_raises(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "bad.wav"
    make(path)
    audio, measure = read(path)
    assert audio.shape == (2, 0)
    assert measure.fault_kind == "unreadable"
    assert measure.fault.startswith(str(path))


def test_a_file_is_delivered_at_the_rate_asked_for_and_measured_at_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(2, channels=1), 24_000)
    audio, measure = read(path)
    assert abs(audio.shape[1] - 2 * round(RATE_HZ * 2)) < 100
    assert (measure.sample_rate_hz, measure.num_channels) == (24_000, 1)


def test_equal_channels_are_told_from_almost_equal_ones(tmp_path: Path) -> None:
    mono = np.repeat(noise(7, channels=1), 2, axis=1)
    other = mono.copy()
    other[-1, 0] += 0.01
    for name, audio in (("same", mono), ("other", other)):
        soundfile.write(tmp_path / f"{name}.wav", audio, RATE_HZ)
    assert read(tmp_path / "same.wav")[1].equal_channels
    assert not read(tmp_path / "other.wav")[1].equal_channels


@pytest.mark.parametrize("block", [1, 2, 3, 4, 7, 1000])
@pytest.mark.parametrize("flat", [False, True])
def test_runs_at_full_scale_are_counted_alike_however_the_blocks_fall(block: int, flat: bool) -> None:
    samples = np.zeros((2, 60), np.float32)
    samples[0, 5:8] = 1.0
    samples[0, 20:22] = 1.0  # too short
    samples[1, 3:14] = -1.0
    samples[1, 40:60] = 1.0
    counter = ClipCounter(flat)
    for start in range(0, 60, block):
        counter.add(samples[:, start : start + block])
    assert (counter.num_runs, counter.num_samples) == (3, 3 + 11 + 20)


def test_floats_beyond_full_scale_are_clipped_only_where_they_stand_still() -> None:
    rising = np.linspace(1.0, 1.5, 10, dtype=np.float32)[None]
    counter = ClipCounter(flat=True)
    counter.add(rising)
    assert counter.num_runs == 0
    counter.add(np.full((1, 5), 1.5, np.float32))
    assert counter.num_runs == 1


def test_a_file_at_a_url_is_read_like_a_local_one(whole: Path) -> None:
    memory = fsspec.filesystem("memory")
    for path in (whole, cut(whole, 0.5)):
        memory.pipe(f"/check/{path.name}", path.read_bytes())
        audio, measure = read(path)
        remote = SourceFile(f"memory://check/{path.name}")
        remote.begin(RATE_HZ)
        assert np.array_equal(remote.read(RATE_HZ), audio[:, :RATE_HZ])
        while remote.read(RATE_HZ).shape[1]:
            pass
        assert remote.measure().fault_kind == measure.fault_kind
