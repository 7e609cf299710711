import pytest

from stemwright_platform.assessment.coherence import coherence_figures, coherence_share, conditional_fits
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure


@pytest.fixture(scope="module")
def figures(truthful: Context) -> dict[str, Figure]:
    return {figure.name: figure for figure in coherence_figures(truthful)}


def test_bass_is_held_to_the_drums_onsets_and_every_pitched_track_to_the_others_notes(
    figures: dict[str, Figure],
) -> None:
    held = {name for name, figure in figures.items() if figure.target is not None}
    assert held == {
        "coherence.onset_lock.bass",
        *(f"coherence.chroma_agreement.{track}" for track in ("bass", "instrument", "melody")),
    }


def test_the_songs_own_tracks_are_all_of_the_way(figures: dict[str, Figure]) -> None:
    measured = [figure for figure in figures.values() if figure.value == figure.value]
    assert len(measured) > len(figures) / 2
    for figure in measured:
        assert figure.value == pytest.approx(1.0), figure.name


def test_tracks_of_a_song_of_that_tempo_and_key_are_none_of_the_way(strange: Context) -> None:
    """Of two songs each is the other's only stranger: what it gives is the floor itself."""
    shares = [coherence_share(strange, fit).value for fit in conditional_fits(strange.tracks)]
    measured = [share for share in shares if share == share]
    assert measured
    assert measured == pytest.approx([0.0] * len(measured), abs=1e-9)
