import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from written_midi import MELODY, band, file_bytes, notes

from stemwright.errors import InputError
from stemwright_platform.corpus.importers.folders import import_folders
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.corpus.midi import rendered_corpus
from stemwright_platform.corpus.midi.rendered_corpus import (
    RenderedCorpus,
    RenderSettings,
    plan_corpus,
    render_corpus,
)
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font

FILES = {"a.mid": band(), "b/x.mid": band(2), "b/x.1.mid": band(3), "c.mid": band(5), "bad.mid": b"MThd"}


@pytest.fixture(scope="module")
def midi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("midi")
    for name, data in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def made(midi: Path, out: Path, jobs: int | None = 1, **settings: Any) -> RenderedCorpus:
    fonts = (default_sound_font(),)
    chosen = RenderSettings(soundfonts=fonts, licence="CC0-1.0", source="test", **settings)
    return render_corpus(plan_corpus(midi, out, chosen, jobs=jobs), out, jobs=jobs)


@pytest.fixture(scope="module")
def corpus(midi: Path, tmp_path_factory: pytest.TempPathFactory) -> RenderedCorpus:
    return made(midi, tmp_path_factory.mktemp("out"), variants=3)


def sounds(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: soundfile.read(path)[0] for path in sorted(folder.glob("*.flac"))}


def test_the_manifest_has_every_song_and_variant_with_true_metadata(corpus: RenderedCorpus) -> None:
    songs = {song.song_id: song for song in read_manifest(corpus.manifest)}
    assert set(songs) == {f"{name}{end}" for name in ("a", "b/x", "b/x.1", "c") for end in ("", ".v1", ".v2")}
    song = songs["a"]
    assert song.metadata.tempo_bpm == pytest.approx(120, abs=0.01)
    assert song.metadata.key == "C major"
    assert song.metadata.instruments == ("finger bass", "acoustic drums", "piano", "flute")
    assert song.downbeats_s == tuple(np.arange(8) * 2.0)
    assert (song.licence, song.source, song.sample_rate_hz) == ("CC0-1.0", "test", 48000)
    assert song.duration_s == pytest.approx(15.95 + 1.5, abs=0.03)
    assert not song.estimated
    assert any("key from the notes" in text for text in song.notes)


def test_stems_are_48_khz_stereo_and_sum_to_the_mix(corpus: RenderedCorpus) -> None:
    for song in corpus.songs:
        stems = {name: soundfile.read(paths[0])[0] for name, paths in song.tracks.items() if paths}
        assert set(stems) == {"bass", "drums", "instrument", "melody"}
        assert song.mix_path is not None
        mix, rate_hz = soundfile.read(song.mix_path)
        assert rate_hz == 48000
        assert {stem.shape for stem in stems.values()} == {mix.shape}
        assert mix.shape == (round(song.duration_s * 48000), 2)
        np.testing.assert_allclose(mix, sum(stems.values()), atol=3 / 32768)
        assert np.abs(mix).max() < 0.901


def test_variants_are_in_their_key_and_tempo_and_share_the_split(corpus: RenderedCorpus) -> None:
    folder = corpus.manifest.parent / "songs"
    names = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]
    for song in corpus.songs:
        record = json.loads((folder / song.song_id / "metadata.json").read_text())
        how, shift = record["variant"], {"a": 0, "b/x": 2, "b/x.1": 3, "c": 5}[song.song_id.split(".v")[0]]
        assert song.metadata.key == f"{names[(shift + how['semitones']) % 12]} major"
        assert song.metadata.tempo_bpm == pytest.approx(120 * how["rate"], abs=0.02)
        assert song.downbeats_s[1] == pytest.approx(2 / how["rate"], abs=1e-3)
        assert bool(how["number"]) == song.song_id.endswith((".v1", ".v2"))
    splits = {song.song_id: song.split for song in corpus.songs}
    for family in ("a", "b/x", "c"):
        assert len({split for name, split in splits.items() if name.startswith(family)}) == 1
    assert set(splits.values()) == {"train", "test"}


def test_bass_and_melody_sound_at_the_pitches_of_their_notes(corpus: RenderedCorpus) -> None:
    def hz_at(stem: np.ndarray, start_s: float) -> float:
        piece = stem[round((start_s + 0.08) * 48000) : round((start_s + 0.4) * 48000)].mean(axis=1)
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 18))
        # of a bass with a weak fundamental the partials tell
        combs = [spectrum[bin_] + spectrum[2 * bin_] + spectrum[3 * bin_] for bin_ in range(200, 6000)]
        return (200 + int(np.argmax(combs))) * 48000 / (1 << 18)

    stems = sounds(corpus.manifest.parent / "songs" / "a")
    for place, pitch in enumerate(MELODY):
        found = 69 + 12 * np.log2(hz_at(stems["melody"], place / 2) / 440)
        assert (found - pitch + 0.5) % 12 - 0.5 == pytest.approx(0, abs=0.4)


