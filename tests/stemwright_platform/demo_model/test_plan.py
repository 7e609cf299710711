from pathlib import Path
from typing import Any

import pytest

from stemwright import conv_codec
from stemwright.errors import InputError
from stemwright_platform.demo_model import plan as plan_module
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.sizes import CODEC_STEPS, HOURS


@pytest.fixture(autouse=True)
def no_shipped_codec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the trained codec would ship; nothing is there."""
    monkeypatch.setattr(plan_module, "SHIPPED_CODEC", tmp_path / "shipped.safetensors")
    monkeypatch.setattr(conv_codec, "SHIPPED", tmp_path / "shipped.safetensors")
    return tmp_path / "shipped.safetensors"


def plan(tmp_path: Path, **changes: Any) -> DemoModelPlan:
    return DemoModelPlan(**{"out": tmp_path / "out", **changes})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"songs": 1}, "--songs"),
        ({"hours": 1.0, "steps": 10}, "not in both"),
        ({"hours": 0.0}, "more than 0 hours"),
        ({"steps": 0}, "at least one step"),
        ({"codec_name": "mdct", "codec_steps": 10}, "give one of them"),
        ({"codec_steps": 0}, "--codec-steps"),
        ({"codec_name": "nowhere.safetensors"}, "--codec nowhere.safetensors"),
        ({"codec_name": "conv"}, "stemwright codec train"),
        ({"evaluation_clips": 1}, "--clips"),
        ({"patches": 1}, "--patches"),
        ({"midi": Path("nowhere")}, "--midi nowhere"),
        ({"soundfonts": (Path("nowhere.sf2"),)}, "--soundfont nowhere.sf2"),
        ({"preset": "huge"}, "unknown preset"),
    ],
)
def test_what_cannot_be_done_is_one_line_before_anything_is_made(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told) as raised:
        plan(tmp_path, **changes)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_codec_is_trained_where_there_is_none_and_kept_to_where_one_was_begun(
    tmp_path: Path, no_shipped_codec: Path
) -> None:
    asked = plan(tmp_path)
    assert asked.trains_codec
    assert asked.codec.weights == str(tmp_path / "out" / "codec")
    (tmp_path / "out" / "codec").mkdir(parents=True)
    no_shipped_codec.write_bytes(b"weights")
    assert plan(tmp_path).trains_codec, "a shipped codec must not change a run that is under way"


def test_a_codec_that_is_asked_for_is_trained_whatever_ships(tmp_path: Path, no_shipped_codec: Path) -> None:
    no_shipped_codec.write_bytes(b"weights")
    assert plan(tmp_path, codec_steps=CODEC_STEPS).trains_codec


def test_the_embedded_codec_needs_no_training(tmp_path: Path) -> None:
    asked = plan(tmp_path, codec_name="mdct")
    assert not asked.trains_codec
    assert asked.codec.weights is None


def test_without_midi_there_is_one_corpus(tmp_path: Path) -> None:
    (tmp_path / "midi").mkdir()
    assert list(plan(tmp_path).manifests) == list(plan(tmp_path).latents) == ["demo"]
    both = plan(tmp_path, midi=tmp_path / "midi")
    assert list(both.manifests) == list(both.latents) == ["demo", "rendered"]


def test_the_training_has_a_length_of_its_own_where_none_is_given(tmp_path: Path) -> None:
    assert plan(tmp_path).minutes == 60 * HOURS
    assert plan(tmp_path, hours=0.5).minutes == 30
