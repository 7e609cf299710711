import math
from dataclasses import replace

import pytest
from matplotlib.image import imread

from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.report.difference_picture import draw_differences
from stemwright_platform.evaluation.report.evaluation_folder import ComparedScore
from stemwright_platform.evaluation.score_row import ScoreInfo

INFOS = {"lock": ScoreInfo(score="lock", label="Lock", about="", better="higher")}
ROW = ComparedScore(
    score="lock", task="joint", part="mix", a="a", b="b",
    difference=0.2, low=0.1, high=0.3, p_value=0.01, stars="*",
)  # fmt: skip


@pytest.mark.parametrize(
    "change", [{}, {"low": 0.2, "high": 0.2}, {"difference": 0.0, "low": 0.0, "high": 0.0}]
)
def test_differences_of_any_sureness_are_drawn(tmp_path, change):
    rows = [ROW, replace(ROW, **change)]
    picture = draw_differences(rows, INFOS, ("a", "b" * 90), TRACKS, tmp_path / "x.png")
    assert picture is not None
    assert imread(picture.file).std() > 0.01


def test_the_colour_tells_who_is_better(tmp_path):
    pictures = [
        draw_differences([row], INFOS, ("a", "b"), TRACKS, tmp_path / f"{place}.png")
        for place, row in enumerate((ROW, replace(ROW, difference=-0.2, low=-0.3, high=-0.1)))
    ]
    blue, red = (imread(picture.file)[..., :3].reshape(-1, 3) for picture in pictures if picture)
    assert (blue[:, 2] - blue[:, 0]).max() > 0.4
    assert (red[:, 2] - red[:, 0]).max() < 0.2


def test_nothing_to_draw_is_no_picture(tmp_path):
    row = replace(ROW, difference=math.nan, low=math.nan, high=math.nan)
    assert draw_differences([row], INFOS, ("a", "b"), TRACKS, tmp_path / "x.png") is None
