"""CLAP, which embeds music and words in one space (Wu 2023), by transformers' ClapModel.

Long audio is heard in windows of 10 s every 5 s, each alone: never cropped at random. Weights are read in
transformers' form, or as LAION publishes them.

Axes: n audio sample, W window, F mel frame, M mel band.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.errors import InputError
from stemwright.metrics.feature import Arrays
from stemwright.metrics.weights_file import file_sha256
from stemwright.pretrained import cached_snapshot, quiet_loading, weight_files, weights_sha256

if TYPE_CHECKING:
    from transformers import ClapModel

_MODEL = "laion/larger_clap_music"
_TOKENIZER = "FacebookAI/roberta-base"
_ALTERNATIVE = "the embedded score 'tag_agreement'"
_RATE_HZ = 48_000
WINDOW_SAMPLES, HOP_SAMPLES = 10 * _RATE_HZ, 5 * _RATE_HZ
_FFT, _MEL_HOP = 1024, 480
_FLOOR = 1e-10
"""Of power, before it is expressed in decibels."""
_MAX_TOKENS = 77
_BATCH = 4
"""Windows a forward pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClapParts:
    """What one CLAP is made of."""

    model: "ClapModel"
    """Without fusion: it hears one window at a time."""
    tokenizer: Any
    """Of its text half."""
    mel_bands: Tensor
    """Power `[513]` → mel bands `[M]`, as a matrix `[513, M]`."""
    weights_hash: str
    """Of the model's weights."""


