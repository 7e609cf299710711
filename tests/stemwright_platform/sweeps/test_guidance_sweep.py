"""A sweep of the guidance scale with a real codec and a small model, from latents to the page."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stemwright.audio import read_audio
from stemwright.checkpoint import load_checkpoint
from stemwright.compose import Composer, Request
from stemwright.errors import InputError
from stemwright.mdct_codec import MdctCodec
from stemwright.prompts import SongMetadata
from stemwright.tasks import Task
from stemwright.tracks import TRACKS
from stemwright_platform.cli import main
from stemwright_platform.corpus.encode_locally import prepare_locally
from stemwright_platform.corpus.encode_shard import Encoding
from stemwright_platform.corpus.manifest import Song, Split, write_manifest
from stemwright_platform.evaluation.clip_score_table import read_clip_scores
from stemwright_platform.evaluation.clip_scoring import ClipScore, ScoreItem
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice, take_seed
from stemwright_platform.sweeps.guidance_findings import Findings
from stemwright_platform.sweeps.guidance_plan import GuidancePlan, take_folder
from stemwright_platform.sweeps.guidance_sweep import GuidanceSweep, run_sweep

BASS = "bass_given_drums_instrument_melody"
SCALES, STEPS, DURATION_S = (0.0, 1.0, 3.0), 2, 3.0
FIGURES = {"shuffled": 0.0, "round_trip": 1.0, "lambda_0": 0.1, "lambda_1": 0.3, "lambda_3": 0.8}


@pytest.fixture(scope="module")
def model(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("guidance") / "model")


def song(folder: Path, name: str, split: Split = "test", without: str = "") -> Song:
    """Six seconds of noise, other in each track."""
    tracks: dict[str, tuple[str, ...] | None] = {}
    for number, track in enumerate(TRACKS.names):
        path = folder / f"{name}-{track}.wav"
        rng = np.random.default_rng([number, *name.encode()])
        soundfile.write(path, 0.1 * rng.standard_normal((6 * 48_000, 2)), 48_000)
        tracks[track] = None if track == without else (str(path),)
    metadata = SongMetadata(genres=("blues",), tempo_bpm=90.0)
    return Song(
        song_id=name, split=split, duration_s=6.0, sample_rate_hz=48_000, tracks=tracks, metadata=metadata
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs to judge on, one of them without a melody, and one to train on; with their manifest."""
    folder = tmp_path_factory.mktemp("songs")
    songs = [
        song(folder, "a"),
        song(folder, "b"),
        song(folder, "c", without="melody"),
        song(folder, "e", "train"),
    ]
    prepare_locally(songs, folder / "latents", Encoding(codec=MdctCodec()))
    write_manifest(folder / "manifest.parquet", songs)
    return folder / "latents"


def plan_of(model: Path, data: Path, **fields) -> GuidancePlan:
    known = {
        "source": Source(model=str(model), data=str(data)),
        "weights": "abc",
        "scales": SCALES,
        "tasks": (BASS, "joint"),
        "num_clips": 4,
        "duration_s": DURATION_S,
        "sampling": SamplingChoice(num_steps=STEPS, solver="ddim"),
    }
    return GuidancePlan(**{**known, **fields})


class SaidFigures:
    """Scores clips by their system's name alone, a little apart from one another."""

    def __call__(self, items: list[ScoreItem]) -> list[list[ClipScore]]:
        return [
            [
                ClipScore("onset_lock", "bass|drums", FIGURES[item.system] + 0.01 * len(item.clip.song)),
                ClipScore("leakage", "bass|drums", 0.5),
            ]
            for item in items
        ]


def swept(plan: GuidancePlan, out: Path, **fields) -> tuple[GuidanceSweep, Findings]:
    sweep = GuidanceSweep(plan, out, embedding=None, scoring=SaidFigures, **fields)
    return sweep, run_sweep(sweep, {"model": "m"})


