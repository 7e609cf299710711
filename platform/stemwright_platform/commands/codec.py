"""`stemwright codec`: train a codec of one's own, and see what codecs do to one's stems."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stemwright.codec import Codec
    from stemwright_platform.corpus.manifest import Song

app = typer.Typer(
    help="Train a codec, or check what codecs do to stems.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

FILE_S = 20.0
"""A file is listed once for each so many seconds, so that crops are drawn evenly over time."""

MANIFESTS = "The corpus that `stemwright corpus` wrote; may be repeated."


@app.command(
    epilog="Example: `stemwright codec train --manifest data/demo/manifest.parquet --out runs/codec "
    "--steps 16000`"
)
def train(
    manifest: Annotated[list[str], typer.Option(help=MANIFESTS)],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    steps: Annotated[int, typer.Option(help="Length of the run.", min=1)] = 16_000,
    seed: Annotated[int, typer.Option(help="Of weights, crops and noise.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    save_every: Annotated[int, typer.Option(help="Steps between saved states.", min=1)] = 500,
) -> None:
    """Train the codec "conv" on the training songs of one or more corpora.

    The weights so far are always in OUT/conv_codec.safetensors; `stemwright prepare --codec conv
    --codec-weights OUT` takes them. Run again after an interruption, it goes on from the last saved state.
    """
    from stemwright.codec_training.codec_learner import CodecTraining
    from stemwright.codec_training.codec_run import CodecPlan, train_codec
    from stemwright_platform.corpus.manifest import read_manifest
    from stemwright_platform.time_left import TimeLeft

    files = [path for place in manifest for path in training_files(read_manifest(place))]
    plan = CodecPlan(files=files, training=CodecTraining(steps=steps), seed=seed, save_every=save_every)
    note, progress, done = "", None, 0

    def on_record(record: dict[str, float]) -> None:
        nonlocal note
        note = f"loss {record['loss']:.3f}, mel {record['mel']:.3f}"

    def on_step(step: int) -> None:
        nonlocal progress, done
        if progress is None:  # what an earlier run did tells nothing of this one's pace
            progress = TimeLeft("training the codec", steps - step)
        else:
            progress.advance(step - done, f"step {step} of {steps}{', ' + note if note else ''}")
        done = step

    print(f"{len(set(files))} files to train on", flush=True)
    try:
        path = train_codec(plan, out, device=device, on_step=on_step, on_record=on_record)
    finally:
        if progress is not None:
            progress.close()
    print(f"{path}: {steps} steps; hear it with `stemwright codec check --codec conv={out} …`")


@app.command(
    epilog="Example: `stemwright codec check --codec conv --codec mdct --manifest data/demo/manifest.parquet "
    "--out codec-check`"
)
def check(
    manifest: Annotated[list[str], typer.Option(help=MANIFESTS)],
    out: Annotated[Path, typer.Option(help="Folder for figures, pictures and sounds.")],
    codec: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=WEIGHTS]",
            help="mdct, conv, encodec or encodec-package, with a file or folder of weights or without; "
            "repeat to compare. conv and mdct by default.",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation, test, or all.")] = "test",
    songs: Annotated[int, typer.Option(help="How many songs of each manifest, spread evenly.", min=1)] = 12,
    seconds: Annotated[float, typer.Option(help="Of each song, from its middle.", min=1.0)] = 20.0,
    shown: Annotated[int, typer.Option(help="Songs with pictures and sounds.", min=0)] = 2,
    device: Annotated[str, typer.Option(help="Where the codecs run: cpu or cuda.")] = "cpu",
) -> None:
    """Send stems through codecs and back: how far off spectrum, brightness, pitch and onsets are, how fast.

    Uses one core, so that the speeds are comparable.
    """
    import torch

    from stemwright_platform.corpus.manifest import read_manifest
    from stemwright_platform.evaluation.codec_check.check import check, chosen, silence_db
    from stemwright_platform.evaluation.codec_check.report import CheckFolder
    from stemwright_platform.time_left import TimeLeft

    codecs = load_codecs(codec or ["conv", "mdct"], device)
    picked = [song for place in manifest for song in chosen(read_manifest(place), split, songs)]
    folder, pictured = CheckFolder(out), {song.song_id for song in picked[:shown]}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    progress = TimeLeft("checking", len(picked))
    try:
        stems = check(
            picked,
            codecs,
            seconds=seconds,
            on_song=lambda song: progress.advance(1, song.song_id),
            on_copies=lambda excerpt, copies: (
                folder.show(excerpt, copies) if excerpt.song_id in pictured else None
            ),
        )
    finally:
        progress.close()
        torch.set_num_threads(threads)
    print(folder.write(stems, codecs, {label: silence_db(codec) for label, codec in codecs.items()}))
    print(f"figures, pictures and sounds: {out / 'index.html'}")


def training_files(songs: "Sequence[Song]") -> list[Path]:
    """Audio of the training songs' tracks, each file once for every `FILE_S` of its song."""
    return [
        Path(path)
        for song in songs
        if song.split == "train"
        for paths in song.tracks.values()
        for path in paths or ()
        for _ in range(max(1, round(song.duration_s / FILE_S)))
    ]


def load_codecs(choices: "Sequence[str]", device: str) -> "dict[str, Codec]":
    """Codecs by label: the name, or all of NAME=WEIGHTS where a name comes twice."""
    from stemwright.codec import load_codec
    from stemwright.errors import InputError

    names = [choice.partition("=")[0] for choice in choices]
    found: dict[str, Codec] = {}
    for choice, name in zip(choices, names, strict=True):
        label = name if names.count(name) == 1 else choice
        if label in found:
            raise InputError(f"--codec {choice} is given twice")
        found[label] = load_codec(name, weights=choice.partition("=")[2] or None, device=device)
    return found
