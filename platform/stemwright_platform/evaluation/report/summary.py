"""An evaluation in a few plain sentences: what its figures say, and what they do not."""

import math
from collections.abc import Iterable

from stemwright_platform.evaluation.report.comparison import wins
from stemwright_platform.evaluation.report.evaluation_folder import ComparedScore, EvaluationReport
from stemwright_platform.evaluation.report.frechet_table import is_limit
from stemwright_platform.evaluation.report.score_bounds import bounds_of
from stemwright_platform.evaluation.report.score_group import group_of
from stemwright_platform.evaluation.report.ways import ways
from stemwright_platform.evaluation.report.wording import (
    JOINT,
    MIX,
    MODEL,
    number_text,
    percent_text,
    system_label,
)
from stemwright_platform.evaluation.score_row import ScoreRow

FEW_CLIPS = 50
LIMITS = (
    "The figures compare systems on these clips with these reference sets. They do not say how much anybody "
    "likes the music, which only a listening test tells, and figures published on other data do not compare."
)


def summary(evaluation: EvaluationReport) -> list[str]:
    """Sentences: clips, distance, prompt, stems, baselines, and what not to read into them."""
    if not any(row.system == MODEL and math.isfinite(row.value) for row in evaluation.rows):
        return ["No figure of a model is in this report.", LIMITS]
    told = [_clips(evaluation), _distance(evaluation), *_shares(evaluation), *_baselines(evaluation)]
    told.append(LIMITS)
    if len(evaluation.clips) < FEW_CLIPS:
        told.append(f"{len(evaluation.clips)} clips are few: mind the intervals.")
    return [sentence for sentence in told if sentence]


def _clips(evaluation: EvaluationReport) -> str:
    clips = evaluation.clips.values()
    if not clips:
        return ""
    songs = len({clip.song for clip in clips})
    durations = {round(clip.duration_s, 1) for clip in clips if math.isfinite(clip.duration_s)}
    length = f" of {min(durations):g} s" if len(durations) == 1 else ""
    return f"Measured on {_counted(len(clips), 'clip')}{length} of {_counted(songs, 'song')}."


def _distance(evaluation: EvaluationReport) -> str:
    """The first Fréchet distance of the model's mixes, beside its bounds."""
    row = next((row for row in evaluation.rows if _is_headline(row)), None)
    if row is None or (info := evaluation.infos.get(row.score)) is None:
        return ""
    bounds = bounds_of(evaluation, row.score, row.task, row.part)
    places = [
        f"{number_text(bound.value, info.decimals)} for {_these(bound.system)}"
        for bound in (bounds.ceiling, bounds.floor)
        if bound is not None
    ]
    beside = f" ({', '.join(places)})" if places else ""
    return f"The model's mixes have {info.label} {number_text(row.value, info.decimals)}{beside}."


def _these(system: str) -> str:
    """As "the untrained model"."""
    label = system_label(system)
    return label if label.endswith("s") else f"the {label}"


def _is_headline(row: ScoreRow) -> bool:
    quality = group_of(row.score).name == "quality" and not is_limit(row.score)
    return quality and (row.system, row.task, row.part) == (MODEL, JOINT, MIX) and math.isfinite(row.value)


def _shares(evaluation: EvaluationReport) -> Iterable[str]:
    """Prompt and stems, score by score: a mean over scores would hide what has not been learned at all."""
    told = {
        "text": "From floor to ceiling in agreement with the prompt",
        "coherence": "From strangers' stems (0 %) to real ones (100 %)",
    }
    found = ways(evaluation)
    for name, words in told.items():
        of_group = [way for way in found if group_of(way.info.score).name == name]
        for mode in list(dict.fromkeys(way.mode for way in of_group))[:1]:
            parts = [f"{way.info.label} {percent_text(way.mean)}" for way in of_group if way.mode == mode]
            task = "making all tracks together" if mode == JOINT else f"in {mode} tasks"
            yield f"{words}, {task}: {', '.join(parts)}."


def _baselines(evaluation: EvaluationReport) -> Iterable[str]:
    rows: dict[str, list[ComparedScore]] = {}
    for row in evaluation.comparisons:
        if row.a == MODEL and row.score in evaluation.infos:
            rows.setdefault(row.b, []).append(row)
    for baseline, compared in rows.items():
        better, worse, open_ = wins(compared, evaluation.infos)
        yield (
            f"Against {system_label(baseline)} it is better in {better}, worse in {worse} of "
            f"{_counted(len(compared), 'figure')}; {open_} cannot be told apart (p < 0.05 after Holm)."
        )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
