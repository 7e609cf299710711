"""A few seconds of tones on disk, and a network that learns them in a moment."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.codec_training.codec_learner import CodecTraining
from stemwright.codec_training.codec_run import CodecPlan
from stemwright.conv_codec_net import ConvCodecConfig

NET = ConvCodecConfig(
    latent_dim=6,
    encoder_width=12,
    encoder_blocks=1,
    decoder_width=12,
    decoder_blocks=1,
    part_width=6,
    part_blocks=1,
)


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three files of two seconds, 48 kHz stereo, each with tones of its own."""
    folder = tmp_path_factory.mktemp("tones")
    t = np.arange(96_000) / 48_000
    paths = []
    for number, pitch_hz in enumerate((110.0, 220.0, 330.0)):
        wave = (
            sum(np.sin(2 * math.pi * pitch_hz * k * t) / k for k in (1, 2, 3)) * np.exp(-3 * (t % 0.5)) * 0.1
        )
        paths.append(folder / f"{number}.flac")
        soundfile.write(paths[-1], np.stack([wave, 0.5 * wave], axis=1), 48_000)
    return paths


@pytest.fixture(scope="session")
def plan_of(tones: Sequence[Path]) -> Callable[..., CodecPlan]:
    """A small plan; the judge speaks from its second half on."""

    def plan(steps: int = 6, seed: int = 0, **changes: int) -> CodecPlan:
        training = CodecTraining(steps=steps, batch_size=2, crop_frames=16)
        return CodecPlan(files=tones, net=NET, training=training, seed=seed, **changes)

    return plan
