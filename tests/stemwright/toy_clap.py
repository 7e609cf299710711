"""A CLAP of a few thousand weights, in the two forms in which CLAPs are published."""

import re
from pathlib import Path

import torch
from torch import Tensor
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor, RobertaTokenizer

_SPELLINGS = {
    "text_model.": "text_branch.",
    "audio_model.audio_encoder.": "audio_branch.",
    "_projection.linear1.": "_projection.0.",
    "_projection.linear2.": "_projection.2.",
    "batch_norm.": "bn0.",
    "layernorm_before.": "norm1.",
    "layernorm_after.": "norm2.",
}


def toy_tokenizer() -> RobertaTokenizer:
    letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijklmnopqrstuvwxyzĠ,."]
    return RobertaTokenizer(vocab={letter: place for place, letter in enumerate(letters)}, merges=[])


def toy_clap(seed: int = 0) -> ClapModel:
    config = ClapConfig(
        audio_config={
            "patch_embeds_hidden_size": 8,
            "hidden_size": 64,
            "depths": [1, 2, 1, 1],
            "num_attention_heads": [1, 2, 2, 4],
        },
        text_config={
            "vocab_size": 40,
            "hidden_size": 64,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 1,
            "max_position_embeddings": 80,
        },
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = ClapModel(config).eval()
        for parameter in model.parameters():
            # As initialised, the network is too flat for two sounds to differ.
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def save_toy_clap(folder: Path, *, seed: int = 0, pickled: bool = False) -> Path:
    """In transformers' form; `pickled`: pytorch_model.bin, as the published one is."""
    model = toy_clap(seed)
    model.save_pretrained(folder)
    if pickled:
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    extractor = ClapFeatureExtractor(frequency_min=50, frequency_max=14_000, truncation="rand_trunc")
    ClapProcessor(extractor, toy_tokenizer()).save_pretrained(folder)
    return folder


def laion_state(model: ClapModel) -> dict[str, Tensor]:
    """The weights by LAION's names, with what else its files hold."""
    state: dict[str, Tensor] = {"audio_branch.logmel_extractor.melW": torch.zeros(513, 64)}
    parts: dict[str, list[Tensor]] = {}
    for name, value in model.state_dict().items():
        if "audio_encoder" in name:
            name = name.replace("attention.output.dense.", "attn.proj.").replace("attention.self.", "attn.")
            name = re.sub(r"(\d)\.intermediate\.dense\.", r"\1.mlp.fc1.", name)
            name = re.sub(r"(\d)\.output\.dense\.", r"\1.mlp.fc2.", name)
        for spelling, laions in _SPELLINGS.items():
            name = name.replace(spelling, laions)
        joined = re.sub(r"attn\.(query|key|value)\.", "attn.qkv.", name)
        parts.setdefault(joined, []).append(value)
    return state | {
        name: torch.cat(values) if len(values) > 1 else values[0] for name, values in parts.items()
    }
