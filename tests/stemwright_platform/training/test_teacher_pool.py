import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stemwright.learner import Learner
from stemwright.presets import load_preset
from stemwright.teacher import InlineTeacher
from stemwright.training_log import read_log
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright_platform.training.launch import launch
from stemwright_platform.training.teacher_actor import MAX_CONCURRENCY, TeacherActor
from stemwright_platform.training.teacher_crew import TeacherCrew
from stemwright_platform.training.teacher_pool import HALF_FROM, PooledTeacher, snapshot

PATIENCE_S = 60.0


@pytest.fixture
def plan(make_latents: Callable[..., Path]) -> TrainingPlan:
    tiny = load_preset("tiny")
    training = replace(
        tiny.training,
        windows_s=(0.2,),
        batch_size=4,
        p1=1.0,
        p2=0.75,
        p2_starts_at_epoch=0,
        teacher_steps=2,
        warmup_steps=1,
    )
    data = make_latents({"song": 200, "short": 20, "long": 300, "other": 100}, held_out=["other"])
    return TrainingPlan(preset=replace(tiny, training=training), data=str(data), steps=40)


@contextmanager
def hired(kind: type, *arguments: object) -> Iterator[Any]:
    import ray

    options: Any = ray.remote(kind)
    actor = options.options(num_cpus=1, max_restarts=-1, max_concurrency=MAX_CONCURRENCY).remote(*arguments)
    yield actor
    ray.kill(actor)


@contextmanager
def pooled(learner: Learner, actors: Sequence[Any], **options: int) -> Iterator[PooledTeacher]:
    teacher = PooledTeacher(learner, actors, **options)
    learner.teacher = teacher
    yield teacher
    teacher.close()


def until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.ray
def test_the_pool_makes_the_tracks_that_the_same_weights_make_inline(
    ray_cluster: Any, plan: TrainingPlan
) -> None:
    run = TrainingRun.of(plan)
    learner = run.learner
    for step in range(3):  # the first weights predict nothing, whatever is asked of them
        learner.step(run.windows.batch(step))
    inline = learner.teacher
    assert isinstance(inline, InlineTeacher)
    with hired(TeacherActor, plan, 0) as actor, pooled(learner, [actor]) as teacher:
        until(lambda: teacher.waiting_steps >= 6)
        tracks = 0
        for step in range(3, 9):
            batch = run.windows.batch(step).to("cpu")
            z0 = learner.stats.normalise(batch.latents)
            drawn = learner.draws.draw(batch, step)
            here, there = (each.substitutes(step, batch, z0, drawn) for each in (inline, teacher))
            assert torch.equal(here.made, there.made)
            assert torch.equal(there.made, drawn.substituted)
            torch.testing.assert_close(
                there.latents[there.made], here.latents[here.made], rtol=2e-3, atol=2e-3
            )
            assert there.age_steps == step - 3
            tracks += int(there.made.sum())
        assert tracks > 10


@pytest.mark.ray
def test_training_goes_on_without_a_teacher_that_never_answers(ray_cluster: Any, plan: TrainingPlan) -> None:
    class Silent:
        def ready(self) -> None:
            return None

        def make(self, order: object) -> None:
            threading.Event().wait()

    run = TrainingRun.of(plan)
    with hired(Silent) as actor, pooled(run.learner, [actor]):
        metrics = [run.learner.step(run.windows.batch(step)) for step in range(6)]
    assert sum(of_step["teacher_wanted"] for of_step in metrics) > 6
    assert [of_step["teacher_served"] for of_step in metrics] == [0.0] * 6
    recorded = TrainingRun.of(replace(plan, preset=_with(plan, p2=0.0)))
    assert metrics[0]["loss"] == recorded.learner.step(recorded.windows.batch(0))["loss"]


@pytest.mark.ray
@pytest.mark.chaos
def test_a_killed_teacher_is_replaced_and_serves_again(ray_cluster: Any, plan: TrainingPlan) -> None:
    import ray

    run = TrainingRun.of(plan)
    with hired(TeacherActor, plan, 0) as actor, pooled(run.learner, [actor]) as teacher:
        until(lambda: teacher.waiting_steps >= 4)
        os.kill(ray.get(actor.ready.remote()), signal.SIGKILL)
        first = run.learner.step(run.windows.batch(0))
        step = 0
        # what was made before is used up first
        while teacher.waiting_steps and step < 25:
            step += 1
            run.learner.step(run.windows.batch(step))
        until(lambda: teacher.waiting_steps >= 4)
        later = [run.learner.step(run.windows.batch(number)) for number in range(step + 1, step + 13)]
    assert first["teacher_served"] == first["teacher_wanted"]
    assert sum(of_step["teacher_served"] for of_step in later) > 0


@pytest.mark.ray
def test_a_teacher_uses_weights_that_are_sent_while_training_goes_on(
    ray_cluster: Any, plan: TrainingPlan
) -> None:
    run = TrainingRun.of(plan)
    ages: list[float] = []
    with hired(TeacherActor, plan, 0) as actor, pooled(run.learner, [actor], refresh_steps=3) as teacher:
        for step in range(30):
            until(lambda: teacher.waiting_steps > 0)
            ages.append(run.learner.step(run.windows.batch(step)).get("teacher_age_steps", 0.0))
    # the buffer's length and the time between two sets of weights, whatever the speed
    assert 0 < max(ages) <= 3 + 18 + 2
    assert ages[-1] < 29


@pytest.mark.ray
@pytest.mark.slow
def test_two_workers_with_a_teacher_each_end_with_a_model_and_say_what_they_heard(
    ray_cluster: Any, plan: TrainingPlan, tmp_path: Path, tracking_uri: str
) -> None:
    crew, plan = TeacherCrew(count=2), replace(plan, workers=2)
    outcome = launch(plan, tmp_path / "run", tracking_uri=tracking_uri, model_name="taught", teachers=crew)
    records = read_log(outcome.folder.metrics)
    assert len(records) == 40
    assert all(record["p2"] == 0.75 for record in records)
    assert sum(record["teacher_wanted"] for record in records) > 80
    assert all(record["teacher_served"] <= record["teacher_wanted"] for record in records)
    assert (outcome.folder.model / "model.safetensors").is_file()
    assert not [
        line
        for line in Path("/proc").glob("[0-9]*/cmdline")
        if "ray::TeacherActor" in line.read_text(errors="ignore")
    ]


def test_weights_of_a_large_model_travel_in_half_precision_and_those_of_a_small_one_do_not(
    plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = TrainingRun.of(plan).learner
    assert sum(tensor.numel() for tensor in learner.ema.module.state_dict().values()) < HALF_FROM
    whole = snapshot(learner)
    monkeypatch.setattr("stemwright_platform.training.teacher_pool.HALF_FROM", 1000)
    half = snapshot(learner)
    assert {tensor.dtype for tensor in whole.tensors.values()} == {torch.float32}
    assert {tensor.dtype for tensor in half.tensors.values()} == {torch.float16}
    before = {name: np.array(array) for name, array in whole.arrays().items()}
    for parameter in learner.ema.module.parameters():
        parameter.zero_()
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def _with(plan: TrainingPlan, **training: object) -> Any:
    preset = plan.preset
    return replace(preset, training=replace(preset.training, **training))  # pyright: ignore[reportArgumentType]
