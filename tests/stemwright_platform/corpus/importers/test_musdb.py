from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.corpus.importers.musdb import STEMS, import_musdb

ToneWriter = Callable[..., Path]


@pytest.fixture
def corpus(tmp_path: Path, write_tone: ToneWriter) -> Path:
    for song in ("train/A - First", "train/B - Second", "test/C - Third"):
        for name in (*STEMS, "mixture"):
            write_tone(tmp_path / "musdb18hq" / song / f"{name}.wav")
    return tmp_path / "musdb18hq"


def test_vocals_are_the_melody_other_the_instrument_and_the_split_is_kept(corpus: Path) -> None:
    songs, rejected = import_musdb(corpus)
    assert not rejected
    assert [(song.song_id, song.split) for song in songs] == [
        *(("A - First", "train"), ("B - Second", "train"), ("C - Third", "test")),
    ]
    folder = corpus / "train" / "A - First"
    files = {"bass": "bass", "drums": "drums", "instrument": "other", "melody": "vocals"}
    assert songs[0].tracks == {slot: (str(folder / f"{name}.wav"),) for slot, name in files.items()}
    assert songs[0].mix_path == str(folder / "mixture.wav")
    assert songs[0].metadata.instruments == ("bass", "drums", "vocals")
    assert songs[0].source == "MUSDB18-HQ"
    assert "noncommercial" in songs[0].licence


def test_the_folder_above_the_corpus_will_do(corpus: Path) -> None:
    assert import_musdb(corpus.parent) == import_musdb(corpus)


def test_bad_songs_are_rejected_and_the_compressed_release_is_named(corpus: Path) -> None:
    (corpus / "train" / "A - First" / "drums.wav").unlink()
    (corpus / "test" / "C - Third" / "C - Third.stem.mp4").touch()
    songs, rejected = import_musdb(corpus)
    assert [song.song_id for song in songs] == ["B - Second"]
    reasons = [rejection.reason for rejection in rejected]
    assert "A - First/drums.wav is missing" in reasons[0]
    assert "MUSDB18-HQ release" in reasons[1]


def test_a_tree_without_songs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs train and test"):
        import_musdb(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        import_musdb(tmp_path / "missing")
