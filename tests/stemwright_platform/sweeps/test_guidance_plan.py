"""What a sweep of the guidance scale is asked for."""

from dataclasses import replace
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright.tasks import Task
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice
from stemwright_platform.sweeps.guidance_plan import (
    GuidancePlan,
    keep_plan,
    lacking,
    parse_scales,
    system_of,
    take_folder,
)

TASKS = {
    "bass_given_drums_instrument_melody": Task(("bass",), ("drums", "instrument", "melody")),
    "joint": Task(("bass", "drums", "instrument", "melody")),
}
BASS = "bass_given_drums_instrument_melody"


def plan(**fields) -> GuidancePlan:
    known = {
        "source": Source(model="runs/first", data="data/latents"),
        "weights": "abc",
        "scales": (0.0, 1.0, 3.0),
        "takes": 2,
    }
    return GuidancePlan(**{**known, **fields})


def clip(
    name: str = "song_0001s", tracks: tuple[str, ...] = ("bass", "drums", "instrument", "melody")
) -> Clip:
    return Clip(
        clip=name, song="song", start_s=1, duration_s=4, prompt="", tracks=tracks, tempo_bpm=None, key=None
    )


def test_scales_come_in_order_once_and_with_one_among_them() -> None:
    assert parse_scales("7, 0,1.5,7.0") == (0, 1, 1.5, 7)


@pytest.mark.parametrize("text", ["2,x", "-1,2", "nan,2", "1,101", "inf,2", "", "1", "1,1.0"])
def test_what_is_no_grid_of_scales_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_scales(text)


def test_systems_are_named_by_their_scale() -> None:
    assert [system_of(scale) for scale in (0.0, 1.5, 10.0)] == ["lambda_0", "lambda_1.5", "lambda_10"]


def test_all_scales_of_a_clip_are_one_item_and_a_task_without_given_tracks_is_made_once(
    tmp_path: Path,
) -> None:
    found = {item.task: item.scales for item in lacking(plan(), tmp_path, TASKS, [clip()])}
    assert found == {BASS: (0, 1, 3), "joint": (1,)}


def test_a_clip_lacks_the_scales_of_which_a_take_is_missing(tmp_path: Path) -> None:
    for scale, turn in ((0.0, 0), (0.0, 1), (1.0, 0)):
        take_folder(tmp_path, scale, BASS, "song_0001s", turn).mkdir(parents=True)
    found = {item.task: item.scales for item in lacking(plan(), tmp_path, TASKS, [clip()])}
    assert found[BASS] == (1, 3)


def test_clips_without_a_target_or_with_nothing_given_are_left_out(tmp_path: Path) -> None:
    clips = [clip("a", ("drums", "melody")), clip("b", ("bass",)), clip("c", ("bass", "drums"))]
    found = [(item.clip.clip, item.task) for item in lacking(plan(), tmp_path, TASKS, clips)]
    assert found == [("c", BASS)]


def test_a_sweep_goes_on_with_more_scales_and_tasks_elsewhere(tmp_path: Path) -> None:
    keep_plan(plan(), tmp_path)
    moved = Source(model="elsewhere/model", data="data/latents", device="cuda")
    keep_plan(plan(scales=(1.0, 9.0), tasks=("splits",), source=moved), tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        {"num_clips": 4},
        {"seed": 1},
        {"weights": "def"},
        {"duration_s": 4.0},
        {"sampling": SamplingChoice(num_steps=3)},
        {"source": Source(model="runs/first", data="data/others")},
    ],
)
def test_another_sweep_in_the_same_folder_is_refused(tmp_path: Path, other: dict) -> None:
    keep_plan(plan(), tmp_path)
    with pytest.raises(InputError, match="another"):
        keep_plan(replace(plan(), **other), tmp_path)
    keep_plan(plan(), tmp_path)


@pytest.mark.parametrize(
    "fields", [{"num_clips": 0}, {"takes": 0}, {"duration_s": 0.0}, {"duration_s": 601.0}]
)
def test_a_plan_without_anything_to_make_is_refused(fields: dict) -> None:
    with pytest.raises(InputError):
        plan(**fields)
