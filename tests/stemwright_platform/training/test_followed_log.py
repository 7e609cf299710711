from pathlib import Path

from stemwright.training_log import TrainingLog
from stemwright_platform.training.followed_log import FollowedLog


def write(path: Path, *steps: int, figures: int = 3) -> None:
    log = TrainingLog(path)
    for step in steps:
        log.append({"step": step, **{f"figure_{i}": i for i in range(figures)}})
    log.close()


def test_every_record_comes_once_whole_and_in_calls_that_are_small_enough(tmp_path: Path) -> None:
    log = FollowedLog(tmp_path / "log")
    assert log.next_metrics(10) == []
    write(tmp_path / "log", *range(1, 30), 28, 29, 30)
    seen = []
    while metrics := log.next_metrics(10):
        assert len(metrics) <= 10
        assert len(metrics) % 3 == 0
        seen += [(metric.step, metric.key) for metric in metrics]
    assert seen == [(step, f"figure_{i}") for step in range(1, 31) for i in range(3)]
    write(tmp_path / "log", 31)
    assert {metric.step for metric in log.next_metrics(10)} == {31}


def test_a_record_of_more_than_a_call_takes_is_sent_in_parts(tmp_path: Path) -> None:
    log = FollowedLog(tmp_path / "log", "validation.")
    write(tmp_path / "log", 1, figures=25)
    parts = []
    while metrics := log.next_metrics(10):
        parts.append([metric.key for metric in metrics])
    assert [len(part) for part in parts] == [10, 10, 5]
    assert [name for part in parts for name in part] == [f"validation.figure_{i}" for i in range(25)]


def test_what_was_sent_before_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "log", 1, 2, 3)
    log = FollowedLog(tmp_path / "log")
    log.sent = 2
    assert {metric.step for metric in log.next_metrics(100)} == {3}
