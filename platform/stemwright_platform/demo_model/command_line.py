"""The command that makes a plan's model again."""

import shlex

from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.sizes import HOURS, PRESET, SEED, SONG_S, SONGS


def reproducing(plan: DemoModelPlan) -> str:
    """As it is typed; folders and fonts by their names alone, which lie elsewhere on every machine."""
    words = ["stemwright", "demo-model", "--out", plan.out.name, *_songs(plan)]
    if plan.codec_steps is not None:
        words += ["--codec-steps", str(plan.codec_steps)]
    elif plan.codec_name is not None:
        words += [
            "--codec",
            plan.codec.name if plan.codec.weights is None else plan.codec_name.split("/")[-1],
        ]
    if plan.preset != PRESET:
        words += ["--preset", plan.preset.split("/")[-1]]
    if plan.steps is not None:
        words += ["--steps", str(plan.steps)]
    elif plan.hours not in (None, HOURS):
        words += ["--hours", f"{plan.hours:g}"]
    return shlex.join(words)


def _songs(plan: DemoModelPlan) -> list[str]:
    words = []
    for option, value, default in (
        ("--songs", plan.songs, SONGS),
        ("--seconds", plan.song_s, SONG_S),
        ("--seed", plan.seed, SEED),
    ):
        if value != default:
            words += [option, f"{value:g}"]
    if plan.midi is not None:
        words += ["--midi", plan.midi.name, "--licence", plan.licence]
    return [*words, *(word for font in plan.soundfonts for word in ("--soundfont", font.name))]
