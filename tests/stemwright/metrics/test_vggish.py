from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.errors import InputError
from stemwright.metrics.vggish import PATCH_SAMPLES, Vggish, VggishNetwork, log_mel_patches

PATCH_S = 0.96


def noise(num_samples: int, seed: int = 0, level: float = 0.1) -> Tensor:
    return level * torch.randn((2, num_samples), generator=torch.Generator().manual_seed(seed))


def log_mel_by_definition(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The published front end, bin by bin and band by band: frames `[F, 64]`."""
    window = np.array([0.5 - 0.5 * np.cos(2 * np.pi * place / 400) for place in range(400)])
    count = 1 + (len(samples) - 400) // 160
    frames = np.stack([samples[start * 160 : start * 160 + 400] * window for start in range(count)])
    magnitude = np.abs(np.fft.rfft(frames, 512))
    mel = 1127.0 * np.log(1.0 + np.arange(257) * 8000.0 / 256 / 700.0)
    edges = np.linspace(1127.0 * np.log(1 + 125 / 700), 1127.0 * np.log(1 + 7500 / 700), 66)
    weights = np.zeros((257, 64))
    for band in range(64):
        lower, centre, upper = edges[band : band + 3]
        for place in range(1, 257):
            rise = (mel[place] - lower) / (centre - lower)
            fall = (upper - mel[place]) / (upper - centre)
            weights[place, band] = max(0.0, min(rise, fall))
    return np.log(magnitude @ weights + 0.01)


def published_weights() -> dict[str, Tensor]:
    """Weights of the published shapes and names, each expanded from one row: they cost nothing to save."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in VggishNetwork().state_dict().items()}
    draw = torch.Generator().manual_seed(1)
    return {
        name: (torch.randn(shape[:1], generator=draw) / max(1, shape[1:].numel()))
        .reshape(-1, *[1] * (len(shape) - 1))
        .expand(shape)
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def vggish() -> Vggish:
    return Vggish.random(0, width=4)


def test_the_front_end_is_the_published_formula() -> None:
    mono = noise(2 * PATCH_SAMPLES)[0]
    patches = log_mel_patches(mono).flatten(0, 1)
    expected = log_mel_by_definition(mono.double().numpy())[: len(patches)]
    np.testing.assert_allclose(patches.numpy(), expected, atol=2e-4)


def test_patches_follow_one_another_without_overlap() -> None:
    mono = noise(4 * 15360 + 240)[0]
    together = log_mel_patches(mono)
    assert len(together) == 4
    for place, patch in enumerate(together):
        alone = log_mel_patches(mono[place * 15360 : place * 15360 + PATCH_SAMPLES])
        torch.testing.assert_close(alone[0], patch)


@pytest.mark.parametrize(
    ("num_samples", "num_patches"), [(1, 1), (399, 1), (15600, 1), (30959, 1), (30960, 2)]
)
def test_every_whole_patch_is_embedded_and_at_least_one(
    vggish: Vggish, num_samples: int, num_patches: int
) -> None:
    embeddings = vggish.extract(noise(num_samples))["embeddings"]
    assert embeddings.shape == (num_patches, 128)
    assert embeddings.dtype == np.float32
    assert np.isfinite(embeddings).all()


def test_short_audio_is_heard_with_silence_behind_it(vggish: Vggish) -> None:
    short = noise(9000)
    padded = torch.nn.functional.pad(short, (0, PATCH_SAMPLES - 9000))
    np.testing.assert_array_equal(vggish.extract(short)["embeddings"], vggish.extract(padded)["embeddings"])


def test_silence_has_one_embedding_and_sound_another(vggish: Vggish) -> None:
    silence = vggish.extract(torch.zeros((2, 3 * PATCH_SAMPLES)))["embeddings"]
    np.testing.assert_allclose(silence, np.broadcast_to(silence[0], silence.shape), atol=1e-6)
    assert np.abs(vggish.extract(noise(PATCH_SAMPLES))["embeddings"][0] - silence[0]).max() > 1e-3


def test_the_embedding_is_taken_before_its_activation(vggish: Vggish) -> None:
    assert (vggish.extract(noise(10 * PATCH_SAMPLES))["embeddings"] < 0).any()


def test_the_same_audio_gives_the_same_embedding_in_any_company(vggish: Vggish) -> None:
    audio = noise(40 * 15360 + 240)
    together = vggish.extract(audio)["embeddings"]
    np.testing.assert_array_equal(together, vggish.extract(audio)["embeddings"])
    alone = vggish.extract(audio[:, 35 * 15360 : 35 * 15360 + PATCH_SAMPLES])["embeddings"]
    np.testing.assert_allclose(alone[0], together[35], atol=1e-5)


def test_stereo_is_heard_as_its_mean(vggish: Vggish) -> None:
    audio = noise(PATCH_SAMPLES)
    mono = audio.mean(dim=0).expand(2, -1)
    np.testing.assert_allclose(
        vggish.extract(audio)["embeddings"], vggish.extract(mono)["embeddings"], atol=1e-6
    )


def test_the_published_file_loads_from_a_folder_and_as_a_file_and_computes_by_its_weights(
    tmp_path: Path,
) -> None:
    state = published_weights()
    assert {name.split(".")[0] for name in state} == {"features", "embeddings"}
    assert state["embeddings.0.weight"].shape == (4096, 12288)
    assert [name for name in state if name.endswith("weight")] == [
        *(f"features.{place}.weight" for place in (0, 3, 6, 8, 11, 13)),
        *(f"embeddings.{place}.weight" for place in (0, 2, 4)),
    ]
    path = tmp_path / "vggish.pth"
    torch.save(state, path)
    loaded = Vggish.load(str(path))
    network = VggishNetwork()
    network.load_state_dict(state)
    audio = noise(PATCH_SAMPLES)
    with torch.inference_mode():
        expected = network(log_mel_patches(audio.mean(dim=0))[:, None]).numpy()
    np.testing.assert_allclose(loaded.extract(audio)["embeddings"], expected, rtol=1e-4, atol=1e-5)
    path.rename(tmp_path / "vggish-10086976.pth")
    with pytest.raises(InputError, match="SHA-256 does not begin with 10086976"):
        Vggish.load(str(tmp_path))


def test_safetensors_of_the_same_names_load_too(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    half = {name: value.bfloat16().contiguous() for name, value in published_weights().items()}
    save_file(half, tmp_path / "vggish.safetensors")
    embeddings = Vggish.load(str(tmp_path / "vggish.safetensors")).extract(noise(100))["embeddings"]
    assert embeddings.shape == (1, 128)
    assert np.abs(embeddings).max() > 0


def test_other_weights_make_another_fingerprint_and_the_same_the_same() -> None:
    prints = [Vggish.random(seed, width=2).fingerprint for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]


def test_missing_weights_are_one_line_with_the_file_the_command_and_the_alternative(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        Vggish.load(str(tmp_path))
    line = str(error.value)
    assert "\n" not in line
    for part in (str(tmp_path), "vggish-10086976.pth", f"--output-dir {tmp_path} -O https://", "'musicnn'"):
        assert part in line


def test_without_a_folder_pytorchs_cache_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"vggish-10086976\.pth is not in .*checkpoints; fetch it with"):
        Vggish.load()
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "vggish-10086976.pth").write_bytes(b"damaged")
    with pytest.raises(InputError, match="is damaged"):
        Vggish.load()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(VggishNetwork(2).state_dict(), tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth: is not VGGish's weights; fetch them with"):
        Vggish.load(str(tmp_path / "other.pth"))
