import pytest

from stemwright.errors import InputError
from stemwright.mdct_codec import MdctCodec
from stemwright_platform.corpus.encode import CodecChoice, encode_corpus
from stemwright_platform.corpus.encode_locally import prepare_locally

pytestmark = pytest.mark.ray


def test_ray_writes_the_bytes_that_one_process_writes(ray_cluster, make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    songs = [
        make_song("long", 61.0, instrument=None, melody=None),
        make_song("short", 2.0, split="test"),
        make_song("bad", bass=words),
        make_song("short again", 3.0, melody=None),
    ]
    done = []
    info = encode_corpus(songs, tmp_path / "ray", CodecChoice(), on_shard=lambda plan: done.append(plan.name))
    assert sorted(done) == ["shard-00000.parquet", "shard-00001.parquet"]
    assert [song["song_id"] for song in info.rejected] == ["bad"]
    assert info == prepare_locally(songs, tmp_path / "local", MdctCodec())
    for path in (tmp_path / "local").iterdir():
        assert (tmp_path / "ray" / path.name).read_bytes() == path.read_bytes()


def test_nothing_usable_is_one_clear_line(ray_cluster, make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    with pytest.raises(InputError, match="all 1 songs were rejected"):
        encode_corpus([make_song("bad", bass=words)], tmp_path / "out", CodecChoice())
