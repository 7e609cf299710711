"""`stemwright prepare`: manifest → latent shards."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stemwright.dataset_info import DatasetInfo
    from stemwright_platform.corpus.encode import CodecChoice
    from stemwright_platform.corpus.manifest import Song
    from stemwright_platform.corpus.preparation import Preparation

app = typer.Typer()


@app.command("prepare")
def prepare(
    manifest: Annotated[str, typer.Option(help="The corpus that `stemwright corpus` wrote: a path or URL.")],
    out: Annotated[
        str, typer.Option(help="Folder of the latents, which every node must reach: a path or an s3:// URL.")
    ],
    codec: Annotated[
        str, typer.Option(help="mdct or conv (embedded: analytic, trained), or encodec.")
    ] = "mdct",
    codec_weights: Annotated[
        str | None, typer.Option(help="Local file or folder of the codec's weights.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the codec runs: cpu or cuda.")] = "cpu",
    gpu_fraction: Annotated[
        float, typer.Option(help="Part of a GPU an encoder holds; below 1, some decode while one encodes.")
    ] = 1.0,
    storage: Annotated[
        str, typer.Option(help="float16, or int8: half the space for a little noise.")
    ] = "float16",
    licence: Annotated[
        list[str] | None,
        typer.Option(help='Only songs under it, as "CC-BY-*" or "!*-NC-*"; may be repeated.'),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first songs of the manifest.", min=1)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Encoders at a time; as many as fit by default.", min=1)
    ] = None,
    max_rejected: Annotated[
        float, typer.Option(help="Fail where more than this share of the songs cannot be used.")
    ] = 1.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do; write nothing.")] = False,
) -> None:
    """Turn the stems of a corpus into latents to train on.

    Says first how long it will take and what space. Songs that cannot be used are listed with the reason
    and kept in rejected.parquet. Run again after an interruption, it goes on where it stopped.

    Example: `stemwright prepare --manifest data/demo/manifest.parquet --out data/latents`
    """
    from stemwright_platform.corpus.encode import CodecChoice
    from stemwright_platform.corpus.licences import with_licences
    from stemwright_platform.corpus.manifest import read_manifest
    from stemwright_platform.corpus.preparation import read_rejected
    from stemwright_platform.corpus.preparation_estimate import estimate

    songs = with_licences(read_manifest(manifest), licence or [])[:limit]
    choice = CodecChoice(name=codec, weights=codec_weights, device=device, gpu_fraction=gpu_fraction)
    work = plan(songs, out, choice, storage=storage, max_rejected=max_rejected)
    print(estimate(work, workers), flush=True)
    if dry_run:
        print("nothing was written")
        return
    info = encode(work, choice, workers=workers)
    for song in read_rejected(work.folder) if info.num_rejected else ():
        print(f"rejected {song['song_id']}: {song['reason']}")
    print(summary(info, out))


def plan(
    songs: "Sequence[Song]",
    out: "Path | str",
    choice: "CodecChoice",
    *,
    storage: str = "float16",
    max_rejected: float = 1.0,
) -> "Preparation":
    """What there is to do. InputError where the folder holds something else."""
    from stemwright.data_folder import DataFolder
    from stemwright_platform.corpus.encode_shard import Encoding
    from stemwright_platform.corpus.manifest import tracks_of
    from stemwright_platform.corpus.preparation import Preparation

    encoding = Encoding(
        codec=choice.load_for_planning(),
        tracks=tracks_of(songs),
        storage=storage,  # pyright: ignore[reportArgumentType]
    )
    return Preparation.of(songs, DataFolder(out), encoding, max_rejected=max_rejected)


def encode(work: "Preparation", choice: "CodecChoice", *, workers: int | None = None) -> "DatasetInfo":
    """Encode what is missing on Ray, with progress on standard error."""
    from stemwright_platform.corpus.encode import encode_corpus
    from stemwright_platform.corpus.shard_plan import ShardPlan
    from stemwright_platform.time_left import TimeLeft

    progress = TimeLeft("preparing", sum(shard.duration_s for shard in work.missing))
    done = work.num_songs - sum(len(shard.songs) for shard in work.missing)

    def on_shard(shard: ShardPlan) -> None:
        nonlocal done
        done += len(shard.songs)
        progress.advance(shard.duration_s, f"{done} of {work.num_songs} songs")

    try:
        return encode_corpus(work, choice, max_workers=workers, on_shard=on_shard)
    finally:
        progress.close()


def summary(info: "DatasetInfo", out: "Path | str") -> str:
    """The command's last line."""
    splits = ", ".join(f"{count} {split}" for split, count in info.num_songs.items())
    return (
        f"{out}: {sum(info.num_songs.values())} songs ({splits}), {info.hours:.2f} h, "
        f"{info.num_chunks} chunks, {info.num_rejected} rejected"
    )
