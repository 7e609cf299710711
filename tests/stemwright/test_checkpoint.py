import errno
import json
from pathlib import Path

import pytest
import torch
from toy_learning import toy_batch, toy_learner

import stemwright.checkpoint
from stemwright.checkpoint import (
    Origin,
    damage,
    load_checkpoint,
    load_training_state,
    publish_checkpoint,
    save_checkpoint,
    with_sampling,
)
from stemwright.errors import InputError
from stemwright.learner import Learner
from stemwright.mdct_codec import MdctCodec

ORIGIN = Origin(
    codec="mdct",
    codec_fingerprint="codec-of-the-data",
    text_encoder="hashed",
    text_encoder_fingerprint="hashed-text",
    gains_db=(1.0, 2.0, 3.0, 4.0),
    facts={"steps": 2, "licences": {"CC0": 3}},
)


@pytest.fixture
def learner() -> Learner:
    learner = toy_learner()
    learner.step(toy_batch(0))
    learner.step(toy_batch(1))
    return learner


def save(learner: Learner, folder: Path) -> Path:
    return save_checkpoint(
        folder,
        weights=learner.ema.module.state_dict(),
        preset=learner.preset,
        stats=learner.stats,
        origin=ORIGIN,
        training_state=learner.state(),
    )


def test_a_checkpoint_comes_back_as_it_was(learner: Learner, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(save(learner, tmp_path / "model"))
    assert checkpoint.preset == learner.preset
    assert checkpoint.origin == ORIGIN
    assert torch.equal(checkpoint.stats.std, learner.stats.std)
    torch.testing.assert_close(checkpoint.schedule.alpha_bar, learner.schedule.alpha_bar)
    z, t = torch.randn(1, 4, 6, 16), torch.full((1, 4), 300)
    text = learner.text_encoder(["a"])
    assert torch.equal(checkpoint.model(z, t, text), learner.ema.module(z, t, text))
    for name, value in load_training_state(tmp_path / "model").items():
        assert torch.equal(value, learner.state()[name])


def test_the_fingerprint_changes_with_the_weights_and_with_nothing_else(
    learner: Learner, tmp_path: Path
) -> None:
    first = load_checkpoint(save(learner, tmp_path / "a")).fingerprint
    assert load_checkpoint(save(learner, tmp_path / "b")).fingerprint == first
    learner.step(toy_batch(2))
    assert load_checkpoint(save(learner, tmp_path / "c")).fingerprint != first


def test_nothing_in_the_folder_is_pickled(learner: Learner, tmp_path: Path) -> None:
    names = {path.name for path in save(learner, tmp_path / "model").iterdir()}
    assert names == {
        "checkpoint.json",
        "model.safetensors",
        "stats.safetensors",
        "training.safetensors",
        "files.json",
        "README.md",
    }


def test_a_full_disk_leaves_the_older_checkpoint_whole(
    learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_checkpoint(save(learner, tmp_path / "model")).fingerprint
    learner.step(toy_batch(2))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stemwright.checkpoint, "model_card", full)
    with pytest.raises(OSError, match="No space left"):
        save(learner, tmp_path / "model")
    assert load_checkpoint(tmp_path / "model").fingerprint == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("broken", ["checkpoint.json", "model.safetensors", "stats.safetensors"])
def test_a_broken_checkpoint_is_named(learner: Learner, tmp_path: Path, broken: str) -> None:
    folder = save(learner, tmp_path / "model")
    (folder / broken).write_bytes((folder / broken).read_bytes()[:20])
    with pytest.raises(InputError, match="model"):
        load_checkpoint(folder)


def test_weights_of_which_one_bit_has_flipped_are_not_loaded(learner: Learner, tmp_path: Path) -> None:
    weights = save(learner, tmp_path / "model") / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors is not as it was written"):
        load_checkpoint(tmp_path / "model")


def test_a_published_model_is_the_checkpoint_without_its_training_state(
    learner: Learner, tmp_path: Path
) -> None:
    checkpoint = save(learner, tmp_path / "step-2")
    model = publish_checkpoint(checkpoint, tmp_path / "model")
    assert load_checkpoint(model).fingerprint == load_checkpoint(checkpoint).fingerprint
    assert damage(model) is None
    with pytest.raises(InputError, match="published model"):
        load_training_state(model)


def test_a_model_published_in_half_precision_takes_half_the_space_and_sounds_the_same(
    learner: Learner, tmp_path: Path
) -> None:
    checkpoint = save(learner, tmp_path / "step-2")
    model = publish_checkpoint(checkpoint, tmp_path / "model", half=True)
    small, whole = ((folder / "model.safetensors").stat().st_size for folder in (model, checkpoint))
    assert small < 0.6 * whole
    assert damage(model) is None
    loaded, exact = load_checkpoint(model), load_checkpoint(checkpoint)
    assert {value.dtype for value in loaded.model.parameters()} == {torch.float32}
    assert loaded.origin.facts["weights"].startswith("float16, changed by 0.0")
    z, t = torch.randn(1, 4, 6, 16), torch.full((1, 4), 300)
    text = learner.text_encoder(["a"])
    torch.testing.assert_close(loaded.model(z, t, text), exact.model(z, t, text), rtol=0, atol=5e-3)


def test_facts_and_pictures_of_a_published_model_stand_in_its_card(learner: Learner, tmp_path: Path) -> None:
    (tmp_path / "curves.png").write_bytes(b"picture")
    checkpoint = save(learner, tmp_path / "step-2")
    facts = {"hardware": "two cores", "curves": "curves.png"}
    model = publish_checkpoint(
        checkpoint, tmp_path / "model", facts=facts, pictures=[tmp_path / "curves.png"]
    )
    card = (model / "README.md").read_text()
    assert "| hardware | two cores |" in card
    assert "(curves.png)" in card
    assert (model / "curves.png").read_bytes() == b"picture"
    assert load_checkpoint(model).origin.facts["steps"] == 2
    assert "two cores" not in (checkpoint / "README.md").read_text()


def test_a_folder_that_is_no_checkpoint_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stemwright train"):
        load_checkpoint(tmp_path)


def test_another_format_version_is_refused(learner: Learner, tmp_path: Path) -> None:
    folder = save(learner, tmp_path / "model")
    config = json.loads((folder / "checkpoint.json").read_text())
    (folder / "checkpoint.json").write_text(json.dumps({**config, "format_version": 99}))
    with pytest.raises(InputError, match="99"):
        load_checkpoint(folder)


def test_a_codec_or_text_encoder_of_another_kind_is_refused(learner: Learner, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(save(learner, tmp_path / "model"))
    with pytest.raises(InputError, match="codec"):
        checkpoint.check_codec(MdctCodec())
    other = learner.text_encoder
    checkpoint.check_text_encoder(other)
    other.fingerprint = "another"
    with pytest.raises(InputError, match="text encoder"):
        checkpoint.check_text_encoder(other)


def test_a_sweep_can_change_the_default_guidance_scale(learner: Learner, tmp_path: Path) -> None:
    folder = save(learner, tmp_path / "model")
    with_sampling(folder, guidance_scale=2.5)
    changed = load_checkpoint(folder)
    assert changed.sampling.guidance_scale == 2.5
    assert changed.sampling.num_steps == learner.preset.sampling.num_steps
