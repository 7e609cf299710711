import pytest

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError
from stemwright.mdct_codec import MdctCodec
from stemwright_platform.corpus.encode import CodecChoice, encode_corpus
from stemwright_platform.corpus.encode_locally import prepare_locally
from stemwright_platform.corpus.encode_shard import Encoding
from stemwright_platform.corpus.preparation import Preparation

pytestmark = pytest.mark.ray
ENCODING = Encoding(codec=MdctCodec())


def test_ray_writes_the_bytes_that_one_process_writes(ray_cluster, make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    songs = [
        make_song("long", 61.0, instrument=None, melody=None),
        make_song("less long", 40.0, instrument=None, melody=None),
        make_song("short", 2.0, split="test"),
        make_song("bad", bass=words),
        make_song("short again", 3.0, melody=None),
    ]
    done = []
    work = Preparation.of(songs, DataFolder(tmp_path / "ray"), ENCODING)
    info = encode_corpus(work, CodecChoice(), on_shard=lambda plan: done.append(plan.name))
    assert sorted(done) == ["shard-00000.parquet", "shard-00001.parquet"]
    assert info.num_rejected == 1
    assert info == prepare_locally(songs, tmp_path / "local", ENCODING)
    for path in (tmp_path / "local").iterdir():
        assert (tmp_path / "ray" / path.name).read_bytes() == path.read_bytes()


def test_nothing_usable_is_one_clear_line(ray_cluster, make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    work = Preparation.of([make_song("bad", bass=words)], DataFolder(tmp_path / "out"), ENCODING)
    with pytest.raises(InputError, match="all 1 songs were rejected"):
        encode_corpus(work, CodecChoice())


def test_too_many_rejected_songs_end_the_run_early(ray_cluster, make_song, tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    songs = [make_song("good"), make_song("bad", bass=words)]
    work = Preparation.of(songs, DataFolder(tmp_path / "out"), ENCODING, max_rejected=0.1)
    with pytest.raises(InputError, match="more than --max-rejected"):
        encode_corpus(work, CodecChoice())
    assert not (tmp_path / "out" / "dataset.json").exists()
