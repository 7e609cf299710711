import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from stemwright.metrics.preference import (
    Vote,
    agreement,
    bradley_terry,
    krippendorff_alpha,
    linked_systems,
    percent_agreement,
    preference,
    sign_test,
    wilson_interval,
)


def simulated(strengths: dict[str, float], raters: int, items: int, seed: int = 0) -> list[Vote]:
    """Votes of raters who follow the model of Bradley and Terry."""
    generator = np.random.default_rng(seed)
    votes = []
    for first, second in combinations(strengths, 2):
        chance = 1 / (1 + math.exp(strengths[second] - strengths[first]))
        for item in range(items):
            for rater in range(raters):
                won = float(generator.random() < chance)
                votes.append(
                    Vote(
                        rater=f"r{rater}", item=f"{first}{second}{item}", first=first, second=second, won=won
                    )
                )
    return votes


def vote(won: float, rater: str = "r", item: str = "i", first: str = "a", second: str = "b") -> Vote:
    return Vote(rater=rater, item=item, first=first, second=second, won=won)


@pytest.mark.parametrize(("wins", "n"), [(0, 10), (3, 10), (10, 10), (45, 60)])
def test_wilsons_interval_is_scipys(wins: int, n: int) -> None:
    reference = stats.binomtest(wins, n).proportion_ci(0.95, "wilson")
    found = wilson_interval(wins, n)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_of_no_votes_nothing_is_known_and_more_wins_than_votes_are_refused() -> None:
    assert math.isnan(wilson_interval(0, 0).value)
    with pytest.raises(ValueError, match="votes"):
        wilson_interval(3, 2)


def test_the_sign_test_is_the_binomial_one() -> None:
    assert sign_test(9, 1) == pytest.approx(2 * 11 / 2**10)
    assert sign_test(5, 5) == 1
    assert sign_test(0, 0) == 1


def test_the_share_counts_ties_half_whatever_side_a_system_was_named_on() -> None:
    votes = [vote(1), vote(1), vote(0.5), vote(1, first="b", second="a"), vote(0, first="c", second="a")]
    found = preference(votes, "a", "b")
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    assert found.share.value == pytest.approx(2.5 / 4)
    assert found.share.n == 4
    assert preference(votes, "b", "a").share.value == pytest.approx(1 - 2.5 / 4)


def test_raters_who_differ_make_the_interval_over_raters_wider_than_wilsons() -> None:
    votes = [
        vote(float(rater < 6), rater=str(rater), item=str(item)) for rater in range(10) for item in range(30)
    ]
    found = preference(votes, "a", "b")
    assert found.share_by_rater.n == 10
    assert found.share.low > 0.5 > found.share_by_rater.low
    assert found.p_value < 0.001 < 0.5 < found.p_value_by_rater
    assert found.share_by_rater.value == found.share.value == 0.6


def test_raters_who_agree_are_evidence_as_wholes_too() -> None:
    votes = [
        vote(float(item > 0), rater=str(rater), item=str(item)) for rater in range(8) for item in range(6)
    ]
    assert preference(votes, "a", "b").p_value_by_rater == pytest.approx(2 / 2**8)


def test_one_rater_gives_no_interval_over_raters() -> None:
    assert math.isnan(preference([vote(1), vote(0)], "a", "b").share_by_rater.low)
    nothing = preference([], "a", "b")
    assert math.isnan(nothing.share_by_rater.value)
    assert math.isnan(nothing.p_value_by_rater)


def test_of_two_systems_the_strengths_are_the_log_odds() -> None:
    votes = [vote(1, rater=str(number)) for number in range(3000)]
    votes += [vote(0, rater=str(number)) for number in range(1000)]
    best, worst = bradley_terry(votes, draws=50)
    assert best.system == "a"
    assert best.log_strength.value - worst.log_strength.value == pytest.approx(math.log(3), abs=1e-3)
    assert best.log_strength.value == pytest.approx(-worst.log_strength.value)


