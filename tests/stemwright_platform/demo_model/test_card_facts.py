import json
from pathlib import Path

import pytest

from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.demo_model.card_facts import font_licence, hardware, stage_times, target_figures


@pytest.mark.parametrize(
    ("file", "licence"),
    [
        ("TimGM6mb.sf2", "GPL-2"),
        ("MuseScore_General_Lite.sf3", "MIT"),
        ("FluidR3Mono_GM.sf3", "MIT"),
        ("mine.sf2", "see the font's own text"),
    ],
)
def test_a_fonts_licence_is_only_claimed_where_it_is_known(file: str, licence: str) -> None:
    assert font_licence(Path("somewhere") / file) == licence


def test_the_hardware_is_named() -> None:
    assert "cores" in hardware("cpu")


def test_times_are_those_of_the_stages_that_are_done(tmp_path: Path) -> None:
    assert stage_times(tmp_path) == {}
    (tmp_path / "stages.json").write_text(json.dumps([{"name": "songs", "seconds": 3.5, "did": "made"}]))
    assert stage_times(tmp_path) == {"songs": 3.5}


def test_only_what_is_held_to_a_target_stands_in_the_card() -> None:
    target = Target(bound=0.5, at_least=True)
    held = Figure(name="a", about="Bass with drums.", value=0.42, low=0.3, high=0.5, target=target)
    (record,) = target_figures([held, Figure(name="b", about="Shown.", value=1.0)])
    assert record["figure"] == "Bass with drums"
    assert record["verdict"] == "missed by 0.08"
