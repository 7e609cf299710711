"""A manifest of two songs of tones, and a codec that is known: it hands on what it is given, made quieter."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from stemwright_platform.corpus.manifest import Song, write_manifest


class Halver:
    """Latents are the samples of a frame; what comes back is `gain` times as loud."""

    name = "halver"
    sample_rate_hz = 48_000
    hop = 480
    frame_rate_hz = 100.0
    latent_dim = 960
    segment_frames = 1
    context_frames = 0

    def __init__(self, gain: float = 0.5) -> None:
        self.gain, self.fingerprint = gain, f"halver {gain}"

    def encode(self, audio: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(audio, (0, -audio.shape[-1] % self.hop))
        return padded.unflatten(-1, (-1, self.hop)).permute(0, 1, 3, 2).flatten(1, 2)

    def decode(self, latents: Tensor) -> Tensor:
        return latents.unflatten(1, (2, self.hop)).permute(0, 1, 3, 2).flatten(2) * self.gain


@pytest.fixture(scope="session")
def halver() -> Callable[[float], Halver]:
    return Halver


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs a (test) and b (train), two seconds, with bass and silent drums; b has no drums at all."""
    folder = tmp_path_factory.mktemp("corpus")
    t = np.arange(96_000) / 48_000
    wave = sum(np.sin(2 * np.pi * 110 * k * t) / k for k in range(1, 100)) * 0.1 * np.exp(-4 * (t % 0.5))
    soundfile.write(folder / "bass.flac", np.stack([wave, wave], axis=1), 48_000)
    soundfile.write(folder / "silence.flac", np.zeros((96_000, 2)), 48_000)
    bass, silence = (str(folder / name) for name in ("bass.flac", "silence.flac"))
    facts = {"duration_s": 2.0, "sample_rate_hz": 48_000}
    songs = [
        Song(song_id="a", split="test", tracks={"bass": (bass,), "drums": (silence,)}, **facts),
        Song(song_id="b", split="train", tracks={"bass": (bass,), "drums": None}, **facts),
    ]
    write_manifest(folder / "manifest.parquet", songs)
    return folder / "manifest.parquet"
