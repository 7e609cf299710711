import numpy as np
import pytest
import soundfile
import torch

from stemwright.audio import read_audio
from stemwright.errors import InputError
from stemwright_platform.corpus.stem_audio import StemAudio, read_stem


def noise(path, seconds, rate_hz=48000, channels=2, seed=0):
    samples = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * rate_hz), channels))
    soundfile.write(path, samples, rate_hz, subtype="FLOAT" if path.suffix == ".wav" else None)
    return str(path)


@pytest.mark.parametrize("size", [1000, 48000, 1 << 20])
@pytest.mark.parametrize("rate_hz", [None, 48000, 22050])
def test_blocks_of_any_size_join_to_the_whole(tmp_path, size, rate_hz):
    path = noise(tmp_path / "a.flac", 13.0, 44100)
    with StemAudio([path], rate_hz) as stem:
        blocks = list(stem.blocks(size))
        rate_hz = stem.sample_rate_hz
    assert {block.shape[1] for block in blocks[:-1]} <= {size}
    assert torch.equal(torch.from_numpy(np.concatenate(blocks, axis=1)), read_audio(path, rate_hz))


def test_files_are_summed_and_shorter_ones_end_in_silence(tmp_path):
    paths = [noise(tmp_path / f"{n}.wav", seconds, seed=n) for n, seconds in enumerate((3.0, 7.0, 5.0))]
    total = torch.zeros(2, 7 * 48000)
    for path in paths:
        audio = read_audio(path)
        total[:, : audio.shape[1]] += audio
    torch.testing.assert_close(read_stem(paths, 48000), total, rtol=0, atol=1e-7)


def test_silence_follows_up_to_the_length_asked_for(tmp_path):
    with StemAudio([noise(tmp_path / "a.wav", 1.0)]) as stem:
        audio = np.concatenate(list(stem.blocks(7000, 100_000)), axis=1)
    assert audio.shape == (2, 100_000)
    assert audio[:, :48000].any()
    assert not audio[:, 48000:].any()


def test_files_of_several_rates_are_heard_at_the_highest(tmp_path):
    paths = [noise(tmp_path / "a.wav", 1.0, 44100), noise(tmp_path / "b.wav", 0.5, 48000)]
    with StemAudio(paths) as stem:
        assert (stem.sample_rate_hz, stem.num_samples) == (48000, 48000)
        assert stem.num_samples_at(24000) == 24000


def test_a_stem_in_a_store_is_the_same(tmp_path):
    import fsspec

    path = noise(tmp_path / "a.flac", 1.5)
    with fsspec.open("memory://recordings/a.flac", "wb") as file:
        file.write((tmp_path / "a.flac").read_bytes())  # pyright: ignore
    assert torch.equal(read_stem(["memory://recordings/a.flac"], 48000), read_stem([path], 48000))


def test_a_damaged_file_among_good_ones_is_named(tmp_path):
    good, bad = noise(tmp_path / "good.flac", 12.0), tmp_path / "bad.flac"
    noise(bad, 12.0)
    bad.write_bytes(bad.read_bytes()[: bad.stat().st_size // 2])
    with pytest.raises(InputError, match=r"bad\.flac"):
        read_stem([good, str(bad)], 48000)
