"""What a single clip scored, beside the real song."""

from collections.abc import Mapping

from stemwright_platform.evaluation.clip_score_table import read_clip_scores
from stemwright_platform.evaluation.report.evaluation_folder import CLIP_SCORES, EvaluationReport
from stemwright_platform.evaluation.report.examples import values_by_clip
from stemwright_platform.evaluation.report.wording import JOINT, number_text

ClipMeans = Mapping[tuple[str, str], Mapping[str, Mapping[str, float]]]
"""System, task → score → clip → value, of the mix or the mean over parts."""


def clip_values(evaluation: EvaluationReport) -> ClipMeans:
    """Of all systems and tasks that examples are of, and of real songs; empty without clip scores."""
    if not (evaluation.folder / CLIP_SCORES).is_file():
        return {}
    table = read_clip_scores(evaluation.folder)
    wanted = {(example.system, example.task) for example in evaluation.examples} | {("real", JOINT)}
    return {
        place: {score: means for score, (_, means) in values_by_clip(table, *place).items()}
        for place in sorted(wanted)
    }


def told_values(
    evaluation: EvaluationReport, values: ClipMeans, clip: str, system: str, task: str
) -> list[str]:
    """As "Onset lock 0.45 (real 0.71)", a score each."""
    mine, real = values.get((system, task), {}), values.get(("real", JOINT), {})
    told = []
    for score, info in evaluation.infos.items():
        if (value := mine.get(score, {}).get(clip)) is not None:
            other = real.get(score, {}).get(clip)
            beside = f" (real {number_text(other, info.decimals)})" if other is not None else ""
            told.append(f"{info.label} {number_text(value, info.decimals)}{beside}")
    return told
