import pytest

from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.frechet import frechet_figures, track_distances


def test_real_stems_are_at_the_floor_and_each_nearest_to_its_own_track(truthful: Context) -> None:
    figures = {figure.name: figure for figure in frechet_figures(truthful)}
    for track in truthful.tracks.names:
        share = figures[f"frechet.{track}"]
        assert share.value == pytest.approx(0.0, abs=1e-9)
        assert share.met
        assert share.low <= share.value <= share.high
        assert "the target is set on 2000 patches" in share.note
        own = figures[f"frechet_own.{track}"]
        assert all(name in own.note for name in truthful.tracks.names)
    assert figures["frechet_own.drums"].value < 1


def test_a_model_of_random_weights_is_further_away_than_real_stems(truthful: Context) -> None:
    context = Context(truthful.plan, truthful.out)
    for track, found in track_distances(context).items():
        assert found.made.value > found.floor.value, track
        assert found.untrained.value > found.floor.value, track
        assert found.share > 0
        assert found.error >= 0
