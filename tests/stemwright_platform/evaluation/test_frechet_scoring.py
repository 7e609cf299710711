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
from stemwright_platform.evaluation.frechet_scoring import FrechetScoring
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.reference_set import ReferenceSet
from stemwright_platform.evaluation.sound_group import sound_groups

CLIP = Clip(clip="a", song="a", start_s=0, duration_s=1, prompt="", tracks=(), tempo_bpm=None, key=None)


class Moments:
    """An embedding of ten patches: mean, level and peak."""

    name, fingerprint, sample_rate_hz = "moments", "1", 48_000

    def extract(self, audio: Tensor) -> Arrays:
        patches = audio.mean(0).unflatten(0, (10, -1))
        found = torch.stack([patches.mean(1), patches.std(1), patches.abs().amax(1)], 1)
        return {"embeddings": 100 * found.numpy()}


@pytest.fixture
def hearing(tmp_path: Path) -> Hearing:
    return Hearing([Moments()], FeatureStore(tmp_path / "features"))


def item(folder: Path, system: str, number: int, level: float) -> ScoreItem:
    path = folder / f"{system}-{number}.flac"
    noise = np.random.default_rng([number, len(system)]).standard_normal((2, 4800))
    write_audio(path, torch.from_numpy(level * noise.astype(np.float32)))
    clip = replace(CLIP, clip=str(number))
    sounds = {"bass": path, "drums": path, "mix": path}
    return ScoreItem(
        system=system,
        task="joint",
        clip=clip,
        targets=("bass",),
        given=("drums",),
        sounds=sounds,
        folder=folder,
    )


def test_targets_and_mixes_are_judged_and_given_tracks_are_not(tmp_path: Path) -> None:
    groups = sound_groups([item(tmp_path, "model", number, 0.1) for number in range(3)])
    assert {(group.part, len(group.paths)) for group in groups} == {("bass", 3), ("mix", 3)}


def test_the_nearer_set_has_the_smaller_distance_and_the_same_sounds_the_same(
    hearing: Hearing, tmp_path: Path
) -> None:
    real = [item(tmp_path, "real", number, 0.1) for number in range(6)]
    near = [item(tmp_path, "near", number, 0.12) for number in range(6)]
    far = [item(tmp_path, "far", number, 0.02) for number in range(6)]
    again = [replace(each, task="again") for each in near]
    heard = ({("moments", "bass"): hearing(each.sounds["bass"])["moments"]} for each in real)
    scoring = FrechetScoring(hearing, ReferenceSet.of(heard))
    rows = {(r.system, r.task): r for r in scoring.rows(sound_groups([*real, *near, *far, *again]))}
    assert rows["real", "joint"].value == pytest.approx(0, abs=1e-6)
    assert rows["near", "joint"].value < rows["far", "joint"].value
    assert replace(rows["near", "again"], task="joint") == rows["near", "joint"]
    assert {row.part for row in rows.values()} == {"bass"}
    assert "reference of 6 clips" in rows["far", "joint"].note
