from itertools import combinations

import pytest
import torch

from stemwright.errors import InputError
from stemwright.tasks import Task, prefix, task_prompt, timestep_vector
from stemwright.tracks import TRACKS, Tracks

PREFIXES = {
    ("bass",): "[bass generation]",
    ("drums",): "[drum generation]",
    ("instrument",): "[instrument generation]",
    ("melody",): "[melody generation]",
    ("bass", "drums"): "[bass & drum generation]",
    ("bass", "instrument"): "[bass & instrument generation]",
    ("bass", "melody"): "[bass & melody generation]",
    ("drums", "instrument"): "[drum & instrument generation]",
    ("drums", "melody"): "[drum & melody generation]",
    ("instrument", "melody"): "[instrument & melody generation]",
    ("bass", "drums", "instrument"): "[bass & drum & instrument generation]",
    ("bass", "drums", "melody"): "[bass & drum & melody generation]",
    ("bass", "instrument", "melody"): "[bass & instrument & melody generation]",
    ("drums", "instrument", "melody"): "[drum & instrument & melody generation]",
    ("bass", "drums", "instrument", "melody"): "[bass & drum & instrument & melody generation]",
}


def test_every_target_set_has_its_prefix_in_the_form_of_the_paper() -> None:
    sets = [s for size in range(1, 5) for s in combinations(TRACKS.names, size)]
    assert {targets: Task(targets).prefix for targets in sets} == PREFIXES


def test_a_prefix_follows_slot_order_and_says_nothing_of_given_tracks() -> None:
    task = Task(("drums", "bass"), ("melody",))
    assert task.prefix == "[bass & drum generation]"
    assert task == Task(("bass", "drums", "bass"), ("melody",))


def test_the_prefix_of_a_mask_is_that_of_its_task() -> None:
    for targets, wanted in PREFIXES.items():
        assert prefix(TRACKS.mask(targets)) == wanted


def test_prefixes_work_for_any_number_of_tracks() -> None:
    tracks = Tracks(names=("a", "b", "c", "d", "e"), prompt_names=("A", "B", "C", "D", "E"))
    assert Task(("e", "a", "c"), tracks=tracks).prefix == "[A & C & E generation]"


def test_the_prefix_stands_before_the_description() -> None:
    assert task_prompt("[bass generation]", "  slow blues \n") == "[bass generation] slow blues"
    assert task_prompt("[bass generation]", "") == "[bass generation]"


@pytest.mark.parametrize(
    ("targets", "given", "mode"),
    [
        (TRACKS.names, (), "joint"),
        (("bass",), ("drums", "instrument", "melody"), "conditional"),
        (("bass", "melody"), ("drums", "instrument"), "conditional"),
        (("bass",), (), "marginal"),
        (("bass", "drums", "melody"), (), "marginal"),
        (("bass",), ("drums",), "mixed"),
        (("bass", "melody"), ("drums",), "mixed"),
    ],
)
def test_the_mode_says_what_becomes_of_the_other_tracks(targets, given, mode) -> None:
    assert Task(targets, given).mode == mode


@pytest.mark.parametrize(
    ("targets", "given", "named"),
    [
        ((), ("bass",), "bass, drums, instrument, melody"),
        (("bass", "drums"), ("drums",), "drums: a track is either a target or given"),
        (("vocals",), (), "'vocals'"),
        (("bass",), ("vocals",), "'vocals'"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused_in_one_line_that_names_the_track(
    targets, given, named
) -> None:
    with pytest.raises(InputError, match=named) as caught:
        Task(targets, given)
    assert "\n" not in str(caught.value)


def test_targets_share_their_timestep_given_tracks_are_clean_and_absent_ones_at_the_end() -> None:
    task = Task(("bass", "melody"), ("drums",))
    assert timestep_vector(
        task.target_mask, task.given_mask, torch.tensor([1, 400, 1000]), 1000
    ).tolist() == [
        [1, 0, 1000, 1],
        [400, 0, 1000, 400],
        [1000, 0, 1000, 1000],
    ]


def test_each_row_of_a_batch_may_have_a_task_of_its_own() -> None:
    tasks = [Task(("bass",)), Task(("drums", "melody"), ("bass", "instrument")), Task(TRACKS.names)]
    t = torch.tensor([3, 5, 7])
    rows = timestep_vector(
        torch.stack([task.target_mask for task in tasks]),
        torch.stack([task.given_mask for task in tasks]),
        t,
        9,
    )
    assert rows.dtype == torch.int64
    assert rows.tolist() == [[3, 9, 9, 9], [0, 5, 0, 5], [7, 7, 7, 7]]
    alone = [
        timestep_vector(task.target_mask, task.given_mask, t[i : i + 1], 9) for i, task in enumerate(tasks)
    ]
    assert torch.equal(rows, torch.cat(alone))
