from collections import Counter
from dataclasses import replace

import torch
from toy_learning import FRAMES, toy_batch, toy_learner

from stemwright.loss_table import Entry
from stemwright.training_draw import TrainingDraw
from stemwright.validation import draw_cells, validate, validate_regions
from stemwright.validation_design import design_of, region_design_of


def entries_of(seed: int = 0, **training: object) -> list[Entry]:
    return validate(toy_learner(seed=seed, **training), [toy_batch(1), toy_batch(2)]).entries


def asked(draw: TrainingDraw) -> list[tuple[bool, ...]]:
    return [tuple(row) for row in draw.target.tolist()]


def test_each_question_is_put_once_and_every_group_has_as_many_samples() -> None:
    entries = entries_of()
    assert len(entries) == len(design_of(toy_learner().preset)) == 90
    assert Counter(entry.mode for entry in entries) == {
        "conditional": 30,
        "marginal": 30,
        "mixed": 20,
        "joint": 10,
    }
    assert Counter(entry.num_targets for entry in entries) == {1: 30, 2: 30, 3: 20, 4: 10}


def test_the_questions_are_the_same_for_every_seed_and_only_the_answers_differ() -> None:
    one, other = entries_of(seed=1), entries_of(seed=2)
    assert [(e.mode, e.num_targets, e.timestep, e.count) for e in one] == [
        (e.mode, e.num_targets, e.timestep, e.count) for e in other
    ]
    assert entries_of(seed=1) == one


def test_rounds_ask_again_under_other_noise() -> None:
    table = validate(toy_learner(), [toy_batch(1)], rounds=2)
    assert len(table.entries) == 180
    first, second = table.entries[:90], table.entries[90:]
    assert Counter((e.mode, e.timestep) for e in first) == Counter((e.mode, e.timestep) for e in second)
    assert not {e.trivial for e in first} & {e.trivial for e in second}


def test_nothing_held_out_is_an_empty_table() -> None:
    assert validate(toy_learner(), []).entries == []


def test_a_model_that_knows_nothing_is_as_good_as_the_trivial_guess() -> None:
    table = validate(toy_learner(), [toy_batch(1)])  # F is zero at the start
    assert all(abs(ratio - 1) < 1e-3 for ratio in table.ratios(lambda entry: entry.mode).values())


def test_regions_are_asked_for_where_they_are_trained_and_their_known_half_has_no_error() -> None:
    assert validate_regions(toy_learner(), [toy_batch(1)]).entries == []
    learner = toy_learner(region_probability=0.5)
    entries = validate_regions(learner, [toy_batch(1)]).entries
    assert len(entries) == len(region_design_of(learner.preset))
    elements = {entry.count / entry.num_targets for entry in entries}
    assert elements == {6 * FRAMES / 2}


def test_past_a_songs_end_nothing_is_asked_and_missing_tracks_are_no_targets() -> None:
    batch = toy_batch(1, size=2, present=(True, False, True, False))
    mask = torch.arange(FRAMES) < torch.tensor([[FRAMES], [FRAMES // 2]])
    batch = replace(batch, frame_mask=mask)
    cells = region_design_of(toy_learner(region_probability=0.5).preset)[:2]
    drawn = draw_cells(batch, cells, 1000)
    assert not (drawn.target & ~batch.presence).any()
    assert not (drawn.given & ~batch.presence).any()
    lengths = drawn.loss_mask(mask)[:, :, 0].any(1).sum(1).tolist()
    assert lengths == [FRAMES // 2, FRAMES // 4]
    assert all(any(row) for row in asked(drawn))


def test_a_judge_asks_models_that_learn_different_tasks_the_same() -> None:
    judge = toy_learner(curriculum="progressive", mixed_contexts=True).preset
    batches = [toy_batch(1), toy_batch(2)]
    asked = [
        [
            (e.mode, e.num_targets, e.timestep, e.count)
            for e in validate(learner, batches, judge=judge).entries
        ]
        for learner in (toy_learner(curriculum="joint"), toy_learner(mixed_contexts=False), toy_learner())
    ]
    assert asked[0] == asked[1] == asked[2]
    assert {mode for mode, *_ in asked[0]} == {"joint", "conditional", "marginal", "mixed"}


def test_a_judge_asks_for_no_regions_of_a_model_that_has_none() -> None:
    judge = toy_learner(region_probability=0.25).preset
    batches = [toy_batch(1), toy_batch(2)]
    assert validate_regions(toy_learner(region_probability=0.0), batches, judge=judge).entries == []
    assert validate_regions(toy_learner(region_probability=0.5), batches, judge=judge).entries
