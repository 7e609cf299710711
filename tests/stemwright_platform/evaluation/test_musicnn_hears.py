"""The port of musicnn against sounds whose names are known, played by the project's own sampler."""

from importlib import resources

import numpy as np
import pytest
import soxr
import torch
from numpy.typing import NDArray
from safetensors.torch import load
from torch import Tensor

from stemwright.metrics.musicnn import SAMPLE_RATE_HZ, TAGS, Musicnn, log_mel, patch_starts
from stemwright.metrics.musicnn_net import MusicnnNet
from stemwright_platform.corpus.synthesis import sound_font
from stemwright_platform.corpus.synthesis.sound_font import SoundFont, default_sound_font

FEATURE = Musicnn()
DURATION_S = 6.0
INSTRUMENTS = (
    *("guitar", "strings", "drums", "beat", "beats", "piano", "violin", "flute", "synth", "harpsichord"),
    *("sitar", "harp", "cello", "choir", "choral", "voice", "vocal", "singing"),
)
Notes = list[tuple[float, int, int, float]]
"""Start in seconds, pitch, velocity, length in seconds."""
CHORDS = ((0, 4, 7, 12), (5, 9, 12, 17), (7, 11, 14, 19), (0, 4, 7, 12))


@pytest.fixture(scope="module")
def font() -> SoundFont:
    return SoundFont(default_sound_font())


def loop() -> Notes:
    """Kick, snare and hi-hat."""
    steps = range(int(DURATION_S / 0.25))
    hats = [(step * 0.25, 42, 80, 0.1) for step in steps]
    kicks = [(step * 0.25, 36, 110, 0.2) for step in steps if step % 8 in (0, 3)]
    return hats + kicks + [(step * 0.25, 38, 110, 0.2) for step in steps if step % 8 == 4]


def broken_chords(lowest: int) -> Notes:
    return [(step * 0.25, lowest + CHORDS[step // 8 % 4][step % 4], 90, 0.5) for step in range(24)]


def held_chords(lowest: int) -> Notes:
    return [(2.0 * bar, lowest + pitch, 90, 2.0) for bar in range(3) for pitch in CHORDS[bar][:3]]


def tune(lowest: int) -> Notes:
    scale = (0, 2, 4, 5, 7, 5, 4, 2, 0, 4, 7, 12)
    return [(0.5 * step, lowest + pitch, 95, 0.55) for step, pitch in enumerate(scale)]


def played(font: SoundFont, notes: Notes, program: int, *, is_drum: bool = False) -> Tensor:
    """`[2, n]` at musicnn's rate, its peak at 0.5."""
    rate_hz = sound_font.SAMPLE_RATE_HZ
    audio: NDArray[np.float32] = np.zeros((2, int(DURATION_S * rate_hz)), np.float32)
    for start_s, pitch, velocity, length_s in notes:
        note = font.note(program, is_drum, pitch, velocity, length_s)
        room = audio[:, int(start_s * rate_hz) :][:, : note.shape[1]]
        room += note[:, : room.shape[1]] * (velocity / 127) ** 2
    audio *= 0.5 / np.abs(audio).max()
    return torch.from_numpy(soxr.resample(audio.T, rate_hz, SAMPLE_RATE_HZ).T.astype(np.float32))


@pytest.mark.parametrize(
    ("program", "notes", "names"),
    [
        (0, broken_chords(60), {"piano"}),
        (25, broken_chords(52), {"guitar"}),
        (48, held_chords(60), {"strings", "violin"}),
        (40, tune(67), {"violin"}),
        (42, tune(43), {"cello"}),
        (73, tune(72), {"flute"}),
        (104, tune(60), {"sitar"}),
        (46, broken_chords(60), {"harp"}),
        (52, held_chords(55), {"choir"}),
    ],
    ids=lambda value: "" if isinstance(value, list | int) else "-".join(sorted(value)),
)
def test_the_instrument_that_plays_is_the_first_of_all_instruments(
    font: SoundFont, program: int, notes: Notes, names: set[str]
) -> None:
    assert first_instrument(played(font, notes, program)) in names


def test_a_drum_loop_is_drums(font: SoundFont) -> None:
    assert first_instrument(played(font, loop(), 0, is_drum=True)) in {"drums", "beat", "beats"}


def first_instrument(audio: Tensor) -> str:
    probabilities = FEATURE.extract(audio)["tags"].mean(0)
    return max(INSTRUMENTS, key=lambda tag: probabilities[TAGS["mtt"].index(tag)])


def test_the_layers_find_in_music_what_they_found_in_training(font: SoundFont) -> None:
    """Batch normalisation keeps the means of its input: a sum taken at the wrong place shows here."""
    sounds = [played(font, loop(), 0, is_drum=True), played(font, broken_chords(48), 0)]
    sounds += [
        played(font, held_chords(60), 48),
        played(font, broken_chords(52), 24),
        played(font, tune(67), 73),
    ]
    mixed = torch.cat([torch.stack(sounds[:2]).sum(0), *sounds], dim=1).mean(0)
    mel = log_mel(torch.nn.functional.pad(mixed, (256, 256)))
    weights = load((resources.files("stemwright") / "weights/musicnn_mtt.safetensors").read_bytes())
    patches = torch.stack([mel[start : start + 187] for start in patch_starts(len(mel))])
    found = MusicnnNet(weights).pooled(patches).mean(0)
    learned = weights["batch_normalization_9/moving_mean"]
    for first, last in ((0, 1122), (1250, 1378), (1378, 1506)):  # front end, second and third sum
        assert np.corrcoef(found[first:last], learned[first:last])[0, 1] > 0.8
