import math

import pytest
import torch
from torch import Tensor

from stemwright.codec import Codec, load_codec
from stemwright.errors import InputError
from stemwright.mdct_codec import MdctCodec

CODEC = MdctCodec()


PITCHES_HZ = (55.0, 82.4, 220.0, 441.0, 1000.0, 2500.0, 5000.0)


def chord(num_samples: int, *, panned: bool = False, pitches_hz: tuple[float, ...] = PITCHES_HZ) -> Tensor:
    """`[1, 2, n]` of tones with moving levels, in ±1."""
    t = torch.arange(num_samples, dtype=torch.float64) / 48_000
    wave = sum(
        torch.sin(2 * math.pi * f * t + f) * (1 + 0.5 * torch.sin(t * f / 20)) / (3 + index)
        for index, f in enumerate(pitches_hz)
    )
    wave = torch.as_tensor(wave, dtype=torch.float64) / 4
    return torch.stack([wave, wave * (0.3 if panned else 1.0)])[None].float()


def snr_db(signal: Tensor, copy: Tensor) -> float:
    return 10 * math.log10(float(signal.square().sum() / (copy - signal).square().sum()))


def test_the_registry_gives_this_codec_and_it_keeps_the_contract() -> None:
    codec = load_codec("mdct")
    assert isinstance(codec, Codec)
    assert (codec.name, codec.latent_dim, codec.hop, codec.frame_rate_hz) == ("mdct", 128, 320, 150.0)
    assert codec.fingerprint == MdctCodec().fingerprint


@pytest.mark.parametrize("num_samples", [1, 48, 319, 320, 321, 48_000, 50_001])
def test_any_length_gives_whole_frames(num_samples: int) -> None:
    latents = CODEC.encode(chord(num_samples))
    frames = -(-num_samples // 320)
    assert latents.shape == (1, 128, frames)
    assert CODEC.decode(latents).shape == (1, 2, frames * 320)


def test_what_lies_below_six_kilohertz_comes_back_in_place_from_first_to_last_sample() -> None:
    audio = chord(48_000)
    copy = CODEC.decode(CODEC.encode(audio))
    assert snr_db(audio, copy) > 40
    # The hard edges themselves have something above six kilohertz.
    assert snr_db(audio[..., :160], copy[..., :160]) > 20
    assert snr_db(audio[..., -160:], copy[..., -160:]) > 20


def test_panned_low_notes_stay_where_they_are() -> None:
    audio = chord(48_000, panned=True, pitches_hz=PITCHES_HZ[:5])
    assert snr_db(audio, CODEC.decode(CODEC.encode(audio))) > 20


def test_a_click_stays_at_its_sample() -> None:
    distance = torch.arange(9600) - 5003.0
    click = 0.5 * torch.sinc(distance / 6) * torch.exp(-((distance / 20) ** 2))
    copy = CODEC.decode(CODEC.encode(click.expand(1, 2, -1)))
    assert int(copy[0, 0].abs().argmax()) == 5003
    assert snr_db(click, copy[0, 0]) > 30


def test_noise_keeps_its_level_in_every_octave_and_its_width() -> None:
    generator = torch.Generator().manual_seed(3)
    audio = torch.randn(1, 2, 48_000 * 4, generator=generator) * 0.1
    copy = CODEC.decode(CODEC.encode(audio))
    frequency = torch.fft.rfftfreq(audio.shape[-1], 1 / 48_000)
    for signs in (torch.tensor([0.5, 0.5]), torch.tensor([0.5, -0.5])):
        before, after = (torch.fft.rfft((x[0] * signs[:, None]).sum(0)).abs().square() for x in (audio, copy))
        for low, high in ((100, 1000), (1000, 4000), (4000, 8000), (8000, 12_000), (12_000, 19_000)):
            band = (frequency >= low) & (frequency < high)
            assert 10 * math.log10(float(after[band].sum() / before[band].sum())) == pytest.approx(0, abs=0.7)


def test_stems_decoded_together_do_not_share_their_noise() -> None:
    generator = torch.Generator().manual_seed(3)
    decoded = CODEC.decode(CODEC.encode(torch.randn(2, 2, 96_000, generator=generator) * 0.1))
    spectrum = torch.fft.rfft(decoded[:, 0])[:, 20_000:36_000]  # 10 to 18 kHz
    a, b = torch.view_as_real(spectrum).flatten(1)
    assert abs(float(torch.dot(a, b) / (a.norm() * b.norm()))) < 0.1


def test_silence_is_zero_both_ways() -> None:
    latents = CODEC.encode(torch.zeros(1, 2, 3200))
    assert not latents.any()
    assert not CODEC.decode(latents).any()


def test_shifting_audio_by_frames_shifts_its_latents() -> None:
    audio = chord(32_000, panned=True)
    shifted = torch.nn.functional.pad(audio, (320 * 7, 0))
    torch.testing.assert_close(CODEC.encode(shifted)[..., 7:], CODEC.encode(audio), rtol=0, atol=1e-3)


def test_a_row_does_not_depend_on_its_batch() -> None:
    audio = torch.cat([chord(16_000), chord(16_000, panned=True), -chord(16_000)])
    latents = CODEC.encode(audio)
    torch.testing.assert_close(latents[1:2], CODEC.encode(audio[1:2]), rtol=0, atol=1e-3)
    torch.testing.assert_close(CODEC.decode(latents)[1:2], CODEC.decode(latents[1:2]), rtol=0, atol=1e-5)


def test_equal_latents_give_equal_audio_whatever_was_decoded_before() -> None:
    latents = torch.randn(1, 128, 40, generator=torch.Generator().manual_seed(1))
    first = CODEC.decode(latents)
    CODEC.decode(torch.randn(2, 128, 99))
    assert torch.equal(CODEC.decode(latents), first)


def test_long_audio_transformed_in_chunks_is_seamless(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = chord(32_000, panned=True)
    whole = CODEC.encode(audio)
    decoded = CODEC.decode(whole)
    monkeypatch.setattr("stemwright.mdct_codec._CHUNK_FRAMES", 17)
    torch.testing.assert_close(CODEC.encode(audio), whole, rtol=0, atol=1e-3)
    torch.testing.assert_close(CODEC.decode(whole), decoded, rtol=0, atol=1e-5)


def test_extremes_stay_finite_and_fit_half_precision() -> None:
    loud = torch.full((1, 2, 6400), 100.0)
    loud[..., ::2] *= -1
    latents = CODEC.encode(loud)
    assert latents.abs().max() <= 1e3
    assert torch.isfinite(latents.half()).all()
    assert torch.isfinite(CODEC.decode(torch.full((1, 128, 10), 1e30))).all()


def test_half_precision_storage_is_inaudible() -> None:
    audio = chord(48_000)
    latents = CODEC.encode(audio)
    assert snr_db(CODEC.decode(latents), CODEC.decode(latents.half().float())) > 50


def test_latents_of_music_at_its_loudness_are_of_order_one() -> None:
    level = 10 ** (-23 / 20)
    audio = chord(48_000) / chord(48_000).square().mean().sqrt() * level
    assert 0.1 < float(CODEC.encode(audio)[:, :92].std()) < 3


@pytest.mark.parametrize("shape", [(2, 100), (1, 1, 100), (1, 2, 0), (1, 3, 100)])
def test_audio_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="audio to encode must be"):
        CODEC.encode(torch.zeros(shape))


def test_audio_that_is_not_finite_and_latents_of_another_width_are_refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        CODEC.encode(torch.full((1, 2, 640), math.nan))
    with pytest.raises(InputError, match="128"):
        CODEC.decode(torch.zeros(1, 64, 10))
