import numpy as np
import pytest

from stemwright_platform.corpus.demo.form import ENERGY, ORDERS, SECTION_S, plan_form, section_bars

PHRASES = {"verse": 4, "chorus": 4, "bridge": 2}


@pytest.mark.parametrize("form", ORDERS)
def test_the_sections_of_a_form_fill_its_bars(form: str) -> None:
    for bars in (*range(1, 140), 700, 2500):
        spans = plan_form(form, bars, PHRASES, 2.0, np.random.default_rng(bars))
        assert sum(span.bars for span in spans) == bars
        assert all(span.bars > 0 and span.kind in ENERGY for span in spans)


@pytest.mark.parametrize("form", ORDERS)
def test_a_long_song_has_a_form_and_a_short_one_none(form: str) -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        kinds = [span.kind for span in plan_form(form, 60, PHRASES, 2.0, rng)]
        assert len(kinds) >= 6
        assert len(set(kinds)) >= 3
        assert kinds.count("outro") == 1
        assert max(span.bars for span in plan_form(form, 60, PHRASES, 2.0, rng)) <= 20
        assert {span.kind for span in plan_form(form, 10, PHRASES, 2.0, rng)} <= {"verse", "chorus"}


def test_songs_of_one_length_have_many_forms() -> None:
    forms = {
        tuple(span.kind for span in plan_form("song", 60, PHRASES, 2.0, np.random.default_rng(seed)))
        for seed in range(60)
    }
    assert len(forms) > 20


def test_sections_hold_whole_progressions_and_last_a_sensible_time() -> None:
    for phrase in (1, 2, 4, 8, 12):
        for bar_s in np.linspace(1.3, 4.0, 20):
            bars = section_bars(phrase, bar_s)
            assert bars % phrase == 0
            assert bars * bar_s < 2 * SECTION_S[1]
            assert bars * bar_s > SECTION_S[0] - 1


@pytest.mark.parametrize("form", ["song", "club"])
def test_songs_with_room_for_it_have_a_chorus(form: str) -> None:
    for bars in range(28, 100):
        rng = np.random.default_rng(bars)
        assert "chorus" in {span.kind for span in plan_form(form, bars, PHRASES, 2.0, rng)}
