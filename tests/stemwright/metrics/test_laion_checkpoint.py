from pathlib import Path

import pytest
import torch
from torch import Tensor
from toy_clap import laion_state, toy_clap

from stemwright.errors import InputError
from stemwright.metrics.laion_checkpoint import laion_config, read_laion_checkpoint, transformers_names


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return laion_state(toy_clap())


def test_names_come_out_as_transformers_spells_them(state: dict[str, Tensor]) -> None:
    wanted = toy_clap().state_dict()
    renamed = transformers_names(state)
    assert wanted.keys() - renamed.keys() == set()
    for name, value in wanted.items():
        torch.testing.assert_close(renamed[name], value)


def test_laion_spells_the_names_this_way(state: dict[str, Tensor]) -> None:
    """A sample of the names in the public files, as their network defines them."""
    for name in (
        "audio_branch.bn0.running_mean",
        "audio_branch.patch_embed.norm.weight",
        "audio_branch.layers.1.blocks.1.attn.qkv.weight",
        "audio_branch.layers.0.blocks.0.attn.relative_position_bias_table",
        "audio_branch.layers.0.blocks.0.attn.proj.bias",
        "audio_branch.layers.0.blocks.0.mlp.fc1.weight",
        "audio_branch.layers.0.blocks.0.mlp.fc2.weight",
        "audio_branch.layers.0.blocks.0.norm1.weight",
        "audio_branch.layers.0.downsample.reduction.weight",
        "audio_branch.norm.weight",
        "audio_projection.0.weight",
        "audio_projection.2.bias",
        "text_branch.encoder.layer.1.attention.self.query.weight",
        "text_branch.encoder.layer.1.attention.output.LayerNorm.weight",
        "text_branch.pooler.dense.weight",
        "text_projection.0.weight",
        "logit_scale_a",
    ):
        assert name in state


def test_sizes_are_read_from_the_weights(state: dict[str, Tensor]) -> None:
    config, wanted = laion_config(state), toy_clap().config
    for part in ("audio_config", "text_config"):
        got, expected = getattr(config, part), getattr(wanted, part)
        for name in ("hidden_size", "num_attention_heads", "num_hidden_layers", "projection_dim"):
            assert getattr(got, name) == getattr(expected, name), name
    assert config.audio_config.depths == wanted.audio_config.depths


def test_reading_leaves_the_random_numbers_of_others_alone(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(state, tmp_path / "a.pt")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    read_laion_checkpoint(tmp_path / "a.pt")
    torch.testing.assert_close(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"audio_branch.patch_embed.fusion_model.a": torch.zeros(1)}, "is a fused CLAP"),
        ({"audio_projection.0.weight": None}, r"1 weights of CLAP are missing"),
        ({"text_branch.pooler.dense.weight": None}, "is no CLAP of HTSAT and RoBERTa"),
        ({"audio_projection.0.weight": torch.zeros(3, 3)}, "does not fit together"),
    ],
)
def test_other_files_are_one_clear_line(
    tmp_path: Path, state: dict[str, Tensor], change: dict[str, Tensor | None], reason: str
) -> None:
    changed = {name: value for name, value in (state | change).items() if value is not None}
    torch.save(changed, tmp_path / "a.pt")
    with pytest.raises(InputError, match=reason) as error:
        read_laion_checkpoint(tmp_path / "a.pt")
    assert "\n" not in str(error.value)
