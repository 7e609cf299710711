from dataclasses import replace

import pytest
import torch
from toy_learning import HashedText, toy_preset

from stemwright.fact_text_encoder import GRID
from stemwright.learner import seeded_model
from stemwright.presets import Preset
from stemwright.text_embedding import TextEmbedding
from stemwright.track_weights import for_tracks
from stemwright.unet import StemUNet

FRAMES = 24


def preset_of(num_tracks: int, **model: object) -> Preset:
    preset = toy_preset()
    shape = replace(preset.model, num_tracks=num_tracks, **model)  # pyright: ignore[reportArgumentType]
    return replace(preset, model=shape)


def trained(num_tracks: int, **model: object) -> StemUNet:
    """A model whose every weight says something."""
    made = seeded_model(preset_of(num_tracks, **model), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for value in made.parameters():
            value += 0.05 * torch.randn(value.shape, generator=generator)
    return made.double()


def fitted(old: StemUNet, slots: list[int | None], **model: object) -> StemUNet:
    new = seeded_model(preset_of(len(slots), **model), seed=3).double()
    new.load_state_dict(for_tracks(old, new, slots))
    return new


def asked(num_tracks: int) -> tuple[torch.Tensor, torch.Tensor, TextEmbedding]:
    generator = torch.Generator().manual_seed(4)
    z = torch.randn(2, num_tracks, 6, FRAMES, generator=generator, dtype=torch.float64)
    t = torch.randint(1, 1001, (2, num_tracks), generator=generator)
    text = HashedText()(["one", "two"])
    states = text.states.double()
    states[:, 0, GRID] = torch.tensor([2.0, 4.0, 2.0], dtype=torch.float64)
    return z, t, TextEmbedding(states, text.mask)


@pytest.mark.parametrize("beat_grid", [False, True])
def test_in_another_order_it_says_the_same(beat_grid: bool) -> None:
    old, order = trained(4, beat_grid=beat_grid), [2, 0, 3, 1]
    z, t, text = asked(4)
    new = fitted(old, [*order], beat_grid=beat_grid)
    torch.testing.assert_close(new(z[:, order], t[:, order], text), old(z, t, text)[:, order])


@pytest.mark.parametrize("slots", [[0, 1, 2, 3, None, None], [None, 3, 1, None, 0, 2]])
def test_whatever_new_tracks_hold_the_old_ones_stay_as_they_were(slots: list[int | None]) -> None:
    old = trained(4, beat_grid=True)
    new = fitted(old, slots, beat_grid=True)
    z, t, text = asked(4)
    many_z, many_t, _ = asked(len(slots))
    new_slots = [own for own, slot in enumerate(slots) if slot is None]
    for own, slot in enumerate(slots):
        if slot is not None:
            many_z[:, own], many_t[:, own] = z[:, slot], t[:, slot]
    many_t[0, new_slots] = 0  # given in one song, targets in the other
    made, expected = new(many_z, many_t, text), old(z, t, text)
    for own, slot in enumerate(slots):
        if slot is not None:
            torch.testing.assert_close(made[:, own], expected[:, slot])
    alpha_bar = new.alpha_bar[many_t].double()[:, new_slots, None, None]
    torch.testing.assert_close(made[:, new_slots], (1 - alpha_bar).sqrt() * many_z[:, new_slots])


def test_all_that_a_new_track_has_can_learn() -> None:
    new = fitted(trained(4), [0, 1, 2, 3, None])
    z, t, text = asked(5)
    new(z, t, text).square().sum().backward()
    leave, enter, join = new.leave.weight.grad, new.enter.weight.grad, new.condition.join[1].weight.grad
    assert leave is not None
    assert enter is not None
    assert isinstance(join, torch.Tensor)
    assert (leave.view(2, 2, 5, 6, -1)[:, :, 4] != 0).any((-1, 2)).all()
    assert (enter.view(-1, 2, 5, 7)[:, :, 4, :6] != 0).any(0).all()
    assert (join.view(-1, 5, 32)[:, 4] != 0).all()


def test_with_fewer_tracks_the_others_weights_are_kept() -> None:
    old = trained(4)
    new = fitted(old, [3, 1])
    assert torch.equal(new.condition.bias, old.condition.bias[[3, 1]])
    assert torch.equal(new.mid_in.conv_in.linear.weight, old.mid_in.conv_in.linear.weight)
