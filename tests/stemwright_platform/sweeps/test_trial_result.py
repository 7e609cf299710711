from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.sweeps.trial_result import SCORES, TrialResult, ended, read_result, scores_of


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    result = TrialResult(
        setting={"training.windows_s": (1.0, 2.0), "training.p1": 0.5},
        seed=3,
        state="finished",
        steps=7,
        scores={"ratio": 0.123456789},
        curve=[{"progress": 50.0, "ratio": 0.5}],
    )
    result.save(tmp_path / "trial")
    assert read_result(tmp_path / "trial") == result
    assert [path.name for path in (tmp_path / "trial").iterdir()] == ["trial.json"]


def test_a_trial_that_has_not_ended_has_no_result(tmp_path: Path) -> None:
    assert read_result(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seed": 1}', '{"setting": {}, "nonsense": 1}'])
def test_a_broken_result_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "trial.json").write_text(text)
    with pytest.raises(InputError, match="remove the file"):
        read_result(tmp_path)


def test_scores_are_named_by_kind_of_task() -> None:
    figures = {"ratio": 0.5, "loss": 1.0, "ratio_by_mode": {"joint": 0.6}, "loss_by_mode": {"mixed": 2.0}}
    found = scores_of(figures)
    assert found == {"ratio": 0.5, "loss": 1.0, "ratio.joint": 0.6, "loss.mixed": 2.0}
    assert set(found) <= set(SCORES)


def test_a_stopped_trial_has_the_scores_of_its_last_validation() -> None:
    rows = [{"progress": 10.0, "step": 1.0, "ratio": 0.9}, {"progress": 20.0, "step": 2.0, "ratio": 0.8}]
    assert ended({}, 1, "stopped", rows).scores == {"ratio": 0.8}
    assert ended({}, 1, "stopped", []).scores == {}
