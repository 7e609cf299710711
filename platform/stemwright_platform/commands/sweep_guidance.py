"""`stemwright sweep guidance`: λ over a grid with one model; the curve, and the value to set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stemwright.errors import InputError

if TYPE_CHECKING:
    from stemwright_platform.sweeps.guidance_findings import Findings
    from stemwright_platform.sweeps.guidance_plan import GuidancePlan

app = typer.Typer()

EXAMPLE = "stemwright sweep guidance --model runs/first --data data/latents --scales 0,1,1.5,2,3,5,7,9"


@app.command(epilog=f"Example: `{EXAMPLE} --out sweep`")
def guidance(
    model: Annotated[str, typer.Option(help="A run, a checkpoint folder or models:/NAME@ALIAS.")],
    data: Annotated[str, typer.Option(help="Folder or URL of latents, as `stemwright prepare` wrote it.")],
    out: Annotated[Path, typer.Option(help="Folder of the sweep; every node must see it.")],
    scales: Annotated[str, typer.Option(help="λ to try; 1 is always among them.")] = "0,1,1.5,2,3,5,7,9",
    tasks: Annotated[
        str,
        typer.Option(
            help="conditional: each track given the rest; splits: every part given the rest; joint, which λ "
            "does not touch, to compare with; or names, as drums_given_bass."
        ),
    ] = "conditional,joint",
    by: Annotated[
        str,
        typer.Option(
            metavar="SCORE",
            help="What decides: coherence, frechet.musicnn, or any score of an evaluation, as onset_lock.",
        ),
    ] = "coherence",
    clips: Annotated[int, typer.Option(min=1, help="Clips a task, the same at every λ.")] = 16,
    takes: Annotated[int, typer.Option(min=1, help="Takes of each; two show what λ costs in variety.")] = 2,
    duration: Annotated[float, typer.Option(help="Length of a clip in seconds.")] = 8.0,
    split: Annotated[
        str | None, typer.Option(help="Of the data; validation where there is one, else test, by default.")
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option(help="The manifest of the data: given tracks and real stems are then recordings."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of clips and noise.")] = 0,
    text_guidance: Annotated[float | None, typer.Option(help="How closely to follow the prompt.")] = None,
    steps: Annotated[int | None, typer.Option(help="Solver steps; the checkpoint's by default.")] = None,
    solver: Annotated[str | None, typer.Option(help="ddpm, ddim or dpmpp_2m.")] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Actors; 1: this process alone. As many as Ray has CPUs by default."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    write: Annotated[
        bool, typer.Option("--write", help="Make the chosen λ the model's default at inference.")
    ] = False,
    codec_weights: Annotated[str | None, typer.Option(help="Folder with the codec's weights.")] = None,
    text_weights: Annotated[str | None, typer.Option(help="Folder with the text encoder's weights.")] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow: sqlite:///PATH or a server; ./mlflow.db by default.")
    ] = None,
) -> None:
    """Find the guidance scale of a model: OUT/index.html, sweep.json and curve.csv.

    Every λ gets the same clips, seeds and given tracks. The figure is the share of the way from strangers'
    stems to real ones; of the λ within one standard error of the best, the nearest to 1 is chosen. Run
    again after an interruption, it goes on; with more --scales, only those are made that are new.
    """
    from stemwright.solver_name import checked_solver
    from stemwright_platform.evaluation.making import Source
    from stemwright_platform.evaluation.systems import SamplingChoice
    from stemwright_platform.serving.checkpoint_folder import checkpoint_folder
    from stemwright_platform.sweeps.guidance_plan import GuidancePlan, parse_scales
    from stemwright_platform.sweeps.guidance_sweep import GuidanceSweep, run_sweep
    from stemwright_platform.training.tracking import checked_uri, default_uri

    wanted, uri = parse_scales(scales), checked_uri(tracking_uri or default_uri())
    folder = checkpoint_folder(model, uri).resolve()
    plan = GuidancePlan(
        source=Source(
            model=str(folder),
            data=data,
            manifest=manifest,
            codec_weights=codec_weights,
            text_weights=text_weights,
            device=device,
        ),
        weights=weights_digest(folder),
        scales=wanted,
        tasks=tuple(word.strip() for word in tasks.split(",") if word.strip()),
        split=split,
        num_clips=clips,
        takes=takes,
        duration_s=duration,
        seed=seed,
        sampling=SamplingChoice(
            text_scale=text_guidance, num_steps=steps, solver=checked_solver(solver) if solver else None
        ),
    )
    sweep = GuidanceSweep(plan, out.resolve(), by=by, jobs=jobs)
    findings = run_sweep(sweep, {"model": model, "data": data})
    for line in said(findings, plan, out, model, uri):
        typer.echo(line)
    if write:
        typer.echo(written(findings, folder, out, model))


def weights_digest(folder: Path) -> str:
    """Of a model's weights, whatever its defaults at inference. InputError where it is no checkpoint."""
    from stemwright.checkpoint import MODEL, read_config
    from stemwright.seal import sealed_digests

    read_config(folder)
    try:
        return sealed_digests(folder)[MODEL]
    except (ValueError, KeyError) as error:
        raise InputError(f"checkpoint {folder} is broken ({error})") from None


def said(findings: "Findings", plan: "GuidancePlan", out: Path, model: str, uri: str) -> list[str]:
    """The command's last lines; the sweep is in MLflow then, or a line says why it is not."""
    from stemwright_platform.sweeps.guidance_findings import conclusion
    from stemwright_platform.sweeps.guidance_page import PAGE
    from stemwright_platform.sweeps.guidance_tracking import track
    from stemwright_platform.training.outage import reason, without_password

    lines = [f"refused: λ = {scale:g}: {why}" for scale, why in findings.refused.items()]
    lines += [conclusion(findings), f"page: {out / PAGE}"]
    params = {"model": model, "by": findings.by, "scales": findings.scales, **plan.fixed()}
    try:
        track(findings, out.resolve(), uri, name=f"guidance sweep of {model}", params=params)
    except InputError:
        raise
    except Exception as error:  # a sweep is worth more than its diary
        lines.append(
            f"MLflow at {without_password(uri)} does not have it ({reason(error)}): run again to send"
        )
    return lines


def written(findings: "Findings", folder: Path, out: Path, model: str) -> str:
    """Set the chosen λ in a checkpoint and say so; a registered version stays as it is, a copy gets it.

    InputError where no λ was chosen.
    """
    from stemwright.checkpoint import publish_checkpoint, with_sampling

    if findings.choice is None:
        raise InputError(f"nothing to write: {findings.no_choice}")
    scale = findings.choice.scale
    if not model.startswith("models:"):
        with_sampling(folder, guidance_scale=scale)
        return f"{folder}: λ = {scale:g} is the default now"
    copy = publish_checkpoint(folder, out.resolve() / "model")
    with_sampling(copy, guidance_scale=scale)
    name = model.removeprefix("models:/").split("@")[0].split("/")[0]
    return (
        f"{model} stays as it is; a copy with λ = {scale:g} is in {copy}: make it a new version with "
        f"`stemwright models register {copy} --name {name}`"
    )
