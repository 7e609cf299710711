import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from stemwright.codec import Codec, load_codec
from stemwright.encodec_codec import EncodecCodec, encodec_48khz_config, random_model
from stemwright.errors import InputError

SECOND = 48_000


class FirstSamples(nn.Module):
    """Keeps the first 64 samples a channel of every 320: audio that is zero elsewhere survives exactly."""

    def forward(self, audio: Tensor) -> Tensor:
        return audio.unflatten(-1, (-1, 320))[..., :64].transpose(2, 3).flatten(1, 2)


class FirstSamplesBack(nn.Module):
    def forward(self, latents: Tensor) -> Tensor:
        frames = latents.unflatten(1, (2, 64)).transpose(2, 3)
        return nn.functional.pad(frames, (0, 256)).flatten(2)


EXACT = EncodecCodec(FirstSamples(), FirstSamplesBack(), weights_hash="exact")


@pytest.fixture(scope="module")
def small() -> EncodecCodec:
    """EnCodec's architecture with few filters and random weights."""
    return EncodecCodec.random(0, num_filters=2)


def music(num_samples: int, *, batch: int = 1) -> Tensor:
    """Noise `[B, 2, n]` of moving level that the exact codec can keep."""
    generator = torch.Generator().manual_seed(5)
    audio = torch.randn(batch, 2, num_samples, generator=generator) * 0.1
    level = 0.3 + torch.sin(torch.arange(num_samples) / 9000).abs()
    return audio * level * (torch.arange(num_samples) % 320 < 64)


def assert_close(got: Tensor, expected: Tensor, tolerance: float = 1e-4) -> None:
    torch.testing.assert_close(got, expected, rtol=0, atol=tolerance)


def test_it_keeps_the_contract_of_a_codec(small: EncodecCodec) -> None:
    assert isinstance(small, Codec)
    assert (small.name, small.latent_dim, small.hop, small.frame_rate_hz) == ("encodec", 129, 320, 150.0)
    assert small.segment_frames * small.hop == SECOND


@pytest.mark.parametrize("num_samples", [1, 48, 320, 47_999, SECOND, SECOND + 1, 100_000])
def test_any_length_gives_whole_frames(small: EncodecCodec, num_samples: int) -> None:
    latents = small.encode(music(num_samples) + 0.01)
    frames = math.ceil(num_samples / 320)
    assert latents.shape == (1, 129, frames)
    audio = small.decode(latents)
    assert audio.shape == (1, 2, frames * 320)
    assert torch.isfinite(audio).all()


def test_nothing_drifts_or_fades_over_a_minute() -> None:
    audio = music(60 * SECOND + 3200)
    latents = EXACT.encode(audio)
    assert latents.shape[2] == 60 * 150 + 10
    assert_close(EXACT.decode(latents), audio)


