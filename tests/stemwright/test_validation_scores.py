import math

from toy_learning import toy_batch, toy_learner

from stemwright.loss_table import Entry, LossTable
from stemwright.validation import validate, validate_regions
from stemwright.validation_scores import BANDS, figures


def scored(**training: object) -> dict[str, object]:
    learner, batches = toy_learner(**training), [toy_batch(1), toy_batch(2)]
    return figures(validate(learner, batches), validate_regions(learner, batches))


def test_every_group_has_its_loss_and_its_ratio() -> None:
    found = scored()
    groups = {"targets": {"1", "2", "3", "4"}, "band": set(BANDS)}
    groups["mode"] = {"conditional", "joint", "marginal", "mixed"}
    for name, expected in groups.items():
        for figure in ("loss", "ratio"):
            values = found[f"{figure}_by_{name}"]
            assert isinstance(values, dict)
            assert set(values) == expected
            assert all(math.isfinite(value) for value in values.values())
    cells = found["ratio_by_mode_and_band"]
    assert isinstance(cells, dict)
    assert {mode: set(row) for mode, row in cells.items()} == {key: set(BANDS) for key in groups["mode"]}
    assert "ratio_region" not in found


def test_regions_have_figures_of_their_own_and_leave_the_others_alone() -> None:
    without, with_regions = scored(), scored(region_probability=0.25)
    assert isinstance(with_regions["ratio_region"], float)
    cells = with_regions["ratio_by_mode_and_band"]
    assert isinstance(cells, dict)
    assert set(cells["region"]) == set(BANDS)
    assert with_regions["loss_by_targets"] == without["loss_by_targets"]


def test_the_loss_is_the_mean_over_even_timesteps() -> None:
    table = LossTable(toy_learner().schedule)
    low = Entry(mode="joint", num_targets=4, timestep=25, error=8.0, trivial=10.0, count=10.0, weight=0.5)
    high = Entry(mode="joint", num_targets=4, timestep=900, error=1.0, trivial=2.0, count=10.0, weight=2.0)
    table.entries = [low, high]
    found = figures(table, LossTable(table.schedule))
    assert found["loss"] == (0.5 * 8 + 2 * 1) / (0.5 * 10 + 2 * 10)
    assert found["ratio"] == (0.5 * 8 + 2 * 1) / (0.5 * 10 + 2 * 2)
    assert found["ratio_by_band"] == {"0-0.05": 0.8, "0.8-1": 0.5}
