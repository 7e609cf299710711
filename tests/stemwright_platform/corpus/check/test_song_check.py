"""Each kind of fault, planted into a song of the demo corpus, is found, and nothing else is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from stemwright_platform.corpus.check.file_rules import file_findings
from stemwright_platform.corpus.check.finding import Finding
from stemwright_platform.corpus.check.measurement import SongMeasure
from stemwright_platform.corpus.check.mix_rules import mix_findings
from stemwright_platform.corpus.check.song_check import measure_song
from stemwright_platform.corpus.manifest import Song

Audio = NDArray[np.float32]
Own, Spoil = Callable[..., Song], Callable[..., None]
RATE_HZ = 48_000


def findings(song: Song, usual_rate_hz: int = RATE_HZ) -> list[Finding]:
    measure = measure_song(song)
    return [*file_findings(measure, usual_rate_hz), *mix_findings(song, measure)]


def told(song: Song) -> dict[tuple[str, str | None], str]:
    """(kind, track) → severity."""
    return {(finding.kind, finding.track): finding.severity for finding in findings(song)}


def late(audio: Audio, seconds: float) -> Audio:
    """The same length, with silence before it or its beginning cut off."""
    shift, out = round(seconds * RATE_HZ), np.zeros_like(audio)
    if shift >= 0:
        out[shift:] = audio[: len(audio) - shift]
    else:
        out[:shift] = audio[-shift:]
    return out


def mix_of(song: Song, tracks: list[str]) -> Audio:
    """The sum of some tracks."""
    paths = [path for name in tracks for path in song.tracks[name] or ()]
    return np.sum([soundfile.read(path, dtype="float32")[0] for path in paths], axis=0)


def test_clean_songs_of_every_genre_give_no_finding(clean_songs: list[Song]) -> None:
    assert {song.song_id: told(song) for song in clean_songs} == {song.song_id: {} for song in clean_songs}


def test_a_measure_comes_back_from_its_json(clean_songs: list[Song]) -> None:
    measure = measure_song(clean_songs[0])
    assert SongMeasure.from_json(measure.to_json()) == measure


def test_the_mix_may_be_lossy_mastered_or_at_another_level(
    own_song: Own, spoil: Spoil, tmp_path: Path
) -> None:
    song = own_song(2)
    spoil(song, "mix", lambda audio: 0.3 * audio)
    assert told(song) == {}
    soundfile.write(tmp_path / "mix.mp3", soundfile.read(str(song.mix_path))[0], RATE_HZ)
    assert told(replace(song, mix_path=str(tmp_path / "mix.mp3"))) == {}
    spoil(song, "mix", lambda audio: np.tanh(6 * audio))
    assert "misaligned" not in {kind for kind, _ in told(song)}


@pytest.mark.parametrize("track", ["bass", "drums", "instrument", "melody"])
@pytest.mark.parametrize("seconds", [0.002, -0.05, 1.5])
def test_a_stem_that_lies_elsewhere_in_the_mix_is_found_with_its_offset(
    own_song: Own, spoil: Spoil, track: str, seconds: float
) -> None:
    song = own_song(4)
    spoil(song, track, lambda audio: late(audio, seconds))
    found = [finding for finding in findings(song) if finding.kind in ("misaligned", "sum")]
    assert [(finding.kind, finding.track) for finding in found] == [("misaligned", track)]
    assert found[0].severity == ("warning" if abs(seconds) < 0.01 else "error")
    assert f"{abs(1000 * seconds):.1f} ms {'behind' if seconds > 0 else 'before'}" in found[0].sentence


def test_a_mix_with_another_start_is_one_finding(own_song: Own, spoil: Spoil) -> None:
    song = own_song(5)
    spoil(song, "mix", lambda audio: late(audio, 0.03))
    found = findings(song)
    assert [(finding.kind, finding.track) for finding in found] == [("misaligned", "mix")]
    assert "30.0 ms before" in found[0].sentence


def test_a_stem_at_another_level_than_in_the_mix_is_named(own_song: Own, spoil: Spoil) -> None:
    song = own_song(6)
    spoil(song, "melody", lambda audio: 0.25 * audio)
    [found] = findings(song)
    assert (found.kind, found.severity) == ("sum", "warning")
    assert "(melody +12.0 dB)" in found.sentence


def test_a_stem_of_opposite_polarity_is_named(own_song: Own, spoil: Spoil) -> None:
    song = own_song(6)
    spoil(song, "melody", lambda audio: -audio)
    [found] = findings(song)
    assert found.kind == "sum"
    assert "melody has the opposite polarity" in found.sentence


def test_a_mix_with_more_than_the_stems_is_only_noted_where_the_song_lacks_a_track(
    own_song: Own,
) -> None:
    song = own_song(7)
    tracks = {name: paths for name, paths in song.tracks.items() if name != "melody"}
    assert told(replace(song, tracks={**tracks, "melody": ()})) == {("sum", None): "warning"}
    assert told(replace(song, tracks=tracks)) == {("sum", None): "note"}


def test_a_track_of_several_files_counts_as_their_sum(own_song: Own, spoil: Spoil, tmp_path: Path) -> None:
    song = own_song(8)
    extra = tmp_path / "extra.wav"
    soundfile.write(extra, mix_of(song, ["melody"]) * 0.5, RATE_HZ, subtype="FLOAT")
    spoil(song, "melody", lambda audio: 0.5 * audio)
    halves = {**song.tracks, "melody": (*(song.tracks["melody"] or ()), str(extra))}
    assert told(replace(song, tracks=halves)) == {}


def test_a_song_without_a_mix_is_checked_for_the_rest(own_song: Own, spoil: Spoil) -> None:
    song = replace(own_song(9), mix_path=None)
    assert told(song) == {}
    spoil(song, "melody", lambda audio: audio[: -2 * RATE_HZ])
    assert told(song) == {("length", "melody"): "note"}


def test_two_tracks_with_the_same_audio_are_found(own_song: Own) -> None:
    song = replace(own_song(9), mix_path=None)
    assert told(replace(song, tracks={**song.tracks, "melody": song.tracks["instrument"]})) == {
        ("doubled", "melody"): "warning"
    }


@pytest.mark.parametrize(
    "track, change, found",
    [
        ("drums", lambda audio: 0 * audio, {("silent", "drums"): "warning"}),
        ("mix", lambda audio: np.clip(12 * audio, -1, 1), {("clipped", "mix"): "warning"}),
        ("bass", lambda audio: audio.mean(1), {("mono", "bass"): "note"}),
        ("mix", lambda audio: audio[:-24_000], {("length", "mix"): "note"}),
    ],
    ids=["silent", "clipped", "one channel", "short mix"],
)
def test_a_planted_fault_is_found(
    own_song: Own,
    spoil: Spoil,
    track: str,
    change: Callable[[Audio], Audio],
    found: dict[tuple[str, str | None], str],
) -> None:
    song = own_song(1)
    spoil(song, track, change)
    answer = told(song)
    answer.pop(("sum", None), None)  # follows from some of them
    assert answer == found


def test_a_song_of_silence_is_one_error(own_song: Own, spoil: Spoil) -> None:
    song = own_song(1)
    for track in [*song.tracks, "mix"]:
        spoil(song, track, lambda audio: 0 * audio)
    assert told(song) == {("silent", None): "error"}


def test_channels_that_are_the_same_all_over_a_song_are_noted_once(own_song: Own, spoil: Spoil) -> None:
    song = own_song(11)
    for track in [*song.tracks, "mix"]:
        spoil(song, track, lambda audio: np.repeat(audio.mean(1, keepdims=True), 2, axis=1))
    assert told(song) == {("mono", None): "note"}


@pytest.mark.parametrize(
    "rate_hz, usual_rate_hz, found",
    [
        (48_000, 48_000, {}),
        (44_100, 44_100, {}),
        (44_100, 48_000, {("rate", None): "note"}),
        (22_050, 22_050, {("rate", None): "warning"}),
        (96_000, 96_000, {("rate", None): "note"}),
    ],
)
def test_a_song_at_one_rate_is_judged_once(
    own_song: Own, spoil: Spoil, rate_hz: int, usual_rate_hz: int, found: dict[tuple[str, None], str]
) -> None:
    song = own_song(3)
    for track in [*song.tracks, "mix"]:
        spoil(song, track, lambda audio: soxr.resample(audio, RATE_HZ, rate_hz), rate_hz)
    answer = findings(song, usual_rate_hz)
    assert {(finding.kind, finding.track): finding.severity for finding in answer} == found


def test_one_file_at_another_rate_is_named_and_still_compared(own_song: Own, spoil: Spoil) -> None:
    song = own_song(3)
    spoil(song, "bass", lambda audio: soxr.resample(audio, RATE_HZ, 44_100), 44_100)
    assert told(song) == {("rate", "bass"): "warning"}


def test_audio_labelled_with_the_wrong_rate_is_told_by_its_length(own_song: Own, spoil: Spoil) -> None:
    song = own_song(3)
    for track in [*song.tracks, "mix"]:
        spoil(song, track, lambda audio: np.tile(audio, (4, 1)), 44_100 if track == "bass" else RATE_HZ)
    sentences = [finding.sentence for finding in findings(song) if finding.track == "bass"]
    assert any("as 48 kHz audio labelled 44.1 kHz would be" in sentence for sentence in sentences)


def test_a_faulty_file_is_one_error_and_the_rest_of_the_song_is_still_measured(own_song: Own) -> None:
    song = own_song(10)
    path = Path((song.tracks["bass"] or ())[0])
    path.write_bytes(path.read_bytes()[:-2000])
    measure = measure_song(song)
    assert told(song) == {("truncated", "bass"): "error"}
    assert all(track.lufs is not None for track in measure.tracks if track.name != "bass")
    path.unlink()
    assert told(song) == {("unreadable", "bass"): "error"}


def test_a_song_of_which_nothing_can_be_read_is_measured_too(own_song: Own) -> None:
    song = own_song(10)
    for path in Path(str(song.mix_path)).parent.iterdir():
        path.unlink()
    assert set(told(song).values()) == {"error"}


def test_files_that_changed_since_the_import_are_told(own_song: Own) -> None:
    song = own_song(10)
    assert told(replace(song, duration_s=song.duration_s + 5)) == {("length", None): "warning"}