def test_drums_sound_within_12_ms_of_their_notes(corpus: RenderedCorpus) -> None:
    drums = np.abs(sounds(corpus.manifest.parent / "songs" / "a")["drums"]).max(axis=1)
    for beat in range(32):
        start = round(beat * 0.5 * 48000)
        piece = drums[start : start + 4800]
        assert np.argmax(piece > 0.25 * piece.max()) / 48 < 12


def test_rejections_are_listed_with_their_reasons(corpus: RenderedCorpus) -> None:
    rows = pq.read_table(corpus.manifest.parent / "rejected.parquet").to_pylist()
    assert rows == [{"midi": "bad.mid", "song_id": "bad", "reason": "is not a MIDI file"}]


def test_the_folders_importer_reads_the_songs(corpus: RenderedCorpus) -> None:
    intake = import_folders(corpus.manifest.parent / "songs")
    ours = {song.song_id: song for song in corpus.songs}
    assert {song.song_id for song in intake.songs} == set(ours)
    for song in intake.songs:
        assert song.metadata == ours[song.song_id].metadata
        assert song.licence == "CC0-1.0"


def test_another_run_keeps_what_is_finished_and_mends_the_rest(midi: Path, tmp_path: Path) -> None:
    made(midi, tmp_path)
    songs = tmp_path / "songs"
    (songs / "a" / "metadata.json").unlink()
    (songs / "b" / ".x.partial").mkdir()
    before = {path: path.stat().st_mtime_ns for path in songs.rglob("mix.flac")}
    time.sleep(0.02)
    made(midi, tmp_path)
    changed = {path.parent.name for path, stamp in before.items() if path.stat().st_mtime_ns != stamp}
    assert changed == {"a"}
    plan = plan_corpus(midi, tmp_path, RenderSettings(soundfonts=(default_sound_font(),), seed=2), jobs=1)
    assert len(plan.missing) == 4


def test_a_song_does_not_depend_on_its_neighbours(corpus: RenderedCorpus, midi: Path, tmp_path: Path) -> None:
    alone = tmp_path / "midi"
    alone.mkdir()
    (alone / "c.mid").write_bytes((midi / "c.mid").read_bytes())
    made(alone, tmp_path / "out", variants=2)
    for name in ("c", "c.v1"):
        again = sounds(tmp_path / "out" / "songs" / name)
        for stem, audio in sounds(corpus.manifest.parent / "songs" / name).items():
            np.testing.assert_array_equal(audio, again[stem])


@pytest.mark.ray
def test_ray_makes_the_same_songs(
    ray_cluster: Any, corpus: RenderedCorpus, midi: Path, tmp_path: Path
) -> None:
    theirs = made(midi, tmp_path, jobs=2, variants=3)
    assert [song.song_id for song in theirs.songs] == [song.song_id for song in corpus.songs]
    for one, other in zip(corpus.songs, theirs.songs, strict=True):
        assert (one.split, one.metadata, one.downbeats_s) == (other.split, other.metadata, other.downbeats_s)
        first, second = (sounds(where.manifest.parent / "songs" / one.song_id) for where in (corpus, theirs))
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])


def test_a_fault_in_one_song_rejects_that_song_alone(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rendered_corpus.render_song

    def faulty(order: Any, folder: Path) -> None:
        if order.song_id == "c":
            raise ZeroDivisionError("here")
        whole(order, folder)

    monkeypatch.setattr(rendered_corpus, "render_song", faulty)
    result = made(midi, tmp_path)
    assert [one.song_id for one in result.songs] == ["a", "b/x.1", "b/x"]
    assert "could not be rendered (ZeroDivisionError: here)" in [one.reason for one in result.rejected]


def test_where_nothing_makes_a_song_the_first_reason_is_told(
    write_midi: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_midi(file_bytes(notes([60] * 8)), "short.mid").parent
    with pytest.raises(InputError, match=r"none of 1 MIDI files makes a song; short.mid is too short"):
        made(folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"variants": 0}, "--variants"),
        ({"seed": -1}, "seed must be"),
        ({"duration_s": (20.0, 10.0)}, "--duration"),
        ({"soundfonts": ()}, "--soundfont"),
    ],
)
def test_settings_that_make_no_corpus_are_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        RenderSettings(**({"soundfonts": (default_sound_font(),)} | settings))  # pyright: ignore[reportArgumentType]
