import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from stemwright.errors import InputError
from stemwright_platform.commands.listen import app

RATE_HZ = 48_000


@pytest.fixture
def systems(tmp_path: Path) -> list[str]:
    """`--system` options of two systems with two clips each."""
    options = []
    for number, name in enumerate(("ours", "theirs")):
        (tmp_path / name).mkdir()
        for clip in range(2):
            noise = np.random.default_rng([number, clip]).normal(0, 0.1, (RATE_HZ // 2, 2))
            soundfile.write(tmp_path / name / f"{clip}.wav", noise, RATE_HZ)
        options += ["--system", f"{name}={tmp_path / name}"]
    return options


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def answers(key: dict[str, Any], rater: str = "a1") -> dict[str, Any]:
    """Of a rater who prefers ours and listens."""
    given = []
    for name, pair in key["pairs"].items():
        choice = pair["better"] or ("x" if pair["x"] == "ours" else "y")
        given.append(
            {
                "pair": name,
                "question": 0,
                "choice": "tie" if pair["kind"] == "same" else choice,
                "first": "x",
                "seconds": 9,
            }
        )
    return {
        "format": "stemwright-listening-result",
        "format_version": 1,
        "test": key["test"],
        "rater": rater,
        "answers": given,
    }


def test_a_test_is_built_answered_and_reported(systems: list[str], tmp_path: Path) -> None:
    page, key, out = tmp_path / "test.html", tmp_path / "test.key.json", tmp_path / "report"
    built = run("build", *systems, "--out", page, "--pairs", 5, "--question", "Which grooves?")
    assert built.exit_code == 0, built.exception
    assert "2 pairs and 2 attention checks" in built.output
    assert "share no more clips" in built.output
    assert "Which grooves?" in page.read_text()
    results = tmp_path / "results"
    results.mkdir()
    facts = json.loads(key.read_text())
    (results / "a.json").write_text(json.dumps(answers(facts)))
    (results / "cut.json").write_text("{")
    reported = run("report", results, key, "--key", key, "--out", out)
    assert reported.exit_code == 0, reported.exception
    assert "cut.json is left out: is no JSON" in reported.output
    assert "100 % for ours" in reported.output
    assert "key.json is left out" not in reported.output
    assert "Which grooves?" in (out / "index.html").read_text()
    assert json.loads((out / "report.json").read_text())["rows"][0]["value"] == 0.0


@pytest.mark.parametrize("option", ["ours", "=folder", "ours="])
def test_a_system_of_another_form_is_refused(option: str, tmp_path: Path) -> None:
    result = run("build", "--system", option, "--out", tmp_path / "test.html")
    assert isinstance(result.exception, InputError)
    assert "NAME=FOLDER" in str(result.exception)


def test_a_report_that_cannot_be_written_says_so(systems: list[str], tmp_path: Path) -> None:
    key = tmp_path / "test.key.json"
    run("build", *systems, "--out", tmp_path / "test.html", "--pairs", 1)
    (tmp_path / "a.json").write_text(json.dumps(answers(json.loads(key.read_text()))))
    (tmp_path / "taken").write_text("a file")
    result = run("report", tmp_path / "a.json", "--key", key, "--out", tmp_path / "taken")
    assert isinstance(result.exception, InputError)
    assert "give another" in str(result.exception)
    assert (tmp_path / "taken").read_text() == "a file"


def test_without_results_that_count_nothing_is_written(systems: list[str], tmp_path: Path) -> None:
    run("build", *systems, "--out", tmp_path / "test.html", "--pairs", 1)
    result = run(
        "report", tmp_path / "none.json", "--key", tmp_path / "test.key.json", "--out", tmp_path / "report"
    )
    assert isinstance(result.exception, InputError)
    assert "none.json: cannot be read" in str(result.exception)
    assert not (tmp_path / "report").exists()
