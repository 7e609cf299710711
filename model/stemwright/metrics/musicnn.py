"""musicnn as a feature (Pons and Serra 2019): an embedding of 200 numbers and 50 tags for each 3 s of sound.

Axes: n sample, F frame of the signal, T frame of a patch, P patch.
"""

import hashlib
from functools import lru_cache
from importlib import resources
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from stemwright.errors import InputError
from stemwright.metrics.feature import Arrays
from stemwright.metrics.musicnn_front import BANDS
from stemwright.metrics.musicnn_net import MusicnnNet

Variant = Literal["mtt", "msd"]

SAMPLE_RATE_HZ = 16_000
FFT_SIZE, HOP = 512, 256
PATCH_FRAMES = 187
"""3 s, as the network was trained."""
EMBEDDING_WIDTH = 200
PATCHES_AT_ONCE = 8
"""Bounds memory, whatever the length: about 60 MB."""
TAGS: dict[str, tuple[str, ...]] = {
    "mtt": (
        *("guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano"),
        *("ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing"),
        *("vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal"),
        *("pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice", "new age", "dance"),
        *("male voice", "female vocal", "beats", "harp", "cello", "no voice", "weird", "country", "metal"),
        *("female voice", "choral"),
    ),
    "msd": (
        *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s"),
        *("alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock"),
        *("soul", "indie rock", "mellow", "electronica", "80s", "folk", "90s", "chill", "instrumental"),
        *("punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental", "female vocalist"),
        *("guitar", "hip-hop", "70s", "party", "country", "easy listening", "sexy", "catchy", "funk"),
        *("electro", "heavy metal", "progressive rock", "60s", "rnb", "indie pop", "sad", "house", "happy"),
    ),
}
"""What each variant hears, in the order of its outputs: MagnaTagATune's tags, the Million Song Dataset's."""

_CODE = "1"
"""Part of the fingerprint; changes with every change of what is computed."""


class Musicnn:
    """The feature "musicnn" (variant "mtt") or "musicnn-msd"."""

    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self, variant: Variant = "mtt", *, patch_hop_s: float = 3.0) -> None:
        """`patch_hop_s`: patches begin at most so far apart; 3 s leaves none out. Raises InputError."""
        if variant not in TAGS:
            raise InputError(f"unknown variant '{variant}' of musicnn: choose from {', '.join(TAGS)}")
        shortest_s, longest_s = HOP / SAMPLE_RATE_HZ, 3.0
        if not shortest_s <= patch_hop_s <= longest_s:
            raise InputError(
                f"patch_hop_s must lie between {shortest_s:g} and {longest_s:g}, got {patch_hop_s:g}"
            )
        self.hop_frames = min(int(patch_hop_s * SAMPLE_RATE_HZ / HOP), PATCH_FRAMES)
        self.name = "musicnn" if variant == "mtt" else f"musicnn-{variant}"
        self.tags = TAGS[variant]
        self._net, digest = _loaded(variant)
        self.fingerprint = f"{self.name}-{_CODE}-{self.hop_frames}-{digest[:12]}"

    def extract(self, audio: Tensor) -> Arrays:
        """Float32 `[2, n]` at 16 kHz → "embeddings" `[P, 200]` and "tags" `[P, 50]`, probabilities.

        What is heard is the mean of both channels. P ≥ 1 patches of 3 s are spread evenly so that none of
        the signal is left out; a shorter signal is repeated. Silence has an embedding like any other sound.
        """
        mono = audio.float().mean(0)
        if not len(mono):
            raise ValueError("no audio to hear")
        padded = torch.nn.functional.pad(mono, (FFT_SIZE // 2, FFT_SIZE // 2))
        starts = patch_starts(1 + len(mono) // HOP, self.hop_frames)
        found = [
            self._net(torch.stack([_patch(padded, start) for start in starts[at : at + PATCHES_AT_ONCE]]))
            for at in range(0, len(starts), PATCHES_AT_ONCE)
        ]
        embeddings, log_odds = (torch.cat(part).numpy() for part in zip(*found, strict=True))
        return {"embeddings": embeddings, "tags": torch.from_numpy(log_odds).sigmoid().numpy()}


def patch_starts(num_frames: int, hop_frames: int = PATCH_FRAMES) -> list[int]:
    """First frames of as few patches as cover `num_frames` with steps of at most `hop_frames`.

    The first begins with the signal, the last ends with it, the others lie evenly between.
    """
    room = max(num_frames - PATCH_FRAMES, 0)
    steps = -(-room // hop_frames)
    return [round(step * room / max(steps, 1)) for step in range(steps + 1)]


def log_mel(padded: Tensor) -> Tensor:
    """`[n]` at 16 kHz, padded by half a window on both sides → `[F, 96]`: log10(10000 · power + 1).

    As librosa's mel power spectrogram has it: Hann windows, Slaney's scale and norm.
    """
    spectrum = torch.stft(
        padded, FFT_SIZE, HOP, window=torch.hann_window(FFT_SIZE), center=False, return_complex=True
    )
    power = torch.view_as_real(spectrum).square().sum(-1)
    return torch.log10(10_000 * (_mel_filters() @ power).T + 1)


def _patch(padded: Tensor, start: int) -> Tensor:
    """`[187, 96]` from frame `start` on; a signal that ends before is heard again from its beginning."""
    first = start * HOP
    mel = log_mel(padded[first : first + (PATCH_FRAMES - 1) * HOP + FFT_SIZE])
    return mel.repeat(-(-PATCH_FRAMES // len(mel)), 1)[:PATCH_FRAMES]


@lru_cache(maxsize=1)
def _mel_filters() -> Tensor:
    from librosa.filters import mel  # takes a second to import

    return torch.from_numpy(mel(sr=SAMPLE_RATE_HZ, n_fft=FFT_SIZE, n_mels=BANDS, dtype=np.float32))


@lru_cache(maxsize=2)
def _loaded(variant: Variant) -> tuple[MusicnnNet, str]:
    """The network and the hash of its weights, read once a process."""
    from safetensors.torch import load

    data = (resources.files("stemwright") / "weights" / f"musicnn_{variant}.safetensors").read_bytes()
    return MusicnnNet(load(data)).eval(), hashlib.sha256(data).hexdigest()
