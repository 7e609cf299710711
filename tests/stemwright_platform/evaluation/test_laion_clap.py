import pickle
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from stemwright.errors import InputError
from stemwright.metrics.clap import clap_score, windows
from stemwright_platform.evaluation import laion_clap
from stemwright_platform.evaluation.external_scorer import scorer_script
from stemwright_platform.evaluation.laion_clap import LaionClap

PACKAGE = """
print("a package that talks while it is imported")
import numpy, torch

class CLAP_Module(torch.nn.Module):
    def __init__(self, enable_fusion=False, device=None, amodel="HTSAT-tiny"):
        super().__init__()
        assert not enable_fusion
        print("and while it is built:", amodel)
        self.model = torch.nn.Module()
        self.model.audio_branch = torch.nn.Module()
        self.model.audio_branch.patch_embed = torch.nn.Module()
        width = {"HTSAT-base": 128, "HTSAT-tiny": 96}[amodel]
        self.model.audio_branch.patch_embed.proj = torch.nn.Conv2d(1, width, 4)

    def get_audio_embedding_from_data(self, x, use_tensor=False):
        assert x.dtype == numpy.float32 and x.shape[1] == 480000, x.shape
        bias = self.model.audio_branch.patch_embed.proj.bias.sum().item()
        found = numpy.zeros((len(x), 512), dtype=numpy.float32)
        found[:, 0], found[:, 1] = x[:, 0], bias
        return found

    def get_text_embedding(self, x, use_tensor=False):
        assert len(x) > 1
        return numpy.eye(512, dtype=numpy.float32)[[len(text) for text in x]]
"""


def save_weights(path: Path, width: int = 128, bias: float = 0.25) -> Path:
    state = {
        "module.audio_branch.patch_embed.proj.weight": torch.zeros(width, 1, 4, 4),
        "module.audio_branch.patch_embed.proj.bias": torch.full((width,), bias),
        "module.text_branch.embeddings.position_ids": torch.arange(3),
    }
    torch.save({"state_dict": state, "epoch": np.int64(15)}, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laion")


@pytest.fixture(scope="module")
def clap(folder: Path) -> Iterator[LaionClap]:
    """The real script beside a stand-in of the package."""
    scripts = folder / "scripts"
    shutil.copytree(scorer_script("answering.py").parent, scripts)
    (scripts / "laion_clap.py").write_text(PACKAGE)
    facts = scripts / "laion_clap-1.1.7.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: laion-clap\nVersion: 1.1.7\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laion_clap, "scorer_script", lambda name: scripts / name)
        feature = LaionClap(sys.executable, str(save_weights(folder / "music.pt")))
        yield feature
        feature.close()


def test_windows_reach_the_package_and_embeddings_come_back(clap: LaionClap) -> None:
    audio = torch.rand((2, 1_100_000)) - 0.5
    embeddings = clap.extract(audio)["embeddings"]
    first_samples = torch.cat(list(windows(audio)))[:, 0].numpy()
    assert embeddings.shape == (len(first_samples), 512)
    np.testing.assert_allclose(embeddings[:, 0], first_samples, atol=1e-6)
    np.testing.assert_allclose(embeddings[:, 1], 128 * 0.25)


@pytest.mark.parametrize("texts", [["abc"], ["abc", "abcd"]])
def test_words_reach_the_package(clap: LaionClap, texts: list[str]) -> None:
    embeddings = clap.embed_text(texts)
    assert embeddings.argmax(axis=1).tolist() == [len(text) for text in texts]
    assert clap_score(embeddings[:1], embeddings[0]) == pytest.approx(1.0)


def test_the_fingerprint_is_of_the_weights_whose_sizes_choose_the_network(
    folder: Path, clap: LaionClap
) -> None:
    other = LaionClap(sys.executable, str(save_weights(folder / "tiny.pt", width=96)))
    try:
        assert other.fingerprint != clap.fingerprint
        np.testing.assert_allclose(other.extract(torch.zeros(2, 100))["embeddings"][0, 1], 96 * 0.25)
    finally:
        other.close()


def test_a_copy_travels_without_the_process(clap: LaionClap) -> None:
    copy = pickle.loads(pickle.dumps(clap))
    try:
        assert copy.fingerprint == clap.fingerprint
    finally:
        copy.close()


def test_weights_that_are_missing_are_told_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"music_audioset_epoch_15_esc_90\.14\.pt; fetch it with `hf download .* --local-dir /",
    ):
        LaionClap(sys.executable, str(tmp_path))


def test_a_package_that_is_not_installed_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laion_clap, "scorer_script", scorer_script)
    feature = LaionClap(sys.executable, str(save_weights(tmp_path / "music.pt")))
    with pytest.raises(
        InputError, match=r"laion-clap .* \(ModuleNotFoundError: No module named 'laion_clap'\)"
    ):
        _ = feature.fingerprint
    feature.close()
