import sys
from pathlib import Path

import pytest
import torch
from toy_cocola import write_toy_cocola

from stemwright.audio import write_audio
from stemwright.errors import InputError
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_scoring import ClipScoring, ScoreItem
from stemwright_platform.evaluation.feature_choice import FeatureChoice
from stemwright_platform.evaluation.feature_store import FeatureStore

CLIP = Clip(
    clip="a",
    song="a",
    start_s=0.0,
    duration_s=5.0,
    prompt="",
    tracks=("bass", "drums"),
    tempo_bpm=120.0,
    key="C major",
)


def item(folder: Path, targets: tuple[str, ...], given: tuple[str, ...]) -> ScoreItem:
    sounds = {name: folder / f"{name}.flac" for name in (*targets, *given)}
    sounds = {name: sounds[name] for name in ("bass", "drums", "instrument") if name in sounds}
    return ScoreItem(
        system="model", task="t", clip=CLIP, targets=targets, given=given, sounds=sounds, folder=folder
    )


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    """Noise for a bass and drums, and an instrument through which the drums are heard."""
    generator = torch.Generator().manual_seed(1)
    bass, drums, other = (0.1 * torch.randn(2, 5 * 48_000, generator=generator) for _ in range(3))
    for name, audio in {"bass": bass, "drums": drums, "instrument": other + 0.5 * drums}.items():
        write_audio(tmp_path / f"{name}.flac", audio)
    return tmp_path


def scores(choice: FeatureChoice, of: ScoreItem, folder: Path) -> dict[tuple[str, str], float]:
    [found] = ClipScoring(choice, FeatureStore(folder / "features"))([of])
    return {(score.score, score.part): score.value for score in found}


def test_what_leaks_from_a_given_track_is_told_from_what_does_not(stems: Path) -> None:
    found = scores(FeatureChoice(), item(stems, ("bass", "instrument"), ("drums",)), stems)
    assert found["leakage", "instrument|drums"] > 0.3 > 0.05 > found["leakage", "bass|drums"]
    assert ("leakage", "bass|instrument") not in found


def test_pairs_of_given_tracks_are_not_the_systems_doing(stems: Path) -> None:
    found = scores(FeatureChoice(), item(stems, ("bass",), ("drums", "instrument")), stems)
    assert {part for score, part in found if score == "onset_lock"} == {"bass|drums", "bass|instrument"}
    assert {part for score, part in found if score == "rms_db"} == {"bass"}
    assert ("tempo_adherence", "drums") not in found


def test_drums_have_no_key(stems: Path) -> None:
    found = scores(FeatureChoice(), item(stems, ("bass", "drums"), ()), stems)
    assert not {("key_adherence", "drums"), ("key_agreement", "bass|drums")} & found.keys()


def test_cocola_scores_pairs_where_it_is_named(stems: Path, tmp_path: Path) -> None:
    weights = write_toy_cocola(tmp_path / "code")
    choice = FeatureChoice(cocola=f"{sys.executable}:{tmp_path / 'code'}:{weights}")
    found = scores(choice, item(stems, ("bass", "instrument"), ("drums",)), stems)
    pairs = {part: value for (score, part), value in found.items() if score == "cocola"}
    assert pairs.keys() == {"bass|drums", "bass|instrument", "drums|instrument"}
    assert pairs["drums|instrument"] > 10 * abs(pairs["bass|drums"])


def test_another_form_of_the_option_is_refused() -> None:
    with pytest.raises(InputError, match="write PYTHON:CODE:CHECKPOINT"):
        FeatureChoice(cocola="cocola.ckpt")
