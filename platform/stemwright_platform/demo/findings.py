"""What a finished demo has to show, gathered from its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stemwright.checkpoint import Checkpoint, load_checkpoint
from stemwright.dataset_info import DatasetInfo
from stemwright.run_folder import RunFolder
from stemwright.tasks import Task
from stemwright.training_log import read_log
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.demo.alg1 import FIRST_ROUND, STEMS, Composed
from stemwright_platform.demo.held_out_song import held_out_song
from stemwright_platform.demo.plan import DemoPlan, num_cores
from stemwright_platform.demo.report import Lane, Learning, Report, Role, Round, StageTime
from stemwright_platform.demo.stages import Finished
from stemwright_platform.serving.schema import GenerationView
from stemwright_platform.time_left import duration_text

LEARNED = 0.97
"""Held-out error over the trivial guess's below which the page says that something was learned."""


def findings(plan: DemoPlan, finished: Sequence[Finished], next_steps: Sequence[tuple[str, str]]) -> Report:
    """The report of a demo whose stages are all done."""
    composed = Composed.load(plan.out)
    info = DatasetInfo.load(plan.latents)
    request = composed.rounds[-1].request
    score = _score_of_model(plan)
    served = load_checkpoint(plan.served)
    return Report(
        prompt=composed.prompt,
        tracks=composed.tracks,
        facts={
            "length": f"{composed.duration_s:g} s",
            "seed": str(plan.seed),
            "λ of the checkpoint": f"{request.guidance_scale:g}",
            "solver": f"{request.solver}, {request.steps} steps",
            "made by": "the model that ships" if plan.shipped else "the model trained here",
            "trained for": _trained_for(plan, served),
        },
        rounds=[_first_round(plan, composed, info), _second_round(plan, composed, info)],
        reference=_reference(plan, composed),
        learning=_learning(plan, info, score),
        stages=[
            StageTime(name=stage.name, did=stage.did, seconds=stage.seconds, kept=stage.kept)
            for stage in finished
        ],
        model=_model_facts(plan, served, info),
        honesty=shipped_honesty(plan) if plan.shipped else honesty(plan, score.get("ratio")),
        next_steps=next_steps,
    )


def honesty(plan: DemoPlan, ratio: float | None) -> str:
    """What to expect of a model that the demo trained, from its held-out error over the trivial guess's."""
    if ratio is None:
        learned = "Nothing was held out, so it does not show what the model has learned"
    elif ratio < LEARNED:
        learned = f"On unseen music the model's error is {ratio:.2f} of a guess that has learned nothing"
    else:
        learned = (
            f"The model has hardly learned yet: on unseen music its error is {ratio:.2f} of a blind guess"
        )
    return (
        f"{duration_text(60 * plan.minutes)} of training on {_cores()} do not make good music; what this "
        f"page shows is that every part works. {learned}. Further down are the stems of a real song of "
        "the corpus, to compare."
    )


def shipped_honesty(plan: DemoPlan) -> str:
    """Which model made what on the page."""
    return (
        "The stems on this page are made by the model that ships with Stemwright; its card, named at the "
        "end, says what it is worth. This demo's own training, "
        f"{duration_text(60 * plan.minutes)} on {_cores()}, made another one to show how a training "
        "goes: its curves are further down, and nothing here is made by it. The last stems are a real song "
        "of the corpus, to compare."
    )


def _trained_for(plan: DemoPlan, served: Checkpoint) -> str:
    facts = served.origin.facts
    if not plan.shipped:
        return f"{duration_text(60 * plan.minutes)} on {_cores()}"
    hours = f" on {facts['hours']:.1f} h of music" if "hours" in facts else ""
    return f"{facts['steps']:,} steps{hours}" if "steps" in facts else "see its card"


def _first_round(plan: DemoPlan, composed: Composed, info: DatasetInfo) -> Round:
    made = composed.rounds[0]
    kept = composed.kept
    return Round(
        heading=f"{_number(len(composed.tracks))} tracks from the prompt",
        text=(
            "Nothing is given: the model writes all tracks together. A musician would now listen and keep "
            f"what they like; the demo keeps {_listed(kept)}."
        ),
        lanes=_lanes(
            plan.out / FIRST_ROUND, composed.tracks, dict.fromkeys(composed.tracks, "generated"), kept
        ),
        facts=_round_facts(made, info),
    )


