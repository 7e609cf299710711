import pytest
import torch
from toy_learning import HashedText, toy_batch, toy_learner, toy_preset

from stemwright.errors import InputError
from stemwright.learner import Learner, seeded_model
from stemwright.low_rank import add_low_rank, merged_state

RANK = 3


def asked(learner: Learner) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    z, t = torch.randn(2, 4, 6, 20, generator=generator), torch.tensor([[0, 9, 500, 1000]] * 2)
    return learner.ema.module(z, t, HashedText()(["a", "b"]), None)


def adapted(**training: object) -> Learner:
    return toy_learner(lora_rank=RANK, model=seeded_model(toy_preset(), 5), **training)


def test_it_begins_with_what_the_model_said() -> None:
    assert torch.equal(asked(adapted()), asked(toy_learner(model=seeded_model(toy_preset(), 5))))


def test_the_weights_of_the_blocks_change_by_no_more_than_the_rank() -> None:
    learner, before = adapted(), seeded_model(toy_preset(), 5).state_dict()
    for step in range(6):
        learner.step(toy_batch(step))
    after, changed = learner.averaged_weights(), set()
    for name, value in before.items():
        difference = after[name] - value
        if difference.any():
            changed.add(name.split(".")[0])
            if name.split(".")[0] in ("down", "mid_in", "mid_attention", "mid_out", "up", "upsample"):
                assert torch.linalg.matrix_rank(difference, rtol=1e-4) <= RANK, name
    assert {"condition", "enter", "leave", "down", "up", "mid_in"} <= changed


def test_what_is_published_is_a_model_like_any_other() -> None:
    learner = adapted()
    for step in range(3):
        learner.step(toy_batch(step))
    plain = seeded_model(toy_preset(), 0)
    plain.load_state_dict(learner.averaged_weights())
    z, t = torch.randn(1, 4, 6, 16), torch.tensor([[0, 9, 500, 1000]])
    text = HashedText()(["a"])
    torch.testing.assert_close(plain(z, t, text), learner.ema.module(z, t, text, None))
    assert not [name for name in learner.averaged_weights() if "parametrizations" in name]


def test_few_weights_are_trained() -> None:
    learner = adapted()
    trained = sum(value.numel() for value in learner.model.parameters() if value.requires_grad)
    states = sum(value.numel() for group in learner.optimizer.param_groups for value in group["params"])
    whole = sum(value.numel() for value in seeded_model(toy_preset(), 5).parameters())
    assert trained == states < 0.3 * whole


def test_an_interrupted_run_equals_an_uninterrupted_one_bit_for_bit() -> None:
    whole, first, second = adapted(), adapted(), adapted()
    for step in range(4):
        whole.step(toy_batch(step))
    for step in range(2):
        first.step(toy_batch(step))
    second.load_state({name: value.clone() for name, value in first.state().items()})
    for step in range(2, 4):
        second.step(toy_batch(step))
    for name, value in whole.state().items():
        assert torch.equal(second.state()[name], value), name


def test_a_state_without_it_stays_as_it_is() -> None:
    model = seeded_model(toy_preset(), 0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert merged_state(model).keys() == before.keys()
    add_low_rank(model, RANK)
    after = merged_state(model)
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_rank_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="lora_rank is 1 or more, got 0"):
        toy_preset(lora_rank=0)
