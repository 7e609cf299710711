"""VGGish, the embedding that published Fréchet audio distances are measured on (Hershey 2017; Kilgour 2019).

Log-mel patches of 0.96 s through a VGG network give 128 numbers each: the last layer before its activation,
without PCA and quantisation, as the distance is defined on. The network's names are those of the public
PyTorch weights, so that these load as they are.

Axes: n audio sample, F mel frame, M mel band, P patch.
"""

import hashlib
import math

import torch
from torch import Tensor, nn

from stemwright.errors import InputError
from stemwright.metrics.feature import Arrays
from stemwright.metrics.weights_file import check_digest, file_sha256, find_weights_file, read_weights_file

_FILE = "vggish-10086976.pth"
_URL = f"https://github.com/harritaylor/torchvggish/releases/download/v0.1/{_FILE}"
_FETCH = f"curl -L --create-dirs --output-dir {{place}} -O {_URL}"
_RATE_HZ = 16_000
_WINDOW, _HOP, _FFT = 400, 160, 512
"""25 ms every 10 ms."""
_BANDS, _LOWEST_HZ, _HIGHEST_HZ = 64, 125.0, 7500.0
_OFFSET = 0.01
"""Added before the logarithm."""
_PATCH_FRAMES = 96
PATCH_SAMPLES = (_PATCH_FRAMES - 1) * _HOP + _WINDOW
"""What one patch hears; patches follow one another every 0.96 s."""
_EMBEDDING = 128
_BATCH = 32
"""Patches a forward pass: an hour fits in memory."""


class Vggish:
    """16 kHz audio → `embeddings` `[P, 128]`, P = whole patches of 0.96 s, at least 1.

    Audio shorter than a patch is heard with silence behind it; a rest that fills no patch is left out, as
    published. Silence gives the embedding of silence, not zeros.
    """

    name = "vggish"
    sample_rate_hz = _RATE_HZ

    def __init__(self, network: nn.Module, *, weights_hash: str, device: torch.device | str = "cpu") -> None:
        """`network`: patches `[P, 1, 96, 64]` → `[P, 128]`; `weights_hash`: of its weights."""
        self._device = torch.device(device)
        # Channels last: a fifth faster on a CPU.
        network = network.to(self._device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._network = network.eval().requires_grad_(False)
        self.fingerprint = hashlib.sha256(repr(("vggish", 1, weights_hash)).encode()).hexdigest()[:16]

    @classmethod
    def load(cls, weights: str | None = None, *, device: torch.device | str = "cpu") -> "Vggish":
        """The published weights from a file, a folder or PyTorch's cache; InputError if missing or other."""
        path = find_weights_file(
            weights, file=_FILE, command=_FETCH, alternative="the embedded distance 'musicnn'"
        )
        if path.name == _FILE:
            check_digest(path)
        with torch.device("meta"):
            network = VggishNetwork()
        state = {name: value.float() for name, value in read_weights_file(path).items()}
        try:
            network.load_state_dict(state, assign=True)
        except RuntimeError:
            raise InputError(f"{path}: is not VGGish's weights; fetch them with `curl -LO {_URL}`") from None
        return cls(network, weights_hash=file_sha256(path), device=device)

    @classmethod
    def random(cls, seed: int, *, width: int = 64) -> "Vggish":
        """The architecture with random weights, for trials; the published `width` is 64."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(VggishNetwork(width), weights_hash=f"random {seed} {width}")

    @torch.inference_mode()
    def extract(self, audio: Tensor) -> Arrays:
        """Float32 audio `[2, n]` in ±1 at 16 kHz → `embeddings` `[P, 128]`."""
        patches = log_mel_patches(audio.float().mean(dim=0))
        parts = [self._network(part.to(self._device)[:, None]) for part in patches.split(_BATCH)]
        return {"embeddings": torch.cat(parts).cpu().numpy()}


class VggishNetwork(nn.Module):
    """Patches `[P, 1, 96, 64]` → embeddings `[P, 128]` before their activation."""

    def __init__(self, width: int = 64) -> None:
        """`width`: channels of the first layer; the published network has 64."""
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for widths in ((1,), (2,), (4, 4), (8, 8)):
            for factor in widths:
                layers += [nn.Conv2d(channels, factor * width, 3, padding=1), nn.ReLU()]
                channels = factor * width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        hidden = 64 * width
        self.embeddings = nn.Sequential(
            nn.Linear(channels * (_PATCH_FRAMES // 16) * (_BANDS // 16), hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, _EMBEDDING),
        )

    def forward(self, patches: Tensor) -> Tensor:
        # The weights come from a network with its channels last.
        return self.embeddings(self.features(patches).permute(0, 2, 3, 1).flatten(1))


def log_mel_patches(mono: Tensor) -> Tensor:
    """Samples `[n]` at 16 kHz → log-mel patches `[P, 96, 64]` without overlap, P at least 1."""
    mono = nn.functional.pad(mono, (0, max(0, PATCH_SAMPLES - mono.shape[-1])))
    num_patches = (mono.shape[-1] - PATCH_SAMPLES) // (_PATCH_FRAMES * _HOP) + 1
    window = torch.hann_window(_WINDOW, device=mono.device)
    bands = mel_bands().to(mono.device)
    frames = mono.unfold(0, _WINDOW, _HOP)[: num_patches * _PATCH_FRAMES]
    # Frames are taken as a view: the windowed copy of an hour would be five times its samples.
    mel = [torch.fft.rfft(part * window, n=_FFT).abs() @ bands for part in frames.split(8192)]
    return (torch.cat(mel) + _OFFSET).log().unflatten(0, (num_patches, _PATCH_FRAMES))


def mel_bands() -> Tensor:
    """Magnitudes `[257]` → bands `[64]` as a matrix `[257, 64]`: triangles that are straight over mels."""
    bins = _mels(torch.linspace(0.0, _RATE_HZ / 2, _FFT // 2 + 1, dtype=torch.float64))[:, None]
    lowest, highest = (1127.0 * math.log1p(hz / 700.0) for hz in (_LOWEST_HZ, _HIGHEST_HZ))
    edges = torch.linspace(lowest, highest, _BANDS + 2, dtype=torch.float64)
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bands = torch.minimum(rise, fall).clamp(min=0.0)
    bands[0] = 0.0  # the constant part is not heard
    return bands.float()


def _mels(hz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hz / 700.0)
