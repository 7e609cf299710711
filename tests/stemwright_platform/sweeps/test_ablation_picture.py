from pathlib import Path

from test_ablation_figures import ROWS, made

from stemwright_platform.sweeps.ablation_figures import columns_of
from stemwright_platform.sweeps.ablation_picture import draw_ablation


def test_every_kind_of_task_is_drawn_whatever_the_rows_know(tmp_path: Path) -> None:
    joint = columns_of(ROWS, made({"baseline": 0.2, "vector": 0.4, "interactive": 0.5}))
    given = columns_of(ROWS, made({"vector": 0.4}, kind="conditional", seeds=1))
    both = draw_ablation(ROWS, [*joint, *given], tmp_path / "both.png")
    alone = draw_ablation(ROWS, given, tmp_path / "given.png")
    assert both.stat().st_size > alone.stat().st_size > 5000
