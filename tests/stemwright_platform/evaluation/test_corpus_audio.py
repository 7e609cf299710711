from dataclasses import replace

import pytest
import torch

from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.corpus.stem_audio import read_stem
from stemwright_platform.evaluation.clip import Clip, choose_clips
from stemwright_platform.evaluation.corpus_audio import CorpusAudio
from stemwright_platform.evaluation.making import Source


@pytest.fixture(scope="module")
def corpus(small_source: Source) -> CorpusAudio:
    return small_source.open()[1]


@pytest.fixture(scope="module")
def clip(small_source: Source) -> Clip:
    clips = choose_clips(LatentDataset(small_source.data), "test", 8, 3.0).clips
    return next(clip for clip in clips if clip.start_s > 0)


def test_recordings_are_the_songs_own_samples(corpus: CorpusAudio, clip: Clip, small_source: Source) -> None:
    song = next(song for song in read_manifest(small_source.manifest or "") if song.song_id == clip.song)
    start = round(clip.start_s * 48_000)
    for name, audio in corpus.recorded(clip).items():
        assert audio.shape == (2, 3 * 48_000)
        whole = read_stem(song.tracks[name] or (), 48_000)
        assert torch.equal(audio, whole[:, start : start + 3 * 48_000])


def test_the_round_trip_is_in_time_and_level_with_the_recording(corpus: CorpusAudio, clip: Clip) -> None:
    recorded, decoded = corpus.recorded(clip), corpus.round_trip(clip)
    assert recorded.keys() == decoded.keys()
    for name, audio in recorded.items():
        if float(audio.abs().max()) < 1e-3:
            continue
        inner = slice(4_800, -4_800)
        pair = torch.stack([audio.mean(0)[inner], decoded[name].mean(0)[inner]])
        assert torch.corrcoef(pair)[0, 1] > 0.8, name
        assert float(pair[1].std() / pair[0].std()) == pytest.approx(1, abs=0.25), name


def test_a_window_between_frames_is_the_same_music_shifted(corpus: CorpusAudio, clip: Clip) -> None:
    moved = replace(clip, start_s=clip.start_s - 0.1234)
    shift = round(clip.start_s * 48_000) - round(moved.start_s * 48_000)
    here, there = corpus.round_trip(clip)["bass"], corpus.round_trip(moved)["bass"]
    inner = slice(9_600, -9_600)
    pair = torch.stack([here[0, :-shift][inner], there[0, shift:][inner]])
    assert torch.corrcoef(pair)[0, 1] > 0.98


def test_a_song_that_the_manifest_lacks_is_named(corpus: CorpusAudio, clip: Clip) -> None:
    with pytest.raises(InputError, match="no song 'other'"):
        corpus.recorded(replace(clip, song="other"))


def test_without_a_manifest_the_round_trip_is_what_is_heard(small_source: Source, clip: Clip) -> None:
    corpus = replace(small_source, manifest=None).open()[1]
    assert not corpus.has_recordings
    assert torch.equal(corpus.heard(clip)["bass"], corpus.round_trip(clip)["bass"])
