import math

import numpy as np
import pytest
import soundfile
import torch

from stemwright.audio import read_audio
from stemwright.errors import InputError
from stemwright.loudness import integrated_lufs
from stemwright.mdct_codec import MdctCodec
from stemwright_platform.corpus.encode_song import encode_in_slices, encode_song, sounding_frames

CODEC = MdctCodec()


def write(path, samples, rate_hz=48000):
    soundfile.write(path, samples, rate_hz)
    return path


def noise(seconds: float, rate_hz: int = 48000, channels: int = 2) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((round(seconds * rate_hz), channels))


def test_slices_give_the_latents_of_the_whole():
    audio = torch.randn(1, 2, 5 * 48000 + 77, generator=torch.Generator().manual_seed(0)) * 0.1
    whole = CODEC.encode(audio).half()
    torch.testing.assert_close(encode_in_slices(audio, CODEC, slice_s=2.0), whole, rtol=2e-3, atol=2e-3)


def test_stems_decode_at_the_one_loudness_and_the_gain_leads_back(make_song):
    song = make_song("a", 4.0)
    encoded = encode_song(song, CODEC)
    for slot, (path,) in enumerate(song.tracks.values()):
        decoded = CODEC.decode(encoded.latents[slot][None].float())[0]
        assert integrated_lufs(decoded, 48000) == pytest.approx(-23, abs=0.5)
        recorded = integrated_lufs(read_audio(path), 48000)
        assert recorded + encoded.song.gains_db[slot] == pytest.approx(-23, abs=0.01)


def test_a_missing_track_is_absent_and_zero(make_song):
    encoded = encode_song(make_song("a", melody=None), CODEC)
    assert encoded.song.presence == (True, True, True, False)
    assert not encoded.latents[3].any()
    assert not encoded.sounding[3].any()


def test_a_silent_track_is_present_and_stays_silent(make_song, tmp_path):
    silent = write(tmp_path / "silent.wav", np.zeros((96000, 2)))
    encoded = encode_song(make_song("a", drums=silent), CODEC)
    assert encoded.song.presence[1]
    assert encoded.song.gains_db[1] == 0
    assert not encoded.latents[1].any()
    assert not encoded.sounding[1].any()


def test_shorter_tracks_end_in_silence(make_song, tmp_path):
    short = write(tmp_path / "short.wav", noise(1.0))
    encoded = encode_song(make_song("a", 3.0, bass=short), CODEC)
    assert encoded.duration_s == 3.0
    assert encoded.latents.shape == (4, 128, 450)
    assert encoded.sounding[0, :150].all()
    assert not encoded.sounding[0, 151:].any()
    assert encoded.sounding[1].all()


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_mono_become_the_same_length(make_song, tmp_path, rate_hz, channels):
    stem = write(tmp_path / "stem.flac", noise(2.0, rate_hz, channels), rate_hz)
    encoded = encode_song(make_song("a", 2.0, bass=stem), CODEC)
    assert encoded.latents.shape[-1] == 300
    assert encoded.sounding[0].float().mean() > 0.95
    assert torch.isfinite(encoded.latents).all()


def test_a_last_frame_that_is_not_full_is_kept(make_song, tmp_path):
    stems = {name: write(tmp_path / f"{name}.wav", noise(1.001)) for name in ("bass", "drums")}
    encoded = encode_song(make_song("a", 1.001, instrument=None, melody=None, **stems), CODEC)
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
        encode_song(make_song("a", drums=bad_file(tmp_path, kind)), CODEC)
    assert "\n" not in str(error.value)


def test_a_millisecond_is_too_short_and_silence_is_nothing_to_learn(make_song, tmp_path):
    nothing = dict.fromkeys(("drums", "instrument", "melody"))
    with pytest.raises(InputError, match=r"0\.001 s"):
        encode_song(make_song("a", bass=write(tmp_path / "ms.wav", noise(0.001)), **nothing), CODEC)
    with pytest.raises(InputError, match="silent in every track"):
        encode_song(make_song("b", bass=write(tmp_path / "hush.wav", np.zeros((96000, 2))), **nothing), CODEC)


def test_a_frame_sounds_above_sixty_decibels_below_full_scale():
    audio = torch.cat([torch.full((2, 640), 0.0011), torch.full((2, 320), 0.0009), torch.zeros(2, 10)], dim=1)
    assert sounding_frames(audio, 320).tolist() == [True, True, False, False]
