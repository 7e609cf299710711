"""The stages that make the model: its training, and the card in the end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stemwright.data_source import DataSource
from stemwright.run_folder import RunFolder
from stemwright.training_log import Record
from stemwright_platform.demo_model.judging_stages import JudgingStages
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.sizes import MIDI_WEIGHT
from stemwright_platform.time_left import TimeLeft


class ModelStages:
    """Each method does what is missing of its stage and says what is there then."""

    def __init__(self, plan: DemoModelPlan, say: Callable[[str], None]) -> None:
        self._plan, self._say = plan, say

    def train(self) -> str:
        """The best model of the run."""
        plan = self._plan
        (self._train_here if plan.local else self._train_on_ray)()
        return f"trained preset {plan.preset}"

    def finish(self) -> str:
        """The model with its card and curves."""
        from stemwright.checkpoint import publish_checkpoint
        from stemwright_platform.demo_model.card_facts import card_facts
        from stemwright_platform.demo_model.card_picture import draw_card_picture

        plan = self._plan
        judged = JudgingStages(plan, self._say)
        figures = _read(judged.figures)
        targets = _read(judged.targets) if plan.patches else []
        picture = draw_card_picture(RunFolder(plan.run), plan.out / "curves.png")
        facts = card_facts(plan, figures, targets) | {"curves": picture.name}
        publish_checkpoint(plan.candidate, plan.model, facts=facts, pictures=[picture])
        size = sum(path.stat().st_size for path in plan.model.iterdir())
        return f"wrote {plan.model}, {size / 1e6:.1f} MB"

    def _train_here(self) -> None:
        from stemwright.train_locally import train_locally

        plan = self._plan
        progress, told = TimeLeft("training", 1.0), 0.0

        def on_step(record: Record) -> None:
            nonlocal told
            of_steps, of_time = (
                record["step"] / record["total_steps"],
                record["train_s"] / (60 * plan.minutes),
            )
            share = of_steps if plan.steps else of_time
            progress.advance(share - told, f"step {record['step']:,}, loss {record['loss']:.3f}")
            told = share

        try:
            train_locally(
                plan.model_preset,
                self._data(),
                plan.run,
                steps=plan.steps,
                minutes=None if plan.steps else plan.minutes,
                seed=plan.seed,
                device=plan.device,
                on_step=on_step,
            )
        finally:
            progress.close()

    def _train_on_ray(self) -> None:
        from stemwright.training_run import TrainingPlan
        from stemwright_platform.training.launch import launch

        plan = self._plan
        asked = TrainingPlan(
            preset=plan.model_preset,
            data=self._data(),
            steps=plan.steps,
            minutes=None if plan.steps else plan.minutes,
            seed=plan.seed,
        )
        outcome = launch(
            asked, plan.run, tracking_uri=f"sqlite:///{plan.out.resolve()}/mlflow.db", model_name="demo-model"
        )
        if outcome.tracking_failure:
            self._say(f"MLflow does not have all of the run: {outcome.tracking_failure}")

    def _data(self) -> tuple[str, ...]:
        """The latents with their weights."""
        weights = {"demo": 1.0, "rendered": MIDI_WEIGHT}
        return tuple(
            str(DataSource(str(folder), weights[name])) for name, folder in self._plan.latents.items()
        )


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
