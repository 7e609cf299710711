"""One MLflow store for all of these tests: making its tables takes seconds."""

from typing import TYPE_CHECKING

import pytest

from stemwright_platform.training.tracking import open_client

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def client(tracking_uri: str) -> "MlflowClient":
    return open_client(tracking_uri)
