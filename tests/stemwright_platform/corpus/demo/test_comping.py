from stemwright_platform.corpus.demo.comping import CENTRE, voice
from stemwright_platform.corpus.demo.harmony import Key, chord


def test_voicings_move_little_and_stay_near_the_centre() -> None:
    key = Key(0, "major")
    previous = None
    for name in ("I", "vi7", "ii9", "V7", "IVmaj7", "iii7", "bVII", "I") * 4:
        pitches = voice(chord(name, key), previous)
        assert list(pitches) == sorted(set(pitches))
        assert {pitch % 12 for pitch in pitches} <= set(chord(name, key).pitch_classes)
        assert abs(sum(pitches) / len(pitches) - CENTRE) < 8
        if previous:
            assert max(min(abs(pitch - old) for old in previous) for pitch in pitches) <= 5
        previous = pitches
