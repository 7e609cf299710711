import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from demucs.apply import BagOfModels
from torch import Tensor
from toy_demucs import SOURCES, save_toy_demucs, toy_demucs

from stemwright.audio import read_audio
from stemwright.errors import InputError
from stemwright_platform.corpus.importers.slot_map import shipped_slots
from stemwright_platform.evaluation.baselines.baseline import BaselineClip, read_baseline
from stemwright_platform.evaluation.baselines.separation import RECORD, TRACK_OF_SOURCE, Separator, part_mixes


def noise(num_samples: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn((2, num_samples), generator=torch.Generator().manual_seed(seed))


def write_mix(path: Path, seed: int = 0, seconds: float = 0.7) -> Path:
    samples = noise(round(48_000 * seconds), seed).T.numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 48_000)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demucs")
    save_toy_demucs(folder)
    return folder


@pytest.fixture(scope="module")
def separator(weights: Path) -> Separator:
    return Separator.load(str(weights))


def test_a_mix_is_parted_as_demucs_own_interface_parts_it(separator: Separator, weights: Path) -> None:
    from demucs.api import Separator as Published

    published = Published(model="htdemucs", repo=weights, device="cpu", shifts=0, overlap=0.25)
    audio = noise(60_000)
    _, expected = published.separate_tensor(audio)
    tracks = separator.part(audio)
    assert tracks.keys() == {"bass", "drums", "instrument", "melody"}
    for source, sound in expected.items():
        np.testing.assert_allclose(tracks[TRACK_OF_SOURCE[source]], sound, atol=1e-4)


def test_the_same_mix_is_parted_the_same_way_again(separator: Separator) -> None:
    audio = noise(50_000)
    first, second = separator.part(audio), separator.part(audio)
    for track, sound in first.items():
        torch.testing.assert_close(sound, second[track], rtol=0, atol=0)


@pytest.mark.parametrize("num_samples", [1, 700, 22_050])
def test_audio_of_any_length_is_parted_and_silence_stays_finite(
    separator: Separator, num_samples: int
) -> None:
    for audio in (noise(num_samples), torch.zeros((2, num_samples))):
        for sound in separator.part(audio).values():
            assert sound.shape == (2, num_samples)
            assert torch.isfinite(sound).all()


def test_sources_become_the_tracks_that_the_corpora_make_of_them() -> None:
    rules = {rule["stem"]: rule["slot"] for rule in yaml.safe_load(shipped_slots("musdb"))["rules"]}
    assert {source: TRACK_OF_SOURCE[source] for source in SOURCES} == rules


def test_several_sources_of_one_track_are_summed() -> None:
    six = toy_demucs(sources=["drums", "bass", "other", "vocals", "guitar", "piano"])
    audio = noise(10_000)
    tracks = Separator(BagOfModels([six]), fingerprint="six").part(audio)
    assert tracks.keys() == {"bass", "drums", "instrument", "melody"}
    apart = Separator(_Renamed(BagOfModels([six])), fingerprint="six")
    # the same model with guitar and piano counted as others' tracks
    parts = apart.part(audio)
    torch.testing.assert_close(
        tracks["instrument"], parts["instrument"] + parts["bass"] - tracks["bass"], atol=1e-5, rtol=1e-4
    )


class _Renamed(BagOfModels):
    """Guitar and piano called bass."""

    def __init__(self, bag: BagOfModels) -> None:
        super().__init__(list(bag.models))
        self.sources = ["drums", "bass", "other", "vocals", "bass", "bass"]


def test_a_model_with_a_source_that_is_no_track_is_refused() -> None:
    with pytest.raises(InputError, match="parts kazoo, which is none of the tracks"):
        Separator(BagOfModels([toy_demucs(sources=["drums", "kazoo"])]), fingerprint="x")


def test_mixes_get_tracks_and_stems_stay_as_they_are(tmp_path: Path, weights: Path) -> None:
    write_mix(tmp_path / "outputs" / "b.wav")
    stem = write_mix(tmp_path / "outputs" / "a" / "bass.wav", seed=1)
    clips = read_baseline(tmp_path / "outputs")
    parted = {clip.name: clip for clip in part_mixes(clips, tmp_path / "parted", weights=str(weights))}
    assert parted["a"].stems == {"bass": stem}
    assert parted["b"].mix == tmp_path / "outputs" / "b.wav"
    assert parted["b"].stems.keys() == {"bass", "drums", "instrument", "melody"}
    for track, path in parted["b"].stems.items():
        assert path == tmp_path / "parted" / "b" / f"{track}.flac"
        assert soundfile.info(path).samplerate == 44_100
        assert read_audio(path).shape == (2, round(48_000 * 0.7))


def test_a_mix_is_parted_once_for_one_model_and_again_for_another_sound_or_model(
    tmp_path: Path, weights: Path
) -> None:
    mix = write_mix(tmp_path / "a.wav")
    clips = [BaselineClip(name="a", mix=mix)]
    out = tmp_path / "parted"

    def times(folder: Path) -> list[int]:
        (clip,) = part_mixes(clips, out, weights=str(folder))
        return [path.stat().st_mtime_ns for path in clip.stems.values()]

    first = times(weights)
    assert times(weights) == first
    write_mix(mix, seed=3)
    assert (second := times(weights)) != first
    other = tmp_path / "other"
    other.mkdir()
    save_toy_demucs(other, seed=1)
    assert (third := times(other)) != second
    (out / "a" / "bass.flac").unlink()
    assert times(other) != third


def test_what_was_left_half_done_is_done_again(tmp_path: Path, weights: Path) -> None:
    clips = [BaselineClip(name="a", mix=write_mix(tmp_path / "a.wav"))]
    list(part_mixes(clips, tmp_path / "parted", weights=str(weights)))
    record = tmp_path / "parted" / "a" / RECORD
    whole = record.read_text()
    for broken in ("", "[]", json.dumps({"tracks": 3})):
        record.write_text(broken)
        list(part_mixes(clips, tmp_path / "parted", weights=str(weights)))
        assert record.read_text() == whole


def test_a_mix_that_cannot_be_read_is_named(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"not audio")
    with pytest.raises(InputError, match=r"a\.wav: is not audio"):
        list(
            part_mixes([BaselineClip(name="a", mix=tmp_path / "a.wav")], tmp_path / "p", weights=str(weights))
        )


def test_stems_alone_need_neither_weights_nor_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "demucs.apply", None)
    clip = BaselineClip(name="a", stems={"bass": tmp_path / "bass.wav"})
    assert list(part_mixes([clip], tmp_path / "parted", weights=str(tmp_path / "none"))) == [clip]


@pytest.mark.ray
def test_actors_part_mixes_as_this_process_does(tmp_path: Path, weights: Path, ray_cluster: object) -> None:
    clips = [
        BaselineClip(name=name, mix=write_mix(tmp_path / f"{name}.wav", seed=len(name)))
        for name in ("a", "bb")
    ]
    alone = {clip.name: clip for clip in part_mixes(clips, tmp_path / "one", weights=str(weights))}
    crew = {clip.name: clip for clip in part_mixes(clips, tmp_path / "two", weights=str(weights), jobs=2)}
    assert crew.keys() == alone.keys()
    for name, clip in crew.items():
        for track, path in clip.stems.items():
            np.testing.assert_allclose(read_audio(path), read_audio(alone[name].stems[track]), atol=1e-4)
