import io

import pytest

from stemwright_platform.time_left import TimeLeft, duration_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration_text(seconds) == text


def test_the_time_left_follows_from_the_share_done():
    out, clock = Terminal(), Clock()
    progress = TimeLeft("baking", 4.0, out=out, clock=clock)
    clock.now = 30.0
    progress.advance(1.0, "1 of 4 loaves")
    assert "25%, 1 min 30 s left, 1 of 4 loaves" in out.getvalue()


def test_a_log_gets_a_line_now_and_then_and_the_last():
    out, clock = io.StringIO(), Clock()
    progress = TimeLeft("baking", 100.0, out=out, clock=clock)
    for _ in range(100):
        clock.now += 0.5
        progress.advance(1.0)
    lines = out.getvalue().splitlines()
    assert 4 <= len(lines) <= 6
    assert lines[-1] == "baking: 100%, 0 s left"
