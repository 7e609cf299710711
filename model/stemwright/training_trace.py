"""A training step on shapes alone: the meta device computes nothing, and what CUDA would do is counted.

Axes: B batch, K track, D latent channel, S latent frame, H head, C channel, L token, E text channel.
"""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.flop_counter import FlopCounterMode

from stemwright.diffusion import epsilon_loss_sum
from stemwright.low_rank import add_low_rank
from stemwright.presets import Preset
from stemwright.recomputation import recompute_activations
from stemwright.text_embedding import TextEmbedding
from stemwright.unet import StemUNet
from stemwright.unet_blocks import blocks_of

PROMPT_TOKENS = 64
"""L: about as many as a prompt of all metadata has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flops:
    """Floating-point operations of the products for one window; a multiplication and an addition are two."""

    forward: int
    """Of a forward pass."""
    training: int
    """Of a forward and a backward pass, recomputed activations included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldBytes:
    """What a GPU holds of a forward and a backward pass beside weights and gradients."""

    copied: int
    """Weights in bf16 that the backward pass needs again."""
    kept: int
    """All else that lives from the forward to the backward pass."""
    most: int
    """The most at any moment, both of the above included."""


def traced_flops(preset: Preset, *, num_frames: int) -> Flops:
    """FLOPs of a window of S = `num_frames`; those of more are in proportion. The preset must be fitted."""
    step = TracedStep(preset, windows=1, num_frames=num_frames)
    with FlopCounterMode(display=False) as counter:
        loss = step.forward()
        forward = counter.get_total_flops()
        loss.backward()
    return Flops(forward=forward, training=counter.get_total_flops())


def traced_bytes(preset: Preset, *, windows: int, num_frames: int) -> HeldBytes:
    """Memory where B = `windows` of S = `num_frames` go through the model at once. The preset must be fitted.

    The gradients are there from the start, as they are from the second part of a step on.
    """
    step = TracedStep(preset, windows=windows, num_frames=num_frames)
    for parameter in step.model.parameters():
        parameter.grad = torch.empty_like(parameter)
    with LiveBytes() as live:  # without a FlopCounterMode, which holds what is recomputed
        loss = step.forward()
        copied = step.arithmetic.drop_copies()
        kept = live.now - copied
        loss.backward()
    return HeldBytes(copied=copied, kept=kept, most=live.most)


class TracedStep:
    """Model and windows on the meta device."""

    def __init__(self, preset: Preset, *, windows: int, num_frames: int) -> None:
        dtype = torch.float32 if preset.training.precision == "fp32" else torch.bfloat16
        self.model, self.arithmetic = meta_model(preset), CudaArithmetic(dtype)
        self.inputs = meta_inputs(preset, windows, num_frames)
        self.arithmetic.enter_blocks(self.model)
        if preset.training.recompute:
            recompute_activations(self.model)

    def forward(self) -> Tensor:
        """The loss, a scalar to go backward from."""
        z, t, text, mask = self.inputs
        with self.arithmetic:
            eps = self.model(z, t, text, mask)
        return epsilon_loss_sum(eps, z, mask[:, None, None])[0]


def meta_model(preset: Preset) -> StemUNet:
    """The preset's model without weights."""
    schedule = preset.schedule.build()  # checks its levels, which the meta device cannot
    with torch.device("meta"):
        model = StemUNet(preset.model, schedule).to("meta")
        if preset.training.lora_rank is not None:
            add_low_rank(model, preset.training.lora_rank)
    return model


def meta_inputs(
    preset: Preset, windows: int, num_frames: int
) -> tuple[Tensor, Tensor, TextEmbedding, Tensor]:
    """z [B, K, D, S], t [B, K] or by frame [B, K, S], text [B, L, E] and frame mask [B, S]."""
    shape = preset.model
    frames = (num_frames,) if preset.training.region_probability else ()
    with torch.device("meta"):
        z = torch.empty(windows, shape.num_tracks, shape.latent_dim, num_frames)
        t = torch.empty(windows, shape.num_tracks, *frames, dtype=torch.int64)
        states = torch.empty(windows, PROMPT_TOKENS, shape.text_width)
        text = TextEmbedding(states, torch.empty(windows, PROMPT_TOKENS, dtype=torch.bool))
        mask = torch.empty(windows, num_frames, dtype=torch.bool)
    return z, t, text, mask


