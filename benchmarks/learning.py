"""Does preset small learn? Held-out ε-loss over the trivial guess √(1 − ᾱ)·z, after a fixed time.

    make bench-learning      (or: python benchmarks/learning.py --minutes 30 --songs 120)

Makes a demo corpus, encodes it, trains in this process and writes a table by timestep band and context mode,
with a picture, to benchmarks/results/learning.*. A ratio below 1 is learning. Needs no Ray.
"""

import argparse
import json
import os
from itertools import pairwise
from pathlib import Path

import torch
from demo_latents import prepared

from stemwright.loss_table import BAND_EDGES, LossTable
from stemwright.presets import load_preset
from stemwright.train_locally import train_locally
from stemwright.training_log import read_log
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright.validation import validate
from stemwright_platform.time_left import TimeLeft

RESULTS = Path(__file__).parent / "results"
SIGNAL_FLOOR = 0.05
"""Bands whose mean ᾱ is above this must beat the trivial guess."""
MODES = ("conditional", "mixed", "marginal", "joint")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--work", type=Path, default=Path("data/learning"), help="corpus, latents and run")
    arguments = parser.parse_args()
    data = prepared(arguments.work, arguments.songs)
    run = trained(arguments.work, data, arguments.preset, arguments.minutes)
    table = held_out_table(run)
    report(run, table, arguments)


def trained(work: Path, data: Path, preset: str, minutes: float) -> TrainingRun:
    """The run after its last step, with the averaged weights in place."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    progress = TimeLeft("training", minutes * 60)
    seen = 0.0

    def on_step(record: dict) -> None:
        nonlocal seen
        now = record.get("train_s", seen)
        progress.advance(now - seen, f"step {record['step']}")
        seen = now

    folder = train_locally(
        load_preset(preset), data, work / "run", minutes=minutes, device=device, on_step=on_step
    )
    progress.close()
    run = TrainingRun.of(TrainingPlan(preset=load_preset(preset), data=str(data), steps=1), device=device)
    latest = folder.latest_checkpoint()
    assert latest is not None
    run.resume(latest)
    return run


def held_out_table(run: TrainingRun) -> LossTable:
    """Every held-out window four times, with other tasks, noise and timesteps."""
    assert run.held_out is not None
    batches = (run.held_out.batch(step) for step in range(run.held_out.steps_per_epoch))
    return validate(run.learner, batches, rounds=4)


def report(run: TrainingRun, table: LossTable, arguments: argparse.Namespace) -> None:
    alpha_bar = table.schedule.alpha_bar
    n = table.schedule.num_timesteps
    whole = table.ratios(table.band)
    by_mode = table.ratios(lambda entry: (table.band(entry), entry.mode))
    rows = []
    for band, (low, high) in enumerate(pairwise(BAND_EDGES)):
        level = float(alpha_bar[int(low * n) + 1 : int(high * n) + 1].mean())
        modes = {mode: by_mode.get((band, mode)) for mode in MODES}
        rows.append({"t": f"{low * n:g}–{high * n:g}", "alpha_bar": level, "all": whole.get(band), **modes})
    lines = ["| t | mean ᾱ | all | " + " | ".join(MODES) + " |", "|" + "---|" * (3 + len(MODES))]
    for row in rows:
        cells = [shown(row[name]) for name in ("all", *MODES)]
        lines.append(f"| {row['t']} | {row['alpha_bar']:.3f} | " + " | ".join(cells) + " |")
    must = [row for row in rows if row["alpha_bar"] > SIGNAL_FLOOR]
    passed = sum(row["all"] is not None and row["all"] < 1 for row in must)
    lines.append(f"\n{passed} of {len(must)} bands with ᾱ > {SIGNAL_FLOOR} beat the trivial guess.")
    facts = {
        "preset": arguments.preset,
        "songs": run.data.info.num_songs,
        "hours": round(run.data.info.hours, 3),
        "minutes": arguments.minutes,
        "steps": run.learner.step_count,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    RESULTS.mkdir(exist_ok=True)
    text = "\n".join([", ".join(f"{k} {v}" for k, v in facts.items()), "", *lines]) + "\n"
    (RESULTS / "learning.md").write_text(text)
    (RESULTS / "learning.json").write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")
    picture(read_log(arguments.work / "run" / "metrics.jsonl"), rows)
    print(text)


def shown(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"


def picture(records: list[dict], rows: list[dict]) -> None:
    """Loss over steps, and the final ratios by band."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    steps, losses = [r["step"] for r in records], [r["loss"] for r in records]
    width = max(1, len(losses) // 50)
    smooth = torch.tensor(losses).unfold(0, width, 1).mean(-1).tolist() if losses else []
    left.plot(steps, losses, alpha=0.25)
    left.plot(steps[width - 1 :], smooth)
    left.set(title="training loss", xlabel="step", ylim=(0, None))
    for mode in ("all", *MODES):
        points = [(i, row[mode]) for i, row in enumerate(rows) if row[mode] is not None]
        right.plot(*zip(*points, strict=True), marker="o", label=mode, linewidth=2.5 if mode == "all" else 1)
    right.axhline(1.0, color="grey", linestyle="--")
    right.set_xticks(range(len(rows)), [row["t"] for row in rows], rotation=45)
    right.set(title="held-out ε-loss over the trivial guess", xlabel="timestep", ylim=(0, 1.1))
    right.legend()
    figure.savefig(RESULTS / "learning.png", dpi=110)


if __name__ == "__main__":
    main()
