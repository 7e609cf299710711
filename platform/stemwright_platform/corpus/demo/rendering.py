"""An arrangement as sound: stems of one length whose sum does not clip, and a MIDI file."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from symusic import Note as MidiNote
from symusic import Score, Tempo, TextMeta, TimeSignature, Track

from stemwright.errors import InputError
from stemwright_platform.corpus.demo.arrangement import Arrangement
from stemwright_platform.corpus.demo.note import Note
from stemwright_platform.corpus.synthesis.effects import ROOM_S, Effects
from stemwright_platform.corpus.synthesis.mixing import mix_of
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ, SoundFont

Audio = NDArray[np.float32]

TAIL_S = 1.0
"""After the last bar, for notes to ring out."""
TAIL_FADE_S = 0.3
MIX_PEAK = 0.9
LEVELS_DB = {"bass": -21.0, "drums": -20.0, "instrument": -24.0, "melody": -22.0}
"""RMS of each stem where it sounds, before the common gain."""
WIDTH = 0.5
"""How much of the font's stereo width is kept: some set cymbals, or whole instruments, hard to one side."""
TICKS_PER_BEAT = 480
BLOCK = SAMPLE_RATE_HZ // 100


def render(arrangement: Arrangement, font: SoundFont, rng: np.random.Generator) -> dict[str, Audio]:
    """Track → float32 `[2, n]` at 48 kHz, n = lead-in, bars and `TAIL_S`; no stem nor their sum exceeds 0.9.

    A track without notes is left out. The stems are in one room, each as near or far as it is drawn.
    """
    num_samples = round((arrangement.duration_s + TAIL_S) * SAMPLE_RATE_HZ)
    room_seed, decay_s = int(rng.integers(2**31)), float(rng.uniform(0.12, ROOM_S))
    stems: dict[str, Audio] = {}
    for name in sorted(arrangement.notes):
        pan = 0.0 if name in ("bass", "drums") else float(rng.uniform(-0.45, 0.45))
        level_db = LEVELS_DB[name] + float(rng.uniform(-1.5, 1.5))
        effects = replace(Effects.drawn(rng), room_seed=room_seed, decay_s=decay_s)
        if not arrangement.notes[name]:
            continue
        dry = _narrowed(_track(arrangement, name, font, num_samples))
        stems[name] = _faded(_levelled(effects.applied(dry), level_db, pan, name, font))
    loudest = max(_peak(audio) for audio in (mix_of(stems), *stems.values()))
    for stem in stems.values():
        stem *= np.float32(min(1.0, MIX_PEAK / loudest))
    return stems


def to_midi(arrangement: Arrangement) -> bytes:
    """The same notes as a General MIDI file, a track a stem, with markers where sections begin.

    It runs with the audio: the lead-in comes first, so that bars begin between the bar lines of its grid.
    """
    # Any: symusic's stubs give the union of its three units of time.
    score: Any = Score(TICKS_PER_BEAT)
    score.tempos.append(Tempo(0, float(arrangement.tempo_bpm)))
    score.time_signatures.append(TimeSignature(0, arrangement.genre.beats_per_bar, 4))
    for section in arrangement.sections:
        score.markers.append(TextMeta(_ticks(arrangement, section.bars[0].beat(0)), section.kind))
    for name, notes in arrangement.notes.items():
        track: Any = Track(name=name, program=arrangement.programs[name], is_drum=name == "drums")
        for note in notes:
            start, end = (_ticks(arrangement, beat) for beat in (note.start, note.start + note.length))
            track.notes.append(MidiNote(start, max(end - start, 1), note.pitch, note.velocity))
        score.tracks.append(track)
    return score.dumps_midi()


def _ticks(arrangement: Arrangement, beat: float) -> int:
    return round((arrangement.lead_in_beats + beat) * TICKS_PER_BEAT)


def _track(arrangement: Arrangement, name: str, font: SoundFont, num_samples: int) -> Audio:
    """One stem at the font's own level."""
    is_drum, program = name == "drums", arrangement.programs[name]
    beat_s = 60 / arrangement.tempo_bpm
    stem = np.zeros((2, num_samples), np.float32)
    for note in arrangement.notes[name]:
        sound = font.note(program, is_drum, note.pitch, note.velocity, note.length * beat_s)
        start = round(arrangement.at_s(note.start) * SAMPLE_RATE_HZ)
        end = min(start + sound.shape[1], num_samples)
        stem[:, start:end] += sound[:, : end - start] * _gain(note)
    return stem


def _gain(note: Note) -> np.float32:
    """Velocity as amplitude, by General MIDI's square law."""
    return np.float32((note.velocity / 127) ** 2)


def _narrowed(stem: Audio) -> Audio:
    """The stem with `WIDTH` of its stereo width, in place."""
    difference = (1 - WIDTH) / 2 * (stem[0] - stem[1])
    stem[0] -= difference
    stem[1] += difference
    return stem


def _levelled(stem: Audio, level_db: float, pan: float, name: str, font: SoundFont) -> Audio:
    """The stem at a level and a place in the stereo field, left −1 … right 1, in place."""
    power = _power(stem)
    sounding = power.sum(axis=0) > 1e-8
    if not sounding.any():
        raise InputError(f"sound font {font.path} is silent on {name}: give a General MIDI one")
    level = 10 ** (level_db / 20) / np.sqrt(power[:, sounding].mean(axis=1))
    sides = np.sqrt(2) * np.array([np.cos((pan + 1) * np.pi / 4), np.sin((pan + 1) * np.pi / 4)])
    stem *= (level * sides).astype(np.float32)[:, None]
    return stem


def _faded(stem: Audio) -> Audio:
    """The stem with its end faded out, in place."""
    fade = int(TAIL_FADE_S * SAMPLE_RATE_HZ)
    stem[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return stem


def _power(audio: Audio) -> Audio:
    """Mean squares `[2, blocks]` of blocks of 10 ms."""
    blocks = audio[:, : audio.shape[1] // BLOCK * BLOCK].reshape(2, -1, BLOCK)
    return np.einsum("cnb,cnb->cn", blocks, blocks) / BLOCK


def _peak(audio: Audio) -> float:
    return max(float(audio.max()), -float(audio.min()))
