from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands.sweep import app


def run(options: dict[str, object]) -> Result:
    return CliRunner().invoke(
        app, ["ablation", *(str(part) for option in options.items() for part in option)]
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--set": "training.curriculum=joint"}, "is what the rows of an ablation differ by"),
        ({"--set": "training.p1=0.2,0.5"}, "one value for all of its rows"),
        ({"--first": "bass,drums,instrument,melody"}, "some of the tracks"),
        ({"--first": "flute"}, "flute"),
        ({"--clips": "1"}, "--clips must be 2 or more"),
        ({"--embedding": "ears"}, "ears"),
        ({"--data": "nowhere"}, "nowhere is not a prepared data set"),
        ({"--steps": "0"}, "at least one step"),
    ],
)
def test_bad_input_is_one_line_before_anything_starts(
    changed: dict[str, object], message: str, make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    data = make_latents({"song": 400, "held": 400}, held_out=["held"])
    options = {"--preset": "tiny", "--data": data, "--out": tmp_path / "table", "--steps": 5, **changed}
    result = run(options)
    assert isinstance(result.exception, InputError), result.output
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "table").exists()