class CudaArithmetic(TorchFunctionMode):
    """The model's functions on the meta device as on CUDA under autocast: precisions, fused attention."""

    def __init__(self, dtype: torch.dtype) -> None:
        """`dtype`: of products; float32 is no autocast."""
        super().__init__()
        self.dtype = dtype
        self._copies: list[Tensor] | None = []
        """Of weights, which autocast holds until it ends."""

    def enter_blocks(self, model: nn.Module) -> None:
        """Have the model's blocks compute so wherever they are called: `backward` lays modes aside."""
        for block in blocks_of(model):
            forward = partial(self._within, block.forward)
            block.forward = forward  # pyright: ignore[reportAttributeAccessIssue]

    def drop_copies(self) -> int:
        """End of the forward pass; bytes of the copies of weights that the backward pass needs again."""
        held = [weakref.ref(copy.untyped_storage()) for copy in self._copies or []]
        self._copies = None
        return sum(storage.nbytes() for each in held if (storage := each()) is not None)

    def _within(self, forward: Callable[..., Tensor], *args: Any) -> Tensor:
        with self:
            return forward(*args)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in IN_HALF:
            args = self._cast(args, self.dtype)
        elif func in IN_FLOAT:
            args = self._cast(args, torch.float32)
        elif func in IN_WIDEST:
            args = self._cast(args, widest(args))
        if func is F.scaled_dot_product_attention:
            return fused_attention(*args, **kwargs)
        return func(*args, **kwargs)

    def _cast(self, values: tuple[Any, ...], dtype: torch.dtype) -> tuple[Any, ...]:
        return tree_map(lambda value: self._cast_one(value, dtype), values)

    def _cast_one(self, value: Any, dtype: torch.dtype) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.dtype == dtype:
            return value
        copy = value.to(dtype)
        if self._copies is not None and isinstance(value, nn.Parameter):
            self._copies.append(copy)
        return copy


IN_HALF = {F.linear, F.scaled_dot_product_attention, torch.einsum}
IN_FLOAT = {F.layer_norm}
IN_WIDEST = {torch.addcmul, torch.cat}
"""Autocast's three lists, as far as `StemUNet` calls them."""


def widest(values: Any) -> torch.dtype:
    """float32 where any of the tensors is."""
    dtypes = {value.dtype for value in tree_leaves(values) if isinstance(value, Tensor)}
    return torch.float32 if torch.float32 in dtypes else torch.bfloat16


def fused_attention(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor) -> Tensor:
    """Attention [B, H, S, C] by a kernel that CUDA takes for masks: scores are never in memory."""
    bias = attn_mask.to(q.dtype).expand(*q.shape[:-1], k.shape[-2])
    return torch.ops.aten._scaled_dot_product_efficient_attention(q, k, v, bias, True)[0]


class LiveBytes(TorchDispatchMode):
    """Bytes of the tensors that operations under it have made and that still live."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.most = 0
        self._alive: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        before = {storage._cdata for storage in storages((args, kwargs))}
        for storage in storages(made):
            if storage._cdata not in before and storage._cdata not in self._alive:
                self._count(storage)
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()

        def forget(_: object) -> None:
            del self._alive[key]
            self.now -= size

        self._alive[key] = weakref.ref(storage, forget)
        self.now += size
        self.most = max(self.most, self.now)


def storages(values: Any) -> list[torch.UntypedStorage]:
    """Of all tensors in a nest of tuples, lists and mappings."""
    return [leaf.untyped_storage() for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]
