import pickle
import tracemalloc

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from stemwright.errors import InputError
from stemwright.metrics.feature import Feature
from stemwright.metrics.musicnn import PATCH_FRAMES, SAMPLE_RATE_HZ, TAGS, Musicnn, log_mel, patch_starts

FEATURE = Musicnn()


def noise(num_samples: int, seed: int = 0) -> Tensor:
    """Stereo whose sides differ, with level and colour that move."""
    audio = torch.randn(2, num_samples, generator=torch.Generator().manual_seed(seed))
    level = 0.1 + 0.1 * torch.sin(torch.arange(num_samples) / 3000)
    return 0.3 * audio.cumsum(1).diff(n=1, prepend=torch.zeros(2, 1)) * level


@pytest.mark.parametrize("num_samples", [4_000, 16_000, 50_001])
def test_the_mel_spectrogram_is_librosas(num_samples: int) -> None:
    mono = noise(num_samples).mean(0)
    theirs = librosa.feature.melspectrogram(
        y=mono.numpy(), sr=SAMPLE_RATE_HZ, n_fft=512, hop_length=256, n_mels=96
    )
    ours = log_mel(torch.nn.functional.pad(mono, (256, 256)))
    np.testing.assert_allclose(ours.T, np.log10(10_000 * theirs + 1), atol=2e-4)


def test_it_is_a_feature_that_can_be_sent_to_an_actor() -> None:
    feature: Feature = pickle.loads(pickle.dumps(FEATURE))
    audio = noise(20_000)
    np.testing.assert_array_equal(feature.extract(audio)["embeddings"], FEATURE.extract(audio)["embeddings"])
    assert (feature.name, feature.fingerprint) == (FEATURE.name, FEATURE.fingerprint)


def test_fingerprints_tell_variants_and_hops_apart() -> None:
    made = [Musicnn(), Musicnn("msd"), Musicnn(patch_hop_s=1.0), Musicnn("msd", patch_hop_s=1.0)]
    assert len({feature.fingerprint for feature in made}) == 4
    assert [feature.name for feature in made[:2]] == ["musicnn", "musicnn-msd"]


@pytest.mark.parametrize(
    ("variant", "hop_s"), [("vgg", 3.0), ("mtt", 0.0), ("mtt", 4.0), ("mtt", float("nan"))]
)
def test_a_wrong_setting_is_named(variant: str, hop_s: float) -> None:
    with pytest.raises(InputError, match=r"'vgg'|patch_hop_s"):
        Musicnn(variant, patch_hop_s=hop_s)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("num_samples", [1, 255, 256, 47_615, 47_616, 47_872, 150_000])
def test_any_length_is_answered_and_silence_too(num_samples: int) -> None:
    for audio in (noise(num_samples), torch.zeros(2, num_samples)):
        found = FEATURE.extract(audio)
        patches = len(patch_starts(1 + num_samples // 256))
        assert found["embeddings"].shape == (patches, 200)
        assert found["tags"].shape == (patches, len(TAGS["mtt"])) == (patches, 50)
        assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in found.values())
        assert 0 <= found["tags"].min() <= found["tags"].max() <= 1


@pytest.mark.parametrize("hop", [1, 60, PATCH_FRAMES])
def test_patches_cover_the_signal_to_its_last_frame_in_even_steps(hop: int) -> None:
    for num_frames in (1, 186, 187, 188, 374, 375, 1000, 1871):
        starts = patch_starts(num_frames, hop)
        assert starts[0] == 0
        assert starts[-1] + PATCH_FRAMES == max(num_frames, PATCH_FRAMES)
        steps = np.diff(starts)
        assert len(steps) == 0 or (steps.max() <= hop and steps.max() - steps.min() <= 1)


def test_what_sounds_in_the_last_half_second_alone_is_heard() -> None:
    silent = torch.zeros(2, 10 * SAMPLE_RATE_HZ)
    late = silent.clone()
    late[:, -SAMPLE_RATE_HZ // 2 :] = noise(SAMPLE_RATE_HZ // 2)
    difference = np.abs(FEATURE.extract(late)["embeddings"] - FEATURE.extract(silent)["embeddings"]).max(1)
    assert difference[-1] > 0.1
    assert difference[0] == 0


def test_a_short_signal_is_heard_as_if_repeated() -> None:
    frames = 60  # of which the repetition in time has the same but at the seams
    short = noise(frames * 256)
    repeated = short.repeat(1, 4)[:, : PATCH_FRAMES * 256 - 256]
    near, far = (FEATURE.extract(audio)["embeddings"] for audio in (repeated, 0.05 * noise(48_000, seed=5)))
    found = FEATURE.extract(short)["embeddings"]
    assert np.linalg.norm(found - near) < 0.3 * np.linalg.norm(found - far)


def test_a_patch_is_the_same_wherever_it_lies() -> None:
    audio = noise(3 * PATCH_FRAMES * 256)
    whole = FEATURE.extract(audio)["embeddings"]
    starts = patch_starts(1 + audio.shape[1] // 256)
    cut = audio[:, starts[1] * 256 : (starts[1] + PATCH_FRAMES - 1) * 256]
    alone = FEATURE.extract(cut)["embeddings"]  # but for the half windows at its ends
    np.testing.assert_allclose(alone[0], whole[1], atol=0.1)


def test_no_audio_is_refused() -> None:
    with pytest.raises(ValueError, match="no audio"):
        FEATURE.extract(torch.zeros(2, 0))


def test_what_numpy_and_python_keep_does_not_grow_with_the_number_of_signals() -> None:
    audio = noise(16_000)
    FEATURE.extract(audio)
    tracemalloc.start()
    FEATURE.extract(audio)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(5):
        FEATURE.extract(audio)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000
