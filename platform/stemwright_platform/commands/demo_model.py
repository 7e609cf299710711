"""`stemwright demo-model`: the model that ships, made from nothing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stemwright_platform.demo_model.sizes import (
    CODEC_STEPS,
    EVALUATION_CLIPS,
    HOURS,
    PATCHES,
    PRESET,
    SEED,
    SONG_S,
    SONGS,
    SWEEP_CLIPS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stemwright_platform.demo.stages import Stage
    from stemwright_platform.demo_model.plan import DemoModelPlan

app = typer.Typer()

EXAMPLE = "stemwright demo-model --out runs/demo-model --midi my_midi --soundfont A.sf3 --soundfont B.sf3"


@app.command("demo-model", epilog=f"Example: `{EXAMPLE}`")
def demo_model(
    out: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = Path("runs/demo-model"),
    songs: Annotated[int, typer.Option(help="Songs of the demo corpus.")] = SONGS,
    seconds: Annotated[float, typer.Option(help="Length of each.")] = SONG_S,
    midi: Annotated[
        Path | None, typer.Option(help="A folder of MIDI files to render as a second corpus.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Terms of the MIDI files, for the model card.")] = "unknown",
    soundfont: Annotated[
        list[Path] | None,
        typer.Option(help="A General MIDI .sf2 or .sf3; may be given several times: each song draws one."),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(help="mdct, conv or the file of a trained codec. By default conv, trained if need be."),
    ] = None,
    codec_steps: Annotated[
        int | None,
        typer.Option(help=f"Train a codec for so many steps; {CODEC_STEPS:,} where there is none."),
    ] = None,
    preset: Annotated[str, typer.Option(help="Preset or a YAML file.")] = PRESET,
    hours: Annotated[float | None, typer.Option(help=f"Hours of training; {HOURS:g} by default.")] = None,
    steps: Annotated[int | None, typer.Option(help="Or its length in steps.")] = None,
    clips: Annotated[
        int, typer.Option(help="Clips of the evaluation, and of the search for λ.")
    ] = EVALUATION_CLIPS,
    patches: Annotated[
        int, typer.Option(help="Of the assessment's Fréchet distances; 0 leaves the assessment out.")
    ] = PATCHES,
    seed: Annotated[int, typer.Option(help="Of corpora, codec, weights and noise.")] = SEED,
    local: Annotated[bool, typer.Option("--local", help="In this process, with no Ray.")] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; cuda by default where there is one.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would do and how long it takes; write nothing.")
    ] = False,
    publish: Annotated[
        bool,
        typer.Option("--publish", help="Put the model, and the codec that was trained, where they ship."),
    ] = False,
) -> None:
    """Make the model that ships: corpora, a codec, latents, training, λ, an evaluation, the model card.

    Hours of work; killed anywhere, the same command goes on. The result is OUT/model.
    """
    from stemwright_platform.demo_model.plan import DemoModelPlan
    from stemwright_platform.demo_model.recipe import recipe

    plan = DemoModelPlan(
        out=out,
        songs=songs,
        song_s=seconds,
        midi=midi,
        licence=licence,
        soundfonts=tuple(soundfont or ()),
        codec_name=codec,
        codec_steps=codec_steps,
        preset=preset,
        hours=hours,
        steps=steps,
        sweep_clips=min(clips, SWEEP_CLIPS),
        evaluation_clips=clips,
        patches=patches,
        seed=seed,
        local=local,
        device=device or _device(),
    )
    stages = recipe(plan, typer.echo)
    typer.echo(overview(plan, stages))
    if dry_run:
        typer.echo("nothing was written")
        return
    make(plan, stages)
    if publish:
        typer.echo(ship(plan))


def overview(plan: "DemoModelPlan", stages: "Sequence[Stage]") -> str:
    """The stages with about how long each takes, or that it is done."""
    from stemwright_platform.demo.stages import finished_before, time_needed_s
    from stemwright_platform.time_left import duration_text

    lines = []
    for number, (stage, done) in enumerate(
        zip(stages, finished_before(stages, plan.out), strict=True), start=1
    ):
        when = "done" if done else duration_text(stage.estimate_s)
        lines.append(f"{number:>3} {stage.name:<11} {when:>11}  {stage.does}")
    total = duration_text(time_needed_s(stages, plan.out))
    return "\n".join((f"{plan.out}/ on {plan.device}, times on two CPU cores, about {total}:", *lines))


def make(plan: "DemoModelPlan", stages: "Sequence[Stage]") -> None:
    """Do what is not done."""
    from stemwright_platform.demo.stages import run_stages

    plan.out.mkdir(parents=True, exist_ok=True)
    run_stages(stages, plan.out, say=typer.echo)
    typer.echo(f"\n  The model   {plan.model}\n  Its card    {plan.model / 'README.md'}")
    typer.echo(f'\nstemwright compose --model {plan.model} --prompt "slow blues" --out out')


def ship(plan: "DemoModelPlan") -> str:
    """Copy the model, and its codec where that was trained here, into the package's weights."""
    import shutil

    from stemwright.checkpoint import publish_checkpoint
    from stemwright.conv_codec import SHIPPED, weights_path
    from stemwright.shipped_model import shipped_folder

    said = []
    if plan.codec.weights is not None and (source := weights_path(plan.codec.weights)) != SHIPPED:
        partial = SHIPPED.with_name(f".{SHIPPED.name}")
        shutil.copyfile(source, partial)
        partial.replace(SHIPPED)
        said.append(f"codec → {SHIPPED}")
    said.append(f"model → {publish_checkpoint(plan.model, shipped_folder())}")
    return "\n".join(said)


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
