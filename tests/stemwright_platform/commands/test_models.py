from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stemwright.errors import InputError
from stemwright_platform.commands.models import app, table


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def run(uri: str) -> Callable[..., Result]:
    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--tracking-uri", uri])

    return invoke


@pytest.fixture
def trained(make_checkpoint: Callable[..., Path], tmp_path: Path) -> Path:
    """A run's folder, as far as registering reads it."""
    return make_checkpoint(tmp_path / "night_run" / "model").parent


def said(result: Result) -> str:
    assert result.exit_code == 0, result.exception
    return result.stdout.strip()


def refused(result: Result) -> str:
    assert isinstance(result.exception, InputError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_models_are_registered_listed_promoted_and_rolled_back(
    run: Callable[..., Result], trained: Path
) -> None:
    assert said(run("register", trained, "--name", "blues")) == "models:/blues/1, champion"
    assert said(run("register", trained / "model", "--name", "blues")) == "models:/blues/2"
    moved = "models:/blues@champion is version 2, was 1"
    assert said(run("promote", "models:/blues/2")) == moved
    assert said(run("promote", "models:/blues@champion", "--alias", "stable")).endswith(
        "@stable is version 2"
    )
    heading, second, first = said(run("list", "blues")).splitlines()
    assert " ".join(heading.split()) == "model version alias held-out loss judged on run created"
    assert second.split()[:4] == ["blues", "2", "champion,", "stable"]
    assert first.split()[:2] == ["blues", "1"]
    assert "night_run" in first
    assert said(run("rollback", "blues")) == "models:/blues@champion is version 1, was 2"
    assert said(run("register", trained, "--name", "jazz")) == "models:/jazz/1, champion"
    assert [line.split()[0] for line in said(run("list")).splitlines()] == ["model", "blues", "blues", "jazz"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "nothing"], "there is no registered model 'nothing'"),
        (["promote", "models:/nothing/3"], "models:/nothing/3"),
        (["promote", "nothing"], "write models:/NAME@ALIAS or models:/NAME/VERSION"),
        (["rollback", "nothing"], "there is no registered model 'nothing'"),
        (["register", "no/folder", "--name", "nothing"], "no/folder is no model"),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    run: Callable[..., Result], words: list[str], message: str
) -> None:
    assert message in refused(run(*words))


def test_a_version_or_alias_that_is_not_there_is_one_clear_line(
    run: Callable[..., Result], trained: Path
) -> None:
    said(run("register", trained, "--name", "folk"))
    assert "models:/folk/9" in refused(run("promote", "models:/folk/9"))
    assert "models:/folk@best" in refused(run("promote", "models:/folk@best"))
    assert "has no alias 'best'" in refused(run("rollback", "folk", "--alias", "best"))
    assert "'7' is no alias" in refused(run("promote", "models:/folk/1", "--alias", "7"))
    assert "no other version before 1" in refused(run("rollback", "folk"))


def test_a_broken_checkpoint_is_not_registered(run: Callable[..., Result], trained: Path) -> None:
    weights = trained / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    assert "is broken" in refused(run("register", trained, "--name", "broken"))
    assert "there is no registered model 'broken'" in refused(run("list", "broken"))


def test_an_empty_registry_says_so(tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path}/mlflow.db"
    assert said(CliRunner().invoke(app, ["list", "--tracking-uri", empty])) == f"{empty} holds no models"


def test_columns_are_as_wide_as_their_longest_cell() -> None:
    assert table([("a", "b"), ("long", "")]) == ["a     b", "long"]
