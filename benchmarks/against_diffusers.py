"""Preset small against diffusers' StableAudioDiTModel and UNet1DModel: who learns more in equal wall time?

    make bench-peers      (or: python benchmarks/against_diffusers.py --minutes 10)

All three have the same number of parameters within 3 % and are trained by the same `Learner` on the same
latents of the demo corpus: same batches, tasks, noise, seed, optimiser, learning rate, its warm-up and decay
over the time they have. How the peers are fitted in stands in peers.py. Each trains in the arithmetic (bf16
or fp32) in which its own steps are the faster here. They take turns of some seconds on the same cores, each
with a clock that runs in its own turns only: a slow spell of the machine hits all alike. Preparing data, the
choice of the arithmetic and validation are outside of the clocks; encoding prompts is inside, as in training.

Validated are the averaged weights on every held-out window, four rounds: ε-loss, and its ratio to the trivial
guess √(1 − ᾱ)·z. --peer-lr trains the peers with other learning rates, each as a contestant of its own.
Writes benchmarks/results/against_diffusers.{md,json,png}. Takes three times the minutes.
"""

import argparse
import json
import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from demo_latents import prepared
from machine import RESULTS, Stopwatch, hardware, table
from peers import PEERS, build_peer

from stemwright.learner import Learner
from stemwright.loss_table import LossTable
from stemwright.presets import load_preset
from stemwright.training_pace import Pace
from stemwright.training_run import TrainingPlan, TrainingRun
from stemwright.validation import validate
from stemwright.validation_scores import ratios_by_band

OURS = "Stemwright"
NOTE = """Equal wall time of the learner's loop alone, in turns on the same cores. What is alike and how the
peers are fitted in: `benchmarks/against_diffusers.py`, `benchmarks/peers.py`. Losses are those of the
averaged weights on all held-out windows.
"""
TURN_S = 20.0
ROUNDS = 4
TRIAL_STEPS = 4
POINTS = 5
"""Validations of each contestant, evenly over its time."""
DONE = object()
Precision = Literal["bf16", "fp32"]
PRECISIONS: tuple[Precision, ...] = ("bf16", "fp32")


@dataclass(kw_only=True, slots=True)
class Contestant:
    """A network, its training so far, and its clock."""

    name: str
    """As in the table."""
    run: TrainingRun
    """Its own learner, data reader and prompt cache."""
    clock: Stopwatch = field(default_factory=Stopwatch)
    """Runs in its turns."""
    curve: list[tuple[float, float]] = field(default_factory=list)
    """Minutes trained, and the held-out ratio to the trivial guess, by one round."""
    table: LossTable | None = None
    """The validation at the end."""

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.run.learner.model.parameters())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each contestant")
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--peer-lr", type=float, nargs="+", help="the preset's by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("data/learning"), help="corpus and latents")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args()
    data = prepared(arguments.work, arguments.songs)
    preset = load_preset(arguments.preset)
    plan = TrainingPlan(preset=preset, data=str(data), minutes=arguments.minutes, seed=arguments.seed)
    contestants = [contestant(plan, OURS)]
    for rate in arguments.peer_lr or [preset.training.learning_rate]:
        trained = replace(preset, training=replace(preset.training, learning_rate=rate))
        contestants += [contestant(replace(plan, preset=trained), name) for name in PEERS]
    check_sizes(contestants)
    compete(contestants, arguments.minutes)
    report(contestants, arguments)


def contestant(plan: TrainingPlan, name: str) -> Contestant:
    """A run with a network of its own, in the arithmetic that suits it."""
    seconds = trial_s({precision: begun(plan, name, precision) for precision in PRECISIONS})
    print(f"{name}: " + ", ".join(f"{s:.2f} s a step in {p}" for p, s in seconds.items()), flush=True)
    return Contestant(name=name, run=begun(plan, name, min(seconds, key=seconds.__getitem__)))


def begun(plan: TrainingPlan, name: str, precision: Precision) -> TrainingRun:
    """A run at its first step."""
    training = replace(plan.preset.training, precision=precision)
    run = TrainingRun.of(replace(plan, preset=replace(plan.preset, training=training)))
    if name != OURS:
        own = run.learner
        run.learner = Learner(
            own.preset,
            stats=own.stats,
            text_encoder=own.text_encoder,
            total_steps=own.total_steps,
            steps_per_epoch=own.steps_per_epoch,
            seed=plan.seed,
            model=build_peer(name, own.preset, plan.seed),
        )
    return run


def trial_s(runs: dict[Precision, TrainingRun]) -> dict[Precision, float]:
    """Seconds of the quickest of a few steps of each, in turns; prompts are encoded before."""
    seconds = dict.fromkeys(runs, math.inf)
    for trial in range(1 + TRIAL_STEPS):
        for precision, run in runs.items():
            batch = run.windows.batch(0)
            run.learner.step_count = 0
            start = time.perf_counter()
            run.learner.step(batch)
            if trial:
                seconds[precision] = min(seconds[precision], time.perf_counter() - start)
    return seconds


