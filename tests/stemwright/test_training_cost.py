from dataclasses import asdict, replace

import pytest
import torch
from toy_learning import HashedText, toy_batch, toy_preset, toy_stats

from stemwright.errors import InputError
from stemwright.learner import Learner, fit_preset
from stemwright.presets import Preset, load_preset
from stemwright.training_cost import (
    TrainingMemory,
    fit_without_weights,
    fitted_to,
    num_parameters,
    training_memory,
    window_flops,
)
from stemwright.unet import UNetConfig

FRAMES = 240


def training(preset: Preset, **changes: object) -> Preset:
    return replace(preset, training=replace(preset.training, **changes))  # pyright: ignore[reportArgumentType]


def small() -> Preset:
    return fit_preset(load_preset("small"), latent_dim=32, text_width=64, frame_rate_hz=150.0)


def of_windows(memory: TrainingMemory) -> int:
    return memory.activations + memory.passing


def test_all_kinds_add_up_to_the_total() -> None:
    memory = training_memory(small(), FRAMES)
    assert memory.total == sum(asdict(memory).values())
    assert all(size > 0 for name, size in asdict(memory).items() if name != "gathered")


@pytest.mark.parametrize("lora_rank", [None, 2])
def test_what_does_not_depend_on_windows_is_what_a_learner_holds(lora_rank: int | None) -> None:
    preset = toy_preset(lora_rank=lora_rank)
    learner = Learner(preset, stats=toy_stats(), text_encoder=HashedText(), total_steps=2)
    learner.step(toy_batch(0))
    memory = training_memory(preset, FRAMES)
    moments = sum(
        value.nbytes
        for state in learner.optimizer.state.values()
        for name, value in state.items()
        if name != "step"
    )
    assert memory.weights == sum(parameter.nbytes for parameter in learner.model.parameters())
    assert memory.average == sum(parameter.nbytes for parameter in learner.ema.module.parameters())
    assert memory.moments == moments
    assert memory.gathered == 0


@pytest.mark.parametrize(("changes", "share"), [({"micro_batch": 4}, 0.3), ({"recompute": True}, 0.75)])
def test_micro_batches_and_recomputing_take_less(changes: dict[str, object], share: float) -> None:
    preset = small()
    whole, less = training_memory(preset, FRAMES), training_memory(training(preset, **changes), FRAMES)
    assert of_windows(less) < share * of_windows(whole)
    assert less.weights == whole.weights
    assert less.batch == whole.batch


def test_sharding_parts_what_does_not_depend_on_windows() -> None:
    fsdp = training(small(), parallel="fsdp")
    whole, shard = training_memory(small(), FRAMES, workers=8), training_memory(fsdp, FRAMES, workers=8)
    for kind in ("weights", "gradients", "moments", "average"):
        assert getattr(shard, kind) == pytest.approx(getattr(whole, kind) / 8), kind
    assert 0 < shard.gathered < whole.weights + whole.gradients
    assert of_windows(shard) == of_windows(whole)
    assert training_memory(fsdp, FRAMES).total == training_memory(small(), FRAMES).total


def test_memory_grows_with_windows_and_their_length() -> None:
    one, two = (training_memory(training(small(), batch_size=size), FRAMES) for size in (8, 16))
    assert two.activations == pytest.approx(2 * one.activations, rel=0.01)
    long = training_memory(training(small(), batch_size=8), 2 * FRAMES)
    assert long.activations == pytest.approx(2 * one.activations, rel=0.1)


def test_flops_grow_a_little_faster_than_the_window() -> None:
    one, two = (window_flops(small(), frames).training for frames in (FRAMES, 2 * FRAMES))
    assert 1.8 < two / one < 2.2


def test_going_backward_is_twice_as_much_work_and_recomputing_once_more() -> None:
    preset = small()
    plain, anew = window_flops(preset, FRAMES), window_flops(training(preset, recompute=True), FRAMES)
    assert plain.training / plain.forward == pytest.approx(3, rel=0.05)
    assert anew.forward == plain.forward
    # the products at the ends of blocks, and what lies between blocks, need not be computed again
    assert 3.3 < anew.training / plain.forward < 4


def test_a_wide_model_of_one_level_takes_six_flops_a_parameter_and_frame() -> None:
    shape = UNetConfig(patch=1, widths=(1024,), blocks=(2,), attention=(False,), latent_dim=64)
    preset = replace(toy_preset(), model=shape)
    flops = window_flops(preset, 1024).training
    assert flops == pytest.approx(6 * num_parameters(preset) * 1024, rel=0.15)


def test_the_largest_part_that_has_room_is_found_and_recomputing_comes_last() -> None:
    preset = training(small(), batch_size=16)
    needs = {
        (size, recompute): training_memory(
            training(preset, micro_batch=size, recompute=recompute), FRAMES
        ).total
        for size in (16, 8, 1)
        for recompute in (False, True)
    }
    assert fitted_to(needs[16, False], preset, FRAMES) == preset
    assert fitted_to(needs[16, False] - 1, preset, FRAMES) == training(preset, micro_batch=8)
    tight = fitted_to(needs[1, False] - 1, preset, FRAMES)
    assert tight is not None
    assert tight.training.recompute
    assert fitted_to(needs[1, True] - 1, preset, FRAMES) is None
    sharded = fitted_to(needs[1, True] - 1, preset, FRAMES, workers=4)
    assert sharded is not None
    assert sharded.training.parallel == "fsdp"


def test_the_published_text_encoders_width_is_known_without_its_weights() -> None:
    preset = fit_without_weights(load_preset("paper"), latent_dim=129, frame_rate_hz=150.0)
    assert preset.model.text_width == 1024
    assert num_parameters(preset) == pytest.approx(728e6, rel=0.01)
    with pytest.raises(InputError, match="unknown text encoder 'words': choose from minilm"):
        fit_without_weights(replace(preset, text_encoder="words"), latent_dim=129, frame_rate_hz=150.0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_holds_what_was_counted() -> None:
    windows = 256
    preset = training(small(), batch_size=windows, precision="bf16")
    learner = Learner(
        fit_preset(preset, latent_dim=6, text_width=16, frame_rate_hz=50.0),
        stats=toy_stats(),
        text_encoder=HashedText(),
        total_steps=4,
        device="cuda",
    )
    frames = toy_batch(0).num_frames
    for step in range(2):
        torch.cuda.reset_peak_memory_stats()
        learner.step(toy_batch(step, size=windows))
    memory = training_memory(learner.preset, frames)
    expected = memory.total - memory.text_encoder
    found = torch.cuda.max_memory_allocated()
    workspaces = 64 << 20  # of the libraries that multiply
    assert 0.95 * (expected - memory.gradients) < found < 1.1 * expected + workspaces
