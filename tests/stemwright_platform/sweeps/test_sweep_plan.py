from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright.training_run import TrainingRun
from stemwright_platform.sweeps.sweep_plan import SweepPlan, parsed_seeds

MakePlan = Callable[..., SweepPlan]


def test_a_grid_has_every_combination_once(make_plan: MakePlan) -> None:
    plan = make_plan("p1=0.2,0.8", "p2=0,0.5", "training.learning_rate=1e-3,2e-3,3e-3")
    settings = plan.settings()
    assert len({tuple(sorted(setting.items())) for setting in settings}) == len(settings) == 12


def test_trials_that_train_different_tasks_are_asked_the_same_questions(make_plan: MakePlan) -> None:
    """A model that learns the joint task alone is asked what the others are, in the same windows."""
    from toy_learning import HashedText

    plan = make_plan(
        "training.curriculum=joint,progressive",
        "training.mixed_contexts=true,false",
        "training.batch_size=2,3",
        "training.windows_s=[0.2],[0.3]",
    )
    trials = [plan.trial(setting, 1, Path("out")) for setting in plan.settings()]
    runs = [TrainingRun.of(trial.plan, text_encoder=HashedText()) for trial in trials]
    assert len({run.judged_on for run in runs}) == 1
    batches = [run.held_out_batches() for run in runs]
    assert all(
        [batch.sample_ids.tolist() for batch in each] == [batch.sample_ids.tolist() for batch in batches[0]]
        for each in batches
    )
    alone = [TrainingRun.of(plan.trial({}, 1, Path("out")).plan, text_encoder=HashedText()) for _ in range(1)]
    assert alone[0].judged_on == runs[0].judged_on


def test_the_first_random_settings_are_the_same_however_many_are_asked_for(make_plan: MakePlan) -> None:
    axes = ("p1=0..1", "training.learning_rate=1e-4..1e-2:log")
    few = make_plan(*axes, search="random", trials=3).settings()
    many = make_plan(*axes, search="random", trials=8).settings()
    assert many[:3] == few
    assert len({str(setting) for setting in many}) == 8
    assert make_plan(*axes, search="random", trials=3, search_seed=1).settings() != few


def test_a_random_choice_of_a_small_grid_ends_with_the_grid(make_plan: MakePlan) -> None:
    settings = make_plan("p1=0.2,0.8", search="random", trials=50).settings()
    assert sorted(setting["training.p1"] for setting in settings) == [0.2, 0.8]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("share", "steps"), [(0.5, 20), (0.25, 8), (0.9, 30), (0.0, 5), (0.5, 1)])
def test_p2_starts_at_its_share_of_the_steps(make_plan: MakePlan, share: float, steps: int) -> None:
    plan = make_plan("p2=0,0.5", p2_starts_at=share, steps=steps)
    with_p2, without = (
        plan.trial({"training.p2": 0.5}, 1, Path("o")),
        plan.trial({"training.p2": 0.0}, 1, Path("o")),
    )
    epoch = with_p2.plan.preset.training.p2_starts_at_epoch
    assert epoch == share * steps  # an epoch of this data is one step
    assert without.plan.preset.training.p2_starts_at_epoch == plan.preset.training.p2_starts_at_epoch


def test_an_epoch_that_is_set_is_left_alone(make_plan: MakePlan) -> None:
    plan = make_plan("p2=0.5", "training.p2_starts_at_epoch=2", p2_starts_at=0.9)
    assert plan.trial(plan.settings()[0], 1, Path("o")).plan.preset.training.p2_starts_at_epoch == 2


@pytest.mark.parametrize(
    ("axes", "settings", "message"),
    [
        (["p1=0.2,2"], {}, "training.p1 is a probability"),
        (["p1=0..1"], {}, "is a range: give a list"),
        (["p1=0.2", "training.p1=0.5"], {}, "training.p1 is swept twice"),
        (["p1=0.2"], {"search": "best"}, "unknown search 'best'"),
        (["p1=0.2"], {"scheduler": "pbt"}, "unknown scheduler 'pbt'"),
        (["p1=0.2"], {"score": "beauty"}, "unknown score 'beauty'"),
        (["p1=0.2"], {"search": "random"}, "--trials"),
        (["p1=0.2"], {"trials": 3}, "--trials"),
        (["p1=0.2"], {"search": "optuna", "trials": 3, "seeds": (1, 2)}, "one seed"),
        (["p1=0.2"], {"seeds": (1, 1)}, "different whole numbers"),
        (["p1=0.2"], {"steps": 0}, "at least one step"),
        (["p1=0.2"], {"minutes": 1.0}, "either in steps or in minutes"),
        (["p2=0,0.5"], {"p2_starts_at": 1.0}, "below 1"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_starts(
    make_plan: MakePlan, axes: list[str], settings: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as raised:
        make_plan(*axes, **settings)
    assert "\n" not in str(raised.value)


def test_a_budget_in_minutes_has_no_share_of_its_steps(make_plan: MakePlan) -> None:
    with pytest.raises(InputError, match=r"training\.p2_starts_at_epoch=20"):
        make_plan("p2=0.5", steps=None, minutes=1.0).check()


def test_data_that_holds_out_nothing_is_refused(
    make_plan: MakePlan, make_latents: Callable[..., Path]
) -> None:
    data = make_latents({"a": 200}, name="all-training")
    plan = make_plan("p1=0.2")
    with pytest.raises(InputError, match="holds out no songs"):
        SweepPlan(preset=plan.preset, data=(str(data),), axes=plan.axes, steps=4).check()


def test_seeds_are_whole_numbers() -> None:
    assert parsed_seeds("3,1") == (3, 1)
    with pytest.raises(InputError, match="whole numbers"):
        parsed_seeds("1,x")
