from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands.assess import app
from stemwright_platform.evaluation.making import Source


def run(source: Source, out: Path, **options: object) -> Result:
    asked = {"model": source.model, "manifest": source.manifest, "duration": 4, "steps": 2, **options}
    words = [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return CliRunner().invoke(app, ["--out", str(out), *words])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "nowhere"}, "nowhere"),
        ({"manifest": "nowhere.parquet"}, "nowhere"),
        ({"parts": "taste"}, "--parts taste: choose from coherence"),
        ({"patches": 1}, "--patches must be 2 or more"),
        ({"duration": 1}, "--duration lies between 3 and 60 s"),
        ({"split": "validation"}, "no song of split 'validation'"),
        ({"solver": "euler"}, "unknown solver 'euler'"),
        ({"soundfont": "font.sf2"}, "leave it out beside --manifest"),
        ({"guidance": "nowhere", "parts": "guidance"}, "nowhere: no sweep"),
    ],
)
def test_bad_input_is_one_line_before_any_take_is_made(
    options: dict[str, object], message: str, small_source: Source, tmp_path: Path
) -> None:
    result = run(small_source, tmp_path / "out", **{"parts": "tempo", **options})
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "out" / "heard").exists()


def test_every_figure_is_printed_with_its_target_and_the_page_is_named(
    small_source: Source, tmp_path: Path
) -> None:
    result = run(small_source, tmp_path / "out", parts="tempo", patches=4, coherence_songs=2)
    assert result.exception is None, result.output
    for words in ("tempo.joint", "tempo.drums_alone", "≥ 0.8", "targets met", "index.html"):
        assert words in result.output
    assert (tmp_path / "out" / "index.html").is_file()
