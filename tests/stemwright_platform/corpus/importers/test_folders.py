import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright.tracks import Tracks
from stemwright_platform.corpus.demo_corpus import make_demo_corpus
from stemwright_platform.corpus.importers.folders import import_folders
from stemwright_platform.corpus.manifest import read_manifest

ToneWriter = Callable[..., Path]


def test_every_format_and_spelling_of_a_name_is_found_and_missing_tracks_are_none(
    tmp_path: Path, write_tone: ToneWriter
) -> None:
    write_tone(tmp_path / "Band" / "One" / "BASS.WAV")
    write_tone(tmp_path / "Band" / "One" / "Drums.flac", 0.75)
    write_tone(tmp_path / "Band" / "One" / "melody.ogg", rate_hz=48000, channels=1)
    write_tone(tmp_path / "Band" / "One" / "cover.wav")
    write_tone(tmp_path / "Two" / "instrument.mp3")
    write_tone(tmp_path / "no song" / "cover.wav")
    songs, rejected = import_folders(tmp_path)
    assert not rejected
    assert [song.song_id for song in songs] == ["Band/One", "Two"]
    names = {name: paths and Path(paths[0]).name for name, paths in songs[0].tracks.items()}
    assert names == {"bass": "BASS.WAV", "drums": "Drums.flac", "instrument": None, "melody": "melody.ogg"}
    assert songs[0].duration_s == pytest.approx(0.75)
    assert songs[0].sample_rate_hz == 48000
    assert (songs[0].licence, songs[0].metadata.genres) == ("unknown", ())


def test_metadata_beside_the_audio_is_the_songs(tmp_path: Path, write_tone: ToneWriter) -> None:
    write_tone(tmp_path / "a" / "bass.wav")
    write_tone(tmp_path / "a" / "mixture.wav")
    fields = {
        "genres": ["blues"],
        "tempo_bpm": 72,
        "split": "test",
        "licence": "CC-BY-4.0",
        "downbeats_s": [0, 1],
    }
    (tmp_path / "a" / "metadata.json").write_text(json.dumps(fields))
    (song,), _ = import_folders(tmp_path)
    assert (song.split, song.licence, song.downbeats_s) == ("test", "CC-BY-4.0", (0.0, 1.0))
    assert (song.metadata.genres, song.metadata.tempo_bpm) == (("blues",), 72.0)
    assert song.mix_path == str(tmp_path / "a" / "mixture.wav")


def test_one_folder_can_be_the_whole_corpus(tmp_path: Path, write_tone: ToneWriter) -> None:
    write_tone(tmp_path / "solo" / "bass.wav")
    (song,), _ = import_folders(tmp_path / "solo")
    assert song.song_id == "solo"


def test_bad_songs_are_rejected_with_a_reason_that_names_the_file(
    tmp_path: Path, write_tone: ToneWriter
) -> None:
    write_tone(tmp_path / "good" / "bass.wav")
    for name in ("text", "empty", "none", "twice", "json", "list", "field"):
        write_tone(tmp_path / name / "bass.wav")
    (tmp_path / "text" / "drums.wav").write_text("not audio")
    (tmp_path / "empty" / "drums.mp3").touch()
    write_tone(tmp_path / "none" / "drums.wav", 0)
    write_tone(tmp_path / "twice" / "bass.flac")
    (tmp_path / "json" / "metadata.json").write_text("{genres")
    (tmp_path / "list" / "metadata.json").write_text("[]")
    (tmp_path / "field" / "metadata.json").write_text('{"tempo_bpm": "fast"}')
    songs, rejected = import_folders(tmp_path)
    assert [song.song_id for song in songs] == ["good"]
    reasons = {rejection.song_id: rejection.reason for rejection in rejected}
    assert reasons.keys() == {"text", "empty", "none", "twice", "json", "list", "field"}
    for song_id, part in {
        "text": "text/drums.wav is not audio",
        "empty": "empty/drums.mp3 is not audio",
        "none": "none/drums.wav has no samples",
        "twice": "are the same track",
        "json": "json/metadata.json is not JSON",
        "list": "must hold one object",
        "field": "tempo_bpm must be a number",
    }.items():
        assert part in reasons[song_id]


def test_a_tree_without_songs_is_refused(tmp_path: Path, write_tone: ToneWriter) -> None:
    write_tone(tmp_path / "a" / "vocals.wav")
    with pytest.raises(InputError, match="no songs below"):
        import_folders(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        import_folders(tmp_path / "missing")


def test_importing_the_demo_corpus_gives_its_own_songs(tmp_path: Path) -> None:
    made = read_manifest(make_demo_corpus(tmp_path, 2, seed=4, duration_s=2))
    imported, rejected = import_folders(tmp_path / "songs")
    assert (imported, rejected) == (made, [])


def test_rules_give_files_of_other_names_to_the_tracks_and_sum_several(
    tmp_path: Path, write_tone: ToneWriter
) -> None:
    song = tmp_path / "corpus" / "one"
    for name in ("Kick In", "kick-out", "Snare", "vocals", "cover"):
        write_tone(song / f"{name}.wav")
    rules = tmp_path / "slots.yaml"
    rules.write_text(
        "rules:\n"
        "  - {slot: drums, name: [kick*, snare]}\n"
        "  - {slot: null, name: cover}\n"
        "  - {slot: melody, name: vocals}\n"
    )
    ((found,), rejected) = import_folders(tmp_path / "corpus", slots=rules)
    assert not rejected
    assert found.tracks["drums"] == tuple(
        str(song / f"{name}.wav") for name in ("Kick In", "Snare", "kick-out")
    )
    assert found.tracks["melody"] == (str(song / "vocals.wav"),)
    assert found.tracks["bass"] is None


def test_any_number_of_tracks_of_any_name_is_imported(tmp_path: Path, write_tone: ToneWriter) -> None:
    write_tone(tmp_path / "one" / "strings.wav")
    duo = Tracks(names=("strings", "flute"), prompt_names=("strings", "flute"))
    (song,), _ = import_folders(tmp_path, tracks=duo)
    assert song.tracks == {"strings": (str(tmp_path / "one" / "strings.wav"),), "flute": None}


def test_a_licence_can_be_given_to_songs_that_name_none(tmp_path: Path, write_tone: ToneWriter) -> None:
    write_tone(tmp_path / "a" / "bass.wav")
    write_tone(tmp_path / "b" / "bass.wav")
    (tmp_path / "b" / "metadata.json").write_text('{"licence": "CC0-1.0"}')
    songs, _ = import_folders(tmp_path, licence="CC-BY-4.0")
    assert [song.licence for song in songs] == ["CC-BY-4.0", "CC0-1.0"]
