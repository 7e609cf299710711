import math
from pathlib import Path

import pytest

from stemwright_platform.assessment.assessment_page import render, write_assessment_page
from stemwright_platform.assessment.figure import Figure, Target

FIGURES = [
    Figure(
        name="coherence.a",
        about="A <b>",
        value=0.7,
        low=0.6,
        high=0.8,
        target=Target(bound=0.5, at_least=True),
    ),
    Figure(
        name="coherence.b", about="B", value=math.nan, target=Target(bound=0.5, at_least=True), note="none"
    ),
    Figure(name="coherence.c", about="C", value=-3.0, low=-4.0, high=-2.0),
]


def found(*figures: Figure) -> dict:
    return {
        "created": "2026-01-01T00:00:00+00:00",
        "model": {"preset": "tiny", "fingerprint": "abc"},
        "music": "two songs",
        "settings": {"steps": 4},
        "parts": {"coherence": [figure.as_json() for figure in figures]},
    }


def test_every_figure_is_told_with_its_verdict(tmp_path: Path) -> None:
    page = render(tmp_path, found(*FIGURES))
    for figure in FIGURES:
        assert figure.name in page
    assert "met" in page
    assert "not measured" in page
    assert "nan" not in page.replace("role", "")
    assert "A &lt;b&gt;" in page


def test_the_page_needs_no_network(tmp_path: Path) -> None:
    page = render(tmp_path, found(*FIGURES))
    assert "http://" not in page
    assert "https://" not in page


def test_pictures_stand_under_their_part(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name in ("coherence-bass.png", "tempo-x.png"):
        (tmp_path / "pictures" / name).write_bytes(b"")
    page = write_assessment_page(tmp_path, found(*FIGURES)).read_text()
    assert "pictures/coherence-bass.png" in page
    assert "tempo-x" not in page


@pytest.mark.parametrize("value", [-2.0, 0.0, 0.5, 7.0])
def test_places_on_the_line_stay_on_it(tmp_path: Path, value: float) -> None:
    from stemwright_platform.assessment.assessment_page import _scale

    figure = Figure(
        name="x",
        about="",
        value=value,
        low=value - 1,
        high=value + 1,
        target=Target(bound=0.5, at_least=True),
    )
    places = _scale(figure)
    assert places is not None
    assert all(0 <= place <= 100 for place in places.values())
