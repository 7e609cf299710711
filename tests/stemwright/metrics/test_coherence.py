import math
from collections.abc import Callable, Mapping
from functools import cache
from itertools import combinations, islice

import numpy as np
import pytest
import torch
from known_sounds import RATE_HZ, chords, clicks
from torch import Tensor

from stemwright.metrics.adherence import key_adherence, tempo_adherence
from stemwright.metrics.coherence import SCORES, Features, has_pitch, pair_scores
from stemwright.metrics.harmony import Harmony
from stemwright.metrics.rhythm import Rhythm
from stemwright.metrics.separability import separate
from stemwright.tracks import TRACKS
from stemwright_platform.corpus.demo.harmony import Key
from stemwright_platform.corpus.demo.matched_songs import matched_songs
from stemwright_platform.corpus.demo.rendering import render
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font, load_sound_font

GRID_S = np.arange(0.2, 9.8, 0.25)
CADENCE = [[48, 52, 55], [53, 57, 60], [43, 47, 50], [45, 48, 52], [41, 45, 48]]
ROOTS = [[36], [41], [43], [33], [29]]
MATCHED = ((88, Key(4, "minor")), (104, Key(10, "major")), (120, Key(1, "minor")), (132, Key(1, "major")))
"""Tempo and key of each group of songs; keys that share few notes."""
HARMONIC = ("chroma_agreement", "key_agreement")
SONGS = 6
CLIP_S = 9.0

Clip = Mapping[str, Features]
"""Track → what is heard in it."""


def heard(audio: Tensor) -> Features:
    return {"rhythm": Rhythm().extract(audio), "harmony": Harmony().extract(audio)}


def struck(times_s: np.ndarray, seed: int) -> Features:
    return heard(clicks(times_s.tolist(), 10, seed=seed))


def test_drums_alone_have_no_pitch() -> None:
    assert [has_pitch(track) for track in (*TRACKS.names, "Percussion")] == [True, False, True, True, False]


def test_strokes_on_one_grid_are_locked_and_those_beside_it_are_not() -> None:
    first = struck(np.delete(GRID_S, [3, 7, 8, 20, 21, 30]), 1)
    on = pair_scores(first, struck(np.delete(GRID_S, [1, 2, 9, 17, 25, 26]), 2), pitched=False)
    beside = pair_scores(first, struck(np.delete(GRID_S, [1, 2, 9, 17, 25, 26]) + 0.11, 2), pitched=False)
    assert on["tempo_agreement"] > 0.7
    assert beside["tempo_agreement"] > 0.7
    assert on["beat_agreement"] > 0.8 > 0 > beside["beat_agreement"]
    assert on["onset_lock"] > 2 > 0 > beside["onset_lock"]


def test_noise_in_two_stems_is_not_in_time_though_both_begin_and_end_together() -> None:
    generator = torch.Generator().manual_seed(3)
    noise = [heard(0.1 * torch.randn(2, 4 * RATE_HZ, generator=generator)) for _ in range(12)]
    pairs = zip(noise[::2], noise[1::2], strict=True)
    scores = [pair_scores(*pair, pitched=False) for pair in pairs]
    assert abs(np.mean([score["onset_lock"] for score in scores])) < 1.2
    assert abs(np.mean([score["beat_agreement"] for score in scores])) < 0.3


def test_chords_over_their_roots_agree_and_over_those_of_other_moments_do_not() -> None:
    over = heard(chords(CADENCE, 2))
    own, other = heard(chords(ROOTS, 2)), heard(chords(ROOTS[3:] + ROOTS[:3], 2))
    assert pair_scores(over, own)["chroma_agreement"] > 0.4
    assert pair_scores(over, other)["chroma_agreement"] < 0
    assert pair_scores(over, own)["key_agreement"] > 0.8
    assert pair_scores(over, other)["key_agreement"] == pytest.approx(
        pair_scores(over, own)["key_agreement"], abs=0.1
    )


def test_another_key_does_not_agree() -> None:
    over = heard(chords(CADENCE, 2))
    foreign = heard(chords([[pitch + 6 for pitch in chord] for chord in CADENCE], 2))
    assert pair_scores(over, foreign)["key_agreement"] < 0
    assert pair_scores(over, over)["key_agreement"] == pytest.approx(1)


def test_order_and_gain_do_not_matter_and_lengths_may_differ() -> None:
    over, roots = chords(CADENCE, 2), chords(ROOTS, 2)
    drums = clicks(GRID_S.tolist(), 10)
    scores = pair_scores(heard(over + 0.1 * drums), heard(roots + drums))
    turned = pair_scores(heard(0.3 * (roots + drums)), heard(over + 0.1 * drums))
    longer = pair_scores(heard(torch.cat([over + 0.1 * drums, drums], dim=1)), heard(roots + drums))
    for score in SCORES:
        assert turned[score] == pytest.approx(scores[score], abs=0.02)
    assert longer["onset_lock"] == pytest.approx(scores["onset_lock"], abs=0.3)