class Clap:
    """48 kHz audio → `embeddings` `[W, 512]` of unit length, one a window of 10 s, the last one at the end.

    Audio of up to 10 s is one window: repeated as often as it fits whole, then silence, as LAION does.
    Silence has an embedding like any sound.
    """

    name = "clap"
    sample_rate_hz = _RATE_HZ

    def __init__(self, parts: ClapParts, *, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        # transformers' own decorator hides the signature of `to` from type checkers.
        model: Any = parts.model
        self._model = model.to(self._device).eval().requires_grad_(False)
        self._tokenizer = parts.tokenizer
        self._mel_bands = parts.mel_bands
        bands = hashlib.sha256(parts.mel_bands.numpy().tobytes()).hexdigest()
        settings = ("clap", 1, parts.weights_hash, bands, WINDOW_SAMPLES, HOP_SAMPLES)
        self.fingerprint = hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    @classmethod
    def load(cls, weights: str | None = None, *, device: torch.device | str = "cpu") -> "Clap":
        """A model in transformers' form (a folder, or a name in the cache), or a file as LAION publishes it.

        Raises InputError for what is missing, damaged, or no CLAP without fusion.
        """
        if weights is not None and Path(weights).is_file():
            return cls(_laion_parts(Path(weights)), device=device)
        return cls(_transformers_parts(_folder(weights)), device=device)

    @torch.inference_mode()
    def extract(self, audio: Tensor) -> Arrays:
        """Float32 audio `[2, n]` in ±1 at 48 kHz → `embeddings` `[W, 512]`."""
        parts: list[Tensor] = []
        for part in windows(audio):
            mel = log_mel(part, self._mel_bands)[:, None].to(self._device)
            parts.append(self._model.get_audio_features(input_features=mel).pooler_output.cpu())
        return {"embeddings": torch.cat(parts).numpy()}

    @torch.inference_mode()
    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One embedding of unit length a text, `[len(texts), 512]`; words beyond 77 tokens are cut off."""
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt"
        )
        output = self._model.get_text_features(
            input_ids=tokens["input_ids"].to(self._device),
            attention_mask=tokens["attention_mask"].to(self._device),
        )
        return output.pooler_output.cpu().numpy()


def clap_score(audio_embeddings: NDArray[np.float32], text_embedding: NDArray[np.float32]) -> float:
    """Cosine of a text `[512]` and each window of audio `[W, 512]`, averaged over windows.

    -1 to 1, higher fits better; NaN where there is no window.
    """
    if len(audio_embeddings) == 0:
        return float("nan")
    lengths = np.linalg.norm(audio_embeddings, axis=1) * np.linalg.norm(text_embedding)
    return float(np.mean(audio_embeddings @ text_embedding / np.maximum(lengths, 1e-12)))


def windows(audio: Tensor) -> Iterator[Tensor]:
    """Mono windows of audio `[2, n]` as `[W, 480000]`, a few at a time."""
    mono = _at_least_a_window(audio.float().mean(dim=0).clamp(-1.0, 1.0))
    starts = window_starts(mono.shape[-1])
    for first in range(0, len(starts), _BATCH):
        yield torch.stack([mono[start : start + WINDOW_SAMPLES] for start in starts[first : first + _BATCH]])


def window_starts(num_samples: int) -> list[int]:
    """First samples of the windows of audio of at least 10 s; the last window ends where the audio does."""
    last = num_samples - WINDOW_SAMPLES
    starts = list(range(0, last + 1, HOP_SAMPLES))
    return starts if starts[-1] == last else [*starts, last]


def log_mel(audio: Tensor, mel_bands: Tensor) -> Tensor:
    """Mono windows `[W, 480000]` → mel power in decibels `[W, 1001, M]`, as CLAP was trained on it."""
    spectrum = torch.stft(
        audio,
        n_fft=_FFT,
        hop_length=_MEL_HOP,
        window=torch.hann_window(_FFT),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    power = spectrum.abs().square().transpose(1, 2) @ mel_bands
    return 10.0 * power.clamp(min=_FLOOR).log10()


def _at_least_a_window(mono: Tensor) -> Tensor:
    if mono.shape[-1] >= WINDOW_SAMPLES:
        return mono
    repeated = mono.repeat(WINDOW_SAMPLES // mono.shape[-1])
    return torch.nn.functional.pad(repeated, (0, WINDOW_SAMPLES - repeated.shape[-1]))


def _folder(weights: str | None) -> Path:
    """Where config.json and weights lie; the published model has no safetensors, only pytorch_model.bin."""
    model = weights or _MODEL
    local = Path(model).is_dir() or model.startswith(("/", ".", "~")) or model.count("/") != 1
    folder = Path(model) if local else cached_snapshot(model)
    command = f"hf download {_MODEL} --local-dir {model}" if local else f"hf download {model}"
    if folder is not None and not folder.is_dir():
        raise InputError(f"{model} is no folder or file with CLAP's weights; fetch them with `{command}`")
    if folder is None:
        raise InputError(
            f"the weights of {model} are neither a folder nor in the local cache; "
            f"fetch them with `{command}`, or use {_ALTERNATIVE}"
        )
    missing = [name for name in ("config.json",) if not (folder / name).is_file()]
    if not weight_files(folder) and not (folder / "pytorch_model.bin").is_file():
        missing.append("model.safetensors or pytorch_model.bin")
    if missing:
        raise InputError(
            f"{folder}: has no {' and no '.join(missing)} of CLAP; "
            f"fetch it with `{command}`, or use {_ALTERNATIVE}"
        )
    return folder


def _transformers_parts(folder: Path) -> ClapParts:
    from transformers import AutoConfig, ClapModel, ClapProcessor

    with quiet_loading(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if config.model_type != "clap" or config.audio_config.enable_fusion:
        kind = "a fused CLAP" if config.model_type == "clap" else f"a model of type {config.model_type}"
        raise InputError(f"{folder}: is {kind}; fetch one without fusion with `hf download {_MODEL}`")
    with quiet_loading(folder):
        loaded: Any = ClapModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True, weights_only=True
        )
        processor: Any = ClapProcessor.from_pretrained(folder, local_files_only=True)
    model, report = loaded
    # What a file lacks is drawn at random, and would score at random.
    if lost := sorted([*report["missing_keys"], *map(str, report["mismatched_keys"])]):
        raise InputError(
            f"{folder}: {len(lost)} weights of CLAP are missing, {lost[0]} first; fetch it again"
        )
    extractor = processor.feature_extractor
    settings = (extractor.sampling_rate, extractor.fft_window_size, extractor.hop_length)
    if settings != (_RATE_HZ, _FFT, _MEL_HOP):
        raise InputError(
            f"{folder}: hears in another way than CLAP for music; `hf download {_MODEL}` fetches it"
        )
    return ClapParts(
        model=model,
        tokenizer=processor.tokenizer,
        mel_bands=torch.from_numpy(extractor.mel_filters_slaney).float(),
        weights_hash=weights_sha256(folder)
        if weight_files(folder)
        else file_sha256(folder / "pytorch_model.bin"),
    )


def _laion_parts(path: Path) -> ClapParts:
    from transformers import AutoTokenizer, ClapFeatureExtractor

    from stemwright.metrics.laion_checkpoint import read_laion_checkpoint

    here = (path.parent / "tokenizer.json").is_file() or (path.parent / "vocab.json").is_file()
    folder = path.parent if here else cached_snapshot(_TOKENIZER)
    if folder is None:
        raise InputError(
            f"{path}: has no tokenizer.json beside it; fetch it with "
            f"`hf download {_TOKENIZER} tokenizer.json tokenizer_config.json --local-dir {path.parent}`"
        )
    model = read_laion_checkpoint(path)
    with quiet_loading(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    extractor = ClapFeatureExtractor(frequency_min=50, frequency_max=14_000, truncation="rand_trunc")
    return ClapParts(
        model=model,
        tokenizer=tokenizer,
        mel_bands=torch.from_numpy(extractor.mel_filters_slaney).float(),
        weights_hash=file_sha256(path),
    )
