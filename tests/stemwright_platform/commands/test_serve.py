import socket

import pytest
import typer
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands import serve

cli = typer.Typer()
cli.add_typer(serve.app)


@cli.command()
def another() -> None:
    """A typer of one command would take its name away."""


def test_a_port_in_use_is_one_line_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(cli, ["serve", "--port", port, "--state", str(tmp_path / "state")])
    assert isinstance(result.exception, InputError)
    assert port in str(result.exception)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("port", ["10002", "19999"])
def test_the_ports_of_ray_are_refused(port):
    result = CliRunner().invoke(cli, ["serve", "--port", port])
    assert isinstance(result.exception, InputError)
    assert "belongs to Ray" in str(result.exception)


def test_a_missing_model_is_one_line_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    result = CliRunner().invoke(cli, ["serve", "--model", str(tmp_path / "none"), "--port", port])
    assert isinstance(result.exception, InputError)
    assert "is not a checkpoint" in str(result.exception)


def test_help_shows_an_example():
    assert serve.EXAMPLE in " ".join(
        CliRunner().invoke(cli, ["serve", "--help"], env={"COLUMNS": "200"}).output.split()
    )
