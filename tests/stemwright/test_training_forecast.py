from dataclasses import replace

import pytest
from toy_learning import toy_preset

from stemwright.gpus import gpu_named
from stemwright.presets import Preset
from stemwright.training_cost import window_flops
from stemwright.training_forecast import TrainingForecast

A100, H100 = gpu_named("A100-80GB"), gpu_named("H100")


def forecast(preset: Preset, **changes: object) -> TrainingForecast:
    run = TrainingForecast(preset=preset, lengths=(32, 64), steps=400, workers=2, steps_per_epoch=4)
    return replace(run, **changes)  # pyright: ignore[reportArgumentType]


def test_a_steps_work_is_that_of_its_windows_in_the_mean_over_the_lengths() -> None:
    run = forecast(toy_preset(batch_size=3))
    short, long = (window_flops(run.preset, length).training for length in run.lengths)
    assert run.learning_flops == pytest.approx(3 * (short + long) / 2)
    assert run.teacher_flops() == 0
    assert run.epochs == 100


def test_time_is_work_over_speed() -> None:
    run = forecast(toy_preset())
    assert run.step_s(A100, 0.5) == pytest.approx(run.learning_flops / 156e12)
    assert run.step_s(A100, 0.5) / run.step_s(H100, 0.25) == pytest.approx(989 / 624)


def test_the_teachers_work_begins_with_its_epoch_and_is_not_the_workers_where_it_is_apart() -> None:
    always = forecast(toy_preset(p2=0.5, p2_starts_at_epoch=0, teacher_steps=4))
    half = forecast(toy_preset(p2=0.5, p2_starts_at_epoch=50, teacher_steps=4))
    # in half of the samples, and three tracks at most are given
    assert 0 < half.tracks_made() < always.tracks_made() < 0.5 * 3
    forward = sum(window_flops(always.preset, length).forward for length in always.lengths) / 2
    assert always.teacher_flops() == pytest.approx(4 * 4 * forward * always.tracks_made())
    assert replace(always, inline_teacher=False).teacher_flops() == 0


def test_as_many_steps_as_fit_into_a_time() -> None:
    run = forecast(toy_preset(p2=0.5, p2_starts_at_epoch=2, teacher_steps=4))
    day = run.within(86_400, A100, 0.35)
    assert day.steps * day.step_s(A100, 0.35) == pytest.approx(86_400, rel=0.05)
