"""The stages from nothing to a model: corpora → codec → latents → training → λ → figures → the model."""

from collections.abc import Callable

from stemwright_platform.demo.stages import Stage
from stemwright_platform.demo_model.judging_stages import JudgingStages
from stemwright_platform.demo_model.model_stages import ModelStages
from stemwright_platform.demo_model.music_stages import MusicStages
from stemwright_platform.demo_model.plan import DemoModelPlan
from stemwright_platform.demo_model.sizes import COHERENCE_SONGS, EVALUATION_CLIP_S, SWEEP_CLIP_S, SWEEP_TAKES

# On two cores of a present-day CPU; a GPU is faster.
MAKING, RENDERING, ENCODING = 100.0, 23.0, 80.0
"""Seconds of music a second."""
MIDI_SONG_S = 165.0
"""About how long a MIDI file is."""
CODEC_STEP_S, STEP_S = 0.45, 1.0
CLIP_COST = 0.2
"""Seconds to generate and score a second of all tracks, a task."""
PATCH_S = 6.0
"""Music to make for a patch of a Fréchet distance: three seconds, by the model and by an untrained one."""
TASKS = 9
"""Joint, each track given the rest, each track alone."""


def recipe(plan: DemoModelPlan, say: Callable[[str], None]) -> list[Stage]:
    """The stages, in order; those that the plan does without are left out."""
    music, model, judging = MusicStages(plan), ModelStages(plan, say), JudgingStages(plan, say)
    stages = [_songs(plan, music)]
    if plan.midi is not None:
        stages.append(_rendering(plan, music))
    if plan.trains_codec:
        stages.append(_codec(plan, music))
    return [
        *stages,
        _latents(plan, music),
        _training(plan, model),
        _guidance(plan, judging),
        _evaluation(plan, judging),
        *([_assessment(plan, judging)] if plan.patches else []),
        _finish(plan, model),
    ]


def _songs(plan: DemoModelPlan, music: MusicStages) -> Stage:
    return Stage(
        name="songs",
        does=f"make {plan.songs:,} demo songs of {plan.song_s:g} s with four stems each",
        estimate_s=5 + plan.songs * plan.song_s / MAKING,
        settings={"songs": plan.songs, "song_s": plan.song_s, "seed": plan.seed, "fonts": _names(plan)},
        result=plan.manifests["demo"],
        run=music.make_songs,
    )


def _rendering(plan: DemoModelPlan, music: MusicStages) -> Stage:
    assert plan.midi is not None
    count = sum(path.suffix.lower() in (".mid", ".midi") for path in plan.midi.rglob("*"))
    return Stage(
        name="rendering",
        does=f"render up to {count:,} MIDI files in {plan.midi} as stems",
        estimate_s=count * MIDI_SONG_S / RENDERING * (2 if plan.local else 1),
        settings={"midi": str(plan.midi), "seed": plan.seed, "fonts": _names(plan)},
        result=plan.manifests["rendered"],
        run=music.render_midi,
    )


def _codec(plan: DemoModelPlan, music: MusicStages) -> Stage:
    return Stage(
        name="codec",
        does=f"train a codec on the stems in {music.codec_steps:,} steps",
        estimate_s=CODEC_STEP_S * music.codec_steps,
        settings={"steps": music.codec_steps, "seed": plan.seed},
        result=plan.codec_run / music.CODEC_FILE,
        run=music.train_codec,
    )


def _latents(plan: DemoModelPlan, music: MusicStages) -> Stage:
    codec = plan.codec
    music_s = plan.songs * plan.song_s + (MIDI_SONG_S * 100 if plan.midi else 0)
    return Stage(
        name="latents",
        does=f"encode {' and '.join(plan.latents)} songs with codec {codec.name}",
        estimate_s=10 + music_s / ENCODING,
        settings={"codec": codec.name, "weights": codec.weights},
        result=list(plan.latents.values())[-1] / "dataset.json",
        run=music.encode,
    )


def _training(plan: DemoModelPlan, model: ModelStages) -> Stage:
    steps = plan.steps
    length = f"{steps:,} steps" if steps is not None else f"{plan.minutes / 60:g} h"
    return Stage(
        name="training",
        does=f"train preset {plan.preset} for {length} {'here' if plan.local else 'with Ray Train'}",
        estimate_s=60 + (60 * plan.minutes if steps is None else STEP_S * steps),
        settings={"preset": plan.preset, "steps": steps, "minutes": None if steps else plan.minutes},
        result=plan.run / "model" / "checkpoint.json",
        run=model.train,
    )


def _guidance(plan: DemoModelPlan, judging: JudgingStages) -> Stage:
    takes = plan.sweep_clips * SWEEP_TAKES * (len(plan.scales) * 4 + 1)
    return Stage(
        name="guidance",
        does=f"try λ = {', '.join(f'{scale:g}' for scale in plan.scales)}, keep the best, halve the weights",
        estimate_s=30 + takes * SWEEP_CLIP_S * CLIP_COST,
        settings={"scales": plan.scales, "clips": plan.sweep_clips},
        result=plan.candidate / "checkpoint.json",
        run=judging.choose_guidance,
    )


def _evaluation(plan: DemoModelPlan, judging: JudgingStages) -> Stage:
    return Stage(
        name="evaluation",
        does=f"score {plan.evaluation_clips} clips of held-out songs between floor and ceiling",
        estimate_s=60 + plan.evaluation_clips * (TASKS + 4) * EVALUATION_CLIP_S * CLIP_COST,
        settings={"clips": plan.evaluation_clips},
        result=judging.figures,
        run=judging.evaluate,
    )


def _assessment(plan: DemoModelPlan, judging: JudgingStages) -> Stage:
    return Stage(
        name="assessment",
        does="hold the model to its targets, one by one",
        estimate_s=1_200 + plan.patches * PATCH_S * CLIP_COST,
        settings={"patches": plan.patches, "windows": COHERENCE_SONGS},
        result=judging.targets,
        run=judging.assess,
    )


def _finish(plan: DemoModelPlan, model: ModelStages) -> Stage:
    return Stage(
        name="model",
        does="write the model with its card",
        estimate_s=5,
        settings={"midi licence": plan.licence},
        result=plan.model / "checkpoint.json",
        run=model.finish,
    )


def _names(plan: DemoModelPlan) -> list[str]:
    return [font.name for font in plan.fonts]
