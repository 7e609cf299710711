import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from stemwright_platform.sweeps.pictures import draw_fields, draw_map
from stemwright_platform.sweeps.summary import summarise
from stemwright_platform.sweeps.sweep_folder import SweepFolder
from stemwright_platform.sweeps.sweep_report import Report, Table, cell_table, p_text, write_report
from stemwright_platform.sweeps.trial_result import TrialResult

P1, P2 = "training.p1", "training.p2"


def results() -> list[TrialResult]:
    """A grid whose best is p1 = 0.8, p2 = 0, one trial of it failed."""
    found = [
        TrialResult(
            setting={P1: p1, P2: p2},
            seed=seed,
            state="finished",
            scores={
                "ratio": 1 - p1 / 10 + p2 / 10 + seed / 50 + ((seed * 7 + int(10 * p1) * 3) % 5) / 1000,
                "ratio.joint": 0.9 + seed / 50,
            },
        )
        for seed in (1, 2, 3)
        for p1 in (0.2, 0.8)
        for p2 in (0.0, 0.5)
    ]
    found[-1] = replace(found[-1], state="failed", scores={}, reason="<b>out of memory</b>")
    return found


def report(folder: SweepFolder) -> Report:
    summaries = [summarise(results(), score) for score in ("ratio", "ratio.joint")]
    return Report(
        title="Sweep of p1 and p2",
        verdict=summaries[0].conclusion,
        facts={"preset": "tiny"},
        tables={"Settings": cell_table(summaries)},
        pictures={"Map": draw_map(results(), "ratio", P1, P2, folder.pictures / "map.png", "p1 and p2")},
        trials=results(),
        content={"scores": [summary.as_dict() for summary in summaries], "nothing": math.nan},
    )


def test_a_report_is_whole_and_says_what_failed(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    page = write_report(report(folder), folder).read_text()
    assert "&lt;b&gt;out of memory" in page  # as text, whatever a reason holds
    assert 'src="pictures/map.png"' in page
    assert "http" not in page.replace("http://www.w3.org", "")
    content = json.loads(folder.results.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert content["nothing"] is None
    assert len(content["trials"]) == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index.html",
        "pictures",
        "results.json",
        "table.md",
    ]


def test_the_table_marks_the_lowest_and_has_p_for_the_others() -> None:
    table = cell_table([summarise(results(), "ratio"), summarise(results(), "ratio.joint")])
    assert table.heading == ("p1", "p2", "ratio", "joint", "p", "trials")
    assert table.marked is not None
    assert table.rows[table.marked][:2] == ("0.8", "0")
    assert table.rows[table.marked][4] == "lowest"
    assert table.rows[-1][5] == "2; seed 3 failed: <b>out of memory</b>"
    assert len({row.count("|") for row in table.markdown().splitlines()}) == 1


def test_a_cell_of_text_breaks_no_table() -> None:
    table = Table(heading=("a", "b"), rows=(("x|y", "z"),))
    assert {line.count("|") for line in table.markdown().splitlines()} == {3}


@pytest.mark.parametrize(("p", "text"), [(None, ""), (0.0001, "< 0.001"), (0.0314, "0.031"), (1.0, "1.000")])
def test_small_p_values_are_not_written_out(p: float | None, text: str) -> None:
    assert p_text(p) == text


def test_pictures_are_drawn_of_whatever_has_ended(tmp_path: Path) -> None:
    one_seed = [result for result in results() if result.seed == 1]
    for number, some in enumerate((results(), one_seed, one_seed[:1])):
        assert draw_map(some, "ratio", P1, P2, tmp_path / f"map{number}.png", "p1 and p2").stat().st_size
        assert draw_fields(some, "ratio", [P1, P2], tmp_path / f"f{number}.png", "trials").stat().st_size
