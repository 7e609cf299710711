import shlex
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from stemwright import shipped_model
from stemwright.errors import InputError
from stemwright_platform.commands import compose, demo, serve
from stemwright_platform.demo.main_job import free_port, main_job
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


def test_the_shipped_model_is_what_is_composed_with_unless_it_is_told_or_missing(
    tmp_path, monkeypatch, make_checkpoint
):
    plans = []
    monkeypatch.setattr(demo, "run_demo", plans.append)
    monkeypatch.setattr(shipped_model, "shipped_folder", lambda: tmp_path / "shipped")
    words = ["demo", "--out", str(tmp_path / "out")]
    CliRunner().invoke(cli, words)
    make_checkpoint(tmp_path / "shipped")
    CliRunner().invoke(cli, words)
    CliRunner().invoke(cli, [*words, "--own"])
    own = tmp_path / "out" / "model"
    assert [plan.served for plan in plans] == [own, tmp_path / "shipped", own]


def test_another_shipped_model_composes_anew(tmp_path, monkeypatch, make_checkpoint):
    monkeypatch.setattr(shipped_model, "shipped_folder", lambda: tmp_path / "shipped")
    plan = DemoPlan(out=tmp_path / "out", shipped=True)
    settings = []
    for seed in (0, 0, 1):
        make_checkpoint(tmp_path / "shipped", seed=seed)
        settings.append(main_job(plan, ExitStack(), print)[-1].settings)
    assert settings[0] == settings[1] != settings[2]


@pytest.mark.parametrize("shipped", [True, False])
def test_commands_to_try_name_the_trained_model_only_where_it_is_the_one_that_plays(shipped):
    commands = [command for _, command in demo.next_steps(DemoPlan(out=Path("demo"), shipped=shipped))]
    assert any("--model demo/model" in command for command in commands) != shipped


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("shipped", [True, False])
def test_the_whole_demo_leaves_a_page_with_stems_and_is_kept_when_run_again(
    ray_cluster, tmp_path, capsys, monkeypatch, make_checkpoint, shipped
):
    make_checkpoint(tmp_path / "weights" / "demo_model")
    monkeypatch.setattr(shipped_model, "shipped_folder", lambda: tmp_path / "weights" / "demo_model")
    plan = DemoPlan(
        out=tmp_path / "demo",
        songs=3,
        song_s=(8.0, 8.0),
        minutes=0.05,
        preset="tiny",
        piece_s=2.0,
        prompt="<b> & 🎸",
        shipped=shipped,
    )
    page = demo.run_demo(plan)
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt; &amp; 🎸" in text
    for name in (*("bass", "drums", "instrument", "melody"), "mix"):
        assert (plan.out / "stems" / f"{name}.wav").is_file()
        assert f'src="stems/{name}.wav"' in text
    assert ("made by the model that ships" in text) == shipped
    capsys.readouterr()
    demo.run_demo(plan)
    assert capsys.readouterr().out.count("kept from an earlier run") == 5
