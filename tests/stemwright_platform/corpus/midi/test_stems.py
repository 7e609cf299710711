import numpy as np
import pytest
from written_midi import band, file_bytes, note, program

from stemwright.errors import InputError
from stemwright_platform.corpus.midi.augmentation import Variant, variant_of
from stemwright_platform.corpus.midi.midi_file import parse_midi
from stemwright_platform.corpus.midi.score import score_of
from stemwright_platform.corpus.midi.slots import assign
from stemwright_platform.corpus.midi.stems import LEVELS_DB, MIX_PEAK, TAIL_S, render_stems
from stemwright_platform.corpus.synthesis.mixing import mix_of
from stemwright_platform.corpus.synthesis.sound_font import SoundFont

PLAIN = Variant(font=0, programs={}, effects={}, levels_db={})


@pytest.fixture(scope="module")
def stems(small_font: SoundFont) -> dict[str, np.ndarray]:
    score = score_of(parse_midi(band()))
    return render_stems(assign(score), score.duration_s, PLAIN, small_font)


def test_every_slot_sounds_in_stereo_for_the_song_and_its_tail(stems: dict[str, np.ndarray]) -> None:
    assert set(stems) == {"bass", "drums", "instrument", "melody"}
    duration_s = score_of(parse_midi(band())).duration_s
    assert {stem.shape for stem in stems.values()} == {(2, round((duration_s + TAIL_S) * 48000))}
    assert all(stem.dtype == np.float32 for stem in stems.values())


def test_levels_are_those_of_the_slots_and_nothing_clips(stems: dict[str, np.ndarray]) -> None:
    peak = max(np.abs(audio).max() for audio in (mix_of(stems), *stems.values()))
    assert peak <= MIX_PEAK + 1e-6
    levels = {}
    for name, stem in stems.items():
        power = (stem[:, : stem.shape[1] // 2400 * 2400].reshape(2, -1, 2400) ** 2).mean(axis=(0, 2))
        levels[name] = 10 * np.log10(power[power > 1e-3 * power.max()].mean()) - LEVELS_DB[name]
    assert max(levels.values()) - min(levels.values()) < 0.1
    assert -12 < levels["bass"] < 0.1


def test_stems_end_in_silence(stems: dict[str, np.ndarray]) -> None:
    assert all(np.abs(stem[:, -10:]).max() < 1e-4 for stem in stems.values())


def test_effects_change_the_sound_and_keep_the_levels(
    stems: dict[str, np.ndarray], small_font: SoundFont
) -> None:
    score = score_of(parse_midi(band()))
    parts = assign(score)
    wet = variant_of(score, parts, song="a", number=1, seed=1, num_fonts=1)
    treated = Variant(font=0, programs={}, effects=wet.effects, levels_db={})
    heard = render_stems(parts, score.duration_s, treated, small_font)
    for name, stem in stems.items():
        assert np.abs(heard[name] - stem).max() > 1e-3
        assert 0.5 < heard[name].std() / stem.std() < 2


def test_a_slot_that_the_font_cannot_play_is_left_out(small_font: SoundFont) -> None:
    mute = [program(0, 0, 9), *note(0, 1, 3, 9)]
    score = score_of(parse_midi(file_bytes([program(0, 33), *note(0, 4, 36)], mute)))
    assert set(render_stems(assign(score), score.duration_s, PLAIN, small_font)) == {"bass"}
    only = score_of(parse_midi(file_bytes(mute)))
    with pytest.raises(InputError, match=r"TimGM6mb.sf2 plays none"):
        render_stems(assign(only), only.duration_s, PLAIN, small_font)
