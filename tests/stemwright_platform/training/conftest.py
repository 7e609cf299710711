"""What the tests of training share: a plan, and one MLflow store, since making its tables takes seconds."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stemwright.presets import load_preset
from stemwright.training_run import TrainingPlan
from stemwright_platform.training.tracking import open_client

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def plan(make_latents: Callable[..., Path]) -> TrainingPlan:
    """A short run on two songs, judged on a third."""
    tiny = load_preset("tiny")
    preset = replace(tiny, training=replace(tiny.training, windows_s=(0.2,), batch_size=2))
    data = make_latents({"song": 200, "short": 30, "other": 100}, held_out=["other"])
    return TrainingPlan(preset=preset, data=str(data), steps=6, checkpoint_every=2, validation_windows=4)


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def client(tracking_uri: str) -> "MlflowClient":
    return open_client(tracking_uri)
