"""`stemwright train`: latents → a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stemwright_platform.training.launch import Outcome

app = typer.Typer()


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
    text_weights: Annotated[
        str | None, typer.Option(help="Local folder with the text encoder's weights.")
    ] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow: sqlite:///PATH or a server; ./mlflow.db by default.")
    ] = None,
    model_name: Annotated[str, typer.Option(help="Name in the MLflow model registry.")] = "stemwright",
) -> None:
    """Train a model on latents, and register it.

    The best model so far is always in OUT/model. Run again after an interruption, it goes on from the last
    checkpoint. The registry's `champion` is the version of the lowest held-out loss.
    """
    from stemwright.presets import load_preset
    from stemwright.training_run import TrainingPlan
    from stemwright_platform.training.launch import launch

    plan = TrainingPlan(
        preset=load_preset(preset),
        data=tuple(data),
        steps=steps,
        minutes=minutes,
        seed=seed,
        workers=workers,
        checkpoint_every=checkpoint_every,
        text_encoder_weights=text_weights,
    )
    if plan.preset.training.p2 > 0:
        print(
            f"p2 = {plan.preset.training.p2:g} has no effect in this release: given tracks stay recorded ones"
        )
    print(summary(launch(plan, out, tracking_uri=tracking_uri, model_name=model_name)))


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
    if outcome.tracking_failure:
        lines.append(f"MLflow does not have all of it: {outcome.tracking_failure}")
    return "\n".join(lines)
