from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.corpus.importers.slakh import import_slakh
from stemwright_platform.corpus.stem_audio import read_stem

SlakhWriter = Callable[..., Path]

BASS = {"inst_class": "Bass", "program_num": 33, "midi_program_name": "Electric Bass (finger)"}
DRUMS = {"inst_class": "Drums", "program_num": 128, "midi_program_name": "Drums", "is_drum": True}
PIANO = {"inst_class": "Piano", "program_num": 0, "midi_program_name": "Acoustic Grand Piano"}
STRINGS = {"inst_class": "Strings", "program_num": 45, "midi_program_name": "Pizzicato Strings"}
MORE_STRINGS = {
    "inst_class": "Strings (continued)",
    "program_num": 48,
    "midi_program_name": "String Ensemble 1",
}
SAX = {"inst_class": "Reed", "program_num": 65, "midi_program_name": "Alto Sax"}
LEAD = {"inst_class": "Synth Lead", "program_num": 81, "midi_program_name": "Lead 2 (sawtooth)"}
GUITAR = {"inst_class": "Guitar", "program_num": 30, "midi_program_name": "Distortion Guitar"}


def names(paths: tuple[str, ...] | None) -> list[str]:
    return [Path(path).stem for path in paths or ()]


def test_stems_go_to_their_tracks_and_both_kinds_of_strings_to_one(
    tmp_path: Path, slakh_song: SlakhWriter
) -> None:
    stems = {"S00": PIANO, "S01": BASS, "S02": DRUMS, "S03": STRINGS, "S04": MORE_STRINGS, "S05": SAX}
    folder = slakh_song(tmp_path / "train" / "Track00001", stems)
    ((song,), rejected) = import_slakh(tmp_path)
    assert not rejected
    assert {name: names(paths) for name, paths in song.tracks.items()} == {
        "bass": ["S01"],
        "drums": ["S02"],
        "instrument": ["S00", "S03", "S04"],
        "melody": ["S05"],
    }
    assert song.metadata.instruments == (
        *("finger bass", "drums", "piano", "pizzicato strings", "strings", "alto sax"),
    )
    assert (song.song_id, song.split, song.sample_rate_hz) == ("Track00001", "train", 44100)
    assert (song.source, song.licence) == ("Slakh2100", "CC-BY-4.0")
    assert song.mix_path == str(folder / "mix.flac")
    assert song.notes == ()


def test_the_melody_is_the_first_lead_that_a_song_has_and_the_others_accompany(
    tmp_path: Path, slakh_song: SlakhWriter
) -> None:
    slakh_song(tmp_path / "train" / "Track00001", {"S00": SAX, "S01": LEAD, "S02": GUITAR})
    slakh_song(tmp_path / "train" / "Track00002", {"S00": SAX, "S02": GUITAR, "S03": SAX})
    slakh_song(tmp_path / "train" / "Track00003", {"S02": GUITAR, "S03": PIANO})
    songs, _ = import_slakh(tmp_path)
    assert [names(song.tracks["melody"]) for song in songs] == [["S01"], ["S00", "S03"], ["S02"]]
    assert [names(song.tracks["instrument"]) for song in songs] == [["S00", "S02"], ["S02"], ["S03"]]


def test_a_track_without_stems_is_known_to_be_silent(tmp_path: Path, slakh_song: SlakhWriter) -> None:
    slakh_song(tmp_path / "test" / "Track00001", {"S00": PIANO, "S01": DRUMS})
    ((song,), _) = import_slakh(tmp_path)
    assert song.tracks["melody"] == song.tracks["bass"] == ()


def test_a_stem_that_was_not_rendered_is_skipped_and_noted(tmp_path: Path, slakh_song: SlakhWriter) -> None:
    slakh_song(tmp_path / "test" / "Track00001", {"S00": PIANO, "S01": {**BASS, "audio_rendered": False}})
    ((song,), rejected) = import_slakh(tmp_path)
    assert not rejected
    assert song.tracks["bass"] == ()
    assert song.notes == ("S01 was not rendered",)


def test_unequal_lengths_are_noted_and_padded_when_read(tmp_path: Path, slakh_song: SlakhWriter) -> None:
    stems = {"S00": PIANO, "S01": {**STRINGS, "duration_s": 0.3}, "S02": {**BASS, "duration_s": 0.75}}
    slakh_song(tmp_path / "train" / "Track00001", stems)
    ((song,), _) = import_slakh(tmp_path)
    assert song.duration_s == pytest.approx(0.75)
    assert song.notes == (
        "stems/S00.flac ends 0.250 s early: silent from there on",
        "stems/S01.flac ends 0.450 s early: silent from there on",
    )
    assert read_stem(song.tracks["instrument"] or (), 44100).shape == (2, 22050)


@pytest.mark.parametrize("suffix", [".flac", ".wav"])
@pytest.mark.parametrize("root", ["", "slakh2100_flac_redux"])
def test_splits_are_the_corpus_own_and_omitted_songs_stay_out(
    tmp_path: Path, slakh_song: SlakhWriter, root: str, suffix: str
) -> None:
    for number, split in enumerate(["validation", "test", "train", "omitted"], start=1):
        slakh_song(tmp_path / root / split / f"Track{number:05d}", {"S00": PIANO}, suffix=suffix)
    songs, _ = import_slakh(tmp_path)
    assert [(song.song_id, song.split) for song in songs] == [
        *(("Track00001", "validation"), ("Track00002", "test"), ("Track00003", "train")),
    ]
    assert all(song.mix_path and song.mix_path.endswith(f"mix{suffix}") for song in songs)
    assert [song.song_id for song in import_slakh(tmp_path / root / "test").songs] == ["Track00002"]