@pytest.fixture(scope="module")
def done(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[GuidanceSweep, Findings]:
    """A finished sweep that nobody changes."""
    return swept(plan_of(model, data), tmp_path_factory.mktemp("done") / "sweep")


def written(out: Path) -> dict[Path, tuple[int, int]]:
    """Every sound, and which file it is."""
    found = out.glob("clips/*/*/*/*.flac")
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_the_curve_of_what_is_scored_decides(done: tuple[GuidanceSweep, Findings]) -> None:
    _, found = done
    assert found.overall.values == pytest.approx([0.1, 0.3, 0.8])
    assert found.choice is not None
    assert (found.choice.scale, found.choice.best) == (3, 3)
    assert found.flat["joint"].values == pytest.approx([0.3])


def test_everything_found_lies_in_the_folder(done: tuple[GuidanceSweep, Findings]) -> None:
    out = done[0].out
    told = json.loads((out / "sweep.json").read_text())
    assert told["choice"]["scale"] == 3
    assert told["curve"]["all"]["value"] == pytest.approx([0.1, 0.3, 0.8])
    rows = list(csv.DictReader((out / "curve.csv").open()))
    assert [row["lambda"] for row in rows if row["task"] == BASS] == ["0", "1", "3"]
    page = (out / "index.html").read_text()
    assert "<h1" in page
    assert "λ = 3" in page
    assert "http" not in page.replace("http-equiv", "")
    assert (out / "pictures" / "guidance.png").stat().st_size > 10_000
    for address in ("clips/lambda_3/", "clips/round_trip/joint/"):
        assert address in page


def test_each_take_is_what_composing_with_that_scale_makes(
    done: tuple[GuidanceSweep, Findings], model: Path
) -> None:
    sweep, out = done[0], done[0].out
    composer = Composer.load(model)
    task, clip = Task(("bass",), ("drums", "instrument", "melody")), sweep.clips[0]
    given = {name: read_audio(out / f"clips/round_trip/joint/{clip.clip}/{name}.flac") for name in task.given}
    for scale, turn in ((0.0, 0), (1.0, 1), (3.0, 1)):
        request = Request(
            prompt=clip.prompt,
            task=task,
            duration_s=DURATION_S,
            seed=take_seed(0, clip, turn),
            guidance_scale=scale,
            num_steps=STEPS,
            solver="ddim",
        )
        alone = composer.generate(request, given)
        made = read_audio(take_folder(out, scale, BASS, clip.clip, turn) / "bass.flac")
        loudest = float(alone["bass"].abs().max())
        # given tracks came from 16-bit files here, from the codec there
        assert torch.allclose(made, alone["bass"].clamp(-1, 1), atol=0.02 * max(loudest, 0.01))


def test_given_tracks_are_the_song_and_targets_are_not(done: tuple[GuidanceSweep, Findings]) -> None:
    sweep, out = done[0], done[0].out
    for clip in sweep.clips:
        if "melody" not in clip.tracks:
            continue
        made, real = take_folder(out, 3.0, BASS, clip.clip, 0), out / f"clips/round_trip/joint/{clip.clip}"
        assert torch.equal(read_audio(made / "drums.flac"), read_audio(real / "drums.flac"))
        assert not torch.allclose(read_audio(made / "bass.flac"), read_audio(real / "bass.flac"), atol=1e-3)
        others = take_folder(out, 3.0, BASS, clip.clip, 1)
        assert not torch.allclose(read_audio(made / "bass.flac"), read_audio(others / "bass.flac"), atol=1e-3)


def test_a_finished_sweep_makes_nothing_again(done: tuple[GuidanceSweep, Findings]) -> None:
    before = written(done[0].out)
    sweep, found = swept(done[0].plan, done[0].out)
    assert written(done[0].out) == before
    assert sweep.cost.wanted == 0
    assert found.choice is not None


def test_more_scales_and_lost_takes_alone_are_made(model: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    few = plan_of(model, data, tasks=(BASS,), scales=(0.0, 1.0), num_clips=2)
    sweep, _ = swept(few, out)
    lost = take_folder(out, 1.0, BASS, sweep.clips[0].clip, 1)
    sound = (lost / "bass.flac").read_bytes()
    before = written(out)
    for file in lost.iterdir():
        file.unlink()
    lost.rmdir()
    swept(replace(few, scales=SCALES), out)
    after = written(out)
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {lost / "bass.flac", lost / "mix.flac"}  # what was given is linked, not written
    assert (lost / "bass.flac").read_bytes() == sound
    assert {path.parents[2].name for path in after.keys() - before.keys()} == {"lambda_3"}


def test_rows_that_scales_share_are_answered_once(model: Path, data: Path, tmp_path: Path) -> None:
    plan = plan_of(model, data, tasks=(BASS,), num_clips=1)
    sweep, _ = swept(plan, tmp_path / "sweep")
    halves, takes = 1 + 1 + 2, 2
    assert sweep.cost.wanted == STEPS * halves * takes
    assert sweep.cost.asked == (2 + (STEPS - 1) * halves) * takes


def test_with_the_recordings_these_are_what_is_given_and_the_ceiling(
    model: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "sweep"
    source = Source(model=str(model), data=str(data), manifest=str(data.parent / "manifest.parquet"))
    plan = plan_of(model, data, source=source, tasks=(BASS,), num_clips=1, takes=1)
    sweep = GuidanceSweep(plan, out, embedding=None)
    sweep.make()
    clip = sweep.clips[0]
    assert sweep.ceiling == "real"
    given = read_audio(take_folder(out, 3.0, BASS, clip.clip, 0) / "drums.flac")
    start = round(clip.start_s * 48_000)
    recorded = read_audio(data.parent / f"{clip.song}-drums.wav")[:, start : start + given.shape[1]]
    assert torch.allclose(given, recorded, atol=1e-4)


def test_sounds_without_rhythm_or_harmony_choose_nothing_and_say_so(
    model: Path, data: Path, tmp_path: Path
) -> None:
    plan = plan_of(model, data, tasks=(BASS,), num_clips=2, takes=1, scales=(1.0, 3.0))
    sweep = GuidanceSweep(plan, tmp_path / "sweep", embedding=None)
    found = run_sweep(sweep, {})
    assert found.choice is None
    assert "give more --clips" in found.no_choice
    assert "No guidance scale stands out" in (tmp_path / "sweep" / "index.html").read_text()


@pytest.mark.parametrize(
    ("fields", "by", "said"),
    [
        ({"tasks": ("joint",)}, "coherence", "no task with given tracks"),
        ({"tasks": ("bass_given_kazoo",)}, "coherence", "no task"),
        ({}, "beauty", "choose from coherence"),
        ({}, "frechet.ears", "unknown embedding"),
        ({"duration_s": 60.0}, "coherence", "shorter"),
        ({"split": "dreams"}, "coherence", "dreams"),
    ],
)
def test_what_cannot_be_swept_is_said_before_anything_is_made(
    model: Path, data: Path, tmp_path: Path, fields: dict, by: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        GuidanceSweep(plan_of(model, data, **fields), tmp_path / "sweep", by=by)
    assert not (tmp_path / "sweep").exists()


@pytest.mark.ray
def test_actors_make_and_score_what_one_process_does(
    ray_cluster, model: Path, data: Path, tmp_path: Path
) -> None:
    plan = plan_of(model, data, num_clips=2, takes=1)
    swept(plan, tmp_path / "alone")
    swept(plan, tmp_path / "actors", jobs=2)
    tables = [sorted(map(str, read_clip_scores(tmp_path / name).to_pylist())) for name in ("alone", "actors")]
    assert tables[0] == tables[1] != []
    for path in (tmp_path / "alone").glob("clips/*/*/*/bass.flac"):
        other = tmp_path / "actors" / path.relative_to(tmp_path / "alone")
        assert torch.allclose(read_audio(other), read_audio(path), atol=1e-3)


def test_the_command_sets_the_chosen_scale(
    make_checkpoint, data: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr("stemwright_platform.sweeps.guidance_sweep.ClipScoring", lambda *_: SaidFigures())
    model = make_checkpoint(tmp_path / "model")
    arguments = [
        *("sweep", "guidance", "--model", str(model), "--data", str(data), "--out", str(tmp_path / "sweep")),
        *("--scales", "0,1,3", "--tasks", BASS, "--clips", "4", "--takes", "1", "--duration", "3"),
        *("--steps", "2", "--jobs", "1", "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}"),
    ]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--write"])
    assert end.value.code in (0, None)
    out = capsys.readouterr().out
    assert "the best λ is 3" in out
    assert load_checkpoint(model).sampling.guidance_scale == 3
    assert "| guidance scale λ | 3 |" in (model / "README.md").read_text()
    with pytest.raises(SystemExit) as end:  # weights are the same: the sweep goes on, with nothing left to do
        main(arguments)
    assert end.value.code in (0, None)
