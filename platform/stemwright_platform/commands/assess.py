"""`stemwright assess`: is a model good enough? Each figure with its target."""

from pathlib import Path
from typing import Annotated

import typer

from stemwright.shipped_model import SHIPPED
from stemwright_platform.commands.model_named import model_named

app = typer.Typer()


@app.command(epilog="Example: `stemwright assess --out assessed --patches 200`")
def assess(
    out: Annotated[Path, typer.Option(help="Folder of the takes, the figures and the page.")],
    model: Annotated[
        str, typer.Option(help="A run, a checkpoint folder or models:/NAME@ALIAS; else what ships with this.")
    ] = SHIPPED,
    manifest: Annotated[
        str | None,
        typer.Option(help="Songs to measure on; by default held-out demo songs, made for it."),
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the manifest, or all.")] = "test",
    soundfont: Annotated[
        list[Path] | None,
        typer.Option(help="A General MIDI .sf2 or .sf3 that plays the songs that are made; repeat for more."),
    ] = None,
    songs: Annotated[
        Path | None,
        typer.Option(help="Folder of the songs that are made, to share; OUT/songs by default."),
    ] = None,
    training: Annotated[
        str | None, typer.Option(help="Manifest of the training songs, to look for copies of them.")
    ] = None,
    guidance: Annotated[
        str | None, typer.Option(help="Folder that `stemwright sweep guidance` wrote, to tell of.")
    ] = None,
    parts: Annotated[str | None, typer.Option(help="Some parts alone, as coherence,tempo.")] = None,
    patches: Annotated[
        int, typer.Option(help="Embeddings of 3 s on either side of a Fréchet distance; fewer are quicker.")
    ] = 2000,
    coherence_songs: Annotated[
        int, typer.Option(help="Windows of which each track is made anew, given the others.")
    ] = 48,
    duration: Annotated[float, typer.Option(help="Length of a window in seconds.")] = 8.0,
    grid: Annotated[bool, typer.Option(help="Whether the model is told where the songs' bars are.")] = True,
    guidance_scale: Annotated[float | None, typer.Option(help="λ; the checkpoint's by default.")] = None,
    text_guidance: Annotated[float | None, typer.Option(help="How closely to follow the prompt.")] = None,
    steps: Annotated[int | None, typer.Option(help="Solver steps.")] = None,
    solver: Annotated[str | None, typer.Option(help="ddpm, ddim or dpmpp_2m.")] = None,
    batch: Annotated[int, typer.Option(help="Takes that the denoiser makes at once.")] = 8,
    seed: Annotated[int, typer.Option(help="Of windows and noise.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Ray actors; 1: this process alone.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    codec_weights: Annotated[str | None, typer.Option(help="Folder with the codec's weights.")] = None,
    text_weights: Annotated[str | None, typer.Option(help="Folder with the text encoder's weights.")] = None,
) -> None:
    """Hold a model to its targets: a table here, OUT/index.html and OUT/assessment.json.

    Figures stand between strangers' stems or the untrained model and real ones, and each says whether it
    meets its target. Run again after an interruption, it goes on.
    """
    from stemwright.solver_name import checked_solver
    from stemwright_platform.assessment.assess import assess_model
    from stemwright_platform.assessment.assessment_page import PAGE
    from stemwright_platform.assessment.assessment_plan import AssessmentPlan
    from stemwright_platform.assessment.figure import Figure
    from stemwright_platform.assessment.figure_table import closing_line, table_lines
    from stemwright_platform.assessment.part import chosen_parts
    from stemwright_platform.evaluation.systems import SamplingChoice

    plan = AssessmentPlan(
        model=model,
        manifest=manifest,
        split=None if split == "all" else split,
        soundfonts=tuple(str(font.absolute()) for font in soundfont or ()),
        songs_folder=None if songs is None else str(songs.absolute()),
        training=training,
        guidance=guidance,
        patches=patches,
        coherence_songs=coherence_songs,
        duration_s=duration,
        batch=batch,
        sampling=SamplingChoice(
            guidance_scale=guidance_scale,
            text_scale=text_guidance,
            num_steps=steps,
            solver=checked_solver(solver) if solver else None,
        ),
        tell_grid=grid,
        seed=seed,
        device=device,
        codec_weights=codec_weights,
        text_weights=text_weights,
    )
    chosen = chosen_parts(parts)
    model_named(model, typer.echo)
    found: list[Figure] = []
    for part, figures in assess_model(plan, out, chosen, jobs=jobs):
        found += figures
        for line in table_lines(part.title, figures):
            typer.echo(line)
    typer.echo(f"\n{closing_line(found)}\npage: {out / PAGE}")
