import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import stemwright_platform.cli
from stemwright.errors import InputError

COMMANDS = ["corpus", "models", "prepare", "train", "compose", "serve", "demo"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from stemwright_platform.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    "command", [[], *([name] for name in COMMANDS), ["corpus", "demo"], ["corpus", "import"]]
)
def test_every_command_has_help(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["prepare", "--manifest", "missing.parquet", "--out", "latents"],
        ["train", "--data", "missing", "--out", "run", "--steps", "1"],
        ["train", "--preset", "huge", "--data", "missing", "--out", "run", "--steps", "1"],
        ["compose", "--model", "missing"],
        ["compose", "--given", "drums"],
        ["compose", "--solver", "magic", "--model", "missing"],
        ["corpus", "demo", "--songs", "0", "--out", "corpus"],
        ["corpus", "import", "folders", "missing", "--out", "manifest.parquet"],
        ["serve", "--model", "missing", "--port", "8123"],
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def ends_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code of a command that raises."""

    def application() -> typer.Typer:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.command()
        def fails() -> None:
            raise error

        return app

    monkeypatch.setattr(stemwright_platform.cli, "application", application)
    with pytest.raises(SystemExit) as end:
        stemwright_platform.cli.main([])
    return end.value.code


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "runs/first")
    assert ends_with(full, monkeypatch) == 2
    assert capsys.readouterr().err == "error: the disk is full (runs/first): free space and run again\n"


def test_an_interrupt_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends_with(KeyboardInterrupt(), monkeypatch) == 128 + signal.SIGINT
    assert "run the same command again" in capsys.readouterr().err


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        ends_with(KeyError("ours"), monkeypatch)


def test_bad_input_names_the_thing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends_with(InputError("unknown track 'flute'"), monkeypatch) == 2
    assert capsys.readouterr().err == "error: unknown track 'flute'\n"
