"""How fast training windows are read, against pyarrow's own reading of the same shards.

    python benchmarks/reader_speed.py --threads 1 2 --chunk-s 1 2.5 5 10

Writes shards of random latents (K = 4, D = 128, 150 frames a second) to a temporary folder, and reads them
from the page cache. Useful bytes are the float16 latents of the windows that `Windows.batch` delivers,
prompts and masks included; raw ones are the latents of `pq.read_table(shard, columns=["latents"])` over all
shards. Both run in this process with the same number of threads, in turns; of seven rounds the quickest
counts. Writes a table.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from machine import seconds

from stemwright.data_folder import DataFolder
from stemwright.data_mix import DataMix
from stemwright.dataset_info import DatasetInfo
from stemwright.latent_dataset import LatentDataset
from stemwright.latent_shards import LatentSong, ShardWriter
from stemwright.latent_stats import LatentMoments
from stemwright.prompts import SongMetadata
from stemwright.song_index import IndexedSong, write_song_index
from stemwright.tracks import TRACKS
from stemwright.windows import Windows

RESULTS = Path(__file__).parent / "results" / "reader_speed.md"
FRAME_RATE_HZ, LATENT_DIM = 150, 128
WINDOWS_S = (2.5, 5.0, 10.0, 20.0)
SONGS, SONGS_A_SHARD, SONG_S = 12, 4, 150
BATCH, ROUNDS = 16, 7

HEADING = """# Reading training windows

GB/s: `raw` of the column latents by pyarrow (one byte a value where the storage is int8), `windows` of
float16 by `Windows.batch`, and their ratio, by length of the windows.

"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of reading training windows.")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--chunk-s", type=float, nargs="+", default=[2.5])
    parser.add_argument("--storage", nargs="+", choices=["float16", "int8"], default=["float16"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows = []
    for storage in arguments.storage:
        for chunk_s in arguments.chunk_s:
            with tempfile.TemporaryDirectory() as folder:
                write_dataset(Path(folder), chunk_s, storage)
                for threads in arguments.threads:
                    torch.set_num_threads(threads)
                    pa.set_cpu_count(threads)
                    rows.append(
                        {"storage": storage, "chunk_s": chunk_s, "threads": threads, **measure(folder)}
                    )
                    print(rows[-1], flush=True)
    arguments.out.write_text(table(rows))


def measure(folder: str) -> dict[str, float]:
    """Rates in GB/s, each window length's share of the raw rate, and what a shard's footer costs."""
    dataset = LatentDataset(folder)
    shards = [Path(folder) / name for name in dataset.info.shards]
    first_touch_s = seconds(lambda: [dataset.read(song.song_id, 0, 1) for song in dataset.songs()])
    row = {
        "footer_kb_a_minute": sum(map(footer_bytes, shards)) / 1e3 / (SONGS * SONG_S / 60),
        "first_touch_ms_a_shard": first_touch_s * 1e3 / len(shards),
    }
    for window_s in WINDOWS_S:
        read, useful = windows_reader(dataset, window_s)
        raw_s, windows_s = least_s(lambda: read_raw(shards), read)
        raw, rate = raw_bytes(shards) / raw_s, useful / windows_s
        row |= {f"raw_{window_s:g}s": raw / 1e9, f"windows_{window_s:g}s": rate / 1e9}
        row[f"ratio_{window_s:g}s"] = rate / raw
    return {name: round(value, 2) for name, value in row.items()}


def windows_reader(dataset: LatentDataset, window_s: float) -> tuple[Callable[[], None], int]:
    """A function that reads about as much as the data set holds, and the bytes that it delivers."""
    frames = round(window_s * FRAME_RATE_HZ)
    reader = Windows(DataMix([dataset]), "train", lengths=(frames,), batch_size=BATCH, seed=0)
    a_batch = BATCH * len(TRACKS) * LATENT_DIM * frames * 2
    steps = max(2, round(SONGS * SONG_S / (BATCH * window_s)))

    def read() -> None:
        for step in range(steps):
            assert reader.batch(step).latents.nbytes == a_batch

    return read, steps * a_batch


def read_raw(shards: list[Path]) -> None:
    for shard in shards:
        pq.read_table(shard, columns=["latents"])


def raw_bytes(shards: list[Path]) -> int:
    return sum(pq.read_table(shard, columns=["latents"]).column("latents").nbytes for shard in shards)


def footer_bytes(shard: Path) -> int:
    return pq.read_metadata(shard).serialized_size


def least_s(*works: Callable[[], None]) -> list[float]:
    """Seconds of each, which take turns: a machine whose speed drifts does so for all."""
    for work in works:
        work()
    rounds = [[seconds(work) for work in works] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def write_dataset(folder: Path, chunk_s: float, storage: str) -> None:
    """Random latents in the form of a prepared data set."""
    rng = np.random.default_rng(0)
    chunk_frames, num_frames = round(chunk_s * FRAME_RATE_HZ), SONG_S * FRAME_RATE_HZ
    songs, names = [], [f"shard-{number:05d}.parquet" for number in range(SONGS // SONGS_A_SHARD)]
    for shard, name in enumerate(names):
        with ShardWriter(folder / name, storage) as writer:
            for number in range(SONGS_A_SHARD):
                song = described(f"song {shard * SONGS_A_SHARD + number}")
                songs.append(indexed(song, shard, writer.num_chunks, num_frames))
                for chunk, start in enumerate(range(0, num_frames, chunk_frames)):
                    frames = min(chunk_frames, num_frames - start)
                    values = rng.standard_normal((len(TRACKS), LATENT_DIM, frames), np.float32)
                    writer.write(song, chunk=chunk, start_frame=start, latents=torch.from_numpy(values))
    write_song_index(folder, songs)
    LatentMoments.empty(len(TRACKS), LATENT_DIM).save(DataFolder(folder), "stats.safetensors")
    dataset_info(chunk_frames, storage, tuple(names)).save(folder)


def described(song_id: str) -> LatentSong:
    metadata = SongMetadata(
        genres=("blues",),
        instruments=("bass", "organ", "drums"),
        moods=("slow",),
        tempo_bpm=90,
        key="A minor",
    )
    return LatentSong(
        song_id=song_id, split="train", presence=(True,) * 4, gains_db=(0.0,) * 4, metadata=metadata
    )


def indexed(song: LatentSong, shard: int, row_group: int, num_frames: int) -> IndexedSong:
    return IndexedSong(
        song_id=song.song_id,
        split=song.split,
        shard=shard,
        row_group=row_group,
        num_frames=num_frames,
        duration_s=SONG_S,
        presence=song.presence,
        gains_db=song.gains_db,
        licence="none",
        source="random numbers",
        metadata=song.metadata,
    )


def dataset_info(chunk_frames: int, storage: str, shards: tuple[str, ...]) -> DatasetInfo:
    return DatasetInfo(
        codec="random",
        codec_fingerprint="random",
        sample_rate_hz=48000,
        hop=320,
        frame_rate_hz=FRAME_RATE_HZ,
        latent_dim=LATENT_DIM,
        segment_frames=1,
        chunk_frames=chunk_frames,
        storage=storage,
        loudness_lufs=-23.0,
        track_names=TRACKS.names,
        prompt_names=TRACKS.prompt_names,
        num_songs={"train": SONGS},
        num_chunks=0,
        hours=SONGS * SONG_S / 3600,
        gains_db=(0.0,) * 4,
        licences={"none": SONGS},
        num_rejected=0,
        stats="stats.safetensors",
        shards=shards,
    )


def table(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([str(row[name]) for name in names] for row in rows)]
    return HEADING + "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
