import numpy as np

from stemwright_platform.sweeps.ablation_figures import change
from stemwright_platform.sweeps.ablation_report import held_out_table, told
from stemwright_platform.sweeps.ablation_row import ablation_rows

ROWS = ablation_rows()


def values(means: dict[str, float], noise: float, seeds: int = 4) -> dict[str, dict[int, float]]:
    rng = np.random.default_rng(0)
    shifts = rng.normal(0, 1, seeds)
    return {
        name: {seed: mean + shifts[seed] + rng.normal(0, noise) for seed in range(seeds)}
        for name, mean in means.items()
    }


def test_a_change_beyond_the_noise_is_said_and_one_within_it_is_not_claimed() -> None:
    held_out = {
        "joint": values({"baseline": 1.0, "vector": 0.5, "curriculum": 0.5}, 0.01),
        "conditional": values({"vector": 0.8, "curriculum": 0.8}, 0.01),
    }
    verdict = told(ROWS, held_out)
    beyond, within = verdict.split("Not told from noise")
    assert "individual timestep vector, joint -0." in beyond
    assert "conditional" not in beyond
    assert "curriculum training strategy, conditional" in within


def test_the_change_is_between_the_means_whatever_seeds_add() -> None:
    joint = values({"baseline": 1.0, "vector": 0.5}, 0.001)
    found = change(joint, "vector", "baseline")
    assert found is not None
    assert abs(found[0] + 0.5) < 0.005
    assert found[2] < 0.01
    assert change(joint, "curriculum", "vector") is None


def test_one_seed_claims_nothing() -> None:
    held_out = {"joint": values({"baseline": 1.0, "vector": 0.5}, 0.01, seeds=1)}
    assert "train with more seeds" in told(ROWS, held_out)
    table = held_out_table(ROWS, held_out)
    assert [row[1] for row in table.rows][2:] == ["–", "–", "–"]
    assert "±" not in table.rows[0][1]
