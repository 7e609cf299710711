from pathlib import Path

import numpy as np
from matplotlib.image import imread

from stemwright.training_log import Record
from stemwright_platform.training.validation_picture import draw_validation, heat


def score(**more: object) -> Record:
    cells: dict[str, dict[str, float]] = {
        "joint": {"0-0.05": 0.9, "0.05-0.1": 1.2},
        "conditional": {"0.05-0.1": 0.7},
    }
    return {
        "step": 40,
        "ratio": 0.8,
        "ratio_by_mode": {"joint": 0.95, "conditional": 0.7},
        "ratio_by_band": {"0-0.05": 0.9, "0.05-0.1": 0.85},
        "ratio_by_mode_and_band": cells,
        **more,
    }


def test_cells_stand_under_their_band_and_the_whole_is_at_the_end() -> None:
    columns, rows, values = heat(score())
    assert columns == ["0–0.05", "0.05–0.1", "all"]
    assert rows == ["conditional", "joint", "all"]
    expected = [[np.nan, 0.7, 0.7], [0.9, 1.2, 0.95], [0.9, 0.85, 0.8]]
    np.testing.assert_array_equal(values, expected)


def test_parts_of_the_targets_have_a_row_of_their_own() -> None:
    cells = {"region": {"0-0.05": 0.6}}
    _, rows, values = heat(score(ratio_by_mode_and_band=cells, ratio_region=0.65))
    assert rows == ["region", "all"]
    assert values[0, -1] == 0.65


def test_it_can_be_drawn_with_gaps(tmp_path: Path) -> None:
    assert imread(draw_validation(score(), tmp_path / "v.png")).shape[1] > 1000
