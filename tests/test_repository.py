"""What the words of the repository promise: paths, commands, options, links and names that exist."""

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from stemwright.presets import SamplingConfig, ScheduleConfig, TrainingConfig, parse_preset
from stemwright.unet import UNetConfig
from stemwright_platform.cli import application
from stemwright_platform.serving.settings import ServingSettings

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
JOBS = sorted((ROOT / "jobs").glob("*.py"))
INDENT = 4


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, without their fences."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def tree() -> dict[str, str]:
    """Path → purpose of every line of the README's tree."""
    text = README.read_text(encoding="utf-8").split("## The tree", 1)[1]
    lines = text.split("```", 2)[1].strip("\n").splitlines()
    found: dict[str, str] = {}
    above: list[str] = []
    for line in lines:
        name, _, purpose = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // INDENT
        above[depth:] = [name]
        found["".join(above)] = purpose.strip()
    return found


def shown_commands(page: Path) -> Iterator[list[str]]:
    """The words of each shell command of a page, comments dropped."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(r"(stemwright|ray job submit|make|serve) ", line):
                yield shlex.split(line, comments=True)


def project_files() -> list[Path]:
    """Everything that is written by hand, and the figures that benchmarks write."""
    folders = ("benchmarks", "deploy", "docs", "jobs", "model", "platform", "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    return [
        path for path in (*files, *ROOT.iterdir()) if path.is_file() and path.suffix not in (".pyc", ".png")
    ]


def job_command(name: str) -> list[str]:
    """The words that a job file puts before its arguments."""
    called = re.search(
        r"main\(\[(.*?), \*sys\.argv\[1:\]\]\)", (ROOT / "jobs" / name).read_text(encoding="utf-8")
    )
    assert called, f"jobs/{name} passes its arguments to no command"
    return re.findall(r'"(\w+)"', called[1])


def check_options(command: Any, words: list[str]) -> None:
    """Walk down to the command that the words name; each of its options must be a known one."""
    while hasattr(command, "commands"):
        assert words, f"{command.name} is a group of commands"
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    used = {word.split("=", 1)[0] for word in words if word.startswith("--")}
    assert used - {"--help"} <= known, f"{command.name} has no {', '.join(sorted(used - known))}"
    given = {parameter.name for parameter in command.params if used & set(parameter.opts)}
    required = {parameter.name for parameter in command.params if parameter.required}
    required -= {parameter.name for parameter in command.params if parameter.param_type_name == "argument"}
    assert required <= given, f"{command.name} needs {', '.join(sorted(required - given))}"


def defined_names(module: Path) -> set[str]:
    """Functions, classes and methods of a file, the last as "Class.method"."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return names


@pytest.mark.parametrize(
    "name",
    ["README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", "serve_config.yaml", ".ci/run"],
)
def test_the_repository_has_what_a_newcomer_looks_for(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0


def test_every_line_of_the_tree_names_a_path_that_exists_and_its_purpose() -> None:
    lines = tree()
    assert len(lines) > 20
    assert [path for path in lines if not (ROOT / path).exists()] == []
    assert [path for path, purpose in lines.items() if not purpose] == []


def test_the_tree_names_every_module_of_the_model_library_and_every_folder_of_the_platform() -> None:
    modules = {name_of(path) for path in (ROOT / "model/stemwright").glob("*.py")}
    assert modules - {"model/stemwright/__init__.py"} - set(tree()) == set()
    platform = ROOT / "platform/stemwright_platform"
    folders = {f"{name_of(path)}/" for path in platform.iterdir() if (path / "__init__.py").exists()}
    assert folders - set(tree()) == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_shows_exists_with_its_options(page: Path) -> None:
    stemwright = get_command(application())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in shown_commands(page):
        if words[0] == "stemwright":
            check_options(stemwright, words[1:])
        elif words[0] == "make":
            assert words[1] in targets
        elif words[0] == "serve":
            files = [word for word in words if word.endswith(".yaml")]
            written = re.findall(r"> ([\w.]+\.yaml)", page.read_text(encoding="utf-8"))
            assert all(name in written or (ROOT / name).is_file() for name in files)
        else:
            job = next(word for word in words if word.endswith(".py"))
            check_options(stemwright, job_command(Path(job).name) + words[words.index(job) + 1 :])


def test_the_readme_shows_every_command() -> None:
    command: Any = get_command(application())
    shown = {words[1] for words in shown_commands(README) if words[0] == "stemwright"}
    assert shown == set(command.commands)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if not link.startswith("http")]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_and_name_that_a_page_mentions_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path, name in re.findall(r"`([\w/]+\.py):([\w.]+)`", text):
        module = ROOT / path if "/" in path else ROOT / "model/stemwright" / path
        assert name in defined_names(module), f"{path} has no {name}"
    for path in re.findall(r"`((?:model|platform|tests|jobs|benchmarks|docs)/[\w/]+\.\w+)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_preset_and_application_that_a_page_shows_can_be_loaded(page: Path) -> None:
    for block in blocks(page, "yaml"):
        shown = yaml.safe_load(block)
        if isinstance(shown, list):
            for each in shown:
                module, _, name = each["import_path"].partition(":")
                assert callable(getattr(importlib.import_module(module), name))
                assert ServingSettings.model_validate(each["args"]).model
        else:
            assert parse_preset(shown, "shown").tracks.names


def test_the_page_on_presets_names_every_field() -> None:
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs/presets.md").read_text(encoding="utf-8")))
    there = {
        field.name for kind in (TrainingConfig, SamplingConfig, ScheduleConfig) for field in fields(kind)
    }
    there |= {field.name for field in fields(UNetConfig)} - {
        "num_tracks",
        "latent_dim",
        "text_width",
        "frame_rate_hz",
    }
    assert there - named == set()


@pytest.mark.parametrize("job", JOBS, ids=name_of)
def test_a_job_file_is_thin_and_says_how_it_is_submitted(job: Path) -> None:
    text = job.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    docstring = ast.get_docstring(ast.parse(text)) or ""
    line = next(line for line in docstring.replace("\\\n", " ").splitlines() if "ray job submit" in line)
    words = shlex.split(line)
    assert f"jobs/{job.name}" in words
    options = words[words.index(f"jobs/{job.name}") + 1 :]
    check_options(get_command(application()), job_command(job.name) + options)


def test_no_file_mentions_a_folder_of_the_machine_it_was_written_on() -> None:
    personal = re.compile(r"(?<![\w.:/])/(?:home|root|work|Users|mnt)/\w")
    files = project_files()
    assert len(files) > 100
    guilty = [name_of(path) for path in files if personal.search(path.read_text("utf-8", errors="ignore"))]
    assert guilty == []
