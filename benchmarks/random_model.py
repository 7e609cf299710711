"""A checkpoint of random weights, for benchmarks of serving: the time of a step does not depend on them."""

from pathlib import Path

import torch

from stemwright.checkpoint import Origin, save_checkpoint
from stemwright.codec import load_codec
from stemwright.latent_stats import LatentStats
from stemwright.learner import fit_preset
from stemwright.presets import load_preset
from stemwright.text_encoder import load_text_encoder
from stemwright.unet import StemUNet


def random_model(folder: Path, preset_name: str = "tiny") -> Path:
    """Checkpoint of a preset's shape on the latents of codec mdct."""
    codec, encoder, preset = load_codec("mdct"), load_text_encoder("minilm"), load_preset(preset_name)
    fitted = fit_preset(
        preset, latent_dim=codec.latent_dim, text_width=encoder.width, frame_rate_hz=codec.frame_rate_hz
    )
    torch.manual_seed(0)
    model = StemUNet(fitted.model, fitted.schedule.build())
    shape = (len(preset.tracks), codec.latent_dim)
    origin = Origin(
        codec=codec.name,
        codec_fingerprint=codec.fingerprint,
        text_encoder=encoder.name,
        text_encoder_fingerprint=encoder.fingerprint,
        gains_db=(0.0,) * len(preset.tracks),
        facts={"steps": 0},
    )
    stats = LatentStats(mean=torch.zeros(shape), std=torch.ones(shape))
    return save_checkpoint(folder, weights=model.state_dict(), preset=fitted, stats=stats, origin=origin)
