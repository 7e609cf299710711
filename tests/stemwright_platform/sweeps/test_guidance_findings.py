"""What a sweep found, in words, JSON and CSV."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from found_guidance import BASS, SCALES, found_guidance  # pyright: ignore[reportMissingImports]

from stemwright_platform.sweeps.guidance_choice import Choice
from stemwright_platform.sweeps.guidance_findings import conclusion, write_findings


def test_the_last_line_names_the_scale_and_how_to_set_it() -> None:
    said = conclusion(found_guidance())
    assert said.startswith("the best λ is 2")
    assert "--guidance-scale 2" in said


def test_the_last_line_says_when_another_scale_has_the_better_mean() -> None:
    found = replace(found_guidance(), choice=Choice(scale=1.0, best=2.0, as_good=(1.0, 2.0)))
    assert "the best λ is 1 (λ = 2 has the best mean" in conclusion(found)


def test_the_last_line_says_why_nothing_was_chosen() -> None:
    found = replace(found_guidance(), choice=None, no_choice="all is silent")
    assert conclusion(found) == "no λ can be chosen: all is silent"


def test_the_files_hold_every_figure_and_no_number_that_is_none(tmp_path: Path) -> None:
    write_findings(found_guidance(), tmp_path)
    text = (tmp_path / "sweep.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    told = json.loads(text)
    assert told["scales"] == list(SCALES)
    assert told["level_db"][BASS] == [1.0, 0.0, 0.5, None]
    assert told["choice"]["refused"].keys() == {"7"}
    assert told["curve"]["all"]["against_1"]["value"][1] == 0
    assert told["curve"]["all"]["against_1"]["p_value"][1] is None
    assert told["made_of"][BASS]["left_out"] == ["chroma_agreement of bass|melody"]
    rows = list(csv.DictReader((tmp_path / "curve.csv").open(encoding="utf-8")))
    assert len(rows) == 3 * len(SCALES)
    best = next(row for row in rows if (row["task"], row["lambda"]) == (BASS, "2"))
    assert float(best["value"]) == pytest.approx(told["curve"][BASS]["value"][2], abs=1e-5)
    assert float(best["low"]) < float(best["value"]) < float(best["high"])


def test_spread_is_told_against_plain_generation() -> None:
    assert found_guidance().relative_spread(BASS) == pytest.approx([1.2, 1.0, 0.7, 0.1])