@pytest.mark.parametrize("size", [1, 4_800, 10 * RATE_HZ])
def test_silence_and_moments_are_not_measured(size: int) -> None:
    sounding = heard(chords(CADENCE, 2) + clicks(GRID_S.tolist(), 10))
    for first, second in ((torch.zeros(2, size), None), (clicks([0.0], 10)[:, :size], None)):
        found = pair_scores(heard(first), sounding if second is None else second)
        assert set(found) == set(SCORES)
        assert all(math.isnan(value) for value in found.values())


def test_pitch_is_not_asked_of_drums() -> None:
    drums = {"rhythm": Rhythm().extract(clicks(GRID_S.tolist(), 10))}
    found = pair_scores(drums, drums, pitched=False)
    assert math.isnan(found["chroma_agreement"])
    assert math.isnan(found["key_agreement"])
    assert found["onset_lock"] > 2


# Validation: what a score must do before it is trusted. benchmarks/coherence_validation.py does more of it.


@cache
def songs() -> tuple[tuple[Clip, ...], ...]:
    """Of each tempo and key, a clip of each of several songs; places are random, so bars do not meet."""
    font = load_sound_font(default_sound_font())
    found = []
    for group, (tempo_bpm, key) in enumerate(MATCHED):
        clips = []
        for number, song in enumerate(
            islice(matched_songs(tempo_bpm, key, duration_s=14, seed=group), SONGS)
        ):
            rng = np.random.default_rng([group, number])
            stems = render(song, font, rng)
            size = round(CLIP_S * RATE_HZ)
            start = int(rng.integers(0, next(iter(stems.values())).shape[1] - RATE_HZ - size))
            clips.append(
                {
                    track: heard(torch.from_numpy(stem[:, start : start + size]))
                    for track, stem in stems.items()
                }
            )
        found.append(tuple(clips))
    return tuple(found)


def values(score: str, choose: Callable[[int, int], list[tuple[Clip, Clip]]]) -> list[float]:
    """Of every pair of tracks, the first from the one clip chosen, the second from the other."""
    return [
        pair_scores(first[one], second[other], pitched=pitched)[score]
        for group in range(len(MATCHED))
        for number in range(SONGS)
        for first, second in choose(group, number)
        for one, other in combinations(TRACKS.names, 2)
        if one in first and other in second
        for pitched in [has_pitch(one) and has_pitch(other)]
        if pitched or score not in HARMONIC
    ]


def same_song(group: int, number: int) -> list[tuple[Clip, Clip]]:
    return [(songs()[group][number], songs()[group][number])]


def same_tempo_and_key(group: int, number: int) -> list[tuple[Clip, Clip]]:
    return [(songs()[group][number], songs()[group][(number + step) % SONGS]) for step in (1, 2, 3)]


def other_tempo_and_key(group: int, number: int) -> list[tuple[Clip, Clip]]:
    return [(songs()[group][number], songs()[(group + step) % len(MATCHED)][number]) for step in (1, 2, 3)]


@pytest.mark.parametrize("score", ["beat_agreement", "onset_lock", "chroma_agreement"])
def test_stems_of_one_song_score_above_those_of_others_in_the_same_tempo_and_key(score: str) -> None:
    found = separate(values(score, same_song), values(score, same_tempo_and_key))
    assert found.auc >= 0.8
    assert found.p_value < 0.01
    assert found.effect_size > 0.8


@pytest.mark.parametrize("score", ["tempo_agreement", "key_agreement"])
def test_stems_of_one_song_score_above_those_of_another_tempo_and_key(score: str) -> None:
    found = separate(values(score, same_song), values(score, other_tempo_and_key))
    assert found.auc >= 0.8
    assert found.p_value < 0.01
    assert found.effect_size > 0.8


def test_demo_songs_keep_to_their_own_tempo_and_key_and_to_no_other() -> None:
    clips = [(clip, *MATCHED[group]) for group, row in enumerate(songs()) for clip in row]
    tempo = [tempo_adherence(clip["drums"]["rhythm"], bpm) for clip, bpm, _ in clips if "drums" in clip]
    faster = [
        tempo_adherence(clip["drums"]["rhythm"], bpm * 1.2) for clip, bpm, _ in clips if "drums" in clip
    ]
    assert np.nanmean(tempo) >= 0.9
    assert np.nanmean(faster) <= 0.1
    pitched = [[clip[track]["harmony"] for track in clip if has_pitch(track)] for clip, _, _ in clips]
    kept = [key_adherence(found, key.name) for found, (_, _, key) in zip(pitched, clips, strict=True)]
    raised = [Key((key.tonic + 1) % 12, key.mode).name for _, _, key in clips]
    broken = [key_adherence(found, name) for found, name in zip(pitched, raised, strict=True)]
    assert np.nanmean(kept) >= 0.6
    assert np.nanmean(broken) <= 0.15
