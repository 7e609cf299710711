import torch

from stemwright.codec_training.voice_loss import voice_losses
from stemwright.tones import NUM_VOICES


def voices(level: float, offset: float = 0.0, place: float = 0.0) -> torch.Tensor:
    """One voice of 86, through twenty half frames."""
    told = torch.zeros(2, 20, 3, NUM_VOICES)
    told[:, :, 0, 30], told[:, :, 1, 30], told[:, :, 2, 30] = level, offset, place
    return told


def test_voices_alike_are_at_no_distance() -> None:
    told = voices(1.0, 0.2, -0.3)
    assert all(value == 0 for value in voice_losses(told, told).values())


def test_each_distance_is_of_its_own_property() -> None:
    true = voices(1.0)
    for name, other in (
        ("level", voices(0.5)),
        ("offset", voices(1.0, 0.2)),
        ("place", voices(1.0, 0.0, 0.4)),
    ):
        found = voice_losses(other, true)
        assert {key for key, value in found.items() if value > 0} == {name}


def test_offset_and_place_of_voices_that_rest_do_not_count() -> None:
    true, made = voices(1.0), voices(1.0)
    made[:, :, 1:, 50] = 0.5
    assert all(value == 0 for value in voice_losses(made, true).values())


def test_missing_the_one_voice_there_is_costs_more_than_a_haze_of_the_same_sum() -> None:
    true = voices(1.0)
    haze = true.clone()
    haze[:, :, 0] += 1.0 / NUM_VOICES
    assert voice_losses(voices(0.0), true)["level"] > 5 * voice_losses(haze, true)["level"]
