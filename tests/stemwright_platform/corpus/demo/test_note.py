from stemwright_platform.corpus.demo.note import Hit, Note, hits, without_overlaps


def test_a_pattern_is_read_as_events_with_their_lengths() -> None:
    assert hits("R--.5-.a") == [Hit(0, 3, "R"), Hit(4, 2, "5"), Hit(7, 1, "a")]
    assert hits(".--x") == [Hit(3, 1, "x")]


def test_notes_of_one_pitch_never_overlap_and_end_with_the_song() -> None:
    notes = [
        Note(0, 2, 60, 90),
        Note(1, 2, 60, 80),
        Note(1.001, 1, 60, 70),
        Note(0.5, 9, 64, 90),
        Note(4, 1, 60, 90),
    ]
    assert without_overlaps(notes, 4) == [Note(0, 1, 60, 90), Note(0.5, 3.5, 64, 90), Note(1, 2, 60, 80)]
