"""How much of ten songs' style the model that ships takes on, by the evaluation's own figures.

    python benchmarks/own_style.py --corpus data/demo --out runs/style

The style is that of an early sound chip: songs of the demo corpus, from their MIDI, played by pulse waves, a
triangle and noise, with no room about them; nothing that the model has heard sounds so. Ten songs are trained
on, the others are held out. The model is adapted whole and by LoRA, with the commands of the guide, and each
model then makes the same clips from the held-out songs' descriptions. Held-out ratio is the error of the
ε-prediction over that of the trivial guess.

Writes benchmarks/results/own_style.md. Goes on where it was interrupted.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import soundfile
import symusic
from command import stemwright
from machine import RESULTS, hardware, table
from numpy.typing import NDArray
from tqdm import tqdm

from stemwright.data_mix import DataMix
from stemwright.data_source import DataSource
from stemwright.run_folder import RunFolder
from stemwright.training_log import read_log
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright.validation_scores import score
from stemwright.warm_start import WarmStart, fine_tuning_preset

RATE_HZ = 48_000
TRAINED = 10
LEVELS = {"bass": 0.35, "drums": 0.3, "instrument": 0.12, "melody": 0.25}
STEPS_OF_VOLUME = 15
"""A chip's four bits."""
PARTS = ("mix", "bass", "drums", "instrument", "melody")
WAYS = {"whole": [], "LoRA, rank 8": ["--lora", "8"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="what `stemwright corpus demo` wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--clips", type=int, default=24)
    arguments = parser.parse_args()
    out: Path = arguments.out
    play_songs(arguments.corpus, out / "songs", arguments.songs)
    manifest, latents = out / "manifest.parquet", out / "latents"
    if not manifest.is_file():
        stemwright("corpus", "import", "folders", out / "songs", "--out", manifest)
    stemwright("prepare", "--manifest", manifest, "--out", latents, "--codec", "conv")
    models = {"before": "shipped"}
    for number, (way, options) in enumerate(WAYS.items()):
        run = models[way] = str(out / f"run-{number}")
        length = ("--steps", arguments.steps, "--checkpoint-every", max(1, arguments.steps // 4))
        quiet = ("--listen-every", 0, "--tracking-uri", f"sqlite:///{out}/mlflow.db")
        common = ("--from", "shipped", "--data", latents, "--set", "training.batch_size=8")
        stemwright("train", *common, "--out", run, *length, *quiet, *options)
    reports = {}
    for number, (way, model) in enumerate(models.items()):
        folder = out / f"report-{number}"
        asked = ("--clips", arguments.clips, "--duration", 8, "--tasks", "joint", "--steps", 12)
        data = ("--data", latents, "--manifest", manifest, "--tracking-uri", f"sqlite:///{out}/mlflow.db")
        stemwright("evaluate", "--model", model, *data, "--out", folder, *asked, "--jobs", 1)
        reports[way] = folder
    runs = {way: model for way, model in models.items() if way != "before"}
    asked = f"{TRAINED} songs, {arguments.steps} steps of 8 windows; {arguments.clips} joint clips of 8 s."
    text = told(reports, runs, held_out_ratio(latents), asked)
    print(text)
    (RESULTS / "own_style.md").write_text(text)


def told(reports: dict[str, Path], runs: dict[str, str], before_ratio: float, asked: str) -> str:
    """The result as Markdown."""
    found = {way: distances(report) for way, report in reports.items()}
    before, heard = (found["before"][system] for system in ("model", "round_trip"))
    rows = []
    for way, own in found.items():
        log = read_log(RunFolder(Path(runs[way])).validation) if way in runs else []
        ratios = [record["ratio"] for record in log] or [before_ratio]
        taken = [(before[part] - own["model"][part]) / (before[part] - heard[part]) for part in PARTS]
        rows.append(
            [
                way,
                *(
                    f"{own['model'][part]:.1f} ({share:.0%})"
                    for part, share in zip(PARTS, taken, strict=True)
                ),
                ", ".join(f"{ratio:.3f}" for ratio in ratios),
            ]
        )
    for name, system in (("the codec's round trip", "round_trip"), ("real clips", "real")):
        rows.append([name, *(f"{found['before'][system][part]:.1f}" for part in PARTS), ""])
    heads = ("", *PARTS, "held-out ratio as it went")
    return (
        f"# A style of one's own\n\n{hardware()}. {asked} Fréchet distances to the style on musicnn's "
        "embedding; in brackets how much of the way from the model before to the codec's round trip was "
        "gone, which is as near as any model with that codec can come. Few clips bias distances upwards, all "
        "of them alike.\n\n" + table(heads, rows)
    )


def distances(report: Path) -> dict[str, dict[str, float]]:
    """Fréchet distance to the reference by system and part."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in pq.read_table(report / "scores.parquet").to_pylist():
        if row["score"] == "frechet.musicnn":
            found[row["system"]][row["part"]] = row["value"]
    return found


def held_out_ratio(latents: Path) -> float:
    """Of the model before its first step."""
    base = WarmStart.of("shipped").base.preset
    preset = fine_tuning_preset(base, DataMix.open([DataSource.of(str(latents))]).info.tracks)
    preset = replace(preset, training=replace(preset.training, batch_size=8))
    plan = TrainingPlan(preset=preset, data=str(latents), steps=1, start="shipped")
    return score(TrainingRun.of(plan))["ratio"]


def play_songs(corpus: Path, out: Path, songs: int) -> None:
    """A folder a song with the stems that a chip makes of its MIDI."""
    for number, song in enumerate(tqdm(sorted((corpus / "songs").iterdir())[:songs], desc="playing")):
        folder = out / song.name
        if (folder / "metadata.json").is_file():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        facts = json.loads((song / "metadata.json").read_text())
        midi: Any = symusic.Score(song / "song.mid")  # Any: stubs give the union of three units of time
        frames = round(facts["duration_s"] * RATE_HZ)
        for track in midi.to("second").tracks:
            if len(track.notes):
                soundfile.write(folder / f"{track.name}.flac", played(track, frames).T, RATE_HZ)
        facts |= {"split": "train" if number < TRAINED else "test", "genres": ["chiptune"]}
        kept = ("split", "genres", "tempo_bpm", "key", "downbeats_s", "moods", "licence", "source")
        told = {name: facts[name] for name in kept if name in facts}
        (folder / "metadata.json").write_text(json.dumps(told))


def played(track: Any, frames: int) -> NDArray[np.float32]:
    """float32 [2, frames], the same on both sides."""
    sound, rng = np.zeros(frames, np.float32), np.random.default_rng(0)
    for note in track.notes:
        start, length = round(note.start * RATE_HZ), max(1, round(note.duration * RATE_HZ))
        tone = drum(note.pitch, rng) if track.is_drum else wave(track.name, note.pitch, length)
        tone = tone[: max(0, frames - start)] * (note.velocity / 127)
        sound[start : start + len(tone)] += tone
    sound *= LEVELS[track.name] / max(1e-9, float(np.abs(sound).max()))
    return np.stack([sound, sound])


def wave(track: str, pitch: int, length: int) -> NDArray[np.float32]:
    """A triangle for the bass, pulses for the others, the volume falling in steps."""
    t = np.arange(length) / RATE_HZ
    phase = 440 * 2 ** ((pitch - 69) / 12) * t % 1
    if track == "bass":
        return (2 * np.abs(np.round(phase * 32) / 32 * 2 - 1) - 1).astype(np.float32)
    duty = 0.25 if track == "instrument" else 0.5
    volume = np.ceil(STEPS_OF_VOLUME * np.exp(-2.5 * t)) / STEPS_OF_VOLUME
    return (np.where(phase < duty, 1.0, -1.0) * volume).astype(np.float32)


def drum(pitch: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A falling tone for kicks and toms, held noise for the rest."""
    if pitch in (35, 36, 41, 43, 45, 47, 48, 50):
        t = np.arange(int(0.12 * RATE_HZ)) / RATE_HZ
        cycles = (50 + 2 * max(0, pitch - 40)) * t + 4 * (1 - np.exp(-30 * t))
        return (np.sign(np.sin(2 * np.pi * cycles)) * (1 - t / 0.12)).astype(np.float32)
    held, seconds = (3, 0.05) if pitch >= 42 else (12, 0.15)
    count = int(seconds * RATE_HZ)
    noise = np.repeat(rng.choice([-0.7, 0.7], -(-count // held)), held)[:count]
    return (noise * np.linspace(1, 0, count)).astype(np.float32)


if __name__ == "__main__":
    main()