def _second_round(plan: DemoPlan, composed: Composed, info: DatasetInfo) -> Round:
    made = composed.rounds[1]
    roles: dict[str, Role] = {
        track: "given" if track in composed.kept else "generated" for track in composed.tracks
    }
    scale = f"{made.request.guidance_scale:g}"
    return Round(
        heading=f"{_listed(made.request.targets).capitalize()}, to fit the rest",
        text=(
            f"Now {_listed(composed.kept)} are given, and the model writes "
            f"{_listed(made.request.targets)} to fit them. What is given comes back untouched. "
            "This is the finished piece."
        ),
        lanes=_lanes(plan.out / STEMS, composed.tracks, roles),
        facts={**_round_facts(made, info), "λ": scale},
    )


def _reference(plan: DemoPlan, composed: Composed) -> Round:
    song = held_out_song(read_manifest(plan.corpus / "manifest.parquet"))
    described = "; its description is the prompt above" if plan.prompt is None else ""
    tracks = [track for track in composed.tracks if (plan.excerpt / f"{track}.wav").exists()]
    return Round(
        heading="A real song of the corpus",
        text=(
            f"No model was trained on this song{described}. It is here to compare: "
            "rendered from an arrangement, not generated."
        ),
        lanes=_lanes(plan.excerpt, tracks, dict.fromkeys(tracks, "rendered")),
        facts={"song": song.song_id, "genre": ", ".join(song.metadata.genres)},
    )


def _lanes(
    folder: Path, tracks: Sequence[str], roles: Mapping[str, Role], kept: Sequence[str] = ()
) -> list[Lane]:
    lanes = [
        Lane(name=track, file=folder / f"{track}.wav", role=roles[track], kept=track in kept)
        for track in tracks
    ]
    return [*lanes, Lane(name="mix", file=folder / "mix.wav", role="mix")]


def _round_facts(made: GenerationView, info: DatasetInfo) -> dict[str, str]:
    request = made.request
    task = Task(tuple(request.targets), tuple(request.given), tracks=info.tracks)
    facts = {"task": task.prefix, "mode": task.mode, "seed": str(request.seeds[0])}
    if made.started_at and made.ended_at:
        facts["took"] = duration_text(made.ended_at - made.started_at)
    return facts


def _score_of_model(plan: DemoPlan) -> dict[str, Any]:
    """The validation of the model that was trained, the best one; empty without held-out songs."""
    scores = read_log(RunFolder(plan.run).validation)
    return min(scores, key=lambda record: record["loss"]) if scores else {}


def _learning(plan: DemoPlan, info: DatasetInfo, score: Mapping[str, Any]) -> Learning:
    steps = read_log(RunFolder(plan.run).metrics)
    facts = {"corpus": _corpus(info), "steps": f"{steps[-1]['step'] if steps else 0:,}"}
    if steps:
        speeds = sorted(record["step_s"] for record in steps)
        facts["a step"] = f"{speeds[len(speeds) // 2]:.2f} s"
        facts["music heard"] = duration_text(sum(r["step_s"] * r["audio_s_per_s"] for r in steps))
    if score:
        facts["held-out error"] = f"{score['ratio']:.2f} of the trivial guess, at step {score['step']:,}"
    return Learning(
        heading="A short training" if plan.shipped else "What the model learned",
        text=_about_training(plan),
        steps=[record["step"] for record in steps],
        losses=[record["loss"] for record in steps],
        ratios=score.get("ratio_by_band", {}),
        facts=facts,
    )


def _about_training(plan: DemoPlan) -> str:
    if not plan.shipped:
        return ""
    return (
        f"{duration_text(60 * plan.minutes)} of preset {plan.preset} on this demo's corpus, to show what "
        f"every training leaves. To hear the model that came of it, in {plan.model}, run stemwright demo "
        "--own."
    )


def _model_facts(plan: DemoPlan, served: Checkpoint, info: DatasetInfo) -> dict[str, str]:
    parameters = sum(weight.numel() for weight in served.model.parameters())
    told = {"corpus": _corpus(info), "licence of the corpus": "; ".join(info.licences)}
    return {
        "preset": f"{served.preset.name}, {parameters / 1e6:.1f} million parameters",
        "codec": served.origin.codec,
        "text encoder": served.origin.text_encoder,
        **({"model card": str(plan.served / "README.md")} if plan.shipped else told),
        "folder": str(plan.served),
        "fingerprint": served.fingerprint[:16],
    }


def _corpus(info: DatasetInfo) -> str:
    splits = ", ".join(f"{count} {split}" for split, count in info.num_songs.items())
    songs = sum(info.num_songs.values())
    return f"{songs} songs ({splits}), {duration_text(3600 * info.hours)} of music"


def _cores() -> str:
    cores = num_cores()
    return "one core" if cores == 1 else f"{cores} cores"


def _number(count: int) -> str:
    names = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight")
    return names[count] if count < len(names) else str(count)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
