import resource
from pathlib import Path

import pytest

from stemwright.training_log import LogReader, TrainingLog, read_log


def write(path: Path, *records: dict[str, float]) -> None:
    log = TrainingLog(path)
    for record in records:
        log.append(record)
    log.close()


def test_a_reader_sees_each_record_once_as_it_is_written(tmp_path: Path) -> None:
    reader = LogReader(tmp_path / "log")
    assert list(reader.new_records()) == []
    write(tmp_path / "log", {"step": 1, "loss": 0.5})
    assert list(reader.new_records()) == [{"step": 1, "loss": 0.5}]
    write(tmp_path / "log", {"step": 2, "loss": 0.25})
    assert list(reader.new_records()) == [{"step": 2, "loss": 0.25}]
    assert list(reader.new_records()) == []


def test_half_a_line_of_a_killed_process_spoils_nothing(tmp_path: Path) -> None:
    write(tmp_path / "log", {"step": 1})
    with (tmp_path / "log").open("a") as file:
        file.write('{"step": 2, "lo')
    assert [record["step"] for record in read_log(tmp_path / "log")] == [1]
    write(tmp_path / "log", {"step": 2})
    assert [record["step"] for record in read_log(tmp_path / "log")] == [1, 2]


def test_the_last_record_of_a_repeated_step_counts(tmp_path: Path) -> None:
    write(
        tmp_path / "log", {"step": 1, "a": 1}, {"step": 2, "a": 1}, {"step": 2, "a": 2}, {"step": 3, "a": 2}
    )
    assert [(record["step"], record["a"]) for record in read_log(tmp_path / "log")] == [
        (1, 1),
        (2, 2),
        (3, 2),
    ]


def test_a_record_that_finds_no_room_waits_and_is_written_in_its_place(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "log")
    log.append({"step": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "log").stat().st_size + 5, hard))
    try:
        log.append({"step": 2})
        log.append({"step": 3})
        with pytest.raises(OSError, match="log"):
            log.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [record["step"] for record in read_log(tmp_path / "log")] == [1]
    log.append({"step": 4})
    log.close()
    assert [record["step"] for record in read_log(tmp_path / "log")] == [1, 2, 3, 4]
