import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.corpus.importers.moisesdb import import_moisesdb

MoisesWriter = Callable[..., Path]

Stems = dict[str, list[tuple[str, str, dict[str, Any]]]]

SUNG: Stems = {
    "vocals": [("lead female singer", "v1", {}), ("background vocals", "v2", {"has_bleed": True})],
    "bass": [("bass synthesizer (moog etc)", "b1", {})],
    "drums": [("kick drum", "d1", {}), ("full_acoustic_drumkit", "d2", {})],
    "percussion": [
        ("a-tonal percussion (claps, shakers, congas, cowbell etc)", "p1", {}),
        ("pitched_percussion_mallets_glockenspiel_", "p2", {}),
    ],
    "other_keys": [("synth lead", "k1", {}), ("organ, electric organ", "k2", {})],
    "wind": [("reeds (saxophone, clarinets, oboe, english horn, bagpipe)", "w1", {})],
    "bowed_strings": [("violin (solo)", "s1", {})],
    "guitar": [("acoustic guitar", "g1", {"duration_s": 0.25})],
    "piano": [("grand piano", "g2", {})],
    "other_plucked": [("banjo, mandolin, ukulele, harp etc", "o1", {})],
    "other": [
        ("click track", "c1", {}),
        ("fx/processed sound, scratches, gun shots, explosions etc", "f1", {}),
    ],
}


def found(song: Any) -> dict[str, list[str]]:
    return {name: [Path(path).stem for path in paths or ()] for name, paths in song.tracks.items()}


def test_every_stem_of_the_eleven_goes_to_its_track(tmp_path: Path, moises_song: MoisesWriter) -> None:
    folder = moises_song(tmp_path / "moisesdb" / "moisesdb_v0.1", SUNG)
    ((song,), rejected) = import_moisesdb(tmp_path / "moisesdb")
    assert not rejected
    assert found(song) == {
        "bass": ["b1"],
        "drums": ["d1", "d2", "p1"],
        "instrument": ["p2", "k1", "k2", "w1", "s1", "g1", "g2", "o1", "f1"],
        "melody": ["v1", "v2"],
    }
    assert song.tracks["bass"] == (str(folder / "bass" / "b1.wav"),)
    assert song.metadata.genres == ("bossa nova",)
    assert song.metadata.instruments[:4] == ("synth bass", "drums", "acoustic drums", "percussion")
    assert {"female vocals", "plucked strings", "violin", "reeds"} <= set(song.metadata.instruments)
    assert set(song.notes) == {
        "vocals/v2.wav has bleed of other instruments",
        "other/c1.wav belongs to no track: left out",
        "guitar/g1.wav ends 0.250 s early: silent from there on",
    }
    assert (song.source, song.licence) == ("MoisesDB", "CC-BY-NC-SA-4.0")


def test_in_an_instrumental_the_first_lead_that_is_there_plays_the_melody(
    tmp_path: Path, moises_song: MoisesWriter
) -> None:
    rest = {name: SUNG[name] for name in SUNG if name != "vocals"}
    moises_song(tmp_path, rest, song_id="a")
    moises_song(tmp_path, {name: rest[name] for name in ("wind", "bowed_strings", "piano")}, song_id="b")
    moises_song(tmp_path, {"piano": SUNG["piano"]}, song_id="c")
    songs, _ = import_moisesdb(tmp_path)
    assert [found(song)["melody"] for song in songs] == [["k1"], ["w1"], []]
    assert songs[2].tracks["melody"] == ()


def test_songs_are_parted_by_a_stable_hash_into_two_splits(tmp_path: Path, moises_song: MoisesWriter) -> None:
    for number in range(6):
        moises_song(tmp_path, {"piano": SUNG["piano"]}, song_id=f"song-{number}")
    first, again = import_moisesdb(tmp_path).songs, import_moisesdb(tmp_path).songs
    assert first == again
    assert {song.split for song in first} == {"train", "test"}


def test_bad_songs_are_rejected_with_a_reason_that_names_the_file(
    tmp_path: Path, moises_song: MoisesWriter
) -> None:
    for name in ("good", "json", "stems", "id", "audio", "gone"):
        moises_song(tmp_path, {"piano": SUNG["piano"]}, song_id=name)
    (tmp_path / "none").mkdir()
    (tmp_path / "json" / "data.json").write_text("{")
    (tmp_path / "stems" / "data.json").write_text(json.dumps({"stems": {"piano": []}}))
    (tmp_path / "id" / "data.json").write_text(
        json.dumps({"stems": [{"stemName": "piano", "tracks": [{"trackType": "grand piano"}]}]})
    )
    (tmp_path / "audio" / "piano" / "g2.wav").write_text("no audio")
    (tmp_path / "gone" / "piano" / "g2.wav").unlink()
    songs, rejected = import_moisesdb(tmp_path)
    assert [song.song_id for song in songs] == ["good"]
    reasons = {rejection.song_id: rejection.reason for rejection in rejected}
    for song_id, part in {
        "none": "none/data.json is missing",
        "json": "json/data.json is not JSON",
        "stems": "stems/data.json lists no stems",
        "id": "id/data.json: a track of piano has no id",
        "audio": "audio/piano/g2.wav is not audio",
        "gone": "gone/piano/g2.wav is missing",
    }.items():
        assert part in reasons.pop(song_id)
    assert not reasons


def test_a_tree_without_songs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs moisesdb_v0\.1"):
        import_moisesdb(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        import_moisesdb(tmp_path / "missing")
