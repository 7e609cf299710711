import shlex
from pathlib import Path

from typer.testing import CliRunner

from stemwright_platform.commands import demo_model
from stemwright_platform.demo_model.command_line import reproducing
from stemwright_platform.demo_model.plan import DemoModelPlan


def test_only_what_is_not_the_default_is_said(tmp_path: Path) -> None:
    plan = DemoModelPlan(out=tmp_path / "demo-model", codec_name="mdct")
    assert reproducing(plan) == "stemwright demo-model --out demo-model --codec mdct"


def test_the_command_exists_and_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "my midi").mkdir()
    (tmp_path / "A.sf2").write_bytes(b"font")
    plan = DemoModelPlan(
        out=tmp_path / "out",
        songs=10,
        song_s=8.0,
        midi=tmp_path / "my midi",
        soundfonts=(tmp_path / "A.sf2",),
        codec_steps=50,
        steps=30,
        preset="tiny",
        seed=2,
    )
    line = reproducing(plan)
    assert str(tmp_path) not in line
    assert shlex.split(line)[shlex.split(line).index("--midi") + 1] == "my midi"
    known = CliRunner().invoke(demo_model.app, ["--help"], env={"COLUMNS": "300"}).output
    options = [word for word in shlex.split(line) if word.startswith("--")]
    assert len(options) == 10
    assert all(option in known for option in options)
