import torch
from einops import rearrange
from torch import Tensor

from stemwright.strokes import NOISE_FRAMES, SHORT_BINS, SHORT_HOP, struck


def told(frames: int, *, rings: float = -10.0, hisses: float = -10.0) -> Tensor:
    """A layer's output: every bin alike, what rings with phase 0."""
    out = torch.zeros(2, 4, 1, frames, SHORT_BINS)
    out[:, 0], out[:, 1], out[:, 3] = rings, 1.0, hisses
    return rearrange(out, "c x b f w -> b f (c x w)")


def test_frames_become_as_many_hops_of_audio() -> None:
    for frames in (1, 2, 7):
        assert struck(told(frames)).shape == (1, 2, frames * SHORT_HOP)


def test_what_says_nothing_is_silent() -> None:
    assert struck(told(20)).abs().max() < 1e-12


def test_a_ringing_frame_is_a_stroke_in_time() -> None:
    out = told(9)
    loud = told(9, rings=3.0)
    out[:, 4] = loud[:, 4]
    power = struck(out)[0, 0].square()
    inside = power[3 * SHORT_HOP + SHORT_HOP // 2 : 5 * SHORT_HOP + SHORT_HOP // 2]
    assert inside.sum() > 0.999 * power.sum()


def test_noise_has_the_level_it_is_told_and_is_another_on_either_side() -> None:
    quiet, loud = struck(told(400, hisses=1.0)), struck(told(400, hisses=1.5))
    rise = loud.square().mean() / quiet.square().mean()
    torch.testing.assert_close(rise, torch.tensor(2.0 * 3.0 * 0.5).exp(), rtol=1e-3, atol=0)
    mid, side = quiet[0]
    assert abs(torch.corrcoef(torch.stack([mid, side]))[0, 1]) < 0.02


def test_noise_is_that_of_its_place_in_time() -> None:
    out = told(40, hisses=1.0)
    whole = struck(out, first_frame=NOISE_FRAMES - 10)
    later = struck(out[:, 20:], first_frame=NOISE_FRAMES + 10)
    torch.testing.assert_close(later[..., SHORT_HOP:], whole[..., 21 * SHORT_HOP :])
    assert not torch.allclose(struck(out), whole)
