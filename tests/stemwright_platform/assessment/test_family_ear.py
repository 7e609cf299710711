import numpy as np
import pytest

from stemwright_platform.assessment.family_ear import FamilyEar


def clouds(each: dict[str, int], seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Stems around a place of their family's own, in numbers of very different sizes."""
    rng = np.random.default_rng(seed)
    names = [name for name, count in each.items() for _ in range(count)]
    centres = {name: np.random.default_rng([*name.encode()]).normal(size=6) for name in each}
    scale = 10.0 ** np.arange(6)
    return np.array([(centres[name] + 0.3 * rng.normal(size=6)) * scale for name in names]), names


def test_it_tells_families_of_stems_that_it_never_heard() -> None:
    ear = FamilyEar.taught(*clouds({"piano": 20, "reed": 20, "organ": 20}))
    heard, truth = clouds({"piano": 30, "reed": 30, "organ": 30}, seed=1)
    assert np.mean([choice == true for choice, true in zip(ear.choices(heard), truth, strict=True)]) > 0.95
    assert ear.probabilities(heard).sum(1) == pytest.approx(np.ones(90))


def test_a_common_family_is_not_preferred_to_a_rare_one() -> None:
    rng = np.random.default_rng(2)
    noise, names = rng.normal(size=(66, 3)), ["common"] * 60 + ["rare"] * 6
    ear = FamilyEar.taught(noise, names, penalty=1e4)
    assert ear.probabilities(rng.normal(size=(50, 3))).mean(0) == pytest.approx([0.5, 0.5], abs=0.05)


def test_what_is_never_different_among_the_stems_does_not_matter() -> None:
    stems, names = clouds({"a": 10, "b": 10})
    constant = np.hstack([stems, np.full((20, 1), 7.0)])
    assert FamilyEar.taught(constant, names).choices(constant) == FamilyEar.taught(stems, names).choices(
        stems
    )


def test_a_family_of_too_few_stems_is_not_learned() -> None:
    assert FamilyEar.taught(*clouds({"a": 10, "b": 10, "c": 4})).families == ("a", "b")
    with pytest.raises(ValueError, match="two families"):
        FamilyEar.taught(*clouds({"a": 10, "c": 4}))
