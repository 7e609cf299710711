from collections import Counter
from dataclasses import replace

import pytest
from toy_learning import toy_preset

from stemwright.curriculum import Path as CurriculumPath
from stemwright.loss_table import BAND_EDGES
from stemwright.presets import load_preset
from stemwright.tasks import mode
from stemwright.validation_design import NUM_BANDS, Cell, design_of, region_design_of

ALL = (0, 1, 2, 3)


def test_every_kind_of_task_is_asked_once_in_every_band() -> None:
    design = design_of(toy_preset(mixed_contexts=True))
    kinds = Counter((cell.num_targets, cell.mode, cell.band) for cell in design)
    assert set(kinds.values()) == {1}
    assert len(kinds) == 9 * NUM_BANDS
    assert {cell.mode for cell in design} == {"joint", "conditional", "marginal", "mixed"}
    assert {cell.num_targets for cell in design} == {1, 2, 3, 4}


def test_a_preset_is_asked_what_it_trains() -> None:
    paper = design_of(load_preset("paper"))
    assert "mixed" not in {cell.mode for cell in paper}
    curriculum: CurriculumPath = "joint"
    assert {cell.mode for cell in design_of(toy_preset(curriculum=curriculum))} == {"joint"}
    assert region_design_of(toy_preset(region_probability=0.0)) == []
    regions = region_design_of(toy_preset(region_probability=0.25))
    assert {cell.region for cell in regions} == {"continuation", "beginning", "gap"}
    assert {cell.mode for cell in regions} == {"conditional", "joint"}


def test_weights_make_every_timestep_count_alike() -> None:
    design = design_of(toy_preset())
    for cell in design:
        share = cell.weight / sum(other.weight for other in design if other.mode == cell.mode)
        same = sum(other.mode == cell.mode for other in design) / NUM_BANDS
        assert share == pytest.approx((BAND_EDGES[cell.band + 1] - BAND_EDGES[cell.band]) / same)


@pytest.mark.parametrize("num_timesteps", [10, 1000])
def test_timesteps_lie_in_their_band_and_differ(num_timesteps: int) -> None:
    design = design_of(toy_preset())
    for band in range(NUM_BANDS):
        steps = [cell.timestep(num_timesteps) for cell in design if cell.band == band]
        assert min(steps) >= 1
        assert max(steps) <= max(1, round(BAND_EDGES[band + 1] * num_timesteps))
        if num_timesteps == 1000:
            assert min(steps) > BAND_EDGES[band] * num_timesteps
            assert len(set(steps)) == 4  # one for each number of targets


def test_contexts_are_asked_about_the_same_targets_windows_and_timesteps() -> None:
    design = design_of(toy_preset(mixed_contexts=True))
    groups: dict[tuple[int, int], set[tuple[tuple[int, ...], int, int]]] = {}
    for cell in design:
        asked = cell.targets(ALL), cell.window, cell.timestep(1000)
        groups.setdefault((cell.num_targets, cell.band), set()).add(asked)
    assert {len(asked) for asked in groups.values()} == {1}
    windows = [window for asked in groups.values() for _, window, _ in asked]
    assert sorted(windows) == list(range(len(groups)))


def test_a_cell_asks_for_its_size_in_its_context_wherever_the_song_has_the_tracks() -> None:
    for cell in design_of(toy_preset(mixed_contexts=True)):
        targets = cell.targets(ALL)
        given = cell.given(ALL, targets)
        assert len(targets) == cell.num_targets
        assert not set(targets) & set(given)
        assert mode(len(targets), len(given), 4) == cell.mode
    singles = {cell.targets(ALL) for cell in design_of(toy_preset()) if cell.num_targets == 1}
    assert singles == {(0,), (1,), (2,), (3,)}


def test_a_song_that_lacks_tracks_is_asked_for_those_it_has() -> None:
    for cell in design_of(toy_preset(mixed_contexts=True)):
        targets = cell.targets((1, 3))
        assert targets
        assert set(targets) | set(cell.given((1, 3), targets)) <= {1, 3}


def test_a_region_leaves_about_half_of_the_window_to_be_made() -> None:
    cell = Cell(window=0, num_targets=1, mode="joint", band=0, place=0.5, turn=0)
    assert cell.frames(40) == slice(0, 40)
    spans = {
        region: replace(cell, region=region).frames(41) for region in ("continuation", "beginning", "gap")
    }
    assert all(19 <= span.stop - span.start <= 21 for span in spans.values())
    assert len({(span.start, span.stop) for span in spans.values()}) == 3
