from dataclasses import replace

import pytest
import torch
from torch import Tensor

from stemwright.diffusion import NoiseSchedule
from stemwright.errors import InputError
from stemwright.presets import load_preset
from stemwright.tasks import frame_timesteps
from stemwright.text_embedding import TextEmbedding
from stemwright.unet import StemUNet, UNetConfig
from stemwright.unet_blocks import attended

SCHEDULE = NoiseSchedule.scaled_linear()
SHAPE = UNetConfig(
    latent_dim=6,
    text_width=16,
    patch=2,
    widths=(64, 64),
    blocks=(1, 2),
    attention=(True, True),
    condition_width=32,
)


def awake(config: UNetConfig = SHAPE) -> StemUNet:
    """A model whose zero-initialised layers are not zero, so that every path carries signal."""
    torch.manual_seed(0)
    model = StemUNet(config, SCHEDULE)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return model.eval()


def inputs(frames: int, batch: int = 2) -> tuple[Tensor, Tensor, TextEmbedding]:
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(batch, 4, 6, frames, generator=generator)
    t = torch.tensor([[0, 500, 1000, 500]]).expand(batch, -1)
    states = torch.randn(batch, 5, 16, generator=generator)
    return z, t, TextEmbedding(states, torch.ones(batch, 5, dtype=torch.bool))


def test_a_new_model_predicts_the_trivial_guess() -> None:
    z, t, text = inputs(20)
    alpha_bar = SCHEDULE.alpha_bar[t][..., None, None].float()
    eps = StemUNet(SHAPE, SCHEDULE)(z, t, text)
    torch.testing.assert_close(eps, (1 - alpha_bar).sqrt() * z)


@pytest.mark.parametrize("frames", [1, 7, 20, 33])
def test_padding_changes_nothing(frames: int) -> None:
    model = awake()
    z, t, text = inputs(frames)
    padded = torch.cat([z, torch.full((2, 4, 6, 24), 9.0)], dim=-1)
    mask = torch.arange(frames + 24).expand(2, -1) < frames
    torch.testing.assert_close(
        model(padded, t, text, mask)[..., :frames], model(z, t, text), atol=1e-5, rtol=0
    )


def test_padded_text_tokens_change_nothing() -> None:
    model = awake()
    z, t, text = inputs(20)
    longer = TextEmbedding(
        torch.cat([text.states, torch.full((2, 3, 16), 5.0)], dim=1),
        torch.cat([text.mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1),
    )
    torch.testing.assert_close(model(z, t, longer), model(z, t, text), atol=1e-5, rtol=0)


def test_a_row_does_not_depend_on_its_batch_mates() -> None:
    model = awake()
    z, t, text = inputs(20)
    torch.testing.assert_close(model(z[:1], t[:1], text[:1]), model(z, t, text)[:1], atol=1e-5, rtol=1e-5)


def test_slots_are_not_interchangeable() -> None:
    model = awake()
    z, _, text = inputs(20)
    t = torch.full((2, 4), 500)
    swapped = model(z[:, [1, 0, 2, 3]], t, text)[:, [1, 0, 2, 3]]
    assert (swapped - model(z, t, text)).abs().max() > 1e-2


@pytest.mark.parametrize("track", range(4))
def test_every_tracks_timestep_reaches_every_track(track: int) -> None:
    model = awake()
    z, _, text = inputs(20)
    t = torch.full((2, 4), 500)
    other = t.clone()
    other[:, track] = 0
    changed = (model.velocity(z, other, text) - model.velocity(z, t, text)).abs().amax((0, 2, 3))
    assert (changed > 1e-4).all()


def test_every_track_hears_every_other_and_the_text() -> None:
    model = awake()
    z, t, text = inputs(20)
    z.requires_grad_()
    text.states.requires_grad_()
    model.velocity(z, t, text)[:, 0].sum().backward()
    assert z.grad is not None
    assert text.states.grad is not None
    assert (z.grad.abs().amax((0, 2, 3)) > 0).all()
    assert (text.states.grad.abs().amax((0, 2)) > 0).all()


def test_a_model_that_reads_text_says_so_when_it_gets_none() -> None:
    z, t, _ = inputs(20)
    with pytest.raises(InputError, match="text"):
        StemUNet(SHAPE, SCHEDULE)(z, t, None)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("tiny", 0.5, 1.5), ("small", 8, 14), ("base", 130, 170), ("paper", 700, 760)]
)
def test_presets_have_the_size_they_claim(name: str, low: float, high: float) -> None:
    preset = load_preset(name)
    with torch.device("meta"):
        model = StemUNet(preset.model, SCHEDULE)
    assert low <= sum(parameter.numel() for parameter in model.parameters()) / 1e6 <= high


def test_widths_must_fit_the_heads() -> None:
    with pytest.raises(InputError, match="head_width"):
        UNetConfig(widths=(100,), blocks=(1,), attention=(True,))


def test_timesteps_by_frame_with_nothing_known_are_timesteps_by_track() -> None:
    model = awake()
    z, t, text = inputs(20)
    by_frame = t[..., None].expand(-1, -1, 20)
    assert torch.equal(model(z, by_frame, text), model(z, t, text))


def test_a_known_frame_is_marked_to_the_model_and_padding_is_not() -> None:
    model = awake()
    z, t, text = inputs(20)
    t = torch.full_like(t, 500)
    known = torch.zeros(2, 4, 20, dtype=torch.bool)
    known[:, 1, 3:6] = True
    marked = model(z, frame_timesteps(t, known), text)
    assert not torch.allclose(marked, model(z, t, text))
    padded = torch.nn.functional.pad(z, (0, 8))
    mask = torch.arange(28).expand(2, -1) < 20
    known = torch.nn.functional.pad(known, (0, 8), value=True)
    torch.testing.assert_close(
        model(padded, frame_timesteps(t, known), text, mask)[..., :20], marked, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("masked", [False, True])
def test_attention_by_two_products_is_the_fused_one(masked: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(2, 3, length, 64, generator=generator) for length in (20, 7, 7))
    heard = torch.ones(2, 1, 1, 7, dtype=torch.bool)
    heard[1, ..., 4:] = not masked
    found, slopes = [], []
    for dtype in (torch.float32, torch.bfloat16):
        tensors = [x.to(dtype).detach().requires_grad_() for x in (q, k, v)]
        made = attended(*tensors, heard)
        made.float().square().sum().backward()
        found.append(made.float())
        slopes.append(torch.cat([x.grad.float().flatten() for x in tensors if x.grad is not None]))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0.03)
    assert float((slopes[1] - slopes[0]).norm() / slopes[0].norm()) < 0.02


def test_a_model_with_a_beat_grid_hears_where_bars_are_and_others_do_not():
    z, t, _ = inputs(24)
    z = z[:1].expand(2, -1, -1, -1)
    told = torch.zeros(2, 3, 16)  # beats a second, beats a bar, where a bar begins
    told[:, 0, :3] = torch.tensor([[2.0, 4.0, 0.0], [2.0, 4.0, 0.25]])
    # attention skips the token: what is heard of it is heard by the clocks
    text = TextEmbedding(told, torch.tensor([[False, True, True]] * 2))
    one, other = awake(replace(SHAPE, beat_grid=True, frame_rate_hz=50.0))(z, t, text)
    assert (one - other).abs().mean() > 1e-4
    one, other = awake()(z, t, text)
    torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
