from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy_learning import HashedText, toy_preset

from stemwright.checkpoint import read_config
from stemwright.errors import InputError
from stemwright.song_index import read_song_index, write_song_index
from stemwright.tracks import Tracks
from stemwright.training_run import TrainingPlan, TrainingRun


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
    run.data.info = replace(run.data.info, codec_fingerprint="noise-2")
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


def run_of(*data: str, seed: int = 0, **training: object) -> TrainingRun:
    plan = TrainingPlan(preset=toy_preset(**training), data=data, steps=5, seed=seed)
    return TrainingRun.of(plan, text_encoder=HashedText())


def test_a_mix_trains_and_its_licences_reach_the_checkpoint(
    make_latents: Callable[..., Path], tmp_path: Path
) -> None:
    one = make_latents({"a": 400, "b": 400}, held_out=["b"])
    two = make_latents({"c": 400}, name="two", licence="CC-BY-NC-4.0")
    run = run_of(f"{one}@0.7", f"{two}@0.3")
    run.learner.step(run.windows.batch(0))
    origin = read_config(run.save(tmp_path / "c", resumable=True))["origin"]
    assert origin["facts"]["licences"] == {"CC0-1.0": 2, "CC-BY-NC-4.0": 1}
    assert run.plan.settings()["data"] == f"{one}@0.7, {two}@0.3"
    run.resume(tmp_path / "c")


def test_validation_windows_have_the_middle_length_and_come_from_the_validation_split(
    make_latents: Callable[..., Path],
) -> None:
    data = make_latents({"a": 400, "b": 400, "c": 400}, held_out=["b", "c"])
    run = run_of(str(data), windows_s=(0.4, 0.8, 1.6))
    lengths = {batch.latents.shape[-1] for batch in run.held_out_batches()}
    assert lengths == {120}
    before = run_of(str(data)).judged_on
    songs = read_song_index(data)
    write_song_index(data, [replace(s, split="validation") if s.song_id == "b" else s for s in songs])
    run = run_of(str(data))
    assert run.held_out is not None
    assert [song.song_id for part in run.held_out.parts for song in part.songs] == ["b"]
    assert run.judged_on != before


def test_a_run_with_buckets_reads_windows_of_several_lengths(make_latents: Callable[..., Path]) -> None:
    run = run_of(str(make_latents({"song": 400})), windows_s=(0.4, 0.8))
    assert {run.window_s(step) for step in range(20)} == {0.4, 0.8}


def test_a_plan_without_data_is_one_clear_line() -> None:
    with pytest.raises(InputError, match="needs data"):
        TrainingPlan(preset=toy_preset(), data=(), steps=5)


def test_runs_with_the_same_judge_are_judged_on_the_same_whatever_they_train(
    make_latents: Callable[..., Path],
) -> None:
    data = str(make_latents({"song": 400, "other": 300}, held_out=["other"]))
    judge = toy_preset(windows_s=(0.2,), batch_size=3)
    presets = [
        toy_preset(windows_s=(0.4,), batch_size=2),
        toy_preset(windows_s=(0.2,), batch_size=5, curriculum="joint"),
    ]
    runs = [
        TrainingRun.of(TrainingPlan(preset=preset, data=data, steps=5, judge=each), text_encoder=HashedText())
        for each in (judge, None)
        for preset in presets
    ]
    assert runs[0].judged_on == runs[1].judged_on
    assert len({run.judged_on for run in runs}) == 3
    sizes = {tuple(batch.latents.shape for batch in run.held_out_batches()) for run in runs[:2]}
    assert len(sizes) == 1
    assert "judge" in runs[0].plan.settings()
    assert "judge" not in runs[2].plan.settings()  # as in the folders of older runs
