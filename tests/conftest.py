import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from stemwright.data_folder import DataFolder
from stemwright.dataset_info import DatasetInfo
from stemwright.latent_shards import LatentSong, ShardWriter
from stemwright.latent_stats import LatentMoments
from stemwright.prompts import SongMetadata
from stemwright.song_index import IndexedSong, write_song_index
from stemwright.tracks import TRACKS
from stemwright_platform.serving import proxy

LATENT_DIM = 6
CHUNK_FRAMES = 40


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """A local Ray of four logical cores for the whole session; its dashboard takes jobs."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ[proxy.VARIABLE] = proxy.IMPORT_PATH  # as `stemwright serve` does
    import ray

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = ray.init(
        "local",  # whatever else runs on this machine
        num_cpus=4,
        include_dashboard=True,
        dashboard_port=port,
        logging_level="ERROR",
        log_to_driver=False,
    )
    # where `ray job submit` looks for the cluster
    os.environ["RAY_API_SERVER_ADDRESS"] = f"http://{context.dashboard_url}"
    yield ray
    ray.shutdown()


@pytest.fixture
def s3_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty bucket of an S3 server on this machine, found as any: by the environment."""
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    S3FileSystem.clear_instance_cache()
    S3FileSystem().mkdir("corpus")
    yield "s3://corpus"
    S3FileSystem().rm("corpus", recursive=True)  # the next server of this process would have it too
    S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def make_latents(tmp_path: Path) -> Callable[..., Path]:
    """Writes a data set of random latents, as `make_latents({"song": frames}, held_out=["song"])`."""

    def write(
        lengths: dict[str, int],
        *,
        segment_frames: int = 1,
        split: str = "train",
        held_out: Sequence[str] = (),
        name: str = "latents",
        storage: str = "float16",
        fingerprint: str = "noise-1",
        licence: str = "CC0-1.0",
        downbeats_s: tuple[float, ...] = (),
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        generator = torch.Generator().manual_seed(len(lengths))
        moments = []
        shards = []
        songs = []
        for number, (song_id, frames) in enumerate(lengths.items()):
            latents = torch.randn(len(TRACKS), LATENT_DIM, frames, generator=generator)
            presence = (True, True, True, number % 2 == 0)
            latents[~torch.tensor(presence)] = 0
            song = LatentSong(
                song_id=song_id,
                split="test" if song_id in held_out else split,
                presence=presence,
                gains_db=(1.0, -2.5, 3.0, 0.0),
                metadata=SongMetadata(
                    genres=("blues",), instruments=("bass", "organ", "drums"), moods=(song_id,), tempo_bpm=90
                ),
            )
            shards.append(f"shard-{number:05d}.parquet")
            songs.append(_indexed(song, shard=number, num_frames=frames, downbeats_s=downbeats_s))
            with ShardWriter(folder / shards[-1], storage) as writer:
                for chunk, start in enumerate(range(0, frames, CHUNK_FRAMES)):
                    piece = latents[..., start : start + CHUNK_FRAMES]
                    writer.write(song, chunk=chunk, start_frame=start, latents=piece)
            heard = torch.tensor(presence)[:, None].expand(-1, frames)
            moments.append(LatentMoments.of(latents, heard))
        LatentMoments.merged(moments).save(DataFolder(folder), "stats.safetensors")
        write_song_index(folder, songs)
        DatasetInfo(
            codec="noise",
            codec_fingerprint=fingerprint,
            sample_rate_hz=48000,
            hop=320,
            frame_rate_hz=150.0,
            latent_dim=LATENT_DIM,
            segment_frames=segment_frames,
            chunk_frames=CHUNK_FRAMES,
            storage=storage,
            loudness_lufs=-23.0,
            track_names=TRACKS.names,
            prompt_names=TRACKS.prompt_names,
            num_songs={split: len(lengths) - len(held_out), **({"test": len(held_out)} if held_out else {})},
            num_chunks=sum(-(-frames // CHUNK_FRAMES) for frames in lengths.values()),
            hours=sum(lengths.values()) / 150 / 3600,
            gains_db=(1.0, -2.5, 3.0, 0.0),
            licences={licence: len(lengths)},
            num_rejected=0,
            stats="stats.safetensors",
            shards=tuple(shards),
        ).save(folder)
        return folder

    return write


def _indexed(song: LatentSong, *, shard: int, num_frames: int, downbeats_s: tuple[float, ...]) -> IndexedSong:
    return IndexedSong(
        song_id=song.song_id,
        split=song.split,
        shard=shard,
        row_group=0,
        num_frames=num_frames,
        duration_s=num_frames / 150,
        presence=song.presence,
        gains_db=song.gains_db,
        licence="CC0-1.0",
        source="tests",
        metadata=song.metadata,
        downbeats_s=downbeats_s,
    )
