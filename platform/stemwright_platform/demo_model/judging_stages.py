"""The stages that judge the model: λ by a sweep, an evaluation, an assessment."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.run_folder import RunFolder
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.sizes import (
    COHERENCE_SONGS,
    EVALUATION_CLIP_S,
    SWEEP_CLIP_S,
    SWEEP_TAKES,
)
from stemwright_platform.evaluation.making import Source

if TYPE_CHECKING:
    from stemwright_platform.assessment.assessment_plan import AssessmentPlan

NAME_CHARACTERS = 12
"""Of the fingerprint that names a folder: each model has its own."""


class JudgingStages:
    """Each method does what is missing of its stage and says what is there then."""

    def __init__(self, plan: DemoModelPlan, say: Callable[[str], None]) -> None:
        self._plan, self._say = plan, say

    @property
    def figures(self) -> Path:
        """What the evaluation leaves for the card."""
        return self._plan.out / "figures.json"

    @property
    def targets(self) -> Path:
        """What the assessment leaves for it."""
        return self._plan.out / "targets.json"

    def choose_guidance(self) -> str:
        """λ by a sweep, set in a copy of the model with half the bytes."""
        from stemwright.checkpoint import publish_checkpoint, with_sampling
        from stemwright_platform.sweeps.guidance_plan import GuidancePlan
        from stemwright_platform.sweeps.guidance_sweep import GuidanceSweep, run_sweep

        plan, model = self._plan, RunFolder(self._plan.run).model
        asked = GuidancePlan(
            source=self._source(model),
            weights=_weights(model),
            scales=plan.scales,
            num_clips=plan.sweep_clips,
            takes=SWEEP_TAKES,
            duration_s=SWEEP_CLIP_S,
            seed=plan.seed,
        )
        sweep = GuidanceSweep(asked, self._sweep, jobs=plan.jobs)
        findings = run_sweep(sweep, {"model": str(model)})
        facts = {"λ": findings.no_choice or f"chosen by a sweep over {len(plan.scales)} scales"}
        publish_checkpoint(model, plan.candidate, half=True, facts=facts)
        if findings.choice is None:
            return f"kept λ as it was: {findings.no_choice}"
        with_sampling(plan.candidate, guidance_scale=findings.choice.scale)
        return f"chose λ = {findings.choice.scale:g}"

    def evaluate(self) -> str:
        """The evaluation's report, and its figures for the card."""
        from stemwright_platform.demo_model.card_facts import evaluation_figures
        from stemwright_platform.evaluation.evaluate import evaluate_model
        from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan

        plan = self._plan
        asked = EvaluationPlan(
            source=self._source(plan.candidate),
            clips=plan.evaluation_clips,
            duration_s=EVALUATION_CLIP_S,
            seed=plan.seed,
        )
        page = evaluate_model(asked, self._of_candidate("evaluation"), jobs=plan.jobs)
        _write(self.figures, evaluation_figures(page.parent))
        return f"wrote {page}"

    def assess(self) -> str:
        """Whether the model meets its targets, for the card."""
        from stemwright_platform.assessment.assess import assess_model
        from stemwright_platform.assessment.figure_table import closing_line, table_lines
        from stemwright_platform.demo_model.card_facts import target_figures

        found = []
        out = self._of_candidate("assessment")
        for part, figures in assess_model(self._assessment(), out, jobs=self._plan.jobs):
            found += figures
            for line in table_lines(part.title, figures):
                self._say(line)
        _write(self.targets, target_figures(found))
        return closing_line(found)

    def _assessment(self) -> "AssessmentPlan":
        from stemwright_platform.assessment.assessment_plan import AssessmentPlan

        plan = self._plan
        return AssessmentPlan(
            model=str(plan.candidate.resolve()),
            soundfonts=tuple(str(font.absolute()) for font in plan.fonts),
            training=str(plan.manifests["demo"].resolve()),
            guidance=str(self._sweep),
            patches=plan.patches,
            coherence_songs=COHERENCE_SONGS,
            seed=plan.seed,
            device=plan.device,
            codec_weights=plan.codec.weights,
        )

    @property
    def _sweep(self) -> Path:
        """Where the sweep of λ of this run's model lies."""
        weights = _weights(RunFolder(self._plan.run).model)
        return (self._plan.out / "guidance" / weights[:NAME_CHARACTERS]).resolve()

    def _of_candidate(self, kind: str) -> Path:
        from stemwright.checkpoint import load_checkpoint

        fingerprint = load_checkpoint(self._plan.candidate).fingerprint
        return (self._plan.out / kind / fingerprint[:NAME_CHARACTERS]).resolve()

    def _source(self, model: Path) -> Source:
        plan = self._plan
        return Source(
            model=str(model.resolve()),
            data=str(plan.latents["demo"].resolve()),
            manifest=str(plan.manifests["demo"].resolve()),
            codec_weights=plan.codec.weights,
            device=plan.device,
        )


def _weights(model: Path) -> str:
    """A digest of a model's weights, whatever its λ."""
    from stemwright.checkpoint import MODEL
    from stemwright.seal import sealed_digests

    return sealed_digests(model)[MODEL]


def _write(path: Path, content: object) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
