"""A step on shapes against the same step with numbers."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from toy_learning import toy_preset

from stemwright.presets import Preset
from stemwright.recomputation import recompute_activations
from stemwright.text_embedding import TextEmbedding
from stemwright.training_trace import (
    PROMPT_TOKENS,
    CudaArithmetic,
    LiveBytes,
    TracedStep,
    traced_bytes,
    traced_flops,
)
from stemwright.unet import StemUNet

WINDOWS, FRAMES = 4, 200


def real_step(
    preset: Preset, windows: int = WINDOWS, frames: int = FRAMES
) -> tuple[StemUNet, Callable[[], Tensor]]:
    """The preset's model on the CPU with gradients, and its forward pass to a scalar."""
    model = StemUNet(preset.model, preset.schedule.build())
    if preset.training.recompute:
        recompute_activations(model)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    z = torch.randn(windows, preset.model.num_tracks, preset.model.latent_dim, frames)
    t = torch.full(z.shape[:2], 500)
    text = TextEmbedding(
        torch.randn(windows, PROMPT_TOKENS, preset.model.text_width),
        torch.ones(windows, PROMPT_TOKENS, dtype=torch.bool),
    )
    mask = torch.ones(windows, frames, dtype=torch.bool)
    return model, lambda: model(z, t, text, mask).square().sum()


@pytest.mark.parametrize("recompute", [False, True])
def test_bytes_are_those_of_a_real_step(recompute: bool) -> None:
    preset = toy_preset(recompute=recompute)
    _, forward = real_step(preset)
    with LiveBytes() as live:
        loss = forward()
        kept = live.now
        loss.backward()
    traced = traced_bytes(preset, windows=WINDOWS, num_frames=FRAMES)
    assert traced.copied == 0
    assert traced.kept == pytest.approx(kept, rel=0.02)
    assert traced.most == pytest.approx(live.most, rel=0.02)


def test_what_is_kept_is_what_autograd_saves() -> None:
    preset = toy_preset()
    model, forward = real_step(preset)
    weights = {parameter.data_ptr() for parameter in model.parameters()}
    saved: dict[int, Tensor] = {}

    def save(value: Tensor) -> Tensor:
        if value.data_ptr() not in weights:
            saved[value.untyped_storage().data_ptr()] = value
        return value

    with torch.autograd.graph.saved_tensors_hooks(save, lambda value: value):
        loss = forward()
    assert loss.isfinite()
    in_all = sum(value.untyped_storage().nbytes() for value in saved.values())
    traced = traced_bytes(preset, windows=WINDOWS, num_frames=FRAMES)
    assert traced.kept == pytest.approx(in_all, rel=0.05)


def test_flops_are_those_of_a_real_step() -> None:
    preset = toy_preset()
    _, forward = real_step(preset, windows=1)
    # fused attention is not counted on the CPU; plain products are, one fewer than CUDA's going backward
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        loss = forward()
        of_forward = counter.get_total_flops()
        loss.backward()
    traced = traced_flops(preset, num_frames=FRAMES)
    assert traced.forward == of_forward
    assert traced.training == pytest.approx(counter.get_total_flops(), rel=0.03)


def test_precisions_are_those_of_autocast_on_cuda() -> None:
    """Without a CUDA device autocast's rules can be asked of tensors that pretend to be on one."""

    def pretended(shape: tuple[int, ...], dtype: torch.dtype) -> FakeTensor:
        return FakeTensor(fake, torch.empty(shape, dtype=dtype, device="meta"), torch.device("cuda:0"))

    def outcomes(x: Tensor, h: Tensor, w: Tensor) -> list[torch.dtype]:
        q = h.unflatten(-1, (2, -1)).transpose(1, 2)
        heard = torch.ones(2, 1, 1, 4, dtype=torch.bool, device=x.device)
        return [
            F.linear(x, w).dtype,
            F.linear(h, w).dtype,
            torch.einsum("bsc,dc->bsd", x, w).dtype,
            F.layer_norm(h, (16,)).dtype,
            F.silu(h).dtype,
            torch.cat([x, h]).dtype,
            torch.addcmul(h, x, h).dtype,
            (x + h).dtype,
            F.scaled_dot_product_attention(q, q, q, attn_mask=heard).dtype,
        ]

    fake = FakeTensorMode(allow_non_fake_inputs=True)
    shapes = ((2, 4, 16), torch.float32), ((2, 4, 16), torch.bfloat16), ((16, 16), torch.float32)
    inputs = [torch.empty(shape, dtype=dtype, device="meta") for shape, dtype in shapes]
    with CudaArithmetic(torch.bfloat16):
        ours = outcomes(*inputs)
    before = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")
    torch.set_autocast_enabled("cuda", True)
    torch.set_autocast_dtype("cuda", torch.bfloat16)
    try:
        with fake, torch.no_grad():
            theirs = outcomes(*(pretended(shape, dtype) for shape, dtype in shapes))
    finally:
        torch.set_autocast_enabled("cuda", before[0])
        torch.set_autocast_dtype("cuda", before[1])
    assert ours == theirs


def test_weights_in_bf16_are_half_of_those_in_products_and_do_not_stay_where_blocks_are_recomputed() -> None:
    preset = toy_preset(precision="bf16")
    step = TracedStep(preset, windows=1, num_frames=FRAMES)
    weights = sum(parameter.nbytes for parameter in step.model.parameters())
    copied = traced_bytes(preset, windows=1, num_frames=FRAMES).copied
    assert 0.45 * weights < copied < 0.5 * weights
    recomputing = replace(preset, training=replace(preset.training, recompute=True))
    assert traced_bytes(recomputing, windows=1, num_frames=FRAMES).copied < 0.3 * copied
