"""`stemwright compose`: prompt and stems to stems on this machine, with no server."""

from pathlib import Path
from typing import Annotated

import typer

from stemwright.shipped_model import SHIPPED
from stemwright_platform.commands.model_named import model_named

app = typer.Typer()

EXAMPLE = 'stemwright compose --prompt "slow blues, slide guitar" --given drums=loop.wav'


@app.command(epilog=f"Example: `{EXAMPLE} --targets bass,melody --duration 8 --seed 1 --out out`")
def compose(
    prompt: Annotated[str, typer.Option(help="What the music is like.")] = "",
    targets: Annotated[str, typer.Option(help="Tracks to make; by default all that are not given.")] = "",
    given: Annotated[list[str] | None, typer.Option(help="TRACK=FILE to fit; repeat for more.")] = None,
    rewrite: Annotated[
        list[str] | None,
        typer.Option(help="TRACK=FILE, a take of which only --region is made anew; repeat for more."),
    ] = None,
    region: Annotated[
        str, typer.Option(metavar="START:END", help="Seconds to make anew; past a take's end continues it.")
    ] = "",
    duration: Annotated[float, typer.Option(help="Length in seconds.")] = 8.0,
    seed: Annotated[int, typer.Option(help="Same seed, same take.")] = 0,
    guidance_scale: Annotated[float | None, typer.Option(help="λ: how closely to follow the given.")] = None,
    text_guidance: Annotated[float | None, typer.Option(help="How closely to follow the prompt.")] = None,
    steps: Annotated[int | None, typer.Option(help="Solver steps.")] = None,
    solver: Annotated[str | None, typer.Option(help="ddpm, ddim or dpmpp_2m.")] = None,
    model: Annotated[
        str, typer.Option(help="A run, a checkpoint folder or models:/NAME@ALIAS; else what ships with this.")
    ] = SHIPPED,
    codec_weights: Annotated[str | None, typer.Option(help="Folder with the codec's weights.")] = None,
    text_weights: Annotated[str | None, typer.Option(help="Folder with the text encoder's weights.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for stems, mix and composition.json.")] = Path("out"),
) -> None:
    """Make tracks from a prompt and from the tracks you have.

    Writes one WAV a track, mix.wav and composition.json. Given tracks come back as they are. To change
    seconds 4 to 8 of a bass take: `--rewrite bass=bass.wav --region 4:8 --given drums=drums.wav`.
    """
    from stemwright.compose import Composer, Request
    from stemwright.solver_name import checked_solver
    from stemwright.tasks import Task
    from stemwright_platform.composition_files import (
        parse_files,
        parse_region,
        read_stems,
        write_composition,
    )
    from stemwright_platform.time_left import TimeLeft
    from stemwright_platform.training.registry import resolve_model

    files, takes = parse_files("--given", given or []), parse_files("--rewrite", rewrite or [])
    model_named(model, typer.echo)
    composer = Composer.load(resolve_model(model), codec_weights=codec_weights, text_weights=text_weights)
    tracks = composer.checkpoint.tracks
    wanted = [name.strip() for name in targets.split(",") if name.strip()] or list(takes)
    request = Request(
        prompt=prompt,
        task=Task(tuple(wanted or (n for n in tracks.names if n not in files)), tuple(files), tracks=tracks),
        duration_s=duration,
        region_s=parse_region(region) if region else None,
        seed=seed,
        guidance_scale=guidance_scale,
        text_scale=text_guidance,
        num_steps=steps,
        solver=checked_solver(solver) if solver else None,
    )
    audio, old = (read_stems(each, composer.codec.sample_rate_hz) for each in (files, takes))
    progress = TimeLeft("composing", request.num_steps or composer.checkpoint.sampling.num_steps)
    stems = composer.generate(request, audio, lambda *_: progress.advance(1), old)
    progress.close()
    write_composition(out, stems, request, composer, files | takes)
    typer.echo(
        f"{', '.join(request.task.targets)} → {out}/ ({request.task.mode}, {duration:g} s, seed {seed})"
    )
