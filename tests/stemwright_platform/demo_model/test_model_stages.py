import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright import conv_codec, shipped_model
from stemwright.checkpoint import load_checkpoint
from stemwright.conv_codec_net import ConvAutoencoder, ConvCodecConfig
from stemwright.run_folder import RunFolder
from stemwright_platform.commands.demo_model import ship
from stemwright_platform.demo_model.judging_stages import JudgingStages
from stemwright_platform.demo_model.model_stages import ModelStages
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.evaluation.making import Source

SMALL = ConvCodecConfig(
    latent_dim=8,
    encoder_width=16,
    encoder_blocks=1,
    decoder_width=16,
    decoder_blocks=1,
    part_width=16,
    part_blocks=1,
)


@pytest.fixture
def plan(tmp_path: Path, make_checkpoint: Callable[..., Path], small_source: Source) -> DemoModelPlan:
    """All stages done but the last."""
    codec = tmp_path / "trained.safetensors"
    conv_codec.write_codec_file(codec, ConvAutoencoder(SMALL).state_dict(), SMALL)
    plan = DemoModelPlan(out=tmp_path / "out", songs=6, codec_name=str(codec), preset="tiny", steps=2)
    make_checkpoint(plan.candidate)
    shutil.copytree(small_source.data, plan.latents["demo"])
    run = RunFolder(plan.run)
    plan.run.mkdir()
    run.metrics.write_text('{"step": 1, "loss": 0.7}\n{"step": 2, "loss": 0.6}\n')
    run.validation.write_text('{"step": 2, "loss": 0.5, "ratio": 0.9, "ratio_by_band": {"0-1": 0.9}}\n')
    figures = [{"score": "onset lock", "joint": "60%"}]
    judging = JudgingStages(plan, print)
    judging.figures.write_text(json.dumps(figures))
    judging.targets.write_text(json.dumps([{"figure": "clicks", "value": "0", "verdict": "met"}]))
    return plan


def test_the_card_of_the_finished_model_tells_data_training_and_figures(plan: DemoModelPlan) -> None:
    ModelStages(plan, print).finish()
    card = (plan.model / "README.md").read_text()
    assert "| demo | 2 train, 4 test |" in card or "| demo | 4 test, 2 train |" in card
    assert "| TimGM6mb.sf2 | GPL-2 |" in card
    assert "| onset lock | 60% |" in card
    assert "| clicks | 0 | met |" in card
    assert "stemwright demo-model --out out --songs 6 --codec trained.safetensors" in card
    assert str(plan.out.parent) not in card + (plan.model / "checkpoint.json").read_text()
    assert (plan.model / "curves.png").stat().st_size < 100_000
    assert load_checkpoint(plan.model).origin.facts["steps"] == 1


def test_shipping_brings_model_and_codec_to_where_they_are_found(
    plan: DemoModelPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    monkeypatch.setattr(conv_codec, "SHIPPED", weights / conv_codec.FILE)
    monkeypatch.setattr(shipped_model, "shipped_folder", lambda: weights / "demo_model")
    ModelStages(plan, print).finish()
    ship(plan)
    assert load_checkpoint("shipped").fingerprint == load_checkpoint(plan.model).fingerprint
    trained = conv_codec.ConvCodec.from_pretrained(plan.codec.weights)
    assert conv_codec.ConvCodec.from_pretrained(weights).fingerprint == trained.fingerprint
    assert {path.name for path in weights.iterdir()} == {"demo_model", conv_codec.FILE}
