"""What tests of assessments share: a few songs of equal tempo and key, and models whose answers are known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.take import Heard, TakeOrder
from stemwright_platform.corpus.demo.matched_corpus import make_matched_corpus
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice
from stemwright_platform.evaluation.task_name import parse_task


class TruthfulContext(Context):
    """Of a model that gives every track exactly as the song has it."""

    def heard(self, orders: Sequence[TakeOrder], label: str) -> list[Heard]:
        whole = super().heard([self.answer(order) for order in orders], label)
        return [
            {part: found for part, found in parts.items() if part in self._targets(order)}
            for order, parts in zip(orders, whole, strict=True)
        ]

    def sounds(self, orders: Sequence[TakeOrder], label: str) -> list[dict[str, Path]]:
        return super().sounds([self.answer(order) for order in orders], label)

    def answer(self, order: TakeOrder) -> TakeOrder:
        """What is given instead of a take of the model."""
        return replace(order, maker="real", task="joint") if order.maker == "model" else order

    def _targets(self, order: TakeOrder) -> Sequence[str]:
        if order.maker != "model":
            return (*self.tracks.names, "mix")
        return (*parse_task(order.task, self.tracks).targets, "mix")


class StrangeContext(TruthfulContext):
    """Of a model that gives every track as another song of that tempo and key has it."""

    def answer(self, order: TakeOrder) -> TakeOrder:
        if order.maker != "model":
            return order
        strangers = dict(zip(self.music.matched, self.music.strangers, strict=True))
        return replace(order, maker="real", task="joint", window=strangers[order.window][0])


@pytest.fixture(scope="session")
def matched_manifest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Six songs in three pairs of equal tempo and key."""
    folder = tmp_path_factory.mktemp("matched")
    return str(make_matched_corpus(folder, 3, 2, seed=5, duration_s=14.5))


@pytest.fixture(scope="session")
def make_plan(small_source: Source, matched_manifest: str) -> Callable[..., AssessmentPlan]:
    """A plan on these songs with a model of random weights, as `make_plan(patches=12)`."""

    def make(**changes: Any) -> AssessmentPlan:
        plan = AssessmentPlan(
            model=small_source.model,
            manifest=matched_manifest,
            split=None,
            patches=12,
            coherence_songs=6,
            duration_s=6.0,
            batch=3,
            sampling=SamplingChoice(num_steps=2),
        )
        return replace(plan, **changes)

    return make


@pytest.fixture(scope="session")
def truthful(make_plan: Callable[..., AssessmentPlan], tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Of a model that gives the songs themselves; what is heard of them is shared with `strange`."""
    return TruthfulContext(make_plan(), tmp_path_factory.mktemp("assessed"))


@pytest.fixture(scope="session")
def strange(truthful: Context) -> Context:
    """Of a model that gives other songs' tracks."""
    return StrangeContext(truthful.plan, truthful.out)
