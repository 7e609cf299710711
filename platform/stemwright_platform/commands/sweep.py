"""`stemwright sweep`: settings compared, by training trials or by generating with one model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stemwright_platform.commands import sweep_ablation, sweep_guidance

if TYPE_CHECKING:
    from stemwright_platform.sweeps.sweep import SweepOutcome

app = typer.Typer(
    help="Compare settings: of the curriculum by training trials, of guidance with one model.",
    no_args_is_help=True,
)
app.add_typer(sweep_ablation.app)
app.add_typer(sweep_guidance.app)

Data = Annotated[
    list[str],
    typer.Option(
        metavar="PATH[@WEIGHT]", help="Latents, as `stemwright prepare` wrote them; several: a mix."
    ),
]
Out = Annotated[Path, typer.Option(help="Folder of the sweep; every node must see it.")]
PresetName = Annotated[str, typer.Option(help="What trials start from: tiny, small, base, paper, or a YAML.")]
Steps = Annotated[int | None, typer.Option(help="Length of each trial in steps.")]
Seeds = Annotated[
    str | None, typer.Option(help="Each setting is trained with each: 1,2,3 by default. One shows no noise.")
]
Rounds = Annotated[
    int, typer.Option(help="How often the final validation asks, with other windows and noise.")
]
Cpus = Annotated[int, typer.Option(help="CPUs of a trial, and its torch threads.")]
Gpus = Annotated[
    float | None, typer.Option(help="Share of a GPU for a trial; 0.25 where the cluster has any.")
]
Parallel = Annotated[int | None, typer.Option(help="Trials side by side; as many as fit by default.")]
TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow: sqlite:///PATH or a server; ./mlflow.db by default.")
]
TextWeights = Annotated[str | None, typer.Option(help="Local folder with the text encoder's weights.")]


@app.command(
    epilog="Example: `stemwright sweep curriculum --preset small --data data/latents --out sweeps/p1p2 "
    "--steps 600 --p1 0.2,0.5,0.8,1 --p2 0,0.5`"
)
def curriculum(
    data: Data,
    out: Out,
    preset: PresetName = "small",
    steps: Steps = None,
    minutes: Annotated[float | None, typer.Option(help="Or in minutes of training.")] = None,
    p1: Annotated[str | None, typer.Option(help="Values of training.p1, as 0.2,0.5,0.8,1.")] = None,
    p2: Annotated[str | None, typer.Option(help="Values of training.p2, as 0,0.25,0.5.")] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUES",
            help="Any field of training or model: training.learning_rate=3e-4,6e-4; one value fixes it. "
            "For random and optuna also a range: 1e-4..1e-3, or even in the logarithm, 1e-4..1e-3:log.",
        ),
    ] = None,
    p2_starts_at: Annotated[
        float, typer.Option(help="Share of a trial's steps from which p2 counts, in whole epochs.")
    ] = 0.5,
    seeds: Seeds = None,
    search: Annotated[str, typer.Option(help="grid: all; random or optuna: --trials settings.")] = "grid",
    trials: Annotated[int | None, typer.Option(help="Settings to try with random and optuna.")] = None,
    scheduler: Annotated[str, typer.Option(help="none, or asha: stop bad trials early.")] = "none",
    score: Annotated[
        str, typer.Option(help="What decides: ratio or loss, of all tasks or of one kind, as ratio.joint.")
    ] = "ratio",
    rounds: Rounds = 4,
    cpus_per_trial: Cpus = 1,
    gpus_per_trial: Gpus = None,
    parallel: Parallel = None,
    text_weights: TextWeights = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Train a trial for each setting and seed, and compare them on the same held-out questions.

    Run again after an interruption, only what has not ended runs; with more values, seeds or trials, only
    those that are new. A page, a table and pictures lie in OUT.
    """
    from stemwright.presets import load_preset
    from stemwright_platform.sweeps.axis import Axis
    from stemwright_platform.sweeps.resources import Resources
    from stemwright_platform.sweeps.sweep import sweep_curriculum
    from stemwright_platform.sweeps.sweep_plan import SweepPlan, parsed_seeds

    start = load_preset(preset)
    named = [f"training.{name}={values}" for name, values in (("p1", p1), ("p2", p2)) if values is not None]
    plan = SweepPlan(
        preset=start,
        data=tuple(data),
        axes=tuple(Axis.of(text, start) for text in (*named, *(fields or ()))),
        seeds=parsed_seeds(seeds or ("1" if search == "optuna" else "1,2,3")),
        steps=steps,
        minutes=minutes,
        search=search,  # pyright: ignore[reportArgumentType]
        trials=trials,
        scheduler=scheduler,  # pyright: ignore[reportArgumentType]
        score=score,
        p2_starts_at=p2_starts_at,
        rounds=rounds,
        text_encoder_weights=text_weights,
    )
    resources = Resources(cpus=cpus_per_trial, gpus=gpus_per_trial, parallel=parallel)
    outcome = sweep_curriculum(plan, out, resources=resources, tracking_uri=tracking_uri)
    print(said(outcome))
    if not any(result.state == "finished" for result in outcome.results):
        raise typer.Exit(1)


def said(outcome: "SweepOutcome") -> str:
    """The command's last lines."""
    states = [result.state for result in outcome.results]
    counted = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    before = f" ({outcome.known} of them before)" if outcome.known else ""
    lines = [f"{outcome.folder.path}: {', '.join(counted) or 'no trial ended'}{before}"]
    lines += [outcome.summary.conclusion, *failures(outcome), f"page: {outcome.folder.page}"]
    if outcome.tracking_failure:
        lines.append(f"MLflow does not have all of it: {outcome.tracking_failure}")
    return "\n".join(lines)


def failures(outcome: "SweepOutcome") -> Sequence[str]:
    """A line for each trial that failed."""
    bad = [result for result in outcome.results if result.state in ("failed", "diverged")]
    return [f"{result.name} {result.state}: {result.reason}" for result in bad]
