"""`stemwright train`: latents → a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stemwright.errors import InputError
from stemwright.gpus import MFU

if TYPE_CHECKING:
    from stemwright.presets import Preset
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
    preset: Annotated[
        str | None,
        typer.Option(
            help="tiny, small, base, paper, or a YAML file; small by default or, with --from, that model's "
            "own, made for fine-tuning."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Begin with a trained model: a run, a checkpoint folder, models:/NAME@ALIAS, or shipped. "
            "Tracks that the data has and the model has not are new to it.",
        ),
    ] = None,
    lora: Annotated[
        int | None,
        typer.Option(min=1, metavar="RANK", help="With --from: train by LoRA, with matrices of this rank."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.FIELD=VALUE",
            help="A field of the preset to change, as training.micro_batch=4; may be given several times.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Length of the run in steps.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Or in minutes of training.")] = None,
    workers: Annotated[int, typer.Option(help="Data-parallel workers, each with a batch of its own.")] = 1,
    min_workers: Annotated[
        int | None,
        typer.Option(
            help="Go on with as few of them where machines leave, and take in those that come. The batch of "
            "a step stays that of all."
        ),
    ] = None,
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
    from stemwright.gpus import gpu_named
    from stemwright.training_run import TrainingPlan
    from stemwright_platform.training.dry_run import dry_run as told
    from stemwright_platform.training.launch import launch
    from stemwright_platform.training.registry import resolve_model
    from stemwright_platform.training.teacher_crew import TeacherCrew

    base = str(resolve_model(start, tracking_uri=tracking_uri)) if start else None
    plan = TrainingPlan(
        preset=chosen_preset(preset, base, data, lora, changes or []),
        start=base,
        data=tuple(data),
        steps=steps,
        minutes=minutes,
        seed=seed,
        workers=workers,
        min_workers=min_workers,
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


def chosen_preset(
    name: str | None, base: str | None, data: list[str], lora_rank: int | None, changes: list[str]
) -> "Preset":
    """What to train: the preset named or, to go on with the model in the folder `base`, that model's."""
    from stemwright.data_mix import DataMix
    from stemwright.data_source import DataSource
    from stemwright.presets import changed_preset, load_preset
    from stemwright.warm_start import WarmStart, fine_tuning_preset

    if lora_rank is not None and base is None:
        raise InputError("--lora adapts a trained model: name one with --from")
    if name is not None or base is None:
        preset = load_preset(name or "small")
    else:
        tracks = DataMix.open(DataSource.of(each) for each in data).info.tracks
        preset = fine_tuning_preset(WarmStart.of(base).base.preset, tracks, lora_rank)
    own = [] if lora_rank is None else [f"training.lora_rank={lora_rank}"]
    return changed_preset(preset, [*own, *changes])


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
