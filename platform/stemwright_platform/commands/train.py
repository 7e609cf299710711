"""`stemwright train`: latents → a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stemwright.gpus import MFU

if TYPE_CHECKING:
    from stemwright_platform.training.launch import Outcome

app = typer.Typer()

TOLERATED = 0.95
"""Share of p2's tracks that must be served for the command to say nothing."""


@app.command(
    epilog="Example: `stemwright train --preset small --data data/latents --out runs/first --steps 2000`"
)
def train(
    data: Annotated[
        list[str],
        typer.Option(
            metavar="PATH[@WEIGHT]",
            help="Folder or URL of latents, as `stemwright prepare` wrote it. Several make a mix: samples "
            "come in proportion to the weights, 1 by default.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; every node must see it.")],
    preset: Annotated[str, typer.Option(help="tiny, small, base, paper, or a YAML file.")] = "small",
    steps: Annotated[int | None, typer.Option(help="Length of the run in steps.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Or in minutes of training.")] = None,
    workers: Annotated[int, typer.Option(help="Data-parallel workers, each with a batch of its own.")] = 1,
    seed: Annotated[int, typer.Option(help="Of weights, data order and noise.")] = 0,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Steps between checkpoints; a tenth of the run by default.")
    ] = None,
    keep: Annotated[int, typer.Option(help="Newest checkpoints to keep, beside the best one.")] = 2,
    text_weights: Annotated[
        str | None, typer.Option(help="Local folder with the text encoder's weights.")
    ] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow: sqlite:///PATH or a server; ./mlflow.db by default.")
    ] = None,
    model_name: Annotated[str, typer.Option(help="Name in the MLflow model registry.")] = "stemwright",
    teachers: Annotated[
        int,
        typer.Option(
            help="Where the preset has p2 > 0: actors that make its tracks beside the training, on devices "
            "of their own. 0: each worker makes them itself, in its own time."
        ),
    ] = 0,
    teacher_gpus: Annotated[
        float | None,
        typer.Option(help="Share of a GPU for each teacher; 0.5 where the cluster has any."),
    ] = None,
    teacher_cpus: Annotated[float, typer.Option(help="CPUs for each teacher.")] = 1.0,
    listen_every: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Make samples of every N-th checkpoint and of the last, 0 for none; about five times a run "
            "by default. They lie in OUT/samples with a page to listen.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what it would do, and what memory and work that takes; write nothing."
        ),
    ] = False,
    gpu: Annotated[
        str | None,
        typer.Option(
            help="The make of each worker's GPU, as A100-80GB or H100: a dry run then tells the time."
        ),
    ] = None,
    mfu: Annotated[
        float, typer.Option(help="Share of the GPU's peak that a dry run takes to be reached: an assumption.")
    ] = MFU,
) -> None:
    """Train a model on latents, and register it.

    The best model so far is always in OUT/model. Run again after an interruption, it goes on from the last
    checkpoint. The registry's `champion` is the version of the lowest held-out loss.
    """
    from stemwright.errors import InputError
    from stemwright.gpus import gpu_named
    from stemwright.presets import load_preset
    from stemwright.training_run import TrainingPlan
    from stemwright_platform.training.dry_run import dry_run as told
    from stemwright_platform.training.launch import launch
    from stemwright_platform.training.teacher_crew import TeacherCrew

    plan = TrainingPlan(
        preset=load_preset(preset),
        data=tuple(data),
        steps=steps,
        minutes=minutes,
        seed=seed,
        workers=workers,
        checkpoint_every=checkpoint_every,
        keep_checkpoints=keep,
        text_encoder_weights=text_weights,
    )
    crew = TeacherCrew(count=teachers, gpus=teacher_gpus, cpus=teacher_cpus)
    if dry_run:
        crew.check(plan)
        print(told(plan, gpu_named(gpu) if gpu else None, mfu, teachers=teachers))
        return
    if gpu is not None:
        raise InputError(
            "--gpu tells a dry run the time; training takes the GPUs that Ray has: add --dry-run"
        )
    outcome = launch(
        plan,
        out,
        tracking_uri=tracking_uri,
        model_name=model_name,
        teachers=crew,
        listen_every=listen_every,
    )
    print(summary(outcome))


def summary(outcome: "Outcome") -> str:
    """The command's last lines."""
    from stemwright.checkpoint import read_config

    facts = read_config(outcome.folder.model)["origin"]["facts"]
    judged = facts["validation"]
    before = "finished before, " if outcome.was_finished else ""
    parts = [
        f"{outcome.folder.path}: {before}best at step {facts['steps']}",
        f"held-out loss {judged['loss']:.3f}, {judged['ratio']:.2f} of the trivial guess" if judged else "",
        f"model in {outcome.folder.model}",
        str(outcome.registration or ""),
    ]
    lines = [", ".join(part for part in parts if part)]
    if (page := outcome.folder.path / "samples" / "index.html").is_file():
        lines.append(f"listen: {page}")
    if missed := missed_share(outcome):
        lines.append(
            f"{missed:.0%} of what p2 asked for was not made in time and stayed recorded: more --teachers or "
            "fewer training.teacher_steps"
        )
    if outcome.tracking_failure:
        lines.append(f"MLflow does not have all of it: {outcome.tracking_failure}")
    return "\n".join(lines)


def missed_share(outcome: "Outcome") -> float:
    """How much of what p2 asked for the teachers did not serve, 0 where that is less than 5 %."""
    from stemwright.training_log import read_log

    records = [record for record in read_log(outcome.folder.metrics) if "teacher_wanted" in record]
    wanted = sum(record["teacher_wanted"] for record in records)
    served = sum(record["teacher_served"] for record in records)
    return 1 - served / wanted if served < TOLERATED * wanted else 0.0
