from stemwright.model_card import model_card
from stemwright.presets import load_preset


def test_the_card_names_what_the_model_needs_and_every_licence_of_its_songs() -> None:
    card = model_card(
        load_preset("tiny"),
        {
            "codec": "mdct",
            "codec_fingerprint": "0123456789abcdef",
            "text_encoder": "minilm",
            "text_encoder_fingerprint": "fedcba9876543210",
            "gains_db": (1.0, -2.5, 3.0, 0.0),
            "loudness_lufs": -23.0,
            "facts": {"songs": {"train": 3}, "licences": {"CC-BY-4.0": 2, "CC-BY-NC-SA-4.0": 1}},
        },
    )
    (row,) = [line for line in card.splitlines() if line.startswith("| licences |")]
    assert '"CC-BY-4.0": 2' in row
    assert '"CC-BY-NC-SA-4.0": 1' in row
    assert "| codec | mdct `0123456789ab` |" in card
    assert "drums -2.5 dB" in card
