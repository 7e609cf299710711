from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stemwright.codec_training.crops import Crops
from stemwright.errors import InputError


def crops_of(files: Sequence[Path], num_samples: int = 8_192, seed: int = 0) -> Crops:
    return Crops(files, num_samples, 4, seed)


def test_a_batch_is_a_function_of_seed_and_step(tones: list[Path]) -> None:
    crops = crops_of(tones)
    assert torch.equal(crops.batch(3), crops_of(tones).batch(3))
    assert not torch.equal(crops.batch(3), crops.batch(4))
    assert not torch.equal(crops.batch(3), crops_of(tones, seed=1).batch(3))
    assert crops.batch(0).shape == (4, 2, 8_192)
    assert crops.batch(0).dtype == torch.float32


def test_what_is_read_ahead_is_what_is_read_at_once_from_any_step_on(tones: list[Path]) -> None:
    crops = crops_of(tones)
    with closing(crops.ahead(5)) as batches:
        for step, (number, batch) in enumerate(islice(batches, 6), start=5):
            assert number == step
            assert torch.equal(batch, crops.batch(step))


def test_crops_never_clip_and_sound_at_about_the_training_loudness(tones: list[Path]) -> None:
    batches = torch.cat([crops_of(tones).batch(step) for step in range(20)])
    assert float(batches.abs().max()) <= 1.0
    levels = 10 * batches.square().mean((1, 2)).log10()
    assert -27 < float(levels.median()) < -19
    assert float(levels.std()) > 2


def test_silence_stays_silence(tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros((48_000, 2)), 48_000)
    assert not crops_of([path]).batch(0).any()


@pytest.mark.parametrize(("rate_hz", "channels"), [(44_100, 2), (48_000, 1), (22_050, 1)])
def test_other_rates_and_mono_come_out_at_the_codecs_rate_in_stereo(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    path = tmp_path / "tone.wav"
    t = np.arange(2 * rate_hz) / rate_hz
    wave = 0.2 * np.sin(2 * np.pi * 1000 * t)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate_hz)
    batch = torch.cat([crops_of([path], 48_000).batch(step) for step in range(3)])
    peaks = torch.fft.rfft(batch[:, 0]).abs().argmax(-1)
    # half of the crops are played at another speed, up to three semitones
    assert 840 <= int(peaks.min()) <= int(peaks.max()) <= 1190
    assert int((peaks == 1000).sum()) >= 3
    assert batch.shape[1:] == (2, 48_000)


def test_a_file_shorter_than_a_crop_ends_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.full((1_000, 2), 0.1), 48_000)
    assert crops_of([path]).batch(0).shape == (4, 2, 8_192)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "noise.flac"
    path.write_bytes(b"not audio")
    with pytest.raises(InputError, match=r"noise\.flac.*corpus check"):
        crops_of([path]).batch(0)
    with pytest.raises(InputError, match=r"noise\.flac"), closing(crops_of([path]).ahead(0)) as batches:
        next(batches)
    soundfile.write(tmp_path / "three.wav", np.zeros((1_000, 3)), 48_000)
    with pytest.raises(InputError, match="3 channels"):
        crops_of([tmp_path / "three.wav"]).batch(0)
