"""A hybrid transformer Demucs of a few thousand weights, in the file forms of Demucs."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from demucs.htdemucs import HTDemucs
from demucs.states import get_state, save_with_checksum
from safetensors.torch import save_file

SOURCES = ["drums", "bass", "other", "vocals"]
SETTINGS: dict[str, Any] = {
    "sources": SOURCES,
    "channels": 8,
    "depth": 4,
    "t_layers": 1,
    "t_heads": 2,
    "t_hidden_scale": 1.0,
    "samplerate": 44_100,
    "segment": Fraction(1, 2),
}


def toy_demucs(seed: int = 0, **settings: Any) -> HTDemucs:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return HTDemucs(**SETTINGS | settings).eval()


def save_toy_demucs(
    folder: Path,
    *,
    signature: str = "955717e8",
    form: str = "th",
    seed: int = 0,
    bag: bool = True,
    **settings: Any,
) -> HTDemucs:
    """`th`: with Demucs' own writer, half precision, a digest in the name; `bag`: htdemucs.yaml beside it."""
    model = toy_demucs(seed, **settings)
    kwargs = SETTINGS | settings
    if form == "th":
        package = {
            "klass": HTDemucs,
            "args": (),
            "kwargs": kwargs,
            "state": get_state(model, None, half=True),
            "training_args": {"epochs": 3, "dset": {"segment": 11}},
        }
        save_with_checksum(package, folder / f"{signature}.th")
    else:
        segment = kwargs["segment"]
        fraction = {"_type": "fraction", "numerator": segment.numerator, "denominator": segment.denominator}
        facts = {
            "klass": "demucs.htdemucs.HTDemucs",
            "args": "[]",
            "kwargs": json.dumps(kwargs | {"segment": fraction}),
        }
        save_file(get_state(model, None), folder / f"{signature}.safetensors", metadata=facts)
    if bag:
        (folder / "htdemucs.yaml").write_text(f"models: ['{signature}']\n")
    return model
