import math
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from stemwright.audio import read_audio
from stemwright.encodec_codec import EncodecCodec
from stemwright.errors import InputError
from stemwright.loudness import integrated_lufs
from stemwright.mdct_codec import MdctCodec
from stemwright_platform.corpus.encode_song import LatentSlice, SongEncoder, sounding_frames

CODEC = MdctCodec()


def write(path, samples, rate_hz=48000):
    soundfile.write(path, samples, rate_hz)
    return path


def noise(seconds: float, rate_hz: int = 48000, channels: int = 2) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((round(seconds * rate_hz), channels))


def encode_song(song, slice_s=20.0):
    """The encoder and all its slices as one."""
    encoder = SongEncoder(song, CODEC)
    slices = list(encoder.slices(slice_s))
    latents = torch.cat([piece.latents for piece in slices], dim=-1)
    sounding = torch.cat([piece.sounding for piece in slices], dim=-1)
    return encoder, LatentSlice(latents=latents, sounding=sounding)


@pytest.mark.parametrize("codec", [CODEC, EncodecCodec.random(0, num_filters=2)], ids=["mdct", "encodec"])
def test_slices_give_the_latents_of_the_whole(make_song, codec):
    encoder = SongEncoder(make_song("a", 5.03), codec)
    sliced, whole = ([*encoder.slices(slice_s)] for slice_s in (2.0, 60.0))
    assert (len(sliced), len(whole)) == (3, 1)
    joined = torch.cat([piece.latents for piece in sliced], dim=-1)
    torch.testing.assert_close(joined, whole[0].latents, rtol=2e-3, atol=2e-3)
    assert torch.equal(torch.cat([piece.sounding for piece in sliced], dim=-1), whole[0].sounding)


def test_a_resampled_song_is_the_same_in_slices(make_song, tmp_path):
    stem = write(tmp_path / "stem.flac", noise(7.3, 44100), 44100)
    encoder = SongEncoder(make_song("a", 7.3, bass=stem, drums=None, instrument=None, melody=None), CODEC)
    sliced = torch.cat([piece.latents for piece in encoder.slices(1.0)], dim=-1)
    levelled = read_audio(stem) * 10 ** (encoder.song.gains_db[0] / 20)
    torch.testing.assert_close(sliced[0], CODEC.encode(levelled[None])[0].half(), rtol=2e-3, atol=2e-3)


def test_files_of_one_track_are_summed(make_song, tmp_path):
    one = write(tmp_path / "one.wav", noise(2.0, 44100), 44100)
    two = write(tmp_path / "two.flac", noise(3.0)[:, :1] * 0.5)
    song = make_song("a", 3.0)
    both = replace(song, tracks={**song.tracks, "bass": (str(one), str(two))})
    summed = torch.nn.functional.pad(read_audio(one), (0, 48000)) + read_audio(two)
    track, _ = torch.split(encode_song(both)[1].latents, [1, 3])
    gain = 10 ** ((-23 - integrated_lufs(summed, 48000)) / 20)
    torch.testing.assert_close(track[0].float(), CODEC.encode(summed[None] * gain)[0], rtol=1e-2, atol=1e-2)


def test_a_track_known_to_be_silent_is_present_and_silent(make_song):
    song = make_song("a")
    encoder, encoded = encode_song(replace(song, tracks={**song.tracks, "melody": ()}))
    assert encoder.song.presence == (True, True, True, True)
    assert 3 not in encoder.heard
    assert torch.equal(encoded.latents[3].float(), CODEC.encode(torch.zeros(1, 2, 96000))[0])


def test_stems_decode_at_the_one_loudness_and_the_gain_leads_back(make_song):
    song = make_song("a", 4.0)
    encoder, encoded = encode_song(song)
    for slot, (path,) in enumerate(song.tracks.values()):
        decoded = CODEC.decode(encoded.latents[slot][None].float())[0]
        assert integrated_lufs(decoded, 48000) == pytest.approx(-23, abs=0.5)
        recorded = integrated_lufs(read_audio(path), 48000)
        assert recorded + encoder.song.gains_db[slot] == pytest.approx(-23, abs=0.01)


def test_a_missing_track_is_absent_and_zero(make_song):
    encoder, encoded = encode_song(make_song("a", melody=None))
    assert encoder.song.presence == (True, True, True, False)
    assert not encoded.latents[3].any()
    assert not encoded.sounding[3].any()


def test_a_silent_track_is_present_and_stays_silent(make_song, tmp_path):
    silent = write(tmp_path / "silent.wav", np.zeros((96000, 2)))
    encoder, encoded = encode_song(make_song("a", drums=silent))
    assert encoder.song.presence[1]
    assert encoder.song.gains_db[1] == 0
    assert not encoded.latents[1].any()
    assert not encoded.sounding[1].any()


def test_shorter_tracks_end_in_silence(make_song, tmp_path):
    short = write(tmp_path / "short.wav", noise(1.0))
    encoder, encoded = encode_song(make_song("a", 3.0, bass=short))
    assert encoder.duration_s == 3.0
    assert encoded.latents.shape == (4, 128, 450)
    assert encoded.sounding[0, :150].all()
    assert not encoded.sounding[0, 151:].any()
    assert encoded.sounding[1].all()


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_mono_become_the_same_length(make_song, tmp_path, rate_hz, channels):
    stem = write(tmp_path / "stem.flac", noise(2.0, rate_hz, channels), rate_hz)
    _, encoded = encode_song(make_song("a", 2.0, bass=stem))
    assert encoded.latents.shape[-1] == 300
    assert encoded.sounding[0].float().mean() > 0.95
    assert torch.isfinite(encoded.latents).all()


def test_a_last_frame_that_is_not_full_is_kept(make_song, tmp_path):
    stems = {name: write(tmp_path / f"{name}.wav", noise(1.001)) for name in ("bass", "drums")}
    _, encoded = encode_song(make_song("a", 1.001, instrument=None, melody=None, **stems))
    assert encoded.latents.shape[-1] == math.ceil(1.001 * 150)


def bad_file(tmp_path, kind):
    path = tmp_path / f"{kind}.wav"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "not audio":
        path.write_text("these are words")
    elif kind == "nan":
        soundfile.write(path, np.full((48000, 2), np.nan), 48000, subtype="FLOAT")
    elif kind == "truncated":
        whole = write(tmp_path / "whole.flac", noise(2.0)).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "no samples":
        write(path, noise(0.0))
    return path


@pytest.mark.parametrize("kind", ["empty", "not audio", "nan", "truncated", "no samples", "gone"])
def test_an_unusable_file_is_named(make_song, tmp_path, kind):
    with pytest.raises(InputError, match=rf"{kind}\.wav") as error:
        encode_song(make_song("a", drums=bad_file(tmp_path, kind)))
    assert "\n" not in str(error.value)


def test_a_millisecond_is_too_short_and_silence_is_nothing_to_learn(make_song, tmp_path):
    nothing = dict.fromkeys(("drums", "instrument", "melody"))
    with pytest.raises(InputError, match=r"0\.001 s"):
        encode_song(make_song("a", bass=write(tmp_path / "ms.wav", noise(0.001)), **nothing))
    with pytest.raises(InputError, match="silent in every track"):
        encode_song(make_song("b", bass=write(tmp_path / "hush.wav", np.zeros((96000, 2))), **nothing))


def test_a_frame_sounds_above_sixty_decibels_below_full_scale():
    audio = torch.cat([torch.full((2, 640), 0.0011), torch.full((2, 320), 0.0009), torch.zeros(2, 10)], dim=1)
    assert sounding_frames(audio, 320).tolist() == [True, True, False, False]
