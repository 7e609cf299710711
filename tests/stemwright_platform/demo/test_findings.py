from pathlib import Path

import pytest

from stemwright_platform.demo.findings import LEARNED, honesty, shipped_honesty
from stemwright_platform.demo.plan import DemoPlan

PLAN = DemoPlan(out=Path("demo"))


@pytest.mark.parametrize("ratio", [LEARNED, 1.0, 1.3])
def test_a_model_that_is_no_better_than_the_guess_is_called_so(ratio):
    assert "hardly learned" in honesty(PLAN, ratio)
    assert f"{ratio:.2f}" in honesty(PLAN, ratio)


def test_a_model_that_has_learned_is_told_with_its_figure():
    assert "0.72" in honesty(PLAN, 0.72)
    assert "hardly" not in honesty(PLAN, 0.72)


def test_without_held_out_music_nothing_is_claimed():
    assert "does not show what the model has learned" in honesty(PLAN, None)


def test_a_page_of_the_shipped_model_says_what_the_short_training_is_for():
    told = shipped_honesty(PLAN)
    assert "made by the model that ships" in told
    assert "nothing here is made by it" in told
