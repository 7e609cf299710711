import pytest
import torch

from stemwright.beat_grid import BeatGrid
from stemwright.fact_text_encoder import GRID, KEY, TEMPO, FactTextEncoder, PromptFacts
from stemwright.text_embedding import TextEmbedding


class LetterCounts:
    """Each word's letter counts, wide enough for facts."""

    name, width, fingerprint = "letters", 40, "letters 1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, prompts) -> TextEmbedding:
        self.asked += prompts
        longest = max(max(len(prompt.split()) for prompt in prompts), 1)
        states, mask = torch.zeros(len(prompts), longest, self.width), torch.zeros(len(prompts), longest)
        for row, prompt in enumerate(prompts):
            for place, word in enumerate(prompt.split()):
                states[row, place, len(word) % self.width] = 1.0
                mask[row, place] = 1
        return TextEmbedding(states, mask.bool())


@pytest.fixture
def words() -> LetterCounts:
    return LetterCounts()


def test_the_words_come_through_behind_the_facts(words):
    encoder = FactTextEncoder(words, "facts")
    plain, told = words(["slow blues", "funk"]), encoder(["slow blues", "funk"])
    assert torch.equal(told.states[:, 1:], plain.states)
    assert torch.equal(told.mask[:, 1:], plain.mask)
    assert bool(told.mask[:, 0].all())
    assert not told.states[:, 0].any()


def test_the_grid_is_kept_as_numbers_and_not_shown_as_words(words):
    encoder = FactTextEncoder(words, "facts")
    grid = BeatGrid(tempo_bpm=90, beats_per_bar=3, bar_s=0.5)
    told = encoder([grid.told("waltz"), "waltz"])
    assert told.states[0, 0, GRID].tolist() == [1.5, 3.0, 0.5]
    assert not told.states[1, 0].any()
    assert words.asked == ["waltz"]


def test_prefix_and_description_are_asked_for_apart_and_stand_in_a_row(words):
    encoder = FactTextEncoder(words, "facts")
    told = encoder(["[bass & drum generation] slow blues", "[bass & drum generation]", "slow blues", ""])
    assert sorted(words.asked) == ["[bass & drum generation]", "slow blues"]
    lengths = told.mask.sum(1).tolist()
    assert lengths == [1 + 4 + 2, 1 + 4, 1 + 2, 1]
    prefix, description = LetterCounts()(["[bass & drum generation]"]), LetterCounts()(["slow blues"])
    assert torch.equal(told.states[0, 1:5], prefix.states[0])
    assert torch.equal(told.states[0, 5:7], description.states[0])


def test_near_tempi_look_alike_and_far_ones_do_not(words):
    encoder = FactTextEncoder(words, "facts")
    states = encoder([f"{bpm} bpm" for bpm in (100, 101, 140)]).states[:, 0, TEMPO]
    coarse = states[:, 1:3]  # turns of four and of two octaves
    assert (coarse[0] - coarse[1]).norm() < 0.15 * (coarse[0] - coarse[2]).norm()
    assert (states[0] - states[1]).norm() > 0.1  # fine turns tell them apart


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("blues, A minor", (9, True)),
        ("F# major", (6, False)),
        ("Eb phrygian, dark", (3, True)),
        ("a minor change", None),
        ("minor", None),
    ],
)
def test_the_key_is_read_where_one_is_named(prompt, key):
    facts, _ = PromptFacts.read(prompt)
    assert facts.key == key
    told = facts.token(40)[KEY]
    assert int(told.sum()) == (0 if key is None else 2)


def test_equal_prompts_of_another_inner_encoder_have_another_fingerprint(words):
    one = FactTextEncoder(words, "facts").fingerprint
    other = LetterCounts()
    other.fingerprint = "letters 2"
    assert FactTextEncoder(other, "facts").fingerprint != one
