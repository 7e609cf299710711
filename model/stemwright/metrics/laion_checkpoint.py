"""CLAP checkpoints as LAION publishes them (`music_audioset_epoch_15_esc_90.14.pt`), read into ClapModel.

The two spell one network's weights in two ways; queries, keys and values lie in one matrix in LAION's. Sizes
are taken from the weights.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from stemwright.errors import InputError
from stemwright.metrics.weights_file import read_weights_file

if TYPE_CHECKING:
    from transformers import ClapConfig, ClapModel

_SPELLINGS = (
    (r"^text_branch\.", "text_model."),
    (r"^audio_branch\.", "audio_model.audio_encoder."),
    (r"^(text|audio)_projection\.0\.", r"\1_projection.linear1."),
    (r"^(text|audio)_projection\.2\.", r"\1_projection.linear2."),
    (r"\.bn0\.", ".batch_norm."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.", ".attention.self."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)
"""Of LAION's names into transformers', in this order."""
_COMPUTED = ("relative_position_index", "position_ids", "token_type_ids", "num_batches_tracked")
"""Buffers that follow from the sizes, or that a model in use does not read."""


def read_laion_checkpoint(path: Path) -> "ClapModel":
    """The model of a file, in float32; InputError where it is damaged or is no CLAP without fusion.

    Only HTSAT with RoBERTa is read, which all of LAION's published files are. Heads of the classifier that
    the audio half was first trained as are left out.
    """
    import torch
    from transformers import ClapModel

    state = read_weights_file(path)
    if "audio_branch.patch_embed.proj.weight" not in state or "text_branch.pooler.dense.weight" not in state:
        raise InputError(f"{path}: is no CLAP of HTSAT and RoBERTa as LAION publishes it")
    if any(".fusion_model." in name for name in state):
        raise InputError(
            f"{path}: is a fused CLAP; take one without fusion, whose windows are heard one by one"
        )
    renamed = transformers_names(state)
    with torch.random.fork_rng(devices=[]):  # the weights that it draws are overwritten
        model = ClapModel(laion_config(state))
    wanted = model.state_dict()
    try:
        report = model.load_state_dict(
            {
                name: value.float() if value.is_floating_point() else value
                for name, value in renamed.items()
                if name in wanted
            },
            strict=False,
        )
    except RuntimeError as error:
        raise InputError(f"{path}: does not fit together ({str(error).splitlines()[-1].strip()})") from None
    if lost := [name for name in report.missing_keys if not name.endswith(_COMPUTED)]:
        raise InputError(f"{path}: {len(lost)} weights of CLAP are missing, {lost[0]} first; fetch it again")
    return model


def transformers_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """LAION's names → transformers'; joined queries, keys and values apart."""
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        for pattern, spelling in _SPELLINGS:
            name = re.sub(pattern, spelling, name)
        if ".qkv." in name:
            for part, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                renamed[name.replace("qkv", part)] = rows
        else:
            renamed[name] = value
    return renamed


def laion_config(state: dict[str, Tensor]) -> "ClapConfig":
    """Sizes of the network whose weights, by LAION's names, these are."""
    from transformers import ClapConfig

    patches = state["audio_branch.patch_embed.proj.weight"]
    depths = _depths(state)
    width = patches.shape[0]
    heads = [
        state[f"audio_branch.layers.{layer}.blocks.0.attn.relative_position_bias_table"].shape[1]
        for layer in range(len(depths))
    ]
    words = state["text_branch.embeddings.word_embeddings.weight"]
    places = state["text_branch.embeddings.position_embeddings.weight"]
    inner = state["text_branch.encoder.layer.0.intermediate.dense.weight"]
    layers = len({name.split(".")[3] for name in state if name.startswith("text_branch.encoder.layer.")})
    return ClapConfig(
        projection_dim=state["audio_projection.2.weight"].shape[0],
        audio_config={
            "patch_embeds_hidden_size": width,
            "hidden_size": width * 2 ** (len(depths) - 1),
            "depths": depths,
            "num_hidden_layers": len(depths),
            "num_attention_heads": heads,
            "num_mel_bins": state["audio_branch.bn0.weight"].shape[0],
        },
        text_config={
            "vocab_size": words.shape[0],
            "hidden_size": words.shape[1],
            "intermediate_size": inner.shape[0],
            "max_position_embeddings": places.shape[0],
            "num_hidden_layers": layers,
            # RoBERTa's heads are 64 wide in every published size.
            "num_attention_heads": max(1, words.shape[1] // 64),
        },
    )


def _depths(state: dict[str, Tensor]) -> list[int]:
    blocks = {
        (int(found[1]), int(found[2]))
        for name in state
        if (found := re.match(r"audio_branch\.layers\.(\d+)\.blocks\.(\d+)\.", name))
    }
    layers = sorted({layer for layer, _ in blocks})
    return [sum(1 for layer, _ in blocks if layer == one) for one in layers]
