import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from stemwright.checkpoint import Origin, save_checkpoint
from stemwright.codec import load_codec
from stemwright.latent_stats import LatentStats
from stemwright.learner import fit_preset
from stemwright.presets import load_preset
from stemwright.prompts import SongMetadata
from stemwright.text_encoder import load_text_encoder
from stemwright.tracks import TRACKS, Tracks
from stemwright.unet import StemUNet
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.encode_locally import prepare_locally
from stemwright_platform.corpus.encode_shard import Encoding
from stemwright_platform.corpus.manifest import Song, read_manifest, write_manifest
from stemwright_platform.evaluation.making import Source
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.settings import ServingSettings

sys.path.append(str(Path(__file__).parent))  # helpers beside this file

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real browser without a window; skips where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(BROWSER_FLAGS))
        yield browser
        browser.close()


def tone(
    path: Path, duration_s: float, *, rate_hz: int = 48000, channels: int = 2, level: float = 0.1
) -> Path:
    """A file with a buzzing tone, other for each name."""
    time = np.arange(max(1, round(duration_s * rate_hz))) / rate_hz
    rng = np.random.default_rng(len(path.stem))
    wave = np.sin(2 * np.pi * 110 * len(path.stem) * time) + 0.1 * rng.standard_normal(len(time))
    soundfile.write(path, np.stack([level * wave, 0.7 * level * wave][:channels], axis=1), rate_hz)
    return path


@pytest.fixture(scope="session")
def make_checkpoint() -> Callable[..., Path]:
    """A model of random weights with the embedded codec and text encoder: `make_checkpoint(folder)`."""
    codec, encoder = load_codec("mdct"), load_text_encoder("minilm")

    def make(
        folder: Path, *, seed: int = 0, tracks: Tracks = TRACKS, loss: float = 0.5, regions: float = 0.0
    ) -> Path:
        tiny = load_preset("tiny")
        training = replace(tiny.training, region_probability=regions)
        tiny = replace(tiny, tracks=tracks, training=training)
        preset = fit_preset(
            tiny,
            latent_dim=codec.latent_dim,
            text_width=encoder.width,
            frame_rate_hz=codec.frame_rate_hz,
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = StemUNet(preset.model, preset.schedule.build())
            weights = {
                name: value + 0.02 * torch.randn_like(value) for name, value in model.state_dict().items()
            }
        shape = (len(tracks), codec.latent_dim)
        origin = Origin(
            codec=codec.name,
            codec_fingerprint=codec.fingerprint,
            text_encoder=encoder.name,
            text_encoder_fingerprint=encoder.fingerprint,
            gains_db=tuple(float(slot + 1) for slot in range(len(tracks))),
            facts={"steps": 1, "validation": {"loss": loss, "ratio": 0.9}, "judged_on": "songs"},
        )
        stats = LatentStats(mean=torch.zeros(shape), std=torch.ones(shape))
        return save_checkpoint(folder, weights=weights, preset=preset, stats=stats, origin=origin)

    return make


@pytest.fixture
def make_song(tmp_path: Path) -> Callable[..., Song]:
    """A song of tones, as `make_song("a", 2.5, split="test", bass=some_path, melody=None)`."""

    def make(song_id: str, duration_s: float = 2.0, *, split: str = "train", **stems: Path | None) -> Song:
        folder = tmp_path / "songs" / song_id
        folder.mkdir(parents=True)
        paths = {
            name: stems[name] if name in stems else tone(folder / f"{name}.wav", duration_s)
            for name in TRACKS.names
        }
        return Song(
            song_id=song_id,
            split=split,  # pyright: ignore[reportArgumentType]
            duration_s=duration_s,
            sample_rate_hz=48000,
            tracks={name: None if path is None else (str(path),) for name, path in paths.items()},
            metadata=SongMetadata(genres=("blues",), tempo_bpm=90.0),
            licence="CC0-1.0",
        )

    return make


@pytest.fixture(scope="session")
def small_source(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Six demo songs of eight seconds, four of them held out, their latents, a model of random weights."""
    folder = tmp_path_factory.mktemp("small_source")
    manifest = make_demo_corpus(folder / "corpus", 6, duration_s=8.0)
    songs = [
        replace(song, split="test" if number < 4 else "train")
        for number, song in enumerate(read_manifest(manifest))
    ]
    write_manifest(manifest, songs)
    prepare_locally(songs, folder / "latents", Encoding(codec=load_codec("mdct"), tracks=TRACKS))
    model = make_checkpoint(folder / "model")
    return Source(model=str(model), data=str(folder / "latents"), manifest=str(manifest))


@pytest.fixture
def facts() -> ModelFacts:
    """Of a model that is served without being there."""
    return ModelFacts(
        uri="a-model",
        version="a-model",
        fingerprint="f",
        tracks=["bass", "drums", "instrument", "melody"],
        prompt_names=["bass", "drum", "instrument", "melody"],
        sample_rate_hz=48_000,
        codec="mdct",
        text_encoder="minilm",
        guidance_scale=3.5,
        text_guidance=1.0,
        steps=20,
        solver="dpmpp_2m",
        gains_db={"bass": 3.0, "drums": 0.0, "instrument": 0.0, "melody": 0.0},
        rewrites=True,
    )


@pytest.fixture
def services(tmp_path: Path, facts: ModelFacts) -> Iterator[Services]:
    """An application's state, which has been told of the model."""
    settings = ServingSettings(
        model=facts.uri,
        database_url=f"sqlite:///{tmp_path}/state.sqlite",
        blob_url=str(tmp_path / "blobs"),
    )
    opened = Services.open(settings)
    opened.models.tell(facts)
    yield opened
    opened.database.close()
