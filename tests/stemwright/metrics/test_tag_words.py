import pytest

from stemwright.metrics.musicnn import TAGS
from stemwright.metrics.tag_words import KINDS, _table, asked_tags
from stemwright.tracks import TRACKS

EVERY_TAG = set(TAGS["mtt"]) | set(TAGS["msd"])


def asked(prompt: str, part: str = "mix") -> frozenset[str]:
    return asked_tags(prompt, sorted(EVERY_TAG), part)


def test_every_tag_of_the_table_is_one_that_is_heard() -> None:
    named = {tag for _, tags in _table().values() for tag in tags}
    assert named <= EVERY_TAG
    assert len(named) > 70


@pytest.mark.parametrize("vocabulary", TAGS)
def test_a_vocabulary_is_asked_its_own_tags_alone(vocabulary: str) -> None:
    everything = ", ".join(_table())
    assert asked_tags(everything, TAGS[vocabulary]) <= set(TAGS[vocabulary])
    assert len(asked_tags(everything, TAGS[vocabulary])) > 30


def test_each_part_is_known() -> None:
    assert set(KINDS) == {"mix", *TRACKS.names}


@pytest.mark.parametrize(
    ("prompt", "tags"),
    [
        ("a bass guitar", set()),
        ("Bass guitar and GUITAR", {"guitar"}),
        ("electric piano", set()),
        ("drum and bass", {"electronic", "electronica", "fast", "techno"}),
        ("steel drums", set()),
        ("acoustic drums", set()),
        ("no vocals", {"no vocals", "no vocal", "no voice", "instrumental"}),
        ("violin", {"violin", "strings"}),
        ("poppy seeds, rocking chair, popular", set()),
        ("pop-rock", set()),
        ("slow blues, slide guitar", {"slow", "blues", "guitar"}),
        ("", set()),
        ("86 bpm, F# minor", set()),
    ],
)
def test_words_ask_for_what_they_mean_and_longer_phrases_come_first(prompt: str, tags: set[str]) -> None:
    assert asked(prompt) == tags


def test_a_track_is_not_asked_for_what_other_tracks_play() -> None:
    prompt = "slow folk, drum machine, deep synth bass, piano, female voice"
    whole = {"slow", "folk", "acoustic"}
    assert asked(prompt, "drums") == whole | {"beat", "beats", "electronic"}
    assert asked(prompt, "bass") == whole | {"synth", "electronic"}
    assert asked(prompt, "instrument") == whole | {"piano"}
    assert asked(prompt, "melody") > whole | {"piano", "female voice"}
    assert asked(prompt, "mix") == asked(prompt, "kazoo") > asked(prompt, "melody")
