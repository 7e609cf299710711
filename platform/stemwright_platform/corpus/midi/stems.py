"""The stems of a song: its parts played and summed by slot, at levels that make a mix."""

from collections.abc import Mapping, Sequence

import numpy as np

from stemwright.errors import InputError
from stemwright_platform.corpus.midi.augmentation import Variant
from stemwright_platform.corpus.midi.part_audio import play
from stemwright_platform.corpus.midi.slots import Assignment
from stemwright_platform.corpus.synthesis.effects import Audio
from stemwright_platform.corpus.synthesis.mixing import mix_of
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ, SoundFont

TAIL_S = 1.5
"""After the last note's end, for it to ring out."""
TAIL_FADE_S = 0.5
MIX_PEAK = 0.9
LEVELS_DB = {"bass": -21.0, "drums": -20.0, "instrument": -23.0, "melody": -22.0}
"""RMS of each stem where it sounds, before the common gain."""
WIDTHS = {"bass": 0.3, "drums": 0.6}
"""How much of a slot's stereo width is kept where not all: fonts set toms, or a bass, hard to one side."""
GATE_DB = -30.0
"""Blocks so far under the loudest do not count as sounding."""
SILENT_POWER = 1e-10
BLOCK = SAMPLE_RATE_HZ // 20


def render_stems(
    parts: Sequence[Assignment], duration_s: float, variant: Variant, font: SoundFont
) -> dict[str, Audio]:
    """Slot → float32 `[2, n]` at 48 kHz, n = the song and `TAIL_S`; neither a stem nor the sum exceeds 0.9.

    Within a slot the file's own volumes hold; a slot that stays silent is left out.
    Raises InputError where all do.
    """
    num_samples = round((duration_s + TAIL_S) * SAMPLE_RATE_HZ)
    stems: dict[str, Audio] = {}
    for slot in sorted({assignment.slot for assignment in parts}):
        stem = np.zeros((2, num_samples), np.float32)
        for assignment in parts:
            if assignment.slot == slot:
                play(assignment.part, font, stem)
        _narrow(stem, WIDTHS.get(slot, 1.0))
        if slot in variant.effects:
            stem = variant.effects[slot].applied(stem)
        if (power := _sounding_power(stem)) < SILENT_POWER:
            continue
        level_db = LEVELS_DB[slot] + variant.levels_db.get(slot, 0.0)
        stem *= np.float32(10 ** (level_db / 20) / np.sqrt(power))
        _fade(stem)
        stems[slot] = stem
    if not stems:
        raise InputError(f"sound font {font.path.name} plays none of its parts")
    _limit(stems)
    return stems


def _sounding_power(stem: Audio) -> float:
    """Mean square where the stem sounds, both channels together."""
    blocks = stem[:, : stem.shape[1] // BLOCK * BLOCK].reshape(2, -1, BLOCK)
    power = np.einsum("cnb,cnb->n", blocks, blocks) / (2 * BLOCK)
    loudest = float(power.max(initial=0.0))
    return float(power[power >= loudest * 10 ** (GATE_DB / 10)].mean()) if loudest else 0.0


def _narrow(stem: Audio, width: float) -> None:
    if width < 1:
        difference = np.float32((1 - width) / 2) * (stem[0] - stem[1])
        stem[0] -= difference
        stem[1] += difference


def _fade(stem: Audio) -> None:
    fade = round(TAIL_FADE_S * SAMPLE_RATE_HZ)
    stem[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)


def _limit(stems: Mapping[str, Audio]) -> None:
    """One gain for all, in place, so that neither they nor their sum exceed `MIX_PEAK`."""
    peaks = [max(float(audio.max()), -float(audio.min())) for audio in (mix_of(stems), *stems.values())]
    gain = np.float32(min(1.0, MIX_PEAK / max(peaks)))
    for stem in stems.values():
        stem *= gain
