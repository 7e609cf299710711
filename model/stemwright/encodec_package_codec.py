"""A second backend of the 48 kHz codec: the same weights run by the PyPI package `encodec`.

It is the authors' own implementation; latents agree with those of `encodec_codec` to 1e-4, so both
share one fingerprint.
"""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stemwright.encodec_codec import EncodecCodec
from stemwright.errors import InputError
from stemwright.pretrained import pretrained_folder, weight_files, weights_sha256

_MODEL = "facebook/encodec_48khz"


def load_encodec_package(weights: str | None = None, *, device: torch.device | str = "cpu") -> EncodecCodec:
    """The published weights (as transformers stores them) in the package's own modules.

    Raises InputError where the package or the weights are missing, or the weights do not fit.
    """
    modules = _package_modules()
    alternative = "the embedded codec 'mdct'"
    folder = pretrained_folder(weights, model=_MODEL, alternative=alternative)
    state = _read_state(folder)
    width = state["encoder.layers.0.conv.weight"].shape[0] if "encoder.layers.0.conv.weight" in state else 32
    settings: dict[str, Any] = {"channels": 2, "n_filters": width, "norm": "time_group_norm", "causal": False}
    encoder, decoder = modules.SEANetEncoder(**settings), modules.SEANetDecoder(**settings)
    try:
        _fill(encoder, state, "encoder")
        _fill(decoder, state, "decoder")
    except (KeyError, RuntimeError):
        raise InputError(
            f"{folder}: is not the stereo 48 kHz EnCodec; fetch it with `hf download {_MODEL}`"
        ) from None
    return EncodecCodec(
        encoder, decoder, weights_hash=weights_sha256(folder), name="encodec-package", device=device
    )


def _package_modules() -> Any:
    try:
        from encodec import modules  # pyright: ignore[reportMissingImports]
    except (ImportError, OSError) as error:  # OSError: a torchaudio that does not fit this torch
        raise InputError(
            f"the package encodec cannot be imported ({str(error).splitlines()[0]}); install it with "
            "`pip install 'stemwright[encodec]'`, or use the codec 'encodec', which needs no package"
        ) from None
    return modules


def _read_state(folder: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    state: dict[str, Tensor] = {}
    try:
        for file in weight_files(folder):
            state |= load_file(file)
    except SafetensorError as error:
        raise InputError(f"{folder}: cannot be loaded ({error}); fetch it again") from None
    return state


def _fill(module: nn.Module, state: dict[str, Tensor], part: str) -> None:
    """Load a package module from transformers' names; KeyError or RuntimeError if they do not fit."""
    module.load_state_dict({key: state[f"{part}.{_transformers_name(key)}"] for key in module.state_dict()})


def _transformers_name(key: str) -> str:
    """`model.3.convtr.convtr.bias` is `layers.3.conv.bias`, `model.0.conv.norm.bias` `layers.0.norm.bias`."""
    key = key.replace("model.", "layers.", 1)
    key = re.sub(r"\.(conv|convtr)\.norm\.", ".norm.", key)
    return re.sub(r"\.(conv|convtr)\.(conv|convtr)\.", ".conv.", key)
