from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from stemwright.presets import Preset, load_preset
from stemwright_platform.training.curriculum_picture import draw_curriculum, shares_by_size, strips_of


def preset(**training: object) -> Preset:
    tiny = load_preset("tiny")
    return replace(tiny, training=replace(tiny.training, **training))  # pyright: ignore[reportArgumentType]


def test_the_areas_go_from_singles_to_every_set_alike_and_fill_the_picture() -> None:
    shares = shares_by_size(preset(), np.linspace(0, 1, 11))
    assert shares[:, 0].tolist() == [1, 0, 0, 0]
    assert shares[:, -1] == pytest.approx([4 / 15, 6 / 15, 4 / 15, 1 / 15])
    assert shares.sum(0) == pytest.approx(np.ones(11))


def test_the_baseline_of_table_2_is_joint_all_through() -> None:
    assert shares_by_size(preset(curriculum="joint"), np.linspace(0, 1, 3))[-1].tolist() == [1, 1, 1]


def test_p2_starts_at_its_epochs_share_of_the_run_and_others_hold_all_through() -> None:
    strips = strips_of(preset(p2=0.5, p2_starts_at_epoch=300, region_probability=0.25), epochs=400)
    starts = {strip.text.split()[0]: strip.starts_at for strip in strips}
    assert starts == {"p1": 0, "p2": 0.75, "0.25:": 0, "0.2:": 0}
    late = next(strip for strip in strips_of(preset(p2=0.5), epochs=40) if strip.text.startswith("p2"))
    assert late.starts_at > 1
    assert "after this run's end" in late.text
    assert not any(strip.text.startswith("p2") for strip in strips_of(preset(p2=0.0), epochs=40))


@pytest.mark.parametrize("steps", [None, 500])
def test_the_picture_needs_no_step_to_have_been_taken(tmp_path: Path, steps: int | None) -> None:
    path = draw_curriculum(preset(p2=0.5), tmp_path / "curves" / "c.png", steps=steps, epochs=20)
    assert imread(path).shape[1] > 1000
    assert [each.name for each in path.parent.iterdir()] == ["c.png"]
