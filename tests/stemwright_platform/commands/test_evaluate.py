from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands.evaluate import app
from stemwright_platform.evaluation.making import Source


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--model": "nowhere"}, "nowhere"),
        ({"--data": "nowhere"}, "nowhere is not a prepared data set"),
        ({"--clips": "1"}, "--clips must be 2 or more"),
        ({"--duration": "1"}, "--duration lies between 3 and 600 s"),
        ({"--tasks": "bas"}, "'bas' is no task"),
        ({"--split": "validation", "--duration": "3"}, "no song of split 'validation'"),
        ({"--embedding": "ear"}, "unknown embedding 'ear'"),
        ({"--embedding": "vggish=nowhere"}, "nowhere"),
        ({"--baseline": "theirs"}, "write NAME=FOLDER"),
        ({"--baseline": "theirs=nowhere"}, "nowhere is not a folder"),
        ({"--solver": "euler"}, "unknown solver 'euler'"),
        ({"--tracking-uri": "file:///tmp/mlruns"}, "sqlite:///PATH"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_made(
    options: dict[str, str], message: str, small_source: Source, tmp_path: Path
) -> None:
    asked = {
        "--model": small_source.model,
        "--data": small_source.data,
        "--out": tmp_path / "report",
        "--duration": "3",
        "--jobs": "1",
        **options,
    }
    result = run("evaluate", *(part for option in asked.items() for part in option))
    assert isinstance(result.exception, InputError), result.output
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "report" / "clips").exists()


def test_latents_of_another_codec_are_refused(
    make_latents: Callable[..., Path], small_source: Source, tmp_path: Path
) -> None:
    data = make_latents({"song": 900, "other": 900}, held_out=["song", "other"])
    result = run("evaluate", "--model", small_source.model, "--data", data, "--out", tmp_path / "report")
    assert isinstance(result.exception, InputError)
    assert "codec" in str(result.exception)


def test_help_shows_an_example() -> None:
    said = " ".join(run("evaluate", "--help").output.split())
    assert "stemwright evaluate --model runs/first --data data/latents" in said
    assert "stemwright compare report other_report" in " ".join(run("compare", "--help").output.split())
