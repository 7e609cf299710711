import torch

from stemwright.quantisation import dequantise, quantise


def some_latents(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    spread = torch.logspace(-4, 3, 8)[:, None]
    return (torch.randn(3, 8, 200, generator=generator) * spread + 3 * spread).half()


def test_values_come_back_within_half_a_step_of_their_channel() -> None:
    latents = some_latents().float()
    step = (latents.amax(-1) - latents.amin(-1)) / 255
    error = (dequantise(*quantise(latents)).float() - latents).abs()
    # the sum is kept as float16, which rounds by itself
    rounding = 2.0**-11 * latents.abs() + 2.0**-11 * 255 * step[..., None] / 2
    assert (error <= step[..., None] / 2 + rounding + 1e-7).all()


def test_the_error_is_a_small_share_of_the_variance() -> None:
    latents = some_latents().float()
    error = (dequantise(*quantise(latents)).float() - latents).square().mean(-1)
    assert (error / latents.var(-1)).max() < 1e-3


def test_a_channel_that_does_not_move_is_exact_and_its_bounds_nearly_so() -> None:
    latents = some_latents()
    latents[1, 2] = 0.1
    latents[2] = 0
    back = dequantise(*quantise(latents))
    assert torch.equal(back[1, 2], latents[1, 2])
    assert not back[2].any()
    assert torch.equal(back.amin(-1), latents.amin(-1))
    torch.testing.assert_close(back.amax(-1), latents.amax(-1), rtol=1e-3, atol=1e-6)


def test_any_slice_of_the_codes_gives_that_slice_of_the_latents() -> None:
    codes, scale, offset = quantise(some_latents())
    whole = dequantise(codes, scale, offset)
    assert torch.equal(dequantise(codes[..., 17:90], scale, offset), whole[..., 17:90])


def test_kept_forms_are_eight_bit_codes_and_float16_bounds() -> None:
    codes, scale, offset = quantise(some_latents())
    assert (codes.dtype, scale.dtype, offset.dtype) == (torch.uint8, torch.float16, torch.float16)
    assert (codes.shape, scale.shape, offset.shape) == ((3, 8, 200), (3, 8), (3, 8))


def test_the_greatest_float16_values_do_not_overflow() -> None:
    latents = torch.tensor([[[-65504.0, 0.0, 65504.0]]])
    assert dequantise(*quantise(latents)).isfinite().all()
