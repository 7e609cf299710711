"""diffusers' 1D denoisers as bodies of Stemwright's denoiser, of about the size of preset small.

Both keep what lies outside the U-Net's blocks: patches of frames, the in-context channels, the embedding of
the timestep vector, the output ε̂ = √(1 − ᾱ)·z + √ᾱ·(G ⊙ z + U), zero at the start. What a body alone brings
is compared, not who has the better output form. Inside a body everything is diffusers' own, initialisation
included.

Axes: B batch, K track, S patch, C channel of the entrance, L token, E text channel.
"""

from collections.abc import Callable

import torch
from diffusers.models.embeddings import get_1d_rotary_pos_embed  # pyright: ignore[reportMissingImports]
from diffusers.models.transformers.stable_audio_transformer import StableAudioDiTModel  # pyright: ignore[reportMissingImports]
from diffusers.models.unets.unet_1d import UNet1DModel  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn

from stemwright.presets import Preset
from stemwright.text_embedding import TextEmbedding
from stemwright.unet import StemUNet, UNetConfig


class DiTBody(nn.Module):
    """`StableAudioDiTModel`: the timestep vector as its prepended global token, text by its cross-attention.

    Half as many key heads as query heads and rotary positions on half of each head, as Stable Audio has them.
    """

    LAYERS, HEADS = 7, 4

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.rotary_width = config.head_width // 2
        self.model = StableAudioDiTModel(
            in_channels=config.widths[0],
            out_channels=config.widths[0],
            num_layers=self.LAYERS,
            attention_head_dim=config.head_width,
            num_attention_heads=self.HEADS,
            num_key_value_attention_heads=self.HEADS // 2,
            cross_attention_dim=config.text_width,
            cross_attention_input_dim=config.text_width,
            global_states_input_dim=config.condition_width,
        )

    def forward(self, x: Tensor, condition: Tensor, level: Tensor, text: TextEmbedding) -> Tensor:
        rotary = get_1d_rotary_pos_embed(
            self.rotary_width, x.shape[1] + 1, use_real=True, repeat_interleave_real=False
        )
        (out,) = self.model(
            x.transpose(1, 2),
            timestep=level,
            encoder_hidden_states=text.states,
            encoder_attention_mask=text.mask,
            global_hidden_states=condition[:, None],
            rotary_embedding=rotary,
            return_dict=False,
        )
        return out.transpose(1, 2)


class UNet1DBody(nn.Module):
    """`UNet1DModel` with its own three kinds of blocks.

    It knows one timestep and no text: the timestep vector and the mean of the prompt's tokens are added to
    its input, at every frame, through a layer each; the mean noise level goes where it expects its timestep.
    """

    WIDTHS = (160, 160, 192)
    TIME_CHANNELS = 16
    STRIDE = 8

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        width = config.widths[0]
        self.condition = nn.Linear(config.condition_width, width)
        self.text = nn.Linear(config.text_width, width)
        self.model = UNet1DModel(
            in_channels=width,
            out_channels=width,
            extra_in_channels=self.TIME_CHANNELS,
            time_embedding_dim=self.TIME_CHANNELS,
            block_out_channels=self.WIDTHS,
        )

    def forward(self, x: Tensor, condition: Tensor, level: Tensor, text: TextEmbedding) -> Tensor:
        frames = x.shape[1]
        real = text.mask[..., None].to(text.states.dtype)
        pooled = (text.states * real).sum(1) / real.sum(1)
        x = x + (self.condition(condition) + self.text(pooled))[:, None]
        x = nn.functional.pad(x.transpose(1, 2), (0, -frames % self.STRIDE))
        (out,) = self.model(x, level, return_dict=False)
        return out[..., :frames].transpose(1, 2)


class Peer(StemUNet):
    """The denoiser with another body in place of its U-Net."""

    OWN_BODY = ("down", "downsample", "mid_in", "mid_attention", "mid_out", "up", "upsample")

    def __init__(self, preset: Preset, body: Callable[[UNetConfig], nn.Module]) -> None:
        """`preset` fitted to the data."""
        super().__init__(preset.model, preset.schedule.build())
        for part in self.OWN_BODY:
            delattr(self, part)
        self.body = body(preset.model)

    def _hidden(self, x: Tensor, t: Tensor, text: TextEmbedding, mask: Tensor | None) -> Tensor:
        assert mask is None, "the demo corpus has no song that is shorter than a window"
        level = t.float().mean(1) / (len(self.alpha_bar) - 1)
        return self.body(x, self.condition(t), level, text)


PEERS: dict[str, Callable[[UNetConfig], nn.Module]] = {
    "StableAudioDiTModel": DiTBody,
    "UNet1DModel": UNet1DBody,
}


def build_peer(name: str, preset: Preset, seed: int) -> Peer:
    """A peer with weights drawn by a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Peer(preset, PEERS[name])
