"""The picture of the λ curve."""

from dataclasses import replace
from pathlib import Path

import pytest
from found_guidance import found_guidance  # pyright: ignore[reportMissingImports]
from matplotlib.image import imread

from stemwright_platform.sweeps.guidance_findings import Findings
from stemwright_platform.sweeps.guidance_picture import draw_guidance


def without_bounds(found: Findings) -> Findings:
    return replace(found, splits=tuple(replace(curve, bounds=None) for curve in found.splits))


@pytest.mark.parametrize(
    "changed",
    [
        lambda found: found,
        lambda found: replace(found, choice=None, frechet=None),
        lambda found: replace(found, takes=1, splits=found.splits[:1], flat={}),
        without_bounds,
    ],
    ids=["whole", "without a choice", "one split, one take", "a score as it is"],
)
def test_whatever_was_found_can_be_drawn(tmp_path: Path, changed) -> None:
    picture = imread(draw_guidance(changed(found_guidance()), tmp_path / "pictures" / "guidance.png"))
    assert picture.shape[1] > 1000
    assert picture[..., :3].std() > 0.05


def test_what_is_found_is_what_is_seen(tmp_path: Path) -> None:
    found = found_guidance()
    one = imread(draw_guidance(found, tmp_path / "one.png"))
    other = replace(found, overall=replace(found.overall, values=found.overall.values[::-1]))
    assert (imread(draw_guidance(other, tmp_path / "other.png")) != one).any()
    assert (imread(draw_guidance(found, tmp_path / "again.png")) == one).all()
