import pytest

from stemwright.errors import InputError
from stemwright.tracks import TRACKS, Tracks


def test_the_default_slots_are_those_of_the_paper_in_their_order() -> None:
    assert TRACKS.names == ("bass", "drums", "instrument", "melody")
    assert [TRACKS.index(name) for name in TRACKS.names] == [0, 1, 2, 3]


@pytest.mark.parametrize("names", [("melody", "bass"), ("bass", "melody", "bass"), iter(["melody", "bass"])])
def test_named_tracks_come_in_slot_order_without_repeats(names) -> None:
    assert TRACKS.ordered(names) == ("bass", "melody")


def test_a_mask_is_true_at_the_named_slots_alone() -> None:
    assert TRACKS.mask(["melody", "drums"]).tolist() == [False, True, False, True]
    assert TRACKS.mask([]).tolist() == [False] * 4


def test_any_number_of_tracks_may_be_named() -> None:
    for count in (1, 2, 7):
        names = tuple(f"voice {k}" for k in range(count))
        tracks = Tracks(names=names, prompt_names=names)
        assert len(tracks) == count
        assert tracks.mask(names).all()


def test_an_unknown_track_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'vocals'.*bass, drums, instrument, melody") as caught:
        TRACKS.mask(["bass", "vocals"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "prompt_names"), [((), ()), (("a", "a"), ("a", "b")), (("a", "b"), ("a",))]
)
def test_slots_that_cannot_be_told_apart_or_said_are_refused(names, prompt_names) -> None:
    with pytest.raises(InputError):
        Tracks(names=names, prompt_names=prompt_names)
