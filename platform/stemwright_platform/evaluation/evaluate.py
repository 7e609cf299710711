"""`stemwright evaluate` from a plan to a report, a page and an MLflow run."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from stemwright.checkpoint import Checkpoint, load_checkpoint
from stemwright.data_mix import DataMix
from stemwright.data_source import DataSource
from stemwright.latent_dataset import LatentDataset
from stemwright.metrics.interval import bootstrap_interval
from stemwright.training_run import check_origin
from stemwright_platform.evaluation.baselines.baseline_items import baseline_items
from stemwright_platform.evaluation.clip_score_table import read_clip_scores
from stemwright_platform.evaluation.evaluation import Evaluation
from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
from stemwright_platform.evaluation.frechet_scoring import FrechetScoring
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.report.comparison import as_json, compare_systems
from stemwright_platform.evaluation.report.evaluation_folder import ComparedScore
from stemwright_platform.evaluation.report.examples import pick_examples
from stemwright_platform.evaluation.report.report_file import write_report
from stemwright_platform.evaluation.report.report_page import write_report_page
from stemwright_platform.evaluation.score_infos import infos_of
from stemwright_platform.evaluation.score_row import ScoreInfo, ScoreRow
from stemwright_platform.evaluation.sound_group import sound_groups
from stemwright_platform.evaluation.systems import MODEL
from stemwright_platform.serving.checkpoint_folder import checkpoint_folder
from stemwright_platform.training.tracking import checked_uri


def evaluate_model(
    plan: EvaluationPlan,
    out: Path,
    *,
    baselines: Mapping[str, Path] | None = None,
    demucs_weights: str | None = None,
    features: Path | None = None,
    jobs: int | None = 1,
    listening: Path | None = None,
    tracking_uri: str | None = None,
) -> Path:
    """Make, hear and score everything of a plan; returns the report's page. What is done is not done again.

    `baselines`: name → folder of another system's outputs. `features`: where features are kept. `jobs`: Ray
    actors, 1 for this process alone, None for as many as fit. `listening`: what `stemwright listen report`
    wrote. `tracking_uri`: MLflow; None tracks nothing.
    Raises InputError for what a user can mend.
    """
    if tracking_uri:
        checked_uri(tracking_uri)
    folder = checkpoint_folder(plan.source.model, tracking_uri)
    checkpoint = load_checkpoint(folder)
    plan = replace(plan, source=replace(plan.source, model=str(folder)))
    check_origin(asdict(checkpoint.origin), DataMix.open([DataSource.of(plan.source.data)]), folder)
    out = out.resolve()
    evaluation = Evaluation(plan, out, checkpoint.tracks, features=features, jobs=jobs)
    hearing = Hearing(plan.features.embedders(plan.source.device), evaluation.store)
    if cocola := plan.features.pair_scorer():
        cocola.answers()
    plan.begin(out, checkpoint.fingerprint)
    clips = evaluation.clips.clips
    others = baseline_items(
        baselines or {}, clips, checkpoint.tracks, out, demucs_weights=demucs_weights, jobs=jobs
    )
    evaluation.make()
    items = [*evaluation.items(), *others]
    reference = evaluation.reference()
    evaluation.score(items, hearing, reference)
    groups = sound_groups(items)
    songs = {item.clip.clip: item.clip.song for item in items}
    table = read_clip_scores(out)
    rows = [
        *clip_rows(table, songs),
        *FrechetScoring(hearing, reference, plan.seed).rows(groups),
    ]
    if novelty := evaluation.novelty(hearing):
        rows += [*novelty.spread(evaluation.takes()), *novelty.copies(groups, evaluation.heard)]
    infos = infos_of({row.score for row in rows})
    compared = [
        row for name in baselines or {} for row in compare_systems(table, MODEL, name, infos, songs=songs)
    ]
    _write(evaluation, checkpoint, rows, infos, pick_examples(table, infos), compared)
    page = write_report_page(out, listening=listening)
    if tracking_uri:
        from stemwright_platform.evaluation.evaluation_tracking import track_evaluation

        tags = {"stemwright.model": checkpoint.fingerprint, "stemwright.comparable": plan.key}
        track_evaluation(out, rows, plan.settings, tags, tracking_uri)
    return page


def clip_rows(table: pa.Table, songs: Mapping[str, str] | None = None) -> list[ScoreRow]:
    """Means over clips, with their intervals, of columns system, task, clip, score, part, value.

    `songs`: clip → song; intervals are over songs, since clips of one song are alike.
    """
    values: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    owners: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    known = songs or {}
    names = ("score", "system", "task", "part", "clip", "value")
    columns = [table.column(name).to_pylist() for name in names]
    for *key, clip, value in zip(*columns, strict=True):
        values[tuple(key)].append(value)
        owners[tuple(key)].append(known.get(str(clip), str(clip)))
    found = []
    for (score, system, task, part), of_clips in values.items():
        interval = bootstrap_interval(of_clips, clusters=owners[score, system, task, part])
        where = {"score": score, "system": system, "task": task, "part": part, "n": interval.n}
        found.append(ScoreRow(value=interval.value, low=interval.low, high=interval.high, **where))
    return found


def _write(
    evaluation: Evaluation,
    checkpoint: Checkpoint,
    rows: Sequence[ScoreRow],
    infos: Sequence[ScoreInfo],
    examples: Sequence[Mapping[str, Any]],
    compared: Sequence[ComparedScore],
) -> None:
    """report.json and scores.parquet."""
    plan = evaluation.plan
    write_report(
        evaluation.out,
        title=f"{checkpoint.preset.name}, {evaluation.plan.split} split",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=_model_facts(checkpoint),
        data=_data_facts(evaluation),
        settings={**plan.settings, "tracks": checkpoint.tracks.names, "comparable": plan.key},
        infos=infos,
        rows=rows,
        clips=[clip.as_dict() for clip in evaluation.clips.clips],
        examples=examples,
        comparisons=[as_json(row) for row in compared],
    )


def _model_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    facts = checkpoint.origin.facts
    return {
        "preset": checkpoint.preset.name,
        "parameters": sum(weight.numel() for weight in checkpoint.model.parameters()),
        "steps": facts.get("steps"),
        "codec": checkpoint.origin.codec,
        "text_encoder": checkpoint.origin.text_encoder,
        "fingerprint": checkpoint.fingerprint[:16],
    }


def _data_facts(evaluation: Evaluation) -> dict[str, Any]:
    dataset = LatentDataset(evaluation.plan.source.data)
    info, choice = dataset.info, evaluation.clips
    return {
        "name": ", ".join(sorted({song.source for song in dataset.songs(evaluation.plan.split)})),
        "songs": info.num_songs,
        "hours": round(info.hours, 2),
        "licences": info.licences,
        "clips": len(choice.clips),
        "songs_of_clips": len({clip.song for clip in choice.clips}),
        "reference_clips": len(choice.reference),
        "reference_songs": len({clip.song for clip in choice.reference}),
        "recordings": evaluation.plan.source.manifest is not None,
    }
