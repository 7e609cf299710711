"""`stemwright evaluate`: how good a model is, in figures, with what they stand between."""

from pathlib import Path
from typing import Annotated

import typer

from stemwright.shipped_model import SHIPPED
from stemwright_platform.commands.model_named import model_named

app = typer.Typer()

EXAMPLE = "stemwright evaluate --model runs/first --data data/latents --manifest data/demo/manifest.parquet"


@app.command(epilog=f"Example: `{EXAMPLE} --out report`")
def evaluate(
    data: Annotated[str, typer.Option(help="Folder or URL of latents, as `stemwright prepare` wrote it.")],
    out: Annotated[Path, typer.Option(help="Folder of the report; every node must see it.")],
    model: Annotated[
        str, typer.Option(help="A run, a checkpoint folder or models:/NAME@ALIAS; else what ships with this.")
    ] = SHIPPED,
    manifest: Annotated[
        str | None,
        typer.Option(help="The manifest of the data: given tracks and references are then recordings."),
    ] = None,
    split: Annotated[str, typer.Option(help="Split to evaluate on.")] = "test",
    clips: Annotated[int, typer.Option(help="Windows to evaluate; fewer where the split has no more.")] = 64,
    duration: Annotated[float, typer.Option(help="Length of a window in seconds.")] = 10.0,
    tasks: Annotated[
        str,
        typer.Option(
            help="joint; conditional: each track given the rest; marginal: each alone; splits: every part "
            "given the rest; or names, as drums_given_bass."
        ),
    ] = "joint,conditional,marginal",
    embedding: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=WEIGHTS]",
            help="What hears for Fréchet distances: musicnn by default, musicnn-msd, vggish, clap; repeat.",
        ),
    ] = None,
    clap_python: Annotated[
        str | None,
        typer.Option(help="Interpreter of an environment with laion-clap: CLAP then runs there."),
    ] = None,
    cocola: Annotated[
        str | None,
        typer.Option(metavar="PYTHON:CODE:CHECKPOINT", help="COCOLA scores pairs of stems, too."),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FOLDER", help="Outputs of another system; repeat for more."),
    ] = None,
    demucs_weights: Annotated[
        str | None, typer.Option(help="Folder with Demucs' weights, for baselines that are mixes.")
    ] = None,
    listening: Annotated[
        Path | None,
        typer.Option(help="What `stemwright listen report` wrote: its preferences join the table."),
    ] = None,
    guidance_scale: Annotated[float | None, typer.Option(help="λ; the checkpoint's by default.")] = None,
    text_guidance: Annotated[float | None, typer.Option(help="How closely to follow the prompt.")] = None,
    steps: Annotated[int | None, typer.Option(help="Solver steps.")] = None,
    solver: Annotated[str | None, typer.Option(help="ddpm, ddim or dpmpp_2m.")] = None,
    seed: Annotated[int, typer.Option(help="Of windows and noise.")] = 0,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Actors; 1: this process alone. As many as Ray has CPUs by default."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    features: Annotated[
        Path | None,
        typer.Option(help="Folder of features, to share; OUT/features by default."),
    ] = None,
    codec_weights: Annotated[str | None, typer.Option(help="Folder with the codec's weights.")] = None,
    text_weights: Annotated[str | None, typer.Option(help="Folder with the text encoder's weights.")] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow: sqlite:///PATH or a server; ./mlflow.db by default.")
    ] = None,
) -> None:
    """Score a model on the test split: OUT/index.html and OUT/report.json.

    Every figure stands between its floor and its ceiling: stems of strangers and the untrained model below,
    the codec's round trip and the recordings above. Run again after an interruption, it goes on.
    """
    from stemwright.solver_name import checked_solver
    from stemwright_platform.composition_files import parse_files
    from stemwright_platform.evaluation.evaluate import evaluate_model
    from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
    from stemwright_platform.evaluation.feature_choice import FeatureChoice, parse_embeddings
    from stemwright_platform.evaluation.making import Source
    from stemwright_platform.evaluation.systems import SamplingChoice
    from stemwright_platform.training.tracking import default_uri

    plan = EvaluationPlan(
        source=Source(
            model=model,
            data=data,
            manifest=manifest,
            codec_weights=codec_weights,
            text_weights=text_weights,
            device=device,
        ),
        split=split,
        clips=clips,
        duration_s=duration,
        tasks=tuple(word.strip() for word in tasks.split(",") if word.strip()),
        seed=seed,
        sampling=SamplingChoice(
            guidance_scale=guidance_scale,
            text_scale=text_guidance,
            num_steps=steps,
            solver=checked_solver(solver) if solver else None,
        ),
        features=FeatureChoice(
            embeddings=parse_embeddings(embedding or ["musicnn"]),
            clap_python=clap_python,
            cocola=cocola,
        ),
    )
    model_named(model, typer.echo)
    page = evaluate_model(
        plan,
        out,
        baselines=parse_files("--baseline", baseline or [], "NAME=FOLDER"),
        demucs_weights=demucs_weights,
        features=features,
        jobs=jobs,
        listening=listening,
        tracking_uri=tracking_uri or default_uri(),
    )
    typer.echo(f"report: {page}")


@app.command(epilog="Example: `stemwright compare report other_report --out compared`")
def compare(
    first: Annotated[Path, typer.Argument(help="A folder that `stemwright evaluate` wrote.")],
    second: Annotated[Path, typer.Argument(help="Another, of the same clips.")],
    out: Annotated[Path, typer.Option(help="Folder of the comparison.")],
) -> None:
    """Compare two evaluated models clip by clip, with intervals and p-values: OUT/index.html."""
    from stemwright_platform.evaluation.report.report_comparison import compare_reports

    typer.echo(f"comparison: {compare_reports(first, second, out)}")
