import math

from report_folder import clip_table

from stemwright_platform.evaluation.report.examples import pick_examples
from stemwright_platform.evaluation.score_row import ScoreInfo

LOCK = ScoreInfo(score="lock", label="Lock", about="", better="higher")
LEAK = ScoreInfo(score="leak", label="Leak", about="", better="lower")
LEVEL = ScoreInfo(score="level", label="Level", about="", better="neither")


def table(score: str, values: dict[str, float], part: str = "mix", system: str = "model"):
    return clip_table([(system, "joint", clip, score, part, value) for clip, value in values.items()])


def ranks(rows) -> dict[str, str]:
    return {row["rank"]: row["clip"] for row in rows}


def test_best_is_high_where_high_is_good_and_low_where_low_is():
    values = {"a": 0.1, "b": 0.9, "c": 0.5}
    assert ranks(pick_examples(table("lock", values), [LOCK])) == {"best": "b", "median": "c", "worst": "a"}
    assert ranks(pick_examples(table("leak", values), [LEAK])) == {"best": "a", "median": "c", "worst": "b"}


def test_a_score_without_an_opinion_picks_nothing():
    assert pick_examples(table("level", {"a": 1.0, "b": 2.0}), [LEVEL]) == []


def test_clips_that_could_not_be_measured_are_never_the_worst():
    rows = pick_examples(table("lock", {"a": 0.1, "b": math.nan, "c": 0.5}), [LOCK])
    assert ranks(rows) == {"best": "c", "worst": "a"}


def test_one_clip_is_the_best_and_none_is_nothing():
    assert ranks(pick_examples(table("lock", {"a": 0.1}), [LOCK])) == {"best": "a"}
    assert pick_examples(table("lock", {"a": math.nan}), [LOCK]) == []


def test_pairs_rank_by_the_mean_over_parts():
    rows = [
        ("model", "joint", clip, "lock", part, value)
        for part, values in {"bass|drums": (0.0, 0.9, 0.2), "bass|melody": (1.0, 0.3, 0.2)}.items()
        for clip, value in zip("abc", values, strict=True)
    ]
    picked = pick_examples(clip_table(rows), [LOCK])
    assert ranks(picked) == {"best": "b", "median": "a", "worst": "c"}
    assert {row["part"] for row in picked} == {""}


def test_only_the_asked_system_task_and_scores_are_picked_from():
    values = clip_table(
        [
            (system, task, clip, score, "mix", value)
            for system in ("model", "real")
            for task in ("joint", "bass_alone")
            for score in ("lock", "leak")
            for clip, value in {"a": 0.1, "b": 0.2, "c": 0.3}.items()
        ]
    )
    rows = pick_examples(values, [LOCK, LEAK], scores=["leak"], system="real", task="bass_alone")
    assert {(row["score"], row["system"], row["task"]) for row in rows} == {("leak", "real", "bass_alone")}
    assert len(pick_examples(values, [LOCK, LEAK], limit=1)) == 3