def test_songs_of_one_midi_file_never_stand_on_both_sides_of_a_split(
    tmp_path: Path, slakh_song: SlakhWriter
) -> None:
    slakh_song(tmp_path / "omitted" / "Track00001", {"S00": PIANO}, uuid="one")
    slakh_song(tmp_path / "test" / "Track00002", {"S00": PIANO}, uuid="one")
    slakh_song(tmp_path / "train" / "Track00003", {"S00": PIANO}, uuid="other")
    songs, _ = import_slakh(tmp_path, omitted=True)
    assert [(song.song_id, song.split) for song in songs] == [
        *(("Track00002", "test"), ("Track00003", "train"), ("Track00001", "test")),
    ]
    assert songs[2].notes == ("made from the same MIDI as Track00002: moved from train to test",)


def test_without_split_folders_the_numbers_give_the_split_of_the_first_release(
    tmp_path: Path, slakh_song: SlakhWriter
) -> None:
    for number in (1500, 1501, 1875, 1876, 2100):
        slakh_song(tmp_path / f"Track{number:05d}", {"S00": PIANO})
    splits = [song.split for song in import_slakh(tmp_path).songs]
    assert splits == ["train", "validation", "validation", "test", "test"]


def test_bad_songs_are_rejected_with_a_reason_that_names_the_file(
    tmp_path: Path, slakh_song: SlakhWriter
) -> None:
    root = tmp_path / "train"
    for number in range(1, 8):
        slakh_song(root / f"Track{number:05d}", {"S00": PIANO})
    (root / "Track00002" / "metadata.yaml").unlink()
    (root / "Track00003" / "metadata.yaml").write_text("stems: [S00: {")
    (root / "Track00004" / "metadata.yaml").write_text("stems: [S00]")
    (root / "Track00005" / "stems" / "S00.flac").unlink()
    (root / "Track00006" / "stems" / "S00.flac").write_bytes(b"no audio")
    slakh_song(root / "Track00007", {"S00": {**PIANO, "audio_rendered": False}})
    songs, rejected = import_slakh(tmp_path)
    assert [song.song_id for song in songs] == ["Track00001"]
    reasons = {rejection.song_id: rejection.reason for rejection in rejected}
    for song_id, part in {
        "Track00002": "Track00002/metadata.yaml is missing",
        "Track00003": "Track00003/metadata.yaml is not YAML",
        "Track00004": "Track00004/metadata.yaml lists no stems",
        "Track00005": "Track00005/stems/S00.flac is missing",
        "Track00006": "Track00006/stems/S00.flac is not audio",
        "Track00007": "'Track00007' has no track",
    }.items():
        assert part in reasons.pop(song_id)
    assert not reasons
    assert all("\n" not in rejection.reason for rejection in rejected)


def test_tempo_and_bars_are_those_of_the_midi_file_and_never_a_default(
    tmp_path: Path, slakh_song: SlakhWriter, write_midi: Callable[..., Path]
) -> None:
    folders = [
        slakh_song(tmp_path / "train" / f"Track{number:05d}", {"S00": PIANO}) for number in range(1, 5)
    ]
    write_midi(folders[0] / "all_src.mid", tempo_bpm=96, metre=(3, 4))
    write_midi(folders[1] / "all_src.mid", tempo_bpm=96)
    write_midi(folders[2] / "all_src.mid")
    (folders[3] / "all_src.mid").write_bytes(b"no MIDI")
    songs, rejected = import_slakh(tmp_path)
    assert not rejected
    assert [song.metadata.tempo_bpm for song in songs] == [96.0, 96.0, None, None]
    assert songs[0].downbeats_s == pytest.approx((0.0, 1.875, 3.75), abs=1e-3)
    assert [song.downbeats_s for song in songs[1:]] == [(), (), ()]
    assert "all_src.mid" in songs[3].notes[0]
    assert all(not song.estimated for song in songs)


def test_rules_of_ones_own_may_name_other_tracks(tmp_path: Path, slakh_song: SlakhWriter) -> None:
    slakh_song(tmp_path / "train" / "Track00001", {"S00": PIANO, "S01": BASS, "S02": SAX})
    rules = tmp_path / "slots.yaml"
    rules.write_text(
        "tracks: [keys, low]\n"
        "rules:\n"
        "  - {slot: keys, inst_class: [Piano, Organ]}\n"
        "  - {slot: low, program_num: 32-39}\n"
    )
    ((song,), _) = import_slakh(tmp_path / "train", slots=rules)
    assert {name: names(paths) for name, paths in song.tracks.items()} == {"keys": ["S00"], "low": ["S01"]}
    assert song.notes == ("stems/S02.flac belongs to no track: left out",)


def test_progress_counts_every_song(tmp_path: Path, slakh_song: SlakhWriter) -> None:
    for number in (1, 2, 3):
        slakh_song(tmp_path / "train" / f"Track{number:05d}", {"S00": PIANO})
    (tmp_path / "train" / "Track00002" / "metadata.yaml").unlink()
    told: list[tuple[int, int, str]] = []
    import_slakh(tmp_path, progress=lambda *one: told.append(one))
    assert [(done, total) for done, total, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert {song_id for _, _, song_id in told} == {"Track00001", "Track00002", "Track00003"}


def test_a_tree_without_songs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs TrackNNNNN folders"):
        import_slakh(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        import_slakh(tmp_path / "missing")
