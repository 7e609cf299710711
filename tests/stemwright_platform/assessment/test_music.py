from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from stemwright.errors import InputError
from stemwright.metrics.musicnn import Musicnn
from stemwright_platform.assessment.assessment_plan import AssessmentPlan
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.music import clips_of, enough, music_of, out_of_step
from stemwright_platform.assessment.take_making import recorded
from stemwright_platform.assessment.window import windows_of
from stemwright_platform.corpus.manifest import read_manifest


@pytest.mark.parametrize("duration_s", [3.0, 8.0, 10.0])
def test_windows_have_as_many_embeddings_as_asked_for(duration_s: float) -> None:
    patches = len(Musicnn().extract(torch.randn(2, int(16000 * duration_s)) / 10)["embeddings"])
    assert clips_of(10 * patches, duration_s) == 10


def test_strangers_are_other_songs_of_the_same_tempo_and_key(truthful: Context) -> None:
    music = truthful.music
    assert len(music.matched) == 6
    for window, strangers in zip(music.matched, music.strangers, strict=True):
        assert strangers
        for other in strangers:
            assert other.song.song_id != window.song.song_id
            assert (other.key, other.tempo_bpm) == (window.key, window.tempo_bpm)


def test_what_is_asked_for_and_what_it_is_held_against_share_no_song(truthful: Context) -> None:
    asked, reference = truthful.music.asked, truthful.music.reference
    assert len(asked) == len(reference) == clips_of(12, 6.0)
    assert not {one.song.song_id for one in asked} & {one.song.song_id for one in reference}


def test_a_song_without_partners_is_held_against_itself_off_every_sixteenth(matched_manifest: str) -> None:
    song = read_manifest(matched_manifest)[0]
    (window,) = windows_of([song], 6.0, 1)
    places = out_of_step(window)
    assert places
    sixteenth_s = 15 / (song.metadata.tempo_bpm or 0)
    for place in places:
        moved = abs(place.start_s - window.start_s) / sixteenth_s
        assert 0.24 <= moved % 1 <= 0.76
        assert moved > 3
        assert 0 <= place.start_s <= song.duration_s - 6.0


def test_songs_that_are_too_short_are_named_with_the_remedy(
    make_plan: Callable[..., AssessmentPlan], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"no song of split 'None' lasts 30 s.*--duration"):
        music_of(make_plan(duration_s=30.0), tmp_path)


def test_songs_are_made_where_none_are_named_and_kept(
    make_plan: Callable[..., AssessmentPlan], tmp_path: Path
) -> None:
    plan = make_plan(manifest=None, duration_s=3.0, patches=4, coherence_songs=2)
    music = music_of(plan, tmp_path)
    assert len(music.asked) == len(music.reference) == 2
    assert len(music.matched) == 2
    assert all(one.start_s + 3.0 <= one.song.duration_s for one in music.asked)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.flac")}
    assert music_of(plan, tmp_path) == music
    assert made == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.flac")}


def test_a_song_as_long_as_a_window_is_asked_for_often_and_held_against_itself_played_round(
    matched_manifest: str,
) -> None:
    song = replace(read_manifest(matched_manifest)[0], duration_s=6.05)
    windows = enough(windows_of([song], 6.0, 6), 6)
    assert len({window.name for window in windows}) == 6
    own = recorded(windows[0], 48_000)["bass"]
    for window in windows:
        torch.testing.assert_close(recorded(window, 48_000)["bass"], own)
        for other in out_of_step(window):
            moved = other.rolled_s / (15 / (song.metadata.tempo_bpm or 0))
            assert 0.24 <= moved % 1 <= 0.76
            played = recorded(other, 48_000)["bass"]
            torch.testing.assert_close(played.roll(round(other.rolled_s * 48_000), dims=1), own)


def test_songs_enough_are_asked_for_once(matched_manifest: str) -> None:
    windows = windows_of(read_manifest(matched_manifest), 6.0, 6)
    assert enough(windows, 48) == windows
