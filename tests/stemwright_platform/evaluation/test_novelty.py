from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from stemwright.audio import write_audio
from stemwright.metrics.feature import Arrays
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_scoring import ScoreItem
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.novelty import Novelty
from stemwright_platform.evaluation.sound_group import sound_groups

CLIP = Clip(clip="a", song="a", start_s=0, duration_s=1, prompt="", tracks=(), tempo_bpm=None, key=None)


class Bands:
    """An embedding of three patches: the level in eight bands."""

    name, fingerprint, sample_rate_hz = "bands", "1", 48_000

    def __init__(self) -> None:
        self.calls = 0

    def extract(self, audio: Tensor) -> Arrays:
        self.calls += 1
        power = torch.fft.rfft(audio.mean(0).unflatten(0, (3, -1)), dim=1).abs().log1p()
        return {"embeddings": torch.stack([part.mean(1) for part in power.chunk(8, 1)], 1).numpy()}


def sound(seed: int) -> Tensor:
    """Noise of a colour of its own."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((2, 14_400)))
    spectrum *= np.repeat(rng.uniform(0.1, 1, 25), 289)[: spectrum.shape[1]]
    return torch.from_numpy(0.1 * np.fft.irfft(spectrum).astype(np.float32))


@pytest.fixture
def hearing(tmp_path: Path) -> Hearing:
    return Hearing([Bands()], FeatureStore(tmp_path / "features"))


def item(folder: Path, system: str, number: int, audio: Tensor) -> ScoreItem:
    path = folder / f"{system}-{number}.flac"
    write_audio(path, audio)
    return ScoreItem(
        system=system,
        task="joint",
        clip=replace(CLIP, clip=str(number)),
        targets=(),
        given=(),
        sounds={"mix": path},
        folder=folder,
    )


def novelty_of(hearing: Hearing) -> Novelty:
    songs = [replace(CLIP, song=f"song{number}") for number in range(12)]
    heard = [{("bands", "mix"): hearing.of_samples(sound(number))["bands"]} for number in range(12)]
    return Novelty(hearing, songs, heard)


def test_a_copy_of_a_training_song_is_found_and_new_music_is_not(hearing: Hearing, tmp_path: Path) -> None:
    items = [item(tmp_path, "real", number, sound(100 + number)) for number in range(8)]
    items += [item(tmp_path, "copier", number, sound(number)) for number in range(4)]
    items += [item(tmp_path, "model", number, sound(200 + number)) for number in range(4)]
    rows = {row.system: row for row in novelty_of(hearing).copies(sound_groups(items), "real")}
    assert rows["copier"].value == 1.0
    assert rows["model"].value < 0.5
    assert "12 training songs" in rows["model"].note


def test_takes_that_are_the_same_have_no_spread(hearing: Hearing, tmp_path: Path) -> None:
    paths = [item(tmp_path, "model", number, sound(300 + number)).sounds["mix"] for number in range(4)]
    novelty = novelty_of(hearing)
    [same] = novelty.spread([[paths[0], paths[0]], [paths[1], paths[1]]])
    [apart] = novelty.spread([[paths[0], paths[1]], [paths[2], paths[3]]])
    assert same.value == pytest.approx(0, abs=1e-6)
    assert apart.value > 0.1
    assert novelty.spread([[paths[0], paths[1]]]) == []
