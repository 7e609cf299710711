import shutil
from pathlib import Path

import pytest
from toy_learning import toy_learner

from stemwright import shipped_model
from stemwright.checkpoint import Origin, load_checkpoint, model_folder, save_checkpoint
from stemwright.errors import InputError

ROOT = Path(__file__).parents[2]
MOST_BYTES = 40_000_000


def stand_in(folder: Path) -> Path:
    learner = toy_learner()
    origin = Origin(
        codec="mdct",
        codec_fingerprint="codec",
        text_encoder="hashed",
        text_encoder_fingerprint="hashed-text",
        gains_db=(0.0, 0.0, 0.0, 0.0),
        facts={},
    )
    weights = learner.ema.module.state_dict()
    return save_checkpoint(folder, weights=weights, preset=learner.preset, stats=learner.stats, origin=origin)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in would ship."""
    folder = tmp_path / "weights" / "demo_model"
    monkeypatch.setattr(shipped_model, "shipped_folder", lambda: folder)
    return folder


def test_the_word_stands_for_the_model_of_the_package(folder: Path) -> None:
    stand_in(folder)
    assert model_folder("shipped") == folder
    assert load_checkpoint("shipped").fingerprint == load_checkpoint(folder).fingerprint


def test_a_folder_of_that_name_is_reached_by_its_path(folder: Path, tmp_path: Path) -> None:
    stand_in(folder)
    assert model_folder("./shipped") == Path("shipped")
    assert model_folder(tmp_path / "shipped") == tmp_path / "shipped"


def test_an_installation_without_it_says_what_to_do(folder: Path) -> None:
    assert not shipped_model.is_shipped()
    with pytest.raises(InputError, match="--model"):
        load_checkpoint("shipped")
    stand_in(folder)
    assert shipped_model.is_shipped()
    shutil.rmtree(folder)
    assert not shipped_model.is_shipped()


def test_all_weights_that_ship_stay_small() -> None:
    weights = ROOT / "model" / "stemwright" / "weights"
    sizes = {path.relative_to(weights): path.stat().st_size for path in weights.rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_it_lies_where_the_package_is() -> None:
    assert shipped_model.shipped_folder().parent.parent.name == "stemwright"
    assert shipped_model.shipped_folder().parent.is_dir()
