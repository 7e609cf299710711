import numpy as np
import pytest

from stemwright_platform.corpus.synthesis.effects import Effects, light_effects

RATE_HZ = 48000


def clicks(at: list[int], num_samples: int = 3 * RATE_HZ) -> np.ndarray:
    stem = np.zeros((2, num_samples), np.float32)
    stem[:, at] = 0.5
    return stem


def noise(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.1, (2, int(seconds * RATE_HZ))).astype(np.float32)


def plain(**settings: object) -> Effects:
    dry = {"headroom": None, "bands_db": (0.0, 0.0, 0.0), "room_db": None, "decay_s": 0.2, "room_seed": 1}
    return Effects(**dry | settings)  # type: ignore[arg-type]


def test_no_onset_moves_and_nothing_sounds_before_it() -> None:
    at = [5000, 48000, 100_000]
    for seed in range(6):
        heard = light_effects(clicks(at), np.random.default_rng(seed))
        for start in at:
            near = np.abs(heard[:, start - 4000 : start + 4000])
            assert (near.argmax(axis=1) - 4000 <= 48).all()
            assert near[:, 3800:4000].max() < 1e-2 * near.max()
        assert np.abs(heard[:, : at[0] - 1]).max() < 1e-4


def test_equal_draws_sound_equal_and_others_differ() -> None:
    stem = noise(1.0)
    first, same, other = (light_effects(stem, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.01


def test_shape_type_and_rms_are_kept_and_the_input_is_left_alone() -> None:
    stem = noise(2.5)
    before = stem.copy()
    for seed in range(4):
        heard = light_effects(stem, np.random.default_rng(seed))
        assert heard.shape == stem.shape
        assert heard.dtype == np.float32
        assert np.sqrt(np.mean(heard**2)) == pytest.approx(np.sqrt(np.mean(stem**2)), rel=1e-3)
    np.testing.assert_array_equal(stem, before)


def test_neutral_settings_change_nothing() -> None:
    stem = noise(3.0)
    np.testing.assert_allclose(plain().applied(stem), stem, atol=1e-5)


def test_bands_change_the_spectrum_by_their_gains() -> None:
    stem = noise(4.0)
    heard = plain(bands_db=(-2.0, 0.0, 2.0)).applied(stem)
    before, after = (np.abs(np.fft.rfft(audio[0])) ** 2 for audio in (stem, heard))

    def gain_db(low_hz: int, high_hz: int) -> float:
        return 10 * np.log10(after[low_hz * 4 : high_hz * 4].sum() / before[low_hz * 4 : high_hz * 4].sum())

    assert gain_db(40, 120) - gain_db(600, 1200) == pytest.approx(-2, abs=0.4)
    assert gain_db(6000, 12000) - gain_db(600, 1200) == pytest.approx(2, abs=0.3)


def test_a_room_has_the_power_asked_for_and_dies_away() -> None:
    heard = plain(room_db=-12.0, decay_s=0.2).applied(clicks([1000]))
    direct = np.square(heard[:, 1000]).sum()
    room = np.square(heard[:, 1001:]).sum()
    assert 10 * np.log10(room / direct) == pytest.approx(-12, abs=0.5)
    assert np.abs(heard[:, 1000 + 17000 :]).max() < 1e-4 * np.abs(heard).max()


def test_saturation_tames_peaks() -> None:
    stem = noise(1.0)
    heard = plain(headroom=1.0).applied(stem)
    assert np.abs(heard).max() / heard.std() < 0.85 * np.abs(stem).max() / stem.std()


def test_silence_stays_silent_and_short_stems_pass() -> None:
    assert not light_effects(np.zeros((2, 999), np.float32), np.random.default_rng(0)).any()
    assert light_effects(noise(0.01), np.random.default_rng(0)).shape == (2, 480)


def test_blocks_join_without_a_seam() -> None:
    stem = noise(6.0)
    effects = plain(room_db=-12.0, bands_db=(2.0, 0.0, -2.0))
    late = effects.applied(np.pad(stem, ((0, 0), (12345, 0))))[:, 12345:]
    np.testing.assert_allclose(effects.applied(stem), late, atol=2e-5)
