import pytest

from stemwright_platform.assessment import family_ear, prompted_families
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure
from stemwright_platform.assessment.prompted_families import Verdicts, family_figures


def verdicts(asked: str, made: str) -> Verdicts:
    """A letter a family."""
    return Verdicts(
        track="melody",
        asked=tuple(asked),
        made=tuple(made),
        real=tuple(asked),
        coded=tuple(asked),
        songs=tuple(map(str, range(len(asked)))),
    )


def test_chance_is_what_a_model_has_that_does_not_listen() -> None:
    assert verdicts("ppff", "pppp").chance == 0.5
    assert verdicts("pfso", "pfso").chance == 0.25
    assert verdicts("pp", "ff").chance == 0


@pytest.fixture(scope="module")
def figures(truthful: Context) -> dict[str, Figure]:
    """Of few songs: two stems are enough to know a family by."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(family_ear, "FEWEST", 2)
        patch.setattr(prompted_families, "FEWEST", 2)
        return {figure.name: figure for figure in family_figures(truthful)}


def test_a_model_that_gives_the_real_stem_is_right_wherever_the_ear_is(figures: dict[str, Figure]) -> None:
    held = [figure for figure in figures.values() if figure.target is not None]
    measured = [figure for figure in held if figure.value == figure.value]
    assert len(measured) >= 2
    assert all(figure.value == 1 and figure.met for figure in measured)


def test_the_ear_itself_is_told_of_and_held_to_nothing(figures: dict[str, Figure]) -> None:
    ears = [figures[f"prompt.family.ear_on_{name}"] for name in ("real", "coded")]
    assert all(0 <= ear.value <= 1 and ear.target is None for ear in ears)
    assert ears[0].n == ears[1].n > 0
