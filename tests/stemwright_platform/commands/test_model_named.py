"""Commands that need a model, where nobody named one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
import typer
from typer.testing import CliRunner

from stemwright import shipped_model
from stemwright.errors import InputError
from stemwright_platform.commands import compose, evaluate, serve
from stemwright_platform.commands.model_named import model_named
from stemwright_platform.serving.settings import ServingSettings

cli = typer.Typer()
for module in (compose, evaluate, serve):
    cli.add_typer(module.app)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a model would ship; nothing is there."""
    monkeypatch.setattr(shipped_model, "shipped_folder", lambda: tmp_path / "shipped_here")
    return tmp_path / "shipped_here"


@pytest.mark.parametrize(
    "words", [["compose"], ["serve", "--port", "39999"], ["evaluate", "--data", "none", "--out", "none"]]
)
def test_without_a_shipped_model_one_line_says_what_to_do(
    words: list[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, words)
    assert isinstance(result.exception, InputError)
    assert "--model" in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_composing_takes_the_shipped_model_and_says_so(
    folder: Path, make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    make_checkpoint(folder)
    out = tmp_path / "out"
    result = CliRunner().invoke(cli, ["compose", "--duration", "1", "--steps", "2", "--out", str(out)])
    assert result.exception is None, result.output
    assert "model: the one that ships (preset tiny, codec mdct)" in result.output
    assert soundfile.info(out / "mix.wav").duration == 1.0


def test_nothing_is_said_of_a_model_that_was_named(folder: Path) -> None:
    model_named("runs/first", pytest.fail)


def test_a_server_serves_the_shipped_model_unless_told_otherwise() -> None:
    assert ServingSettings().model == shipped_model.SHIPPED
