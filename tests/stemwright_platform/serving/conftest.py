"""State of an application in a temporary folder, and its API without Ray."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from stemwright_platform.serving.api import create_api
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.settings import Limits, ServingSettings

RATE = 48_000


class Clock:
    """Time that a test moves by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(tmp_path: Path, clock: Clock) -> Services:
    settings = ServingSettings(
        model="a-model",
        database_url=f"sqlite:///{tmp_path}/state.sqlite",
        blob_url=str(tmp_path / "blobs"),
        limits=Limits(max_upload_bytes=2_000_000, max_upload_s=30.0, max_queue=5),
    )
    return Services.open(settings, clock)


@pytest.fixture
def facts() -> ModelFacts:
    return ModelFacts(
        uri="a-model",
        version="a-model",
        fingerprint="f",
        tracks=["bass", "drums", "instrument", "melody"],
        prompt_names=["bass", "drum", "instrument", "melody"],
        sample_rate_hz=RATE,
        codec="mdct",
        text_encoder="minilm",
        guidance_scale=2.0,
        text_guidance=1.0,
        steps=20,
        solver="dpmpp_2m",
        gains_db={"bass": 3.0, "drums": 0.0, "instrument": 0.0, "melody": 0.0},
    )


@pytest.fixture
def client(services: Services, facts: ModelFacts) -> TestClient:
    services.models.tell(facts)
    return TestClient(create_api(services), raise_server_exceptions=False)


@pytest.fixture
def composition(client: TestClient) -> str:
    """Id of an empty composition of two seconds."""
    answer = client.post("/v1/compositions", json={"prompt": "slow blues", "duration_s": 2.0, "seed": 7})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def sine(seconds: float = 2.0, rate: int = RATE, channels: int = 2, level: float = 0.2) -> np.ndarray:
    """A tone `[n, channels]`, louder on the left."""
    time = np.arange(int(seconds * rate)) / rate
    tone = level * np.sin(2 * np.pi * 220 * time)
    return np.stack([tone, 0.5 * tone], 1)[:, :channels].astype(np.float32)


def wav(audio: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format=kind, subtype=subtype)
    return file.getvalue()


@pytest.fixture
def make_sine():
    return sine


@pytest.fixture
def make_wav():
    return wav