@pytest.mark.parametrize("num_samples", [64, 3200, SECOND // 2, SECOND + 6400])
def test_a_part_of_a_segment_comes_back_in_place_and_level(num_samples: int) -> None:
    audio = music(num_samples)
    copy = EXACT.decode(EXACT.encode(audio))
    assert_close(copy[..., : num_samples - 64], audio[..., : num_samples - 64], 0.02)
    assert float(copy.square().sum() / audio.square().sum()) == pytest.approx(1, rel=0.15)


def test_the_log_level_channel_carries_the_level_alone(small: EncodecCodec) -> None:
    audio = music(3 * SECOND)
    loud, quiet = small.encode(audio * 2), small.encode(audio / 2)
    assert_close(loud[:, :128], quiet[:, :128], 1e-3)
    assert_close(loud[:, 128] - quiet[:, 128], torch.full((1, 450), math.log(4)), 0.02)
    level = loud[0, 128].unflatten(0, (3, 150))
    assert_close(level, level[:, :1].expand(-1, 150))
    # The decoder cannot see levels: they come back through the channel.
    ratio = small.decode(loud).square().mean() / small.decode(quiet).square().mean()
    assert float(ratio) == pytest.approx(16, rel=0.02)


def test_silence_decodes_to_silence_beside_music(small: EncodecCodec) -> None:
    assert not small.decode(small.encode(torch.zeros(1, 2, SECOND))).any()
    audio = torch.cat([music(SECOND), torch.zeros(1, 2, 2 * SECOND)], dim=2)
    copy = small.decode(small.encode(audio))
    assert not copy[..., SECOND:].any()
    assert copy[..., : SECOND // 2].any()


def test_opposite_channels_are_no_silence() -> None:
    left = music(SECOND)[:, :1]
    audio = torch.cat([left, -left], dim=1)
    assert_close(EXACT.decode(EXACT.encode(audio)), audio)


def test_shifting_by_a_segment_shifts_the_latents(small: EncodecCodec) -> None:
    audio = music(2 * SECOND)
    shifted = torch.cat([music(SECOND) * 0.7, audio], dim=2)
    assert_close(small.encode(shifted)[..., 150:], small.encode(audio))


def test_a_row_does_not_depend_on_its_batch(small: EncodecCodec) -> None:
    audio = music(2 * SECOND + 500, batch=5)  # more segments than one inner batch
    latents = small.encode(audio)
    assert_close(latents[3:4], small.encode(audio[3:4]))
    assert_close(small.decode(latents)[3:4], small.decode(latents[3:4]))


def test_segments_join_without_a_click(small: EncodecCodec) -> None:
    frame = torch.randn(1, 128, 1, generator=torch.Generator().manual_seed(2))
    latents = torch.cat([frame, torch.full((1, 1, 1), -2.0)], dim=1).expand(-1, -1, 600)
    audio = small.decode(latents)[0]
    jumps = audio.diff(dim=-1).abs()
    inside = jumps[:, 20_000:28_000].max()
    for boundary in (SECOND, 2 * SECOND, 3 * SECOND):
        assert jumps[:, boundary - 3000 : boundary + 3000].max() <= inside * 1.2


def test_a_loud_neighbour_does_not_turn_a_segment_down() -> None:
    class Blind(FirstSamplesBack):
        """Sets the level of what it decodes, as a decoder with normalisation over time does."""

        def forward(self, latents: Tensor) -> Tensor:
            audio = super().forward(latents)
            return audio / audio.square().mean(dim=(1, 2), keepdim=True).sqrt()

    codec = EncodecCodec(FirstSamples(), Blind(), weights_hash="blind")
    audio = music(2 * SECOND)
    audio = torch.stack([audio[:, 0], audio[:, 0]], dim=1)
    audio[..., SECOND : SECOND + 640] *= 30
    copy = codec.decode(codec.encode(audio))
    assert_close(copy[..., : SECOND - 1280], audio[..., : SECOND - 1280], 1e-3)


def test_random_weights_follow_the_seed_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    first = EncodecCodec.random(1, num_filters=2)
    assert torch.equal(torch.rand(3), expected)
    audio = music(SECOND)
    assert torch.equal(first.encode(audio), EncodecCodec.random(1, num_filters=2).encode(audio))
    assert first.fingerprint == EncodecCodec.random(1, num_filters=2).fingerprint
    assert first.fingerprint != EncodecCodec.random(2, num_filters=2).fingerprint


def test_weights_are_read_from_a_local_folder(tmp_path: Path) -> None:
    model = random_model(3, num_filters=2)
    model.save_pretrained(tmp_path)
    codec = load_codec("encodec", weights=str(tmp_path))
    same = EncodecCodec(model.encoder, model.decoder, weights_hash="same")
    audio = music(SECOND)
    assert_close(codec.encode(audio), same.encode(audio), 1e-5)
    assert codec.fingerprint == load_codec("encodec", weights=str(tmp_path)).fingerprint


def test_the_architecture_is_that_of_the_published_weights() -> None:
    assert encodec_48khz_config().hop_length == 320
    assert sum(p.numel() for p in random_model(0).parameters()) == pytest.approx(14.86e6, rel=0.01)


def test_missing_weights_are_told_with_the_command_and_the_alternative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError, match=r"hf download facebook/encodec_48khz`.*mdct"):
        load_codec("encodec")
    with pytest.raises(InputError, match=r"has no config\.json.*hf download facebook/encodec_48khz.*mdct"):
        load_codec("encodec", weights=str(tmp_path))


def test_another_encodec_is_refused(tmp_path: Path) -> None:
    random_model(0, num_filters=2).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"sampling_rate": 24_000}))
    with pytest.raises(InputError, match="not the stereo 48 kHz EnCodec"):
        load_codec("encodec", weights=str(tmp_path))


@pytest.mark.parametrize("shape", [(2, 100), (1, 1, 100), (1, 2, 0)])
def test_audio_of_another_shape_is_refused(small: EncodecCodec, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="audio to encode must be"):
        small.encode(torch.zeros(shape))


def test_audio_that_is_not_finite_and_latents_of_another_width_are_refused(small: EncodecCodec) -> None:
    with pytest.raises(InputError, match="not finite"):
        small.encode(torch.full((1, 2, 640), math.nan))
    with pytest.raises(InputError, match="129"):
        small.decode(torch.zeros(1, 128, 10))
