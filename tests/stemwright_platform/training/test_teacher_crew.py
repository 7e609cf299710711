from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from stemwright.errors import InputError
from stemwright.presets import load_preset
from stemwright.training_run import TrainingPlan
from stemwright_platform.training.teacher_crew import TeacherCrew


def plan(
    *, workers: int = 1, p2: float = 0.5, data: str = "latents", parallel: Literal["ddp", "fsdp"] = "ddp"
) -> TrainingPlan:
    tiny = load_preset("tiny")
    preset = replace(tiny, training=replace(tiny.training, p2=p2, parallel=parallel))
    return TrainingPlan(preset=preset, data=data, steps=5, workers=workers)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": -1}, "counted from 0"),
        ({"cpus": 0.0}, "part of a CPU"),
        ({"gpus": -0.5}, "part of a GPU"),
        ({"gpus": 1.5}, "part of a GPU"),
        ({"refresh_steps": 0}, "every 1 or more steps"),
    ],
)
def test_a_crew_that_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TeacherCrew(**fields)


def test_every_worker_has_a_teacher_or_none_has() -> None:
    TeacherCrew().check(plan(workers=3))
    TeacherCrew(count=3).check(plan(workers=3))
    with pytest.raises(InputError, match="3 workers need as many teachers"):
        TeacherCrew(count=2).check(plan(workers=3))


def test_teachers_without_work_are_refused() -> None:
    TeacherCrew().check(plan(p2=0.0))
    with pytest.raises(InputError, match="p2 = 0"):
        TeacherCrew(count=1).check(plan(p2=0.0))


def test_teachers_of_sharded_weights_are_refused() -> None:
    TeacherCrew().check(plan(workers=2, parallel="fsdp"))
    with pytest.raises(InputError, match="leave out --teachers"):
        TeacherCrew(count=2).check(plan(workers=2, parallel="fsdp"))


@pytest.mark.ray
def test_actors_are_dealt_to_the_ranks_in_turn_and_end_with_the_block(
    ray_cluster: Any, make_latents: Callable[..., Path]
) -> None:
    import ray
    from ray.exceptions import RayActorError

    two = plan(workers=2, data=str(make_latents({"song": 400})))
    with TeacherCrew(count=5, cpus=0.1).hired(two, workers_use_gpus=False) as hands:
        assert [len(actors) for actors in hands] == [3, 2]
        assert len({actor._actor_id for actors in hands for actor in actors}) == 5
        last = hands[1][1]
    with pytest.raises(RayActorError):
        ray.get(last.ready.remote())


@pytest.mark.ray
def test_a_crew_that_the_cluster_has_no_room_for_is_refused_by_name(ray_cluster: Any) -> None:
    def hire(crew: TeacherCrew) -> None:
        with crew.hired(plan(), workers_use_gpus=False):
            pass

    with pytest.raises(InputError, match=r"teachers \(4\) need 5 CPUs, the cluster has 4"):
        hire(TeacherCrew(count=4))
    with pytest.raises(InputError, match=r"need 2 GPUs, the cluster has 0.*--teacher-gpus 0"):
        hire(TeacherCrew(count=3, gpus=0.5, cpus=0.5))


def test_no_crew_is_a_hand_for_no_rank() -> None:
    with TeacherCrew().hired(plan(workers=2), workers_use_gpus=False) as hands:
        assert hands == ((), ())
