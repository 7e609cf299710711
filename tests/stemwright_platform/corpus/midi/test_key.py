import pytest
from written_midi import file_bytes, note, notes, program

from stemwright_platform.corpus.midi.key import key_of
from stemwright_platform.corpus.midi.midi_file import parse_midi
from stemwright_platform.corpus.midi.score import score_of

CADENCES = {
    "major": ((0, 4, 7), (5, 9, 0), (7, 11, 2), (0, 4, 7)),
    "minor": ((0, 3, 7), (5, 8, 0), (7, 11, 2), (0, 3, 7)),
}
TONICS = {
    "major": ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"],
    "minor": ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"],
}


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_a_cadence_tells_each_of_its_keys(mode: str) -> None:
    for tonic in range(12):
        played = [
            message
            for place, chord in enumerate(CADENCES[mode])
            for degree in chord
            for message in note(place, 0.9, 48 + (tonic + degree) % 12)
        ]
        parts = score_of(parse_midi(file_bytes(played))).parts
        assert key_of(parts) == f"{TONICS[mode][tonic]} {mode}"
        assert key_of(parts, 12 - tonic) == f"C {mode}"


def test_drums_and_noises_do_not_count() -> None:
    scale = notes([60, 62, 64, 65, 67, 69, 71, 72, 64, 60])
    drums = notes([37, 39, 42, 44, 46] * 9, 9)
    noise = [program(0, 122, 3), *note(0, 9, 61, 3)]
    assert key_of(score_of(parse_midi(file_bytes(scale, drums, noise))).parts) == "C major"
    assert key_of(score_of(parse_midi(file_bytes(drums))).parts) is None


def test_twelve_equal_tones_are_in_no_key() -> None:
    assert key_of(score_of(parse_midi(file_bytes(notes(range(60, 72))))).parts) is None
