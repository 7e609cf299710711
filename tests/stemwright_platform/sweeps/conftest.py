"""Lets the tests of sweeps read what they and those of the mathematical core share; small sweeps to train."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.presets import load_preset
from stemwright_platform.sweeps.axis import Axis
from stemwright_platform.sweeps.setting import with_setting
from stemwright_platform.sweeps.sweep_plan import SweepPlan

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2] / "stemwright"))


@pytest.fixture(scope="session")
def sweeps_tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One MLflow store, since making its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def make_plan(make_latents: Callable[..., Path]) -> Callable[..., SweepPlan]:
    """A sweep of four steps a trial, as `make_plan("p1=0.2,0.8", seeds=(1, 2))`."""
    tiny = load_preset("tiny")
    preset = with_setting(tiny, {"training.windows_s": (0.2,), "training.batch_size": 2})
    data = str(make_latents({"a": 200, "b": 150, "held": 120}, held_out=["held"]))

    def make(*axes: str, **settings: object) -> SweepPlan:
        asked = {"steps": 4, "seeds": (1,), "rounds": 1, "validation_windows": 4, **settings}
        parsed = tuple(Axis.of(text, preset) for text in axes)
        return SweepPlan(preset=preset, data=(data,), axes=parsed, **asked)  # pyright: ignore[reportArgumentType]

    return make
