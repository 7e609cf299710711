import threading

import pytest

from stemwright.errors import InputError
from stemwright_platform.corpus.importers.intake import read_each

SOURCES = [(f"song {number}", number) for number in range(20)]


def test_results_come_in_the_order_of_the_corpus_whoever_is_first() -> None:
    first_may_go = threading.Event()

    def read(number: int) -> int:
        if number == 0:
            assert first_may_go.wait(5)
        if number == 3:
            first_may_go.set()
        return number * 10

    results, rejected = read_each(SOURCES, read, threads=8)
    assert results == [number * 10 for number in range(20)]
    assert rejected == []


def test_bad_input_and_disk_faults_reject_their_song_alone() -> None:
    def read(number: int) -> int:
        if number == 2:
            raise InputError("bass.wav is missing")
        if number == 5:
            raise PermissionError(13, "Permission denied", "drums.wav")
        return number

    results, rejected = read_each(SOURCES, read)
    assert len(results) == 18
    assert [(one.song_id, one.reason) for one in rejected] == [
        *(("song 2", "bass.wav is missing"), ("song 5", "drums.wav: Permission denied")),
    ]


def test_a_fault_of_ours_is_not_taken_for_bad_input() -> None:
    def read(number: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_each(SOURCES, read)
