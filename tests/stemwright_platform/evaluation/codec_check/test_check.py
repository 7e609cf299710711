import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stemwright.codec import Codec
from stemwright.errors import InputError
from stemwright.loudness import integrated_lufs
from stemwright.mdct_codec import MdctCodec
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.evaluation.codec_check.check import check, chosen, excerpts, silence_db


def test_songs_are_chosen_of_a_split_and_spread_over_the_manifest(manifest: Path) -> None:
    songs = read_manifest(manifest)
    assert [song.song_id for song in chosen(songs, "test", 5)] == ["a"]
    many = [songs[0]] * 3 + [songs[1]] * 6
    assert [song.song_id for song in chosen(many, "all", 3)] == ["a", "b", "b"]
    assert len(chosen(many, "all", 1)) == 1
    with pytest.raises(InputError, match="'validation': choose one of test, train, or all"):
        chosen(songs, "validation", 5)


def test_excerpts_come_from_the_middle_at_the_training_loudness_without_silent_tracks(manifest: Path) -> None:
    found = list(excerpts(read_manifest(manifest)[0], 1.0))
    assert [excerpt.track for excerpt in found] == ["bass"]
    assert found[0].audio.shape == (2, 48_000)
    assert integrated_lufs(found[0].audio, 48_000) == pytest.approx(-23, abs=0.1)


def test_every_codec_gets_its_own_figures(manifest: Path, halver: Callable[[float], Codec]) -> None:
    songs, heard = chosen(read_manifest(manifest), "all", 9), []
    codecs = {"same": halver(1.0), "quieter": halver(0.5)}
    stems = check(
        songs, codecs, seconds=2.0, on_copies=lambda excerpt, copies: heard.append((excerpt.song_id, *copies))
    )
    assert heard == [("a", "same", "quieter"), ("b", "same", "quieter")]
    assert [(stem.song_id, stem.codec) for stem in stems] == [
        ("a", "same"), ("a", "quieter"), ("b", "same"), ("b", "quieter"),
    ]  # fmt: skip
    same, quieter = (stem.figures for stem in stems[:2])
    assert (same.mel_db, same.pitch, same.onsets) == (0, 1, 1)
    assert quieter.octaves_db[3] == pytest.approx(-20 * math.log10(2), abs=0.01)
    assert quieter.pitch == 1
    assert {"song_id", "mel_db", "encode_s"} <= stems[0].row().keys()


def test_a_corpus_of_silence_is_refused(manifest: Path, halver: Callable[[float], Codec]) -> None:
    song = read_manifest(manifest)[0]
    song.tracks["bass"] = song.tracks["drums"]  # pyright: ignore[reportIndexIssue]
    with pytest.raises(InputError, match="silent"):
        check([song], {"same": halver(1.0)}, seconds=2.0)


def test_silence_comes_back_at_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = MdctCodec()
    assert silence_db(codec) == -math.inf
    monkeypatch.setattr(codec, "decode", lambda latents: torch.full((1, 2, 320 * latents.shape[2]), 1e-3))
    assert silence_db(codec) == pytest.approx(-60)
