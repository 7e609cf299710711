import math

from stemwright_platform.assessment.figure import Figure, Target
from stemwright_platform.assessment.figure_table import closing_line, table_lines

HALF = Target(bound=0.5, at_least=True)


def figure(name: str, value: float, target: Target | None = HALF) -> Figure:
    return Figure(name=name, about="x", value=value, low=value - 0.1, high=value + 0.1, target=target)


def test_a_line_tells_value_interval_target_and_verdict() -> None:
    title, line = table_lines("Title", [figure("a.b", 0.3)])
    assert title.strip() == "Title"
    for word in ("a.b", "0.30", "0.20 to 0.40", "≥ 0.5", "missed by 0.2"):
        assert word in line


def test_what_was_not_measured_is_a_dash_without_an_interval() -> None:
    line = [*table_lines("Title", [figure("a", math.nan)])][1]
    assert "–" in line
    assert "nan" not in line
    assert "not measured" in line


def test_the_last_line_counts_what_has_a_target_and_names_what_is_missed() -> None:
    figures = [figure("good", 0.6), figure("bad", 0.2), figure("unknown", math.nan), figure("shown", 9, None)]
    assert closing_line(figures) == "1 of 3 targets met; not met: bad, unknown"
    assert closing_line(figures[:1]) == "1 of 1 targets met"
