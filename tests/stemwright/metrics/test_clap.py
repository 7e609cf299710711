import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_clap import laion_state, save_toy_clap, toy_clap, toy_tokenizer
from transformers import ClapProcessor

from stemwright.errors import InputError
from stemwright.metrics.clap import HOP_SAMPLES, WINDOW_SAMPLES, Clap, clap_score, log_mel, window_starts


def noise(num_samples: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn((2, num_samples), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy_clap(tmp_path_factory.mktemp("clap"))


@pytest.fixture(scope="module")
def clap(folder: Path) -> Clap:
    return Clap.load(str(folder))


@pytest.mark.parametrize("num_samples", [30_000, 200_000, WINDOW_SAMPLES])
def test_a_window_is_heard_as_the_published_processor_hears_it(
    folder: Path, clap: Clap, num_samples: int
) -> None:
    """It repeats short audio and pads it; at a window's length it has nothing to crop."""
    audio = noise(num_samples)
    inputs = ClapProcessor.from_pretrained(folder)(
        audio=audio.mean(dim=0).numpy(), sampling_rate=48_000, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = toy_clap().get_audio_features(**inputs).pooler_output
    np.testing.assert_allclose(clap.extract(audio)["embeddings"], expected.numpy(), atol=1e-4)


def test_decibels_have_a_floor_so_that_silence_is_finite(clap: Clap) -> None:
    mel = log_mel(torch.zeros((1, WINDOW_SAMPLES)), torch.ones((513, 64)))
    assert mel.shape == (1, 1001, 64)
    assert (mel == -100.0).all()
    embeddings = clap.extract(torch.zeros((2, 48_000)))["embeddings"]
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("num_samples", [WINDOW_SAMPLES, 500_000, 720_000, 1_000_001])
def test_windows_follow_at_a_fixed_hop_and_the_last_ends_with_the_audio(num_samples: int) -> None:
    starts = window_starts(num_samples)
    assert starts[0] == 0
    assert starts[-1] + WINDOW_SAMPLES == num_samples
    steps = np.diff(starts)
    assert (steps[:-1] == HOP_SAMPLES).all()
    assert (steps <= HOP_SAMPLES).all()


def test_long_audio_is_heard_window_by_window_and_twice_the_same(clap: Clap) -> None:
    audio = noise(WINDOW_SAMPLES + HOP_SAMPLES + 1000)
    embeddings = clap.extract(audio)["embeddings"]
    assert embeddings.shape == (3, 512)
    np.testing.assert_array_equal(embeddings, clap.extract(audio)["embeddings"])
    second = clap.extract(audio[:, HOP_SAMPLES : HOP_SAMPLES + WINDOW_SAMPLES])["embeddings"]
    np.testing.assert_allclose(second[0], embeddings[1], atol=1e-5)


@pytest.mark.parametrize("num_samples", [1, 100])
def test_audio_of_any_length_has_an_embedding(clap: Clap, num_samples: int) -> None:
    embeddings = clap.extract(noise(num_samples))["embeddings"]
    assert embeddings.shape == (1, 512)
    assert np.isfinite(embeddings).all()


def test_texts_are_embedded_alike_alone_and_beside_longer_ones(clap: Clap) -> None:
    together = clap.embed_text(["slow blues", "a fast and happy tune, " * 40])
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(clap.embed_text(["slow blues"])[0], together[0], atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4


def test_the_score_is_the_mean_cosine_over_windows() -> None:
    text = np.eye(4, dtype=np.float32)[0]
    audio = np.array([[2, 0, 0, 0], [0, 3, 0, 0], [-1, 0, 0, 0], [1, 1, 0, 0]], dtype=np.float32)
    assert clap_score(audio[:1], text) == pytest.approx(1.0)
    assert clap_score(audio[2:3], text) == pytest.approx(-1.0)
    assert clap_score(audio, text) == pytest.approx((1 + 0 - 1 + 0.5**0.5) / 4)
    assert np.isnan(clap_score(audio[:0], text))


def test_the_published_pickled_file_loads_as_the_safetensors_do(tmp_path: Path, clap: Clap) -> None:
    pickled = Clap.load(str(save_toy_clap(tmp_path, pickled=True)))
    audio = noise(90_000)
    # Not to the last bit: arithmetic depends on where in memory a file's weights come to lie.
    np.testing.assert_allclose(
        pickled.extract(audio)["embeddings"], clap.extract(audio)["embeddings"], atol=1e-6
    )
    assert pickled.fingerprint != clap.fingerprint  # by the file's bytes; a wrong guess would be worse


def test_laions_own_file_loads_to_the_same_embeddings(tmp_path: Path, clap: Clap) -> None:
    toy_tokenizer().save_pretrained(tmp_path)
    state = {f"module.{name}": value for name, value in laion_state(toy_clap()).items()}
    torch.save({"epoch": np.int64(15), "name": "toy", "state_dict": state}, tmp_path / "music.pt")
    laion = Clap.load(str(tmp_path / "music.pt"))
    audio = noise(90_000)
    np.testing.assert_allclose(
        laion.extract(audio)["embeddings"], clap.extract(audio)["embeddings"], atol=1e-6
    )
    np.testing.assert_allclose(laion.embed_text(["blues"]), clap.embed_text(["blues"]), atol=1e-6)


def test_laions_file_without_a_tokenizer_names_it_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stemwright.metrics.clap.cached_snapshot", lambda model: None)
    torch.save({"state_dict": laion_state(toy_clap())}, tmp_path / "music.pt")
    with pytest.raises(InputError, match=r"music\.pt: has no tokenizer\.json beside it; .*hf download"):
        Clap.load(str(tmp_path / "music.pt"))


def test_missing_weights_are_one_line_with_the_files_the_command_and_the_alternative(tmp_path: Path) -> None:
    for weights in (str(tmp_path), "nobody/nothing"):
        with pytest.raises(InputError) as error:
            Clap.load(weights)
        line = str(error.value)
        assert "\n" not in line
        for part in (weights, "hf download", "'tag_agreement'"):
            assert part in line


@pytest.mark.parametrize("path", ["/nowhere", "./none", "clap/music/none.pt"])
def test_a_path_that_is_not_there_is_not_taken_for_a_models_name(path: str) -> None:
    with pytest.raises(InputError, match=f"^{path} is no folder or file with CLAP's weights") as error:
        Clap.load(path)
    assert f"hf download laion/larger_clap_music --local-dir {path}" in str(error.value)


def test_a_file_that_lacks_a_weight_is_refused_and_not_filled_at_random(tmp_path: Path) -> None:
    save_toy_clap(tmp_path, pickled=True)
    state = toy_clap().state_dict()
    del state["audio_projection.linear1.weight"]
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"1 weights of CLAP are missing, audio_projection\.linear1\.weight"):
        Clap.load(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"model_type": "bert"}, "a model of type bert"), ({"enable_fusion": True}, "a fused CLAP")],
)
def test_other_models_are_refused(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    config = json.loads((save_toy_clap(tmp_path) / "config.json").read_text())
    for part in (config, config["audio_config"]):
        part |= {name: value for name, value in change.items() if name in part or name == "enable_fusion"}
    if "model_type" in change:
        config = {"model_type": "bert"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=reason):
        Clap.load(str(tmp_path))


def test_damaged_weights_are_one_clear_line(tmp_path: Path) -> None:
    save_toy_clap(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot be loaded") as error:
        Clap.load(str(tmp_path))
    assert "\n" not in str(error.value)