def test_planted_strengths_are_recovered() -> None:
    planted = {"a": 0.9, "b": 0.3, "c": -0.2, "d": -1.0}
    found = bradley_terry(simulated(planted, raters=20, items=25), draws=300)
    assert [strength.system for strength in found] == list(planted)
    for strength in found:
        assert strength.log_strength.value == pytest.approx(planted[strength.system], abs=0.15)
        assert strength.share == pytest.approx(1 / (1 + math.exp(-planted[strength.system])), abs=0.04)


def test_strengths_cover_the_planted_ones_as_often_as_the_level_says() -> None:
    planted = {"a": 0.5, "b": 0.0, "c": -0.5}
    inside = [
        strength.log_strength.low <= planted[strength.system] <= strength.log_strength.high
        for seed in range(60)
        for strength in bradley_terry(simulated(planted, raters=12, items=5, seed=seed), draws=200)
    ]
    assert 0.88 <= np.mean(inside) <= 1.0


def test_systems_that_never_met_are_ranked_through_the_ones_between() -> None:
    votes = [vote(won, rater=str(number)) for number in range(30) for won in (1, 1, 0)]
    votes += [
        vote(won, rater=str(number), first="b", second="c") for number in range(30) for won in (1, 1, 0)
    ]
    a, b, c = bradley_terry(votes, draws=20)
    assert (a.system, b.system, c.system) == ("a", "b", "c")
    gap = a.log_strength.value - c.log_strength.value
    assert gap == pytest.approx(2 * math.log(2), abs=0.02)


def test_a_system_that_always_wins_is_finite_and_first() -> None:
    votes = [vote(1, rater=str(number)) for number in range(10)]
    best = bradley_terry(votes, draws=20)[0]
    assert best.system == "a"
    assert 1 < best.log_strength.value < 10
    assert bradley_terry([]) == []


def test_one_winner_over_thousands_of_votes_has_an_answer_too() -> None:
    strengths = bradley_terry([vote(1, rater=str(number % 50)) for number in range(20_000)], draws=20)
    assert 5 < strengths[0].log_strength.value < 20


def test_clusters_may_be_items() -> None:
    votes = simulated({"a": 1.0, "b": 0.0}, raters=3, items=40)
    assert bradley_terry(votes, by="rater", draws=50)[0].log_strength.n == 3
    assert bradley_terry(votes, by="item", draws=50)[0].log_strength.n == 40


def test_systems_without_a_common_opponent_are_in_groups_of_their_own() -> None:
    votes = [vote(1), vote(1, first="c", second="d"), vote(1, first="e", second="d")]
    assert sorted(map(sorted, linked_systems(votes))) == [["a", "b"], ["c", "d", "e"]]
    assert len(linked_systems([*votes, vote(0, first="a", second="e")])) == 1


def test_alpha_is_that_of_krippendorffs_example() -> None:
    # Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", C: four observers, α = 0.743
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    units = [[value for value in unit if value is not None] for unit in zip(*observers, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.0005)


def test_agreement_is_whole_none_and_by_chance_where_it_should_be() -> None:
    generator = np.random.default_rng(0)
    chance = generator.integers(2, size=(2000, 3)).tolist()
    assert krippendorff_alpha([[1, 1], [2, 2]]) == 1
    assert krippendorff_alpha([[1, 1], [1, 1]]) == 1
    assert krippendorff_alpha([[1, 2], [2, 1]]) < 0
    assert krippendorff_alpha(chance) == pytest.approx(0, abs=0.05)
    assert percent_agreement(chance) == pytest.approx(0.5, abs=0.03)
    assert percent_agreement([[1, 1, 2]]) == pytest.approx(1 / 3)
    assert math.isnan(krippendorff_alpha([[1]]))


def test_agreement_of_votes_does_not_hang_on_the_order_in_which_systems_are_named() -> None:
    votes = [vote(1, rater="r"), vote(0, rater="s", first="b", second="a"), vote(1, item="alone")]
    found = agreement(votes)
    assert (found.percent, found.items, found.raters) == (1, 1, 2)
    apart = agreement([vote(1, rater="r"), vote(0.5, rater="s")])
    assert apart.percent == 0


def test_a_vote_is_for_one_of_two_systems_or_neither() -> None:
    with pytest.raises(ValueError, match="no vote"):
        vote(0.7)
    with pytest.raises(ValueError, match="no vote"):
        vote(1, second="a")
