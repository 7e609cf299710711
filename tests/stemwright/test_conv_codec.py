import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from stemwright import conv_codec
from stemwright.codec import Codec, load_codec
from stemwright.conv_codec import FILE, ConvCodec, write_codec_file
from stemwright.conv_codec_net import HOP, ConvAutoencoder, ConvCodecConfig
from stemwright.errors import InputError

CONFIG = ConvCodecConfig(
    latent_dim=8,
    encoder_width=16,
    encoder_blocks=2,
    decoder_width=24,
    decoder_blocks=2,
    part_width=8,
    part_blocks=1,
)


def random_weights(seed: int = 1, config: ConvCodecConfig = CONFIG) -> dict[str, Tensor]:
    """Of a network that hears and makes something: far from its quiet start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ConvAutoencoder(config)
        for name, value in model.named_parameters():
            torch.nn.init.normal_(value, 1.0 if "scale" in name else 0.0, 0.3)
    return model.state_dict()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("codec") / FILE
    write_codec_file(path, random_weights(), CONFIG)
    return path


@pytest.fixture(scope="module")
def codec(file: Path) -> ConvCodec:
    return ConvCodec.from_pretrained(file)


def noise(num_samples: int, rows: int = 1, seed: int = 0) -> Tensor:
    return torch.randn(rows, 2, num_samples, generator=torch.Generator().manual_seed(seed)) * 0.1


def in_pieces_of(frames: int, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conv_codec, "PIECE_FRAMES", frames)


def test_the_registry_gives_this_codec_from_a_file_or_its_folder_and_it_keeps_the_contract(
    file: Path,
) -> None:
    codec = load_codec("conv", weights=str(file))
    assert isinstance(codec, Codec)
    assert (codec.name, codec.latent_dim, codec.hop, codec.frame_rate_hz) == ("conv", 8, HOP, 46.875)
    assert load_codec("conv", weights=str(file.parent)).fingerprint == codec.fingerprint


@pytest.mark.parametrize("num_samples", [1, 1023, 1024, 1025, 48_000])
def test_any_length_gives_whole_frames(codec: ConvCodec, num_samples: int) -> None:
    latents = codec.encode(noise(num_samples))
    frames = -(-num_samples // HOP)
    assert latents.shape == (1, 8, frames)
    assert latents.dtype == torch.float32
    assert codec.decode(latents).shape == (1, 2, frames * HOP)


@pytest.mark.parametrize("frames", [1, 5, 16, 39])
def test_pieces_come_out_as_the_whole(codec: ConvCodec, monkeypatch: pytest.MonkeyPatch, frames: int) -> None:
    audio = noise(40 * HOP)
    whole = codec.encode(audio)
    made = codec.decode(whole)
    in_pieces_of(frames, monkeypatch)
    torch.testing.assert_close(codec.encode(audio), whole, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(codec.decode(whole), made, atol=1e-4 * float(made.abs().max()), rtol=1e-4)


def test_a_frame_hears_its_context_and_nothing_beyond(codec: ConvCodec) -> None:
    audio, reach, frame = noise(64 * HOP), codec.context_frames, 30
    other = noise(64 * HOP, seed=1)
    kept = slice((frame - reach) * HOP, (frame + reach + 1) * HOP)
    other[..., kept] = audio[..., kept]
    before, after = (codec.encode(x)[..., frame] for x in (audio, other))
    torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-5)
    for outermost in (frame - reach, frame + reach):
        heard = audio.clone()
        heard[..., outermost * HOP : (outermost + 1) * HOP] = 5 * noise(HOP, seed=2)
        assert not torch.equal(codec.encode(heard)[..., frame], before)


def test_audio_depends_on_no_latents_beyond_the_reach_of_the_decoder(codec: ConvCodec) -> None:
    reach, frame = CONFIG.decoder_reach, 30
    latents = torch.randn(1, 8, 64, generator=torch.Generator().manual_seed(2))
    other = latents.clone()
    other[..., frame + reach + 1 :] = torch.randn(
        1, 8, 33 - reach, generator=torch.Generator().manual_seed(3)
    )
    # a voice glides to the next half frame from the middle of the one before: that much less is settled
    settled = slice(0, (frame + 1) * HOP - HOP // 4)
    before, after = (codec.decode(x)[..., settled] for x in (latents, other))
    torch.testing.assert_close(before, after, atol=1e-5 * float(before.abs().max()), rtol=1e-4)
    assert not torch.allclose(codec.decode(latents), codec.decode(other))


def test_what_shares_a_batch_changes_nothing(codec: ConvCodec) -> None:
    audio = noise(20 * HOP, rows=3)
    latents = codec.encode(audio)
    made = codec.decode(latents)
    for row in range(3):
        assert torch.equal(codec.encode(audio[row : row + 1])[0], latents[row])
        assert torch.equal(codec.decode(latents[row : row + 1])[0], made[row])


def test_left_and_right_are_told_apart(codec: ConvCodec) -> None:
    audio = noise(20 * HOP)
    assert not torch.allclose(codec.encode(audio), codec.encode(audio.flip(1)), atol=1e-3)


def test_the_fingerprint_is_of_the_weights_and_the_shape(
    file: Path, codec: ConvCodec, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere.safetensors"
    write_codec_file(copy, random_weights(), CONFIG)
    assert ConvCodec.from_pretrained(copy).fingerprint == codec.fingerprint
    write_codec_file(copy, random_weights(seed=2), CONFIG)
    assert ConvCodec.from_pretrained(copy).fingerprint != codec.fingerprint
    other = replace(CONFIG, decoder_blocks=1)
    write_codec_file(copy, random_weights(config=other), other)
    assert ConvCodec.from_pretrained(copy).fingerprint != codec.fingerprint


def test_the_file_is_written_in_half_precision_and_read_back_the_same(file: Path) -> None:
    assert {value.dtype for value in load_file(file).values()} == {torch.float16}
    config, state = conv_codec.read_codec_file(file)
    assert config == CONFIG
    for name, value in random_weights().items():
        torch.testing.assert_close(state[name], value, atol=1e-3, rtol=1e-3)


def test_weights_too_large_for_the_file_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    weights = random_weights()
    weights["encoder.out.bias"] += 1e6
    with pytest.raises(ValueError, match=r"encoder\.out\.bias"):
        write_codec_file(tmp_path / FILE, weights, CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_names_itself_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no .*missing.*stemwright codec train.*mdct"):
        load_codec("conv", weights=str(tmp_path / "missing"))


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x10" * 100])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE
    path.write_bytes(content)
    with pytest.raises(InputError, match=FILE):
        load_codec("conv", weights=str(path))


def test_a_file_of_another_kind_or_shape_is_named(tmp_path: Path) -> None:
    path = tmp_path / FILE
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="holds no weights of codec"):
        load_codec("conv", weights=str(path))
    for config, reason in (({"width": 3}, "cannot read"), ({}, "does not fit")):
        facts = json.dumps({"kind": conv_codec.KIND, "config": config})
        save_file({"x": torch.zeros(2)}, path, metadata={conv_codec.METADATA: facts})
        with pytest.raises(InputError, match=reason):
            load_codec("conv", weights=str(path))


def test_audio_and_latents_of_another_shape_are_refused(codec: ConvCodec) -> None:
    with pytest.raises(InputError, match="batch, 2, samples"):
        codec.encode(torch.zeros(1, 1, 4800))
    with pytest.raises(InputError, match="not finite"):
        codec.encode(torch.full((1, 2, 4800), torch.nan))
    with pytest.raises(InputError, match=r"batch, 8, frames"):
        codec.decode(torch.zeros(1, 9, 4))
