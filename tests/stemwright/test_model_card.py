from typing import Any

import yaml

from stemwright.model_card import model_card
from stemwright.presets import load_preset


def card(**facts: Any) -> str:
    origin = {
        "codec": "mdct",
        "codec_fingerprint": "0123456789abcdef",
        "text_encoder": "minilm",
        "text_encoder_fingerprint": "fedcba9876543210",
        "gains_db": (1.0, -2.5, 3.0, 0.0),
        "loudness_lufs": -23.0,
        "facts": facts,
    }
    return model_card(load_preset("tiny"), origin)


def test_the_card_names_what_the_model_needs_and_every_licence_of_its_songs() -> None:
    text = card(songs={"train": 3}, licences={"CC-BY-4.0": 2, "CC-BY-NC-SA-4.0": 1})
    (row,) = [line for line in text.splitlines() if line.startswith("| licences |")]
    assert "CC-BY-4.0: 2" in row
    assert "CC-BY-NC-SA-4.0: 1" in row
    assert "| codec | mdct `0123456789ab` |" in text
    assert "drums -2.5 dB" in text


def test_the_front_matter_is_what_model_hubs_read() -> None:
    _, matter, rest = card().split("---\n", 2)
    assert yaml.safe_load(matter)["pipeline_tag"] == "text-to-audio"
    assert yaml.safe_load(card(licence="apache-2.0").split("---\n", 2)[1])["license"] == "apache-2.0"
    assert rest.lstrip().startswith("# Stemwright model")


def test_a_fact_that_the_card_has_no_place_for_still_stands_in_it() -> None:
    assert "| colour of the room | blue |" in card(colour_of_the_room="blue")


def test_what_nobody_told_is_no_empty_section() -> None:
    text = card()
    assert "## Training" not in text
    assert "## Held-out figures" not in text
    told = card(
        figures=[{"figure": "bass onset lock", "value": 0.61, "target": "at least 0.5"}],
        targets=[{"figure": "clicks", "value": "0", "verdict": "met"}],
        curves="curves.png",
        reproduce="stemwright demo-model --out runs/demo-model",
    )
    assert "| bass onset lock | 0.61 | at least 0.5 |" in told
    assert "| clicks | 0 | met |" in told
    assert "(curves.png)" in told
    assert "```sh\nstemwright demo-model --out runs/demo-model\n```" in told


def test_numbers_are_short() -> None:
    assert "| on held-out songs | loss: 0.4277 |" in card(validation={"loss": 0.42769670902637014})


def test_no_fact_can_break_a_table() -> None:
    assert "| note | a \\| b c |" in card(note="a | b\nc")


def test_sections_are_parted_by_empty_lines() -> None:
    lines = card(songs={"train": 3}, steps=2).splitlines()
    for number, line in enumerate(lines):
        if line.startswith("#"):
            assert not lines[number - 1]
            assert not lines[number + 1]
