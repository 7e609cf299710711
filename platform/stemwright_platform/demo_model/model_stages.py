"""The stages that end in the model: training, λ, evaluation, the card."""

import json
from collections.abc import Callable
from pathlib import Path

from stemwright.data_source import DataSource
from stemwright.run_folder import RunFolder
from stemwright.training_log import Record
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.sizes import EVALUATION_CLIP_S, MIDI_WEIGHT, SWEEP_CLIP_S, SWEEP_TAKES
from stemwright_platform.evaluation.making import Source
from stemwright_platform.time_left import TimeLeft

FINGERPRINT_CHARACTERS = 12
"""Of what names the folder of a sweep or an evaluation: another model gets another."""


class ModelStages:
    """Each method does what is missing of its stage and says what is there then."""

    def __init__(self, plan: DemoModelPlan, say: Callable[[str], None]) -> None:
        self._plan, self._say = plan, say

    @property
    def figures(self) -> Path:
        """What the evaluation leaves for the card."""
        return self._plan.out / "figures.json"

    def train(self) -> str:
        """The best model of the run."""
        plan = self._plan
        (self._train_here if plan.local else self._train_on_ray)()
        return f"trained preset {plan.preset}"

    def choose_guidance(self) -> str:
        """λ by a sweep, set in a copy of the model with half the bytes."""
        from stemwright.checkpoint import publish_checkpoint, with_sampling
        from stemwright_platform.commands.sweep_guidance import weights_digest
        from stemwright_platform.sweeps.guidance_plan import GuidancePlan
        from stemwright_platform.sweeps.guidance_sweep import GuidanceSweep, run_sweep

        plan, model = self._plan, RunFolder(self._plan.run).model
        digest = weights_digest(model)
        asked = GuidancePlan(
            source=self._source(model),
            weights=digest,
            scales=plan.scales,
            num_clips=plan.sweep_clips,
            takes=SWEEP_TAKES,
            duration_s=SWEEP_CLIP_S,
            seed=plan.seed,
        )
        out = plan.out / "guidance" / digest[:FINGERPRINT_CHARACTERS]
        findings = run_sweep(GuidanceSweep(asked, out.resolve(), jobs=plan.jobs), {"model": str(model)})
        facts = {"λ": findings.no_choice or f"chosen by a sweep over {len(plan.scales)} scales"}
        publish_checkpoint(model, plan.candidate, half=True, facts=facts)
        if findings.choice is None:
            return f"kept λ as it was: {findings.no_choice}"
        with_sampling(plan.candidate, guidance_scale=findings.choice.scale)
        return f"chose λ = {findings.choice.scale:g}"

    def evaluate(self) -> str:
        """The evaluation's report, and its figures for the card."""
        from stemwright.checkpoint import load_checkpoint
        from stemwright_platform.demo_model.card_facts import evaluation_figures
        from stemwright_platform.evaluation.evaluate import evaluate_model
        from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan

        plan = self._plan
        name = load_checkpoint(plan.candidate).fingerprint[:FINGERPRINT_CHARACTERS]
        asked = EvaluationPlan(
            source=self._source(plan.candidate),
            clips=plan.evaluation_clips,
            duration_s=EVALUATION_CLIP_S,
            seed=plan.seed,
        )
        page = evaluate_model(asked, plan.out / "evaluation" / name, jobs=plan.jobs)
        self._write(self.figures, evaluation_figures(page.parent))
        return f"wrote {page}"

    def finish(self) -> str:
        """The model with its card and curves."""
        from stemwright.checkpoint import publish_checkpoint
        from stemwright_platform.demo_model.card_facts import card_facts
        from stemwright_platform.demo_model.card_picture import draw_card_picture

        plan = self._plan
        figures = json.loads(self.figures.read_text(encoding="utf-8"))
        picture = draw_card_picture(RunFolder(plan.run), plan.out / "curves.png")
        facts = card_facts(plan, figures) | {"curves": picture.name}
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

    def _source(self, model: Path) -> Source:
        plan = self._plan
        return Source(
            model=str(model.resolve()),
            data=str(plan.latents["demo"].resolve()),
            manifest=str(plan.manifests["demo"].resolve()),
            codec_weights=plan.codec.weights,
            device=plan.device,
        )

    @staticmethod
    def _write(path: Path, content: object) -> None:
        partial = path.with_name(f".{path.name}")
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
