from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from stemwright.errors import InputError
from stemwright_platform.commands.train import app

P2 = "training: {batch_size: 4, windows_s: [1.6], p2: 0.5, p2_starts_at_epoch: 0, precision: fp32}\n"
MODEL = "model: {widths: [64, 64], blocks: [1, 1], attention: [false, true]}\n"


@pytest.fixture
def run(make_latents: Callable[..., Path], tmp_path: Path) -> Callable[..., Result]:
    data = make_latents({f"song {number}": 400 for number in range(12)})

    def dry(**options: object) -> Result:
        given = {"preset": "tiny", "data": data, "out": tmp_path / "run", **options}
        words = [str(part) for name, value in given.items() for part in (f"--{name}", value)]
        return CliRunner().invoke(app, [*words, "--dry-run"])

    return dry


def told(result: Result) -> str:
    assert result.exit_code == 0, result.exception
    return result.output


def test_it_tells_data_memory_work_and_time_and_writes_nothing(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    text = told(run(steps=300, workers=2, gpu="h100"))
    assert "12 songs to train on, 0.01 h; 300 steps of 2 an epoch are 150 epochs" in text
    assert "M parameters; a step is 2 × 4 windows = 8" in text
    assert "on a GPU of 24 GB: fits; 40 GB: fits; 80 GB: fits" in text
    assert "s on 2 × H100" in text
    assert "if 35% of 989 TFLOP/s are reached, which is an assumption" in text
    assert text.endswith("nothing was written\n")
    assert sorted(tmp_path.rglob("*")) == before


def test_without_a_gpu_it_lists_those_it_knows(run: Callable[..., Result]) -> None:
    assert "time: name a GPU with --gpu (L4, RTX-4090, A100-40GB" in told(run(steps=300))


def test_minutes_become_the_steps_that_fit(run: Callable[..., Result]) -> None:
    text = told(run(minutes=30, gpu="l4", mfu=0.1))
    assert "time: 30 min 00 s on 1 × L4" in text
    assert "if 10% of 121 TFLOP/s" in text


def test_what_does_not_fit_is_told_with_the_settings_that_do(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    preset = tmp_path / "wide.yaml"
    preset.write_text(
        MODEL.replace("64, 64", "2048, 2048") + "training: {batch_size: 512, windows_s: [2.6]}\n"
    )
    text = told(run(preset=preset, steps=300))
    assert "24 GB: fits with micro_batch" in text
    assert "80 GB: fits" in text


def test_the_teachers_work_is_told_unless_others_do_it(run: Callable[..., Result], tmp_path: Path) -> None:
    preset = tmp_path / "taught.yaml"
    preset.write_text(MODEL + P2)
    assert "for the tracks that p2 asks for" in told(run(preset=preset, steps=300))
    assert "p2 asks for" not in told(run(preset=preset, steps=300, teachers=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "nowhere", "steps": 5}, "nowhere is not a prepared data set"),
        ({"steps": 5, "gpu": "V100"}, "unknown GPU 'V100'"),
        ({"steps": 5, "mfu": 35}, "mfu is a share of a GPU's peak, above 0 and at most 1, got 35"),
        ({"minutes": 5}, "how many steps fit into 5 minutes depends on the GPU: give --gpu, or --steps"),
        ({"steps": 5, "teachers": 1}, "p2 = 0"),
    ],
)
def test_bad_input_is_one_line(run: Callable[..., Result], options: dict[str, object], message: str) -> None:
    result = run(**options)
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)


def test_a_gpu_is_refused_where_it_would_say_nothing(
    make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    words = ["--data", str(make_latents({"song": 400})), "--out", str(tmp_path / "run"), "--steps", "5"]
    result = CliRunner().invoke(app, [*words, "--gpu", "H100"])
    assert isinstance(result.exception, InputError)
    assert "add --dry-run" in str(result.exception)
