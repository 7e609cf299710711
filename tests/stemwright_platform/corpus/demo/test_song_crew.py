from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.corpus.demo.song import SongOrder, sha256_of
from stemwright_platform.corpus.demo.song_crew import make_on_ray
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font

pytestmark = pytest.mark.ray


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()
    }


def order(index: int) -> SongOrder:
    font = default_sound_font()
    return SongOrder(seed=1, index=index, duration_s=1, soundfont=font, soundfont_sha256=sha256_of(font))


def test_ray_makes_the_bytes_that_one_process_makes_and_keeps_what_is_finished(
    ray_cluster: Any, tmp_path: Path
) -> None:
    alone = make_demo_corpus(tmp_path / "alone", 5, duration_s=2)
    make_demo_corpus(tmp_path / "crew", 2, duration_s=2)
    kept = tmp_path / "crew" / "songs" / "demo-1-00000" / "bass.flac"
    before = kept.stat().st_mtime_ns
    heard: list[str] = []
    crew = make_demo_corpus(tmp_path / "crew", 5, duration_s=2, jobs=None, on_song=heard.append)
    assert sorted(heard) == [song.song_id for song in read_manifest(alone)]
    assert kept.stat().st_mtime_ns == before
    assert files(alone.parent / "songs") == files(crew.parent / "songs")


def test_a_node_that_has_another_font_at_the_path_makes_no_song(ray_cluster: Any, tmp_path: Path) -> None:
    wrong = replace(order(1), soundfont_sha256="0" * 64)
    with pytest.raises(InputError, match=r"demo-1-00001: .*TimGM6mb.sf2 is another sound font"):
        list(make_on_ray([wrong], tmp_path))
    assert not list(tmp_path.iterdir())
