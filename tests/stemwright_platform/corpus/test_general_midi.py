from stemwright_platform.corpus.general_midi import PROGRAMS, instrument_words


def test_every_program_has_words_that_a_prompt_may_use() -> None:
    assert len(PROGRAMS) == 128
    assert all(words == words.strip().lower() and words for words in PROGRAMS)
    assert [PROGRAMS[number] for number in (0, 33, 56, 73, 127)] == [
        *("piano", "finger bass", "trumpet", "flute", "gunshot"),
    ]


def test_drums_are_drums_whatever_their_program_and_unknown_numbers_have_no_words() -> None:
    assert instrument_words(0, is_drum=True) == instrument_words(128, is_drum=True) == "drums"
    assert instrument_words(128) == instrument_words(-1) == ""
