from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.sweeps.sweep_folder import SweepFolder

FACTS = {"steps": 4, "judge": {"training": {"batch_size": 2}}}


def test_a_sweep_keeps_its_id_and_may_ask_for_more(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "sweep")
    first = folder.begin("curriculum", FACTS, {"axes": ["p1=0.2"]})
    assert folder.begin("curriculum", FACTS, {"axes": ["p1=0.2,0.5"]}) == first


@pytest.mark.parametrize(
    ("kind", "facts", "named"),
    [
        ("ablation", FACTS, "kind"),
        ("curriculum", {**FACTS, "steps": 5}, "steps (4, not 5)"),
        ("curriculum", {**FACTS, "judge": {"training": {"batch_size": 3}}}, "judge.training.batch_size"),
    ],
)
def test_trials_that_would_not_compare_are_kept_apart(
    tmp_path: Path, kind: str, facts: dict[str, object], named: str
) -> None:
    SweepFolder(tmp_path / "sweep").begin("curriculum", FACTS, {})
    with pytest.raises(InputError) as raised:
        SweepFolder(tmp_path / "sweep").begin(kind, facts, {})
    assert named in str(raised.value)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="is no sweep"):
        SweepFolder(tmp_path).begin("curriculum", FACTS, {})
    with pytest.raises(InputError, match="is no sweep"):
        SweepFolder(tmp_path / "mine.txt").begin("curriculum", FACTS, {})


def test_two_processes_cannot_run_one_sweep(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "sweep")
    folder.begin("curriculum", FACTS, {})
    with folder.holding(), pytest.raises(InputError, match="another process"), folder.holding():
        pass
