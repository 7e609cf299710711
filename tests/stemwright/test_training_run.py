from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy_learning import HashedText, toy_preset

from stemwright.errors import InputError
from stemwright.tracks import Tracks
from stemwright.training_run import TrainingPlan, TrainingRun, window_frames


@pytest.mark.parametrize(
    ("window_s", "rate", "stride", "segment", "frames"),
    [
        (4.0, 150.0, 8, 1, 600),
        (1.0, 46.9, 8, 1, 48),
        (4.0, 150.0, 8, 150, 600),
        (2.1, 150.0, 8, 150, 300),  # no whole strides fit: the model pads
        (0.1, 150.0, 8, 150, 150),
        (0.001, 150.0, 8, 1, 1),
    ],
)
def test_windows_are_whole_segments_and_whole_strides_where_they_fit(
    window_s: float, rate: float, stride: int, segment: int, frames: int
) -> None:
    assert window_frames(window_s, rate, stride, segment) == frames


@pytest.mark.parametrize(
    "length", [{}, {"steps": 5, "minutes": 1.0}, {"steps": 0}, {"minutes": 0.0}, {"minutes": float("nan")}]
)
def test_a_plan_needs_one_sensible_length(length: dict[str, float]) -> None:
    with pytest.raises(InputError):
        TrainingPlan(preset=toy_preset(), data="nowhere", **length)  # pyright: ignore[reportArgumentType]


def test_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    plan = TrainingPlan(preset=toy_preset(), data=str(tmp_path / "none"), steps=5)
    with pytest.raises(InputError, match=r"none is not a prepared data set .*run prepare"):
        TrainingRun.of(plan, text_encoder=HashedText())


def test_a_preset_with_other_tracks_than_the_data_is_refused(make_latents: Callable[..., Path]) -> None:
    preset = replace(toy_preset(), tracks=Tracks(names=("voice", "rest"), prompt_names=("voice", "rest")))
    plan = TrainingPlan(preset=preset, data=str(make_latents({"song": 400})), steps=5)
    with pytest.raises(InputError, match="voice, rest"):
        TrainingRun.of(plan, text_encoder=HashedText())


def test_a_checkpoint_of_another_codec_or_text_encoder_is_refused(
    make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    plan = TrainingPlan(preset=toy_preset(), data=str(make_latents({"song": 400})), steps=5)
    checkpoint = TrainingRun.of(plan, text_encoder=HashedText()).save(tmp_path / "c", resumable=True)
    encoder = HashedText()
    encoder.fingerprint = "another"
    with pytest.raises(InputError, match="another text encoder"):
        TrainingRun.of(plan, text_encoder=encoder).resume(checkpoint)
    run = TrainingRun.of(plan, text_encoder=HashedText())
    run.dataset.info = replace(run.dataset.info, codec_fingerprint="noise-2")
    with pytest.raises(InputError, match=r"codec noise noise-1.*holds codec noise noise-2"):
        run.resume(checkpoint)


def test_the_held_out_batches_are_the_same_at_every_call_and_for_every_seed(
    make_latents: Callable[..., Path],
) -> None:
    data = str(make_latents({"song": 400, "other": 400}, held_out=["other"]))
    runs = [
        TrainingRun.of(
            TrainingPlan(preset=toy_preset(), data=data, steps=5, seed=seed), text_encoder=HashedText()
        )
        for seed in (1, 2)
    ]
    first, again = runs[0].held_out_batches(), runs[1].held_out_batches()
    assert len(first) == 8
    assert all(a.latents.equal(b.latents) for a, b in zip(first, again, strict=True))
    assert runs[0].judged_on == runs[1].judged_on
