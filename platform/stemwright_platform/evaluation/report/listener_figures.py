"""What a listening test found, as a column of the table that the paper puts it in."""

import json
from pathlib import Path

from stemwright.errors import InputError
from stemwright_platform.evaluation.report.score_table import Figure
from stemwright_platform.evaluation.report.wording import MIX, interval_text, percent_text
from stemwright_platform.evaluation.score_row import ScoreRow

SCORE = "preference"


def listener_figures(report: Path) -> dict[str, Figure]:
    """System → RPR, from the report.json that `stemwright listen report` wrote, or its folder.

    Of several questions the first counts; votes on mixes alone. InputError where the file has no such votes.
    """
    path = report / "report.json" if report.is_dir() else report
    try:
        rows = [ScoreRow(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} is no report of a listening test ({error!r}): name what `stemwright listen report` wrote"
        ) from None
    found: dict[str, Figure] = {}
    for row in rows:
        if row.score == SCORE and row.part == MIX:
            found.setdefault(row.system, _figure(row))
    if not found:
        raise InputError(f"{path} has no votes on mixes: ask for them with `stemwright listen build`")
    return found


def _figure(row: ScoreRow) -> Figure:
    interval = interval_text(100 * row.low, 100 * row.high, 0)
    return Figure(
        text=percent_text(row.value),
        interval=f"{interval}\N{NO-BREAK SPACE}%" if interval else "",
        about=f"RPR: share of {row.n} blind votes that prefer {row.system} {row.note}. "
        f"95 % interval {interval} %.",
    )
