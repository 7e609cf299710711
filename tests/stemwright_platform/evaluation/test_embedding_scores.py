"""Scores on musicnn's outputs, on songs whose prompts and sources are known: the demo corpus."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from torch import Tensor

from stemwright.audio import read_audio
from stemwright.mdct_codec import MdctCodec
from stemwright.metrics.diversity import EmbeddingScale, TrainingSongs, copying
from stemwright.metrics.feature import Arrays
from stemwright.metrics.frechet import GaussianFit, frechet_interval
from stemwright.metrics.musicnn import TAGS, Musicnn
from stemwright.metrics.tag_agreement import TagScale, clip_log_odds, tag_agreement
from stemwright.metrics.tag_words import asked_tags
from stemwright.prompts import prompt_text
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import Song, read_manifest

pytestmark = pytest.mark.slow

SONGS, SONG_S, CLIP_S = 24, 12.0, 9.0
TRAINED = 14
RATE_HZ = 48_000
FEATURES = {variant: Musicnn(variant) for variant in TAGS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    songs: Sequence[Song]
    mixes: Sequence[Tensor]
    """`[2, n]` at 48 kHz."""
    heard: dict[str, list[Arrays]]
    """Variant → of each song."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder: Path = tmp_path_factory.mktemp("corpus")
    songs = read_manifest(make_demo_corpus(folder, SONGS, seed=3, duration_s=SONG_S, jobs=1))
    mixes = [read_audio(song.mix_path, RATE_HZ) for song in songs if song.mix_path]
    heard = {name: [feature.extract(resampled(mix)) for mix in mixes] for name, feature in FEATURES.items()}
    return Corpus(songs=songs, mixes=mixes, heard=heard)


def resampled(audio: Tensor) -> Tensor:
    return torch.from_numpy(soxr.resample(audio.T.numpy(), RATE_HZ, 16_000).T.astype(np.float32))


def embeddings(audio: Tensor) -> NDArray[np.float32]:
    """Of a clip at 48 kHz."""
    return FEATURES["mtt"].extract(resampled(audio))["embeddings"]


def test_tags_agree_better_with_a_songs_own_prompt_than_with_others(corpus: Corpus) -> None:
    vocabulary = (*TAGS["mtt"], *TAGS["msd"])
    asked = [asked_tags(prompt_text(song.metadata, 0), vocabulary) for song in corpus.songs]
    pairs = zip(corpus.heard["mtt"], corpus.heard["msd"], strict=True)
    log_odds = np.stack(
        [np.concatenate([clip_log_odds(arrays["tags"]) for arrays in pair]) for pair in pairs]
    )
    scale = TagScale.of(log_odds)
    own = tag_agreement(log_odds, asked, vocabulary, scale)
    others = [tag_agreement(log_odds, asked[by:] + asked[:by], vocabulary, scale) for by in range(1, SONGS)]
    asked_something = np.isfinite(own)
    assert asked_something.sum() > SONGS / 2
    test = mannwhitneyu(
        own[asked_something], np.nanmean(others, axis=0)[asked_something], alternative="greater"
    )
    assert test.pvalue < 0.01


def test_copies_of_training_songs_are_found_through_a_codec_and_noise(corpus: Corpus) -> None:
    silence = FEATURES["mtt"].extract(torch.zeros(2, 16_000))["embeddings"][0]
    heard = [arrays["embeddings"] for arrays in corpus.heard["mtt"]]
    songs = TrainingSongs(heard[:TRAINED], EmbeddingScale.of(heard[:TRAINED], silence))
    first = int(2.3 * RATE_HZ)  # where no patch of the training songs begins
    clips = [mix[:, first : first + int(CLIP_S * RATE_HZ)] for mix in corpus.mixes]
    fresh = [embeddings(clip) for clip in clips[TRAINED:]]
    copied = [embeddings(spoiled) for number in (1, 8) for spoiled in spoilings(clips[number])]
    found = copying(copied, fresh, songs)
    assert [neighbour.song for neighbour in found.neighbours] == [1, 1, 1, 8, 8, 8]
    assert found.share == 1
    assert copying(fresh[::2], fresh[1::2], songs).share < 0.5


def spoilings(clip: Tensor) -> list[Tensor]:
    """A clip as it is, through the embedded codec, and with noise 30 dB below it."""
    codec = MdctCodec()
    decoded = codec.decode(codec.encode(clip[None]))[0, :, : clip.shape[1]]
    noise = torch.randn(clip.shape, generator=torch.Generator().manual_seed(0))
    return [clip, decoded, clip + 10 ** (-30 / 20) * clip.square().mean().sqrt() * noise]


def test_noisier_music_is_further_from_real_music(corpus: Corpus) -> None:
    heard = [arrays["embeddings"] for arrays in corpus.heard["mtt"]]
    reference = GaussianFit.of(np.concatenate(heard[:TRAINED]))
    generator = torch.Generator().manual_seed(1)
    distances = [frechet_interval(heard[TRAINED:], reference, draws=0).value]
    for level in (0.01, 0.2):
        noisy = [
            embeddings(mix + level * torch.randn(mix.shape, generator=generator))
            for mix in corpus.mixes[TRAINED:]
        ]
        distances.append(frechet_interval(noisy, reference, draws=0).value)
    assert distances[0] < distances[1] < distances[2]
