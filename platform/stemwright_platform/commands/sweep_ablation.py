"""`stemwright sweep ablation`: the rows of Table 2, trained alike and scored alike."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stemwright.errors import InputError

if TYPE_CHECKING:
    from stemwright_platform.sweeps.ablation import AblationOutcome, Scorer

app = typer.Typer()


@app.command(
    epilog="Example: `stemwright sweep ablation --preset small --data data/latents --manifest "
    "data/demo/manifest.parquet --out sweeps/table2 --steps 600`"
)
def ablation(
    data: Annotated[
        list[str],
        typer.Option(metavar="PATH[@WEIGHT]", help="Latents, as `stemwright prepare` wrote them."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the ablation; every node must see it.")],
    steps: Annotated[int, typer.Option(help="Length of each training, the same for all rows.")],
    preset: Annotated[str, typer.Option(help="tiny, small, base, paper, or a YAML file.")] = "small",
    seeds: Annotated[str, typer.Option(help="Each row is trained with each.")] = "1,2,3",
    fixed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A field for all rows: training.p1=0.5."),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(help="Some of baseline,vector,curriculum,bootstrapping,interactive; all by default."),
    ] = None,
    p2_starts_at: Annotated[
        float, typer.Option(help="Share of the steps from which self-bootstrapping counts.")
    ] = 0.5,
    rounds: Annotated[int, typer.Option(help="How often the final validation asks.")] = 4,
    clips: Annotated[
        int, typer.Option(help="Clips that every row makes, to be scored; 0: held-out errors alone.")
    ] = 16,
    tasks: Annotated[
        str, typer.Option(help="What is made of each clip: joint, conditional, marginal.")
    ] = "joint,conditional,marginal",
    duration: Annotated[float, typer.Option(help="Length of a clip in seconds.")] = 10.0,
    first: Annotated[
        str | None,
        typer.Option(help="Tracks that interactive inference makes first; instrument,melody by default."),
    ] = None,
    manifest: Annotated[
        str | None, typer.Option(help="The manifest of the data: references are then recordings.")
    ] = None,
    guidance_scale: Annotated[
        float | None, typer.Option(help="λ of the later stage; the checkpoint's by default.")
    ] = None,
    embedding: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=WEIGHTS]", help="What hears, as in `stemwright evaluate`."),
    ] = None,
    references: Annotated[int, typer.Option(help="Real clips that Fréchet distances are taken to.")] = 128,
    num_steps: Annotated[int | None, typer.Option("--sampling-steps", help="Solver steps of a clip.")] = None,
    device: Annotated[str, typer.Option(help="Of the generation: cpu or cuda.")] = "cpu",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Actors that generate and score; as many as fit by default.")
    ] = None,
    cpus_per_trial: Annotated[int, typer.Option(help="CPUs of a training, and its torch threads.")] = 1,
    gpus_per_trial: Annotated[
        float | None, typer.Option(help="Share of a GPU for a training; 0.25 where the cluster has any.")
    ] = None,
    parallel: Annotated[int | None, typer.Option(help="Trainings side by side; as many as fit.")] = None,
    codec_weights: Annotated[str | None, typer.Option(help="Folder with the codec's weights.")] = None,
    text_weights: Annotated[str | None, typer.Option(help="Folder with the text encoder's weights.")] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow: sqlite:///PATH or a server; ./mlflow.db by default.")
    ] = None,
) -> None:
    """Train the rows of the paper's ablation on equal budgets, and compare them.

    Shared timestep, + individual timestep vector, + curriculum, + self-bootstrapping, + interactive
    inference (the same model, some tracks first and the rest to fit them). Run again after an interruption,
    only what is missing is done; with more seeds or rows only these are trained.
    """
    from stemwright.presets import load_preset
    from stemwright_platform.sweeps.ablation import plan_ablation, run_ablation
    from stemwright_platform.sweeps.ablation_row import ROWS, ablation_rows
    from stemwright_platform.sweeps.axis import Axis
    from stemwright_platform.sweeps.resources import Resources
    from stemwright_platform.sweeps.sweep_plan import parsed_seeds

    start = load_preset(preset)
    axes = [Axis.of(text, start) for text in fixed or ()]
    if several := [axis for axis in axes if len(axis.values) != 1]:
        raise InputError(f"{several[0].field}: an ablation takes one value for all of its rows")
    plan = plan_ablation(
        start,
        data,
        steps=steps,
        seeds=parsed_seeds(seeds),
        fixed={axis.field: axis.values[0] for axis in axes},
        rounds=rounds,
        p2_starts_at=p2_starts_at,
        text_encoder_weights=text_weights,
    )
    table = ablation_rows(
        rows.split(",") if rows else ROWS,
        first=first.split(",") if first else None,
        tracks=plan.preset.tracks,
    )
    scorer = None
    if clips:
        if len(data) > 1:
            raise InputError("clips are chosen from one data set: give one --data, or --clips 0")
        scorer = _scorer(
            data[0].split("@")[0], manifest, clips, duration, kinds_of(tasks), references, guidance_scale,
            num_steps, embedding or ["musicnn"], device, codec_weights, text_weights, jobs,
        )  # fmt: skip
    outcome = run_ablation(
        plan,
        out,
        rows=table,
        scorer=scorer,
        resources=Resources(cpus=cpus_per_trial, gpus=gpus_per_trial, parallel=parallel),
        tracking_uri=tracking_uri,
    )
    print(said(outcome))
    if not any(result.state == "finished" for result in outcome.results):
        raise typer.Exit(1)


def _scorer(
    data: str,
    manifest: str | None,
    clips: int,
    duration_s: float,
    tasks: tuple[str, ...],
    references: int,
    guidance_scale: float | None,
    num_steps: int | None,
    embeddings: list[str],
    device: str,
    codec_weights: str | None,
    text_weights: str | None,
    jobs: int | None,
) -> "Scorer":
    from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
    from stemwright_platform.evaluation.feature_choice import FeatureChoice, parse_embeddings
    from stemwright_platform.evaluation.making import Source
    from stemwright_platform.evaluation.systems import SamplingChoice
    from stemwright_platform.sweeps.ablation_scoring import GenerationScoring

    source = Source(
        model="",  # each row's own, once it is trained
        data=str(Path(data).absolute()) if "://" not in data else data,
        manifest=str(Path(manifest).absolute()) if manifest else None,
        codec_weights=codec_weights,
        text_weights=text_weights,
        device=device,
    )
    plan = EvaluationPlan(
        source=source,
        clips=clips,
        duration_s=duration_s,
        tasks=tasks,
        references=references,
        sampling=SamplingChoice(guidance_scale=guidance_scale, num_steps=num_steps),
        features=FeatureChoice(embeddings=parse_embeddings(embeddings)),
    )
    return GenerationScoring(plan=plan, jobs=jobs)


def kinds_of(text: str) -> tuple[str, ...]:
    """From "joint,conditional". InputError for another kind."""
    from stemwright_platform.sweeps.ablation_made import KINDS

    kinds = tuple(dict.fromkeys(text.split(",")))
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise InputError(f"the rows of an ablation make {', '.join(KINDS)}, not '{unknown[0]}'")
    return kinds


def said(outcome: "AblationOutcome") -> str:
    """The command's last lines."""
    states = [result.state for result in outcome.results]
    counted = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    before = f" ({outcome.known} of them before)" if outcome.known else ""
    bad = [result for result in outcome.results if result.state in ("failed", "diverged")]
    lines = [
        f"{outcome.folder.path}: {', '.join(counted) or 'no training ended'}{before}",
        outcome.verdict,
        *(f"{result.name} {result.state}: {result.reason}" for result in bad),
        f"page: {outcome.folder.page}",
    ]
    if outcome.tracking_failure:
        lines.append(f"MLflow does not have all of it: {outcome.tracking_failure}")
    return "\n".join(lines)
