from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from stemwright.audio import write_audio
from stemwright.metrics.feature import Arrays
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing


class Loudest:
    """A feature that counts how often it is asked."""

    name = "loudest"

    def __init__(self, fingerprint: str = "1", sample_rate_hz: int = 48_000) -> None:
        self.fingerprint, self.sample_rate_hz = fingerprint, sample_rate_hz
        self.lengths: list[int] = []

    def extract(self, audio: Tensor) -> Arrays:
        self.lengths.append(audio.shape[1])
        return {"peak": audio.abs().amax(1).numpy(), "none": np.zeros((0, 3), np.float32)}


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "a.flac"
    write_audio(path, 0.25 * torch.ones(2, 4800))
    return path


def test_a_sound_is_heard_once_under_any_name(sound: Path, tmp_path: Path) -> None:
    feature, store = Loudest(), FeatureStore(tmp_path / "features")
    first = Hearing([feature], store)(sound)
    copy = tmp_path / "copy.flac"
    copy.write_bytes(sound.read_bytes())
    again = Hearing([feature], store)(copy)
    assert feature.lengths == [4800]
    for name, array in first["loudest"].items():
        np.testing.assert_array_equal(array, again["loudest"][name])
    assert again["loudest"]["none"].shape == (0, 3)


def test_other_sounds_and_other_settings_are_heard_anew(sound: Path, tmp_path: Path) -> None:
    feature, changed, store = Loudest(), Loudest("2"), FeatureStore(tmp_path / "features")
    Hearing([feature], store)(sound)
    write_audio(sound, 0.5 * torch.ones(2, 4800))
    assert Hearing([feature], store)(sound)["loudest"]["peak"][0] == pytest.approx(0.5, abs=1e-4)
    Hearing([changed], store)(sound)
    assert (len(feature.lengths), len(changed.lengths)) == (2, 1)


def test_every_feature_gets_its_own_rate(sound: Path, tmp_path: Path) -> None:
    features = [Loudest("a", 16_000), Loudest("b", 24_000), Loudest("c", 16_000)]
    Hearing(features, FeatureStore(tmp_path / "features"))(sound)
    assert [feature.lengths for feature in features] == [[1600], [2400], [1600]]


def test_samples_in_memory_are_kept_by_content_too(tmp_path: Path) -> None:
    feature = Loudest()
    hearing = Hearing([feature], FeatureStore(tmp_path / "features"))
    audio = torch.rand(2, 1000)
    hearing.of_samples(audio)
    hearing.of_samples(audio.clone())
    hearing.of_samples(audio * 0.5)
    assert len(feature.lengths) == 2


def test_a_broken_file_is_as_good_as_none(sound: Path, tmp_path: Path) -> None:
    feature, folder = Loudest(), tmp_path / "features"
    hearing = Hearing([feature], FeatureStore(folder))
    hearing(sound)
    kept = next(folder.rglob("*.safetensors"))
    kept.write_bytes(kept.read_bytes()[:40])
    assert hearing(sound)["loudest"]["peak"][0] == pytest.approx(0.25, abs=1e-4)
    assert len(feature.lengths) == 2
