import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.evaluation import clip_score_table
from stemwright_platform.evaluation.clip_score_table import ClipScoreWriter, read_clip_scores
from stemwright_platform.evaluation.clip_scoring import ClipScore

SCORES = [ClipScore("onset_lock", "bass|drums", 0.5), ClipScore("silence", "bass", math.nan)]


def test_rows_come_back_in_order_however_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_score_table, "ROWS_AT_ONCE", 3)
    with ClipScoreWriter(tmp_path) as table:
        for number in range(5):
            table.add("model", "joint", f"clip{number}", SCORES)
    read = read_clip_scores(tmp_path)
    assert read.column_names == ["system", "task", "clip", "score", "part", "value"]
    assert read.column("clip").to_pylist() == [f"clip{number}" for number in range(5) for _ in SCORES]
    assert read.column("value").to_pylist()[0] == 0.5


def test_no_scores_are_a_table_too(tmp_path: Path) -> None:
    with ClipScoreWriter(tmp_path):
        pass
    assert read_clip_scores(tmp_path).num_rows == 0


def test_an_interruption_leaves_what_was_there(tmp_path: Path) -> None:
    with ClipScoreWriter(tmp_path) as table:
        table.add("model", "joint", "clip", SCORES)

    def interrupted() -> Iterator[ClipScore]:
        yield SCORES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), ClipScoreWriter(tmp_path) as table:
        table.add("model", "joint", "other", interrupted())
    assert read_clip_scores(tmp_path).column("clip").to_pylist() == ["clip", "clip"]
    assert [path.name for path in tmp_path.iterdir()] == ["clip_scores.parquet"]


def test_a_missing_or_damaged_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="evaluate again"):
        read_clip_scores(tmp_path)
    (tmp_path / "clip_scores.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="evaluate again"):
        read_clip_scores(tmp_path)
