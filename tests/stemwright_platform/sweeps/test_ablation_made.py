import math

import pytest

from stemwright_platform.evaluation.score_row import ScoreRow
from stemwright_platform.sweeps.ablation_made import kind_of, made_scores, way_cells
from stemwright_platform.sweeps.guidance_scores import Values

CLIPS = [{"clip": f"{song}{turn}", "song": song} for song in "abc" for turn in (1, 2)]
NAMES = [clip["clip"] for clip in CLIPS]
PAIR = "bass|drums"


def values(made: dict[str, float], task: str = "joint") -> dict[tuple[str, str, str, str], dict[str, float]]:
    """Strangers at about 1, real stems at about 5, `made` as said; one target, the bass."""
    wiggle = {clip: 0.1 * number for number, clip in enumerate(NAMES)}
    return {
        ("shuffled", "joint", "onset_lock", PAIR): {clip: 1.0 + wiggle[clip] for clip in NAMES},
        ("real", "joint", "onset_lock", PAIR): {clip: 5.0 + wiggle[clip] for clip in NAMES},
        ("model", task, "onset_lock", PAIR): made,
        ("model", task, "silent_share", "bass"): dict.fromkeys(NAMES, 0.0),
    }


def by_song(found: Values, kind: str = "joint") -> dict[str, float]:
    scores = made_scores(found, [], "model", clips=CLIPS, ceiling="real")
    return dict(scores.by_song[kind, "onset_lock"])


def test_strangers_stems_are_at_0_and_real_ones_at_1() -> None:
    known = values({})
    for system, expected in (("shuffled", 0.0), ("real", 1.0)):
        shares = by_song(values(known[system, "joint", "onset_lock", PAIR]))
        assert sum(shares.values()) / 3 == pytest.approx(expected)


def test_a_take_too_silent_to_be_scored_counts_as_strangers_even_where_all_are() -> None:
    assert by_song(values({})) == {"a": 0, "b": 0, "c": 0}
    half = by_song(values({clip: 5.25 for clip in NAMES if clip.endswith("1")}))
    assert half == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.5})


def test_what_cannot_be_measured_in_the_real_song_is_left_out() -> None:
    found = values(dict.fromkeys(NAMES, 5.25))
    for clip in ("a1", "a2", "b1"):
        found["real", "joint", "onset_lock", PAIR][clip] = math.nan
    found["real", "joint", "onset_lock", PAIR]["b1"] = 5.0  # four clips tell the ends apart
    assert by_song(found).keys() == {"b", "c"}


def test_scores_that_cannot_tell_real_from_strangers_give_no_share() -> None:
    found = values(dict.fromkeys(NAMES, 3.0))
    found["real", "joint", "onset_lock", PAIR] = found["shuffled", "joint", "onset_lock", PAIR]
    assert way_cells(found, "real") == {}
    assert made_scores(found, [], "model", clips=CLIPS, ceiling="real").by_song == {}


def test_a_task_is_of_its_kind_and_pairs_without_a_target_are_nobodys() -> None:
    assert [kind_of(name) for name in ("", "joint", "bass_alone", "bass_given_drums")] == [
        "joint",
        "joint",
        "marginal",
        "conditional",
    ]
    found = values(dict.fromkeys(NAMES, 5.0), task="bass_given_drums")
    other = {
        (system, task, score, "drums|melody"): row
        for (system, task, score, part), row in found.items()
        if system != "model" and part == PAIR
    }
    alone = by_song(found, "conditional")
    assert alone == by_song(found | other, "conditional")
    assert alone["a"] > 0.9


def test_distances_are_those_of_single_tracks() -> None:
    rows = [
        ScoreRow(
            score="frechet.musicnn", system="model", task="joint", part=part, value=1, low=0, high=2, n=2
        )
        for part in ("bass", "drums", "mix")
    ]
    found = made_scores({}, rows, "model", clips=CLIPS, ceiling="real").distances()
    assert [row.part for row in found["joint", "frechet.musicnn"]] == ["bass", "drums"]
