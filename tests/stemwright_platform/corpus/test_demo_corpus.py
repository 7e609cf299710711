import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright.errors import InputError
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.manifest import Song, read_manifest
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font

SHORT_S = 3.0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_corpus(tmp_path_factory.mktemp("demo"), 13, seed=2, duration_s=SHORT_S)


def stems(song: Song) -> dict[str, np.ndarray]:
    return {name: soundfile.read(paths[0])[0] for name, paths in song.tracks.items() if paths}


def test_it_is_made_where_there_is_no_ray_mlflow_or_torch(tmp_path: Path) -> None:
    code = f"""
import sys
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
make_demo_corpus({str(tmp_path)!r}, 1, duration_s=1)
assert not {{"ray", "mlflow", "torch", "transformers", "pretty_midi"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_song_has_four_sounding_stereo_stems_of_one_length(corpus: Path) -> None:
    for song in read_manifest(corpus):
        audio = stems(song)
        assert set(audio) == {"bass", "drums", "instrument", "melody"}
        assert {stem.shape for stem in audio.values()} == {(round(song.duration_s * 48000), 2)}
        assert soundfile.info(song.tracks["bass"][0]).samplerate == 48000
        for stem in audio.values():
            assert np.sqrt(np.mean(stem**2)) > 0.005
            assert np.abs(stem).max() < 1


def test_the_mix_is_the_sum_of_the_stems_and_does_not_clip(corpus: Path) -> None:
    for song in read_manifest(corpus):
        mix, _ = soundfile.read(song.mix_path)
        np.testing.assert_allclose(mix, sum(stems(song).values()), atol=4 / 32768)
        assert np.abs(mix).max() < 0.91


def test_songs_last_a_lead_in_whole_bars_and_a_tail_of_a_second(corpus: Path) -> None:
    lead_ins = []
    for song in read_manifest(corpus):
        first, *others = song.downbeats_s
        bar_s = others[0] - first if others else song.duration_s - 1 - first
        assert song.duration_s - 1 - first == pytest.approx(bar_s * len(song.downbeats_s), abs=1e-4)
        assert song.duration_s <= max(SHORT_S, first + bar_s) + 1.001
        assert song.duration_s + bar_s > SHORT_S + 1
        lead_ins.append(first / bar_s)
    assert 0 <= min(lead_ins) < 0.3 < 0.7 < max(lead_ins) < 1


def test_each_genre_comes_once_a_round_and_metadata_is_complete(corpus: Path) -> None:
    songs = read_manifest(corpus)
    assert len({song.metadata.genres[0] for song in songs}) == 13
    assert {song.split for song in songs} == {"train", "test"}
    for song in songs:
        known = song.metadata
        assert len(known.instruments) == 4
        assert all((known.moods, known.keywords, known.themes, known.key, known.tempo_bpm))


def test_a_song_does_not_depend_on_how_many_are_made_or_by_how_many_processes(
    corpus: Path, tmp_path: Path
) -> None:
    again = read_manifest(make_demo_corpus(tmp_path, 2, seed=2, duration_s=SHORT_S, jobs=2))
    for song, same in zip(read_manifest(corpus), again, strict=False):
        assert song.metadata == same.metadata
        for name, stem in stems(song).items():
            np.testing.assert_array_equal(stem, stems(same)[name])


def test_lengths_are_drawn_from_a_range(tmp_path: Path) -> None:
    songs = read_manifest(make_demo_corpus(tmp_path, 6, duration_s=(9.0, 18.0)))
    lengths = [song.duration_s - 1 for song in songs]
    assert max(lengths) <= 18.001
    assert len({round(length) for length in lengths}) > 3


def test_each_song_draws_one_of_the_sound_fonts(tmp_path: Path) -> None:
    fonts = [tmp_path / "one.sf2", tmp_path / "two.sf2"]
    fonts[0].write_bytes(default_sound_font().read_bytes())
    fonts[1].write_bytes(default_sound_font().read_bytes() + bytes(2))
    songs = read_manifest(make_demo_corpus(tmp_path / "both", 8, duration_s=1, soundfonts=fonts))
    assert {song.licence for song in songs} == {f"generated, rendered with {font.name}" for font in fonts}
    (alone,) = read_manifest(make_demo_corpus(tmp_path / "one", 1, duration_s=1, soundfonts=fonts[:1]))
    assert alone.metadata == songs[0].metadata


def test_a_track_that_a_song_does_without_is_known_to_be_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stemwright_platform.corpus.demo.casting.ABSENT_SHARE", 1.0)
    monkeypatch.setattr("stemwright_platform.corpus.demo.casting.LONG_BARS", 1)
    (rock,) = (
        s for s in read_manifest(make_demo_corpus(tmp_path, 13, duration_s=2)) if "rock" in s.metadata.genres
    )
    assert rock.tracks["melody"] == ()
    assert all(rock.tracks[name] for name in ("bass", "drums", "instrument"))
    assert len(rock.metadata.instruments) == 3
    assert "no melody" in rock.metadata.keywords


def test_the_record_says_where_sections_begin(tmp_path: Path) -> None:
    (song,) = read_manifest(make_demo_corpus(tmp_path, 1, duration_s=60))
    record = json.loads((tmp_path / "songs" / song.song_id / "metadata.json").read_text())
    starts = [section["start_s"] for section in record["sections"]]
    assert len(starts) > 3
    assert set(starts) <= set(song.downbeats_s)
    assert sum(section["bars"] for section in record["sections"]) == len(song.downbeats_s)


def test_another_seed_gives_other_songs(corpus: Path, tmp_path: Path) -> None:
    (other,) = read_manifest(make_demo_corpus(tmp_path, 1, seed=3, duration_s=SHORT_S))
    first = read_manifest(corpus)[0]
    assert other.song_id != first.song_id
    assert other.metadata != first.metadata


def test_finished_songs_are_kept_and_others_are_made_again(tmp_path: Path) -> None:
    make_demo_corpus(tmp_path, 3, duration_s=1)
    homes = [tmp_path / "songs" / f"demo-1-0000{number}" for number in range(3)]
    (homes[1] / "metadata.json").unlink()
    (tmp_path / "songs" / ".demo-1-00002.partial").mkdir()
    before = [(home / "bass.flac").stat().st_mtime_ns for home in homes]
    time.sleep(0.02)
    make_demo_corpus(tmp_path, 3, duration_s=1)
    after = [(home / "bass.flac").stat().st_mtime_ns for home in homes]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
    make_demo_corpus(tmp_path, 1, duration_s=6)
    assert (homes[0] / "bass.flac").stat().st_mtime_ns != before[0]


def test_an_interrupted_song_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stemwright_platform.corpus.demo.song.to_midi", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make_demo_corpus(tmp_path, 1, duration_s=1)
    assert list((tmp_path / "songs").iterdir()) == []
    assert not (tmp_path / "manifest.parquet").exists()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"songs": 0}, "at least 1 song"),
        ({"duration_s": 0.5}, "1 to 3600 seconds"),
        ({"duration_s": float("nan")}, "1 to 3600 seconds"),
        ({"duration_s": (20.0, 10.0)}, "1 to 3600 seconds, got 20-10"),
        ({"seed": -1}, "seed must be"),
        ({"jobs": 0}, "--jobs must be"),
        ({"soundfonts": ["missing.sf2"]}, "no sound font at .*missing.sf2"),
        ({"soundfonts": [__file__]}, "is not a sound font"),
    ],
)
def test_settings_that_make_no_corpus_are_refused(settings: dict, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason):
        make_demo_corpus(tmp_path, **{"songs": 1, **settings})
    assert not list(tmp_path.iterdir())