def check_sizes(contestants: list[Contestant]) -> None:
    ours = contestants[0].parameters
    for one in contestants:
        share = one.parameters / ours
        print(f"{one.name}: {one.parameters:,} parameters, {share:.3f} of ours", flush=True)
        if abs(share - 1) > 0.03:
            raise SystemExit(f"{one.name} has {share:.3f} of our parameters: compare models of one size")


def compete(contestants: list[Contestant], minutes: float) -> None:
    """Train all of them in turns until each has had its time."""
    turn_s = min(TURN_S, 60 * minutes / POINTS)
    racing = [(one, training(one)) for one in contestants]
    while racing:
        racing = [(one, steps) for one, steps in racing if takes_turn(one, steps, turn_s, minutes)]
    for one in contestants:
        judge(one)
        one.table = held_out(one.run, ROUNDS)


def training(one: Contestant) -> Generator[None, None, None]:
    """The bare loop: batches read ahead, one `Learner.step` each, the run's length fitted to its time."""
    pace = Pace(one.run, one.clock)
    with closing(one.run.windows.batches(0)) as batches:
        while not one.run.is_done:
            _, batch = next(batches)
            one.run.learner.step(batch)
            pace.after_step()
            yield


def takes_turn(one: Contestant, steps: Iterator[None], turn_s: float, minutes: float) -> bool:
    """Train for a turn; whether there is more to do."""
    more = True
    with one.clock as clock:
        end = clock() + turn_s
        while more and clock() < end:
            more = next(steps, DONE) is not DONE
    if len(one.curve) < POINTS - 1 and one.clock() > 60 * minutes * (len(one.curve) + 1) / POINTS:
        judge(one)
    return more


def judge(one: Contestant) -> None:
    """Put a point on its curve."""
    ratio = held_out(one.run, rounds=1).ratios(lambda entry: "all")["all"]
    minutes, steps = one.clock() / 60, one.run.learner.step_count
    one.curve.append((minutes, ratio))
    print(f"{minutes:5.1f} min  {one.name:20} step {steps:5}  ratio {ratio:.4f}", flush=True)


def held_out(run: TrainingRun, rounds: int) -> LossTable:
    """The averaged weights on every held-out window."""
    assert run.held_out is not None
    batches = [run.held_out.batch(step) for step in range(run.held_out.steps_per_epoch)]
    return validate(run.learner, batches, rounds)


def row(one: Contestant) -> dict[str, Any]:
    assert one.table is not None
    learner, seconds = one.run.learner, one.clock()
    return {
        "name": one.name,
        "parameters": one.parameters,
        "learning_rate": learner.config.learning_rate,
        "precision": learner.config.precision,
        "minutes": round(seconds / 60, 2),
        "steps": learner.step_count,
        "step_s": round(seconds / learner.step_count, 3),
        "loss": round(one.table.losses(lambda entry: "all")["all"], 5),
        "ratio": round(one.table.ratios(lambda entry: "all")["all"], 4),
        "ratio_by_mode": {str(k): round(v, 3) for k, v in one.table.ratios(lambda e: e.mode).items()},
        "ratio_by_band": {k: round(v, 3) for k, v in ratios_by_band(one.table).items()},
        "curve": one.curve,
    }


SHOWN = ("name", "parameters", "learning_rate", "precision", "minutes", "steps", "step_s", "loss", "ratio")


def report(contestants: list[Contestant], arguments: argparse.Namespace) -> None:
    rows = [row(one) for one in contestants]
    info = contestants[0].run.data.info
    machine = (
        f"{hardware()}, {sum(info.num_songs.values())} songs, {info.hours:.2f} hours, seed {arguments.seed}"
    )
    text = (
        f"{machine}\n\n{NOTE}\n{table(SHOWN, [[one[key] for key in SHOWN] for one in rows])}\n"
        f"Ratio to the trivial guess by context and by timestep (fraction of N):\n\n{ratios(rows)}"
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "against_diffusers.md").write_text(text)
    (arguments.out / "against_diffusers.json").write_text(
        json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n"
    )
    picture(rows, arguments.out / "against_diffusers.png")
    print(text)


def ratios(rows: list[dict[str, Any]]) -> str:
    """A table by context mode and by band."""
    both = [{**one["ratio_by_mode"], **one["ratio_by_band"]} for one in rows]
    return table(("name", *both[0]), [(one["name"], *r.values()) for one, r in zip(rows, both, strict=True)])


def picture(rows: list[dict[str, Any]], path: Path) -> None:
    """Held-out ratio over wall time, and by timestep at the end."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for one in rows:
        label = f"{one['name']}, {one['learning_rate']:g}"
        left.plot(*zip(*one["curve"], strict=True), marker="o", label=label)
        right.plot(list(one["ratio_by_band"].values()), marker="o", label=label)
    left.set(title="held-out ε-loss over the trivial guess", xlabel="minutes of training")
    right.set(title="at the end, by timestep", xlabel="fraction of N")
    right.set_xticks(range(len(rows[0]["ratio_by_band"])), rows[0]["ratio_by_band"], rotation=45)
    left.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
