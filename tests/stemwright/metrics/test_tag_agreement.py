import numpy as np
import pytest
from numpy.typing import NDArray

from stemwright.metrics.tag_agreement import TagScale, clip_log_odds, tag_agreement

VOCABULARY = ("guitar", "piano", "rock", "slow", "choir")
CLIPS = 200


def corpus(seed: int = 0) -> tuple[NDArray[np.float64], list[frozenset[str]]]:
    """Log-odds of clips, raised by a deviation where a tag is true; "guitar" is probable everywhere."""
    rng = np.random.default_rng(seed)
    true = rng.random((CLIPS, len(VOCABULARY))) < 0.3
    loudness = rng.normal(size=(CLIPS, 1))  # raises all tags of a clip
    spread = np.array([0.5, 1.0, 2.0, 1.0, 0.2])
    usual = np.array([3.0, -2.0, -4.0, 0.0, -6.0])
    log_odds = usual + spread * (rng.normal(size=true.shape) + 1.5 * true + loudness)
    return log_odds, [frozenset(np.array(VOCABULARY)[row].tolist()) for row in true]


LOG_ODDS, ASKED = corpus()
SCALE = TagScale.of(LOG_ODDS)


def score(asked: list[frozenset[str]]) -> NDArray[np.float64]:
    return tag_agreement(LOG_ODDS, asked, VOCABULARY, SCALE)


def test_true_prompts_agree_better_than_shuffled_ones() -> None:
    true, other = score(ASKED), score(ASKED[7:] + ASKED[:7])
    better = (true[:, None] > other[None]).mean(where=~np.isnan(true[:, None] + other[None]))
    assert better > 0.75


def test_a_tag_that_everything_has_wins_nothing() -> None:
    everywhere = score([frozenset({"guitar"})] * CLIPS)
    assert np.mean(everywhere) == pytest.approx(0, abs=1e-9)


def test_what_raises_all_tags_of_a_clip_raises_no_agreement() -> None:
    louder = LOG_ODDS.copy()
    louder[0] += 2 * SCALE.deviation
    asked = [frozenset({"piano"}), *ASKED[1:]]
    np.testing.assert_allclose(tag_agreement(louder, asked, VOCABULARY, SCALE)[0], score(asked)[0])


def test_an_asked_tag_that_is_heard_more_raises_the_agreement() -> None:
    asked = [frozenset({"piano", "slow"})] * CLIPS
    asked[1] = frozenset({"choir"})
    more = LOG_ODDS.copy()
    more[0, 1] += 1
    before, after = score(asked), tag_agreement(more, asked, VOCABULARY, SCALE)
    assert after[0] > before[0]
    np.testing.assert_array_equal(after[1:], before[1:])


def test_a_prompt_that_asks_for_nothing_has_no_score() -> None:
    found = score([frozenset(), *ASKED[1:]])
    assert np.isnan(found[0])
    np.testing.assert_array_equal(np.isnan(found), [not tags for tags in [frozenset(), *ASKED[1:]]])
    assert np.isnan(score([frozenset()] * CLIPS)).all()


def test_the_log_odds_of_a_clip_are_the_mean_over_its_patches_and_finite() -> None:
    odds = np.array([[0.5, 0.0], [0.731058578630005, 1.0]], np.float32)
    found = clip_log_odds(odds)
    assert found[0] == pytest.approx(0.5, abs=1e-6)
    assert np.isfinite(found).all()
    with pytest.raises(ValueError, match="P > 0"):
        clip_log_odds(odds[:0])


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="prompts"):
        tag_agreement(LOG_ODDS, ASKED[1:], VOCABULARY, SCALE)
    with pytest.raises(ValueError, match="tags"):
        tag_agreement(LOG_ODDS, ASKED, VOCABULARY[1:], SCALE)
    with pytest.raises(ValueError, match="at least 2 clips"):
        TagScale.of(LOG_ODDS[:1])
