from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from s3fs import S3FileSystem

from stemwright.data_folder import DataFolder
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright.mdct_codec import MdctCodec
from stemwright_platform.corpus.encode_locally import prepare_locally
from stemwright_platform.corpus.encode_shard import Encoding
from stemwright_platform.corpus.encode_song import LatentSlice, SongEncoder
from stemwright_platform.corpus.preparation import read_rejected

CODEC = MdctCodec()
ENCODING = Encoding(codec=CODEC)


def encode_song(song):
    slices = list(SongEncoder(song, CODEC).slices())
    return LatentSlice(
        latents=torch.cat([piece.latents for piece in slices], dim=-1),
        sounding=torch.cat([piece.sounding for piece in slices], dim=-1),
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def songs(make_song):
    return [make_song("a", 12.0), make_song("b", 2.0, split="test", melody=None), make_song("c", 3.0)]


def test_what_is_read_is_what_was_encoded(songs, tmp_path):
    prepare_locally(songs, tmp_path / "out", ENCODING)
    dataset = LatentDataset(tmp_path / "out")
    assert [song.song_id for song in dataset.songs("train")] == ["a", "c"]
    for song in songs:
        frames = dataset.num_frames(song.song_id)
        assert torch.equal(dataset.read(song.song_id, 0, frames).half(), encode_song(song).latents)


def test_the_facts_are_counted(songs, tmp_path):
    info = prepare_locally(songs, tmp_path / "out", ENCODING)
    assert info == DatasetInfo.load(tmp_path / "out")
    assert info.num_songs == {"test": 1, "train": 2}
    assert info.hours == pytest.approx(17 / 3600)
    assert info.num_chunks == 5 + 1 + 2
    assert info.licences == {"CC0-1.0": 3}
    assert info.codec_fingerprint == CODEC.fingerprint


def test_statistics_come_from_sounding_frames_of_the_training_split(songs, tmp_path):
    prepare_locally(songs, tmp_path / "out", ENCODING)
    stats = LatentDataset(tmp_path / "out").stats()
    train = [encode_song(song) for song in songs if song.split == "train"]
    for track in range(4):
        frames = torch.cat([song.latents[track][:, song.sounding[track]] for song in train], dim=1).double()
        torch.testing.assert_close(stats.mean[track], frames.mean(1).float(), rtol=1e-4, atol=1e-5)
        std = frames.std(1, correction=0)
        torch.testing.assert_close(stats.std[track], std.clamp(min=0.05 * std.mean()).float())


def test_two_runs_write_equal_bytes(songs, tmp_path):
    prepare_locally(songs, tmp_path / "one", ENCODING)
    prepare_locally(songs, tmp_path / "two", ENCODING)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_bad_songs_are_listed_with_their_reason(songs, make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    info = prepare_locally([*songs, make_song("bad", bass=words)], tmp_path / "out", ENCODING)
    assert info.num_rejected == 1
    (rejected,) = read_rejected(DataFolder(tmp_path / "out"))
    assert (rejected["song_id"], rejected["licence"]) == ("bad", "CC0-1.0")
    assert "words.wav" in rejected["reason"]
    assert [song.song_id for song in LatentDataset(tmp_path / "out").songs()] == ["a", "b", "c"]


def test_a_store_holds_what_a_folder_holds_and_gives_stems_too(songs, s3_bucket, tmp_path):
    files = S3FileSystem()
    stored = []
    for song in songs:
        tracks = {}
        for name, paths in song.tracks.items():
            tracks[name] = paths and (f"{s3_bucket}/stems/{song.song_id}/{name}.wav",)
            if paths:
                files.put_file(paths[0], tracks[name][0])
        stored.append(replace(song, tracks=tracks))
    info = prepare_locally(stored, f"{s3_bucket}/latents", ENCODING)
    assert info == prepare_locally(songs, tmp_path / "local", ENCODING)
    there, here = DataFolder(f"{s3_bucket}/latents"), DataFolder(tmp_path / "local")
    assert there.names() == here.names()
    for name in ("songs.parquet", "stats.safetensors", "rejected.parquet"):
        assert there.read(name) == here.read(name)
    one, other = (LatentDataset(folder).read("a", 100, 1000) for folder in (there, here))
    assert torch.equal(one, other)
    made = []
    prepare_locally(stored, f"{s3_bucket}/latents", ENCODING, on_shard=made.append)
    assert made == []


def test_too_many_bad_songs_are_a_failure_that_loses_no_work(songs, make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    songs = [*songs, make_song("bad", bass=words)]
    with pytest.raises(InputError, match=r"1 of 4 songs were rejected, more than --max-rejected 0\.2"):
        prepare_locally(songs, tmp_path / "out", ENCODING, max_rejected=0.2)
    assert not (tmp_path / "out" / "dataset.json").exists()
    made = []
    prepare_locally(songs, tmp_path / "out", ENCODING, max_rejected=0.25, on_shard=made.append)
    assert made == []


def test_eight_bits_come_back_to_half_a_step_and_never_mix_with_sixteen(songs, tmp_path):
    prepare_locally(songs, tmp_path / "half", ENCODING)
    info = prepare_locally(songs, tmp_path / "byte", Encoding(codec=CODEC, storage="int8"))
    assert info.storage == "int8"
    half, byte = (LatentDataset(tmp_path / name).read("a", 0, 1800) for name in ("half", "byte"))
    span = half.amax(dim=-1, keepdim=True) - half.amin(dim=-1, keepdim=True)
    assert ((half - byte).abs() <= span / 255 / 2 + 4e-3).all()
    assert not torch.equal(half, byte)
    with pytest.raises(InputError, match="storage int8"):
        prepare_locally(songs, tmp_path / "byte", ENCODING)


def test_nothing_usable_is_an_error_and_no_data_set(make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    with pytest.raises(InputError, match=r"all 1 songs were rejected.*words\.wav"):
        prepare_locally([make_song("bad", bass=words)], tmp_path / "out", ENCODING)
    with pytest.raises(InputError, match="run prepare"):
        LatentDataset(tmp_path / "out")


def test_no_training_song_is_an_error(make_song, tmp_path):
    with pytest.raises(InputError, match="training split"):
        prepare_locally([make_song("a", split="test")], tmp_path / "out", ENCODING)


def test_an_interrupted_run_goes_on_where_it_stopped(make_song, tmp_path):
    songs = [
        make_song("a", 61.0, instrument=None, melody=None),
        make_song("b", 31.0, instrument=None, melody=None),
    ]
    prepare_locally(songs, tmp_path / "whole", ENCODING)

    def interrupt(plan):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_locally(songs, tmp_path / "out", ENCODING, on_shard=interrupt)
    assert not (tmp_path / "out" / "dataset.json").exists()
    made = []
    prepare_locally(songs, tmp_path / "out", ENCODING, on_shard=lambda plan: made.append(plan.name))
    assert made == ["shard-00001.parquet"]
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_changed_file_is_encoded_anew(songs, tmp_path):
    prepare_locally(songs, tmp_path / "out", ENCODING)
    before = LatentDataset(tmp_path / "out").read("c", 0, 450)
    samples, rate_hz = soundfile.read(songs[2].tracks["bass"][0])
    soundfile.write(songs[2].tracks["bass"][0], np.flip(samples, axis=0)[: len(samples) - 2], rate_hz)
    prepare_locally(songs, tmp_path / "out", ENCODING)
    assert not torch.equal(LatentDataset(tmp_path / "out").read("c", 0, 450), before)


def test_shards_of_a_longer_manifest_do_not_stay(make_song, tmp_path):
    songs = [
        make_song("a", 61.0, instrument=None, melody=None),
        make_song("b", 31.0, instrument=None, melody=None),
    ]
    prepare_locally(songs, tmp_path / "out", ENCODING)
    prepare_locally(songs[:1], tmp_path / "out", ENCODING)
    assert {"shard-00000.parquet"} == {
        name for name in contents(tmp_path / "out") if name.startswith("shard-")
    }


def test_a_folder_with_latents_of_another_codec_is_refused(songs, tmp_path):
    prepare_locally(songs, tmp_path / "out", ENCODING)
    before = contents(tmp_path / "out")
    other = MdctCodec()
    other.fingerprint = "other"
    with pytest.raises(InputError, match=r"codec_fingerprint.*choose another folder"):
        prepare_locally(songs, tmp_path / "out", Encoding(codec=other))
    assert contents(tmp_path / "out") == before
