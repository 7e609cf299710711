import shlex
import socket
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands import compose, demo, serve
from stemwright_platform.demo.main_job import free_port
from stemwright_platform.demo.plan import DemoPlan

cli = typer.Typer()
for module in (demo, compose, serve):
    cli.add_typer(module.app)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--songs", "1", "at least 2 songs"),
        ("--minutes", "0", "--minutes"),
        ("--minutes", "nan", "--minutes"),
        ("--seed", "-1", "--seed"),
        ("--preset", "huge", "unknown preset"),
    ],
)
def test_bad_settings_are_one_line_and_leave_nothing(tmp_path, option, value, told):
    result = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path / "out"), option, value])
    assert isinstance(result.exception, InputError)
    assert told in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        DemoPlan(out=tmp_path / "out")


def test_fresh_removes_what_the_demo_made_and_nothing_else(tmp_path):
    for name in (*demo.RESULTS, "my_songs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    for name in (*demo.FILES, "notes.txt"):
        (tmp_path / name).write_text("x")
    demo.remove_results(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"my_songs", "notes.txt"}


def test_a_taken_port_is_replaced_by_a_free_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = free_port(port)
    assert found != port
    assert free_port(found) == found


def test_a_port_of_rays_is_refused():
    with pytest.raises(InputError, match="belongs to Ray"):
        free_port(10_500)


@pytest.mark.parametrize("out", [Path("demo"), Path("my demo"), Path("/elsewhere/it's")])
def test_what_to_try_next_are_commands_that_exist_with_options_that_exist(out):
    commands = [shlex.split(command)[1:] for _, command in demo.next_steps(DemoPlan(out=out))]
    assert [command[0] for command in commands] == ["compose", "serve", "ui", "demo"]
    for words in (words for words in commands if words[0] != "ui"):
        known = CliRunner().invoke(cli, [words[0], "--help"], env={"COLUMNS": "300"}).output
        assert all(word in known for word in words if word.startswith("--"))


def test_runs_of_other_settings_have_folders_of_their_own():
    plans = [DemoPlan(out=Path("d")), DemoPlan(out=Path("d"), seed=2), DemoPlan(out=Path("d"), minutes=2.5)]
    assert len({plan.run for plan in plans}) == 3
    assert len({plan.model for plan in plans}) == 1


@pytest.mark.slow
@pytest.mark.ray
def test_the_whole_demo_leaves_a_page_with_stems_and_is_kept_when_run_again(ray_cluster, tmp_path, capsys):
    plan = DemoPlan(
        out=tmp_path / "demo",
        songs=3,
        song_s=(8.0, 8.0),
        minutes=0.05,
        preset="tiny",
        piece_s=2.0,
        prompt="<b> & 🎸",
    )
    page = demo.run_demo(plan)
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt; &amp; 🎸" in text
    for name in (*("bass", "drums", "instrument", "melody"), "mix"):
        assert (plan.out / "stems" / f"{name}.wav").is_file()
        assert f'src="stems/{name}.wav"' in text
    capsys.readouterr()
    demo.run_demo(plan)
    assert capsys.readouterr().out.count("kept from an earlier run") == 5
