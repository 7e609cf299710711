"""`stemwright prepare`: manifest → latent shards."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stemwright.codec import Codec
    from stemwright.dataset_info import DatasetInfo
    from stemwright_platform.corpus.manifest import Song
    from stemwright_platform.corpus.preparation import Preparation

app = typer.Typer()

TRIAL_S = 4.0
READING_SHARE = 1.5
"""Decoding and writing take about half of the time that levelling and encoding take."""


@app.command("prepare")
def prepare(
    manifest: Annotated[Path, typer.Option(help="The corpus, as `stemwright corpus` wrote it.")],
    out: Annotated[Path, typer.Option(help="Folder of the latents; every node must see it.")],
    codec: Annotated[str, typer.Option(help="mdct (embedded) or encodec (48 kHz, pre-trained).")] = "mdct",
    codec_weights: Annotated[str | None, typer.Option(help="Local folder with the codec's weights.")] = None,
    device: Annotated[str, typer.Option(help="Where the codec runs: cpu or cuda.")] = "cpu",
    limit: Annotated[int | None, typer.Option(help="Only the first songs of the manifest.", min=1)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Encoders at a time; one a CPU by default.", min=1)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do; write nothing.")] = False,
) -> None:
    """Turn the stems of a corpus into latents to train on.

    Songs that cannot be used are listed with the reason. Run again after an interruption, it goes on
    where it stopped.

    Example: `stemwright prepare --manifest data/demo/manifest.parquet --out data/latents`
    """
    from stemwright_platform.corpus.manifest import read_manifest

    songs = read_manifest(manifest)[:limit]
    if dry_run:
        _say_plan(songs, out, codec, codec_weights, device, workers)
        return
    info = encode(songs, out, codec=codec, codec_weights=codec_weights, device=device, workers=workers)
    for song in info.rejected:
        print(f"rejected {song['song_id']}: {song['reason']}")
    print(summary(info, out))


def encode(
    songs: "Sequence[Song]",
    out: Path,
    *,
    codec: str = "mdct",
    codec_weights: str | None = None,
    device: str = "cpu",
    workers: int | None = None,
) -> "DatasetInfo":
    """Encode songs on Ray, with progress on standard error."""
    from stemwright_platform.corpus.encode import CodecChoice, encode_corpus
    from stemwright_platform.corpus.shard_plan import ShardPlan
    from stemwright_platform.time_left import TimeLeft

    total_s = sum(song.duration_s for song in songs)
    progress = TimeLeft("preparing", total_s)
    done = 0

    def on_shard(plan: ShardPlan) -> None:
        nonlocal done
        done += len(plan.songs)
        progress.advance(plan.duration_s, f"{done} of {len(songs)} songs")

    choice = CodecChoice(name=codec, weights=codec_weights, device=device)
    try:
        return encode_corpus(songs, out, choice, max_workers=workers, on_shard=on_shard)
    finally:
        progress.close()


def summary(info: "DatasetInfo", out: Path) -> str:
    """The command's last line."""
    splits = ", ".join(f"{count} {split}" for split, count in info.num_songs.items())
    return (
        f"{out}: {sum(info.num_songs.values())} songs ({splits}), {info.hours:.2f} h, "
        f"{info.num_chunks} chunks, {len(info.rejected)} rejected"
    )


def _say_plan(
    songs: "Sequence[Song]", out: Path, codec: str, weights: str | None, device: str, workers: int | None
) -> None:
    import os

    from stemwright.codec import load_codec
    from stemwright_platform.corpus.preparation import Preparation
    from stemwright_platform.time_left import duration_text

    loaded = load_codec(codec, weights=weights, device=device)
    work = Preparation.of(songs, out, loaded)
    hours = sum(song.duration_s for song in songs) / 3600
    seconds = _stem_seconds(work) / _speed(loaded) / (workers or os.cpu_count() or 1)
    print(
        f"{len(songs)} songs, {hours:.2f} h, {len(work.plans)} shards ({len(work.missing)} still to make), "
        f"about {work.num_bytes / 1e6:.1f} MB and {duration_text(seconds)}; nothing was written"
    )


def _stem_seconds(work: "Preparation") -> float:
    """Seconds of audio to encode, all stems together."""
    songs = [song for plan in work.missing for song in plan.songs]
    return sum(song.duration_s * sum(map(bool, song.tracks.values())) for song in songs)


def _speed(codec: "Codec") -> float:
    """Seconds of one stem prepared a second, measured on a little noise."""
    import time

    import torch

    from stemwright.loudness import match_loudness

    noise = torch.randn(2, round(TRIAL_S * codec.sample_rate_hz)) * 0.1
    codec.encode(noise[None])  # the first call sets things up
    start = time.perf_counter()
    codec.encode(match_loudness(noise, codec.sample_rate_hz)[0][None])
    return TRIAL_S / (time.perf_counter() - start) / READING_SHARE
