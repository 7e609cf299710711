from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_learning import HashedText, toy_batch, toy_preset

from stemwright.checkpoint import load_checkpoint
from stemwright.errors import InputError
from stemwright.presets import Preset
from stemwright.tracks import Tracks
from stemwright.train_locally import train_locally
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright.warm_start import WarmStart, fine_tuning_preset

SIX = Tracks(names=("drums", "strings", "bass", "melody", "voice", "instrument"), prompt_names=("a",) * 6)


@pytest.fixture
def data(make_latents: Callable[..., Path]) -> Path:
    return make_latents({"a": 200, "b": 200, "c": 100}, held_out=["c"])


@pytest.fixture
def base(data: Path, tmp_path: Path) -> Path:
    """A model that has learned a little."""
    preset = toy_preset(windows_s=(0.4,), batch_size=2, learning_rate=3e-3, ema_decay=0.5)
    folder = train_locally(
        preset, data, tmp_path / "base", steps=30, text_encoder=HashedText(), validation_windows=2
    )
    return folder.model


def plan_of(base: Path, data: Path, preset: Preset | None = None, **training: object) -> TrainingPlan:
    own = load_checkpoint(base)
    preset = preset or fine_tuning_preset(own.preset, own.tracks)
    preset = replace(preset, training=replace(preset.training, **training))  # pyright: ignore[reportArgumentType]
    return TrainingPlan(preset=preset, data=str(data), steps=6, start=str(base))


def test_a_run_begins_with_the_model_and_goes_on_to_another(base: Path, data: Path, tmp_path: Path) -> None:
    run = TrainingRun.of(plan_of(base, data), text_encoder=HashedText())
    own = load_checkpoint(base)
    for name, value in own.model.state_dict().items():
        assert torch.equal(run.learner.averaged_weights()[name], value), name
    for step in range(3):
        run.learner.step(run.windows.batch(step))
    made = load_checkpoint(run.save(tmp_path / "made", resumable=True))
    assert not torch.equal(made.model.mid_in.conv_in.linear.weight, own.model.mid_in.conv_in.linear.weight)
    assert torch.equal(made.stats.mean, own.stats.mean)
    told = made.origin.facts["started_from"]
    assert told == {"name": "tiny", "fingerprint": own.fingerprint[:12], "licences": {"CC0-1.0": 3}}
    again = TrainingRun.of(plan_of(base, data), text_encoder=HashedText())
    again.resume(tmp_path / "made")
    assert again.learner.step(run.windows.batch(3)) == run.learner.step(run.windows.batch(3))


def test_it_hears_the_latents_as_the_model_did(base: Path, make_latents: Callable[..., Path]) -> None:
    other = make_latents({"other": 300}, name="other")
    run = TrainingRun.of(plan_of(base, other), text_encoder=HashedText())
    assert torch.equal(run.learner.stats.std, load_checkpoint(base).stats.std)
    assert not torch.equal(run.learner.stats.std, run.data.stats().std)


def test_known_tracks_keep_their_statistics_and_new_ones_have_the_datas(base: Path) -> None:
    start = WarmStart.of(base)
    of_data = replace(start.base.stats, mean=torch.full((6, 6), 7.0), std=torch.full((6, 6), 8.0))
    made = start.stats(SIX, of_data)
    assert (made.mean[[1, 4]] == 7).all()
    assert torch.equal(made.std[[0, 2, 3, 5]], start.base.stats.std[[1, 0, 3, 2]])


def test_lora_trains_and_publishes(base: Path, data: Path, tmp_path: Path) -> None:
    folder = train_locally(
        plan_of(base, data, lora_rank=2, batch_size=2).preset,
        data,
        tmp_path / "out",
        steps=4,
        start=str(base),
        text_encoder=HashedText(),
        validation_windows=2,
    )
    made, own = load_checkpoint(folder.path), load_checkpoint(base)
    batch = toy_batch(0, size=1)
    text = HashedText()(["a"])
    t = torch.tensor([[500, 0, 500, 1000]])
    assert not torch.equal(made.model(batch.latents, t, text), own.model(batch.latents, t, text))
    assert made.preset.training.lora_rank == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("codec", "another codec than the data"),
        ("text", "text encoder"),
        ("width", r"has widths \(64, 64\), preset tiny \(128, 64\): leave --preset out"),
        ("schedule", "another noise schedule"),
    ],
)
def test_what_it_cannot_begin_with_is_refused(
    base: Path, make_latents: Callable[..., Path], change: str, message: str
) -> None:
    preset = toy_preset(windows_s=(0.4,), batch_size=2)
    if change == "width":
        preset = replace(preset, model=replace(preset.model, widths=(128, 64)))
    if change == "schedule":
        preset = replace(preset, schedule=replace(preset.schedule, num_timesteps=500))
    data = make_latents({"x": 300}, name="x", fingerprint="noise-2" if change == "codec" else "noise-1")
    encoder = HashedText()
    if change == "text":
        encoder.fingerprint = "another"
    with pytest.raises(InputError, match=message):
        TrainingRun.of(plan_of(base, data, preset), text_encoder=encoder)


def test_lora_needs_a_model_to_adapt(data: Path) -> None:
    with pytest.raises(InputError, match="name one with --from"):
        TrainingPlan(preset=toy_preset(lora_rank=2), data=str(data), steps=1)


def test_another_model_in_the_same_folder_is_another_run(base: Path, data: Path, tmp_path: Path) -> None:
    plain, started = TrainingPlan(preset=toy_preset(), data=str(data), steps=6), plan_of(base, data)
    assert "start" not in plain.settings()
    assert started.settings()["start"] == load_checkpoint(base).fingerprint
