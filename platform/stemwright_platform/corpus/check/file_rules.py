"""What is wrong with a song's files and tracks, each by itself."""

import math
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from stemwright_platform.corpus.check.finding import Finding, Severity
from stemwright_platform.corpus.check.measurement import MIX, FileMeasure, SongMeasure, TrackMeasure

SILENT_PEAK = 1e-3
"""−60 dBFS."""
MOSTLY_SILENT = 0.98
MANY_CLIPS = 10
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 44_100, 48_000
_UNREADABLE = "Copy or export the file again, or leave the song out."
_TRUNCATED = "Copy or download the file again: its end is missing."


def file_findings(measure: SongMeasure, usual_rate_hz: int) -> Iterator[Finding]:
    """By the rules of `finding.KINDS`; `usual_rate_hz` is that of most of the corpus."""
    yield from _faults(measure)
    yield from _silence(measure)
    yield from _clips(measure)
    yield from _rates(measure, usual_rate_hz)
    yield from _mono(measure)


def _faults(measure: SongMeasure) -> Iterator[Finding]:
    for track, file in _files(measure):
        if file.fault_kind:
            yield Finding(
                kind=file.fault_kind,
                severity="error",
                song_id=measure.song_id,
                track=track.name,
                sentence=_about_file(file),
                remedy=_TRUNCATED if file.fault_kind == "truncated" else _UNREADABLE,
            )


def _about_file(file: FileMeasure) -> str:
    """The fault without the file's folder, which the row's song and track tell, and without the remedy."""
    fault = file.fault.removeprefix(file.path).lstrip(": ").partition(";")[0]
    return (
        f"{PurePath(file.path).name} {fault}"
        if fault.startswith(("is ", "has ", "may "))
        else (f"{PurePath(file.path).name}: {fault}")
    )


def _silence(measure: SongMeasure) -> Iterator[Finding]:
    sound = [track for track in measure.tracks if track.is_sound]
    silent = [track for track in sound if track.peak < SILENT_PEAK]
    stems = [track for track in measure.tracks if track.name != MIX]
    if stems and all(track in silent for track in stems):
        yield Finding(
            kind="silent",
            severity="error",
            song_id=measure.song_id,
            track=None,
            sentence="every track stays below −60 dBFS",
            remedy="Export the song again, or leave it out.",
        )
        return
    for track in silent:
        yield Finding(
            kind="silent",
            severity="warning",
            song_id=measure.song_id,
            track=track.name,
            sentence=f"stays below −60 dBFS for all of its {track.duration_s:.1f} s",
            remedy="Export it again if it should sound; else import the track as silent or missing.",
        )
    for track in sound:
        if track not in silent and track.silence_share > MOSTLY_SILENT:
            yield Finding(
                kind="silent",
                severity="note",
                song_id=measure.song_id,
                track=track.name,
                sentence=f"sounds for {(1 - track.silence_share) * track.duration_s:.1f} s "
                f"of {track.duration_s:.1f} s only",
                remedy="Listen whether the export lost something.",
            )


def _clips(measure: SongMeasure) -> Iterator[Finding]:
    for track in measure.tracks:
        runs = sum(file.clipped_runs for file in track.files)
        samples = sum(file.clipped_samples for file in track.files)
        if runs:
            severity: Severity = "warning" if runs >= MANY_CLIPS else "note"
            places = "place" if runs == 1 else "places"
            yield Finding(
                kind="clipped",
                severity=severity,
                song_id=measure.song_id,
                track=track.name,
                sentence=f"is clipped in {runs:,} {places}, {samples:,} samples in all",
                remedy="Export it again at a lower level: the file has lost what was cut off.",
            )


def _rates(measure: SongMeasure, usual_rate_hz: int) -> Iterator[Finding]:
    rates = {file.sample_rate_hz for _, file in _files(measure) if file.sample_rate_hz}
    whole_song = len(rates) == 1
    for track in measure.tracks:
        track_rates = {file.sample_rate_hz for file in track.files if file.sample_rate_hz}
        for rate_hz in sorted(track_rates):
            found = _rate(rate_hz, measure.sample_rate_hz, usual_rate_hz)
            if found:
                severity, sentence, remedy = found
                yield Finding(
                    kind="rate",
                    severity=severity,
                    song_id=measure.song_id,
                    track=None if whole_song else track.name,
                    sentence=sentence,
                    remedy=remedy,
                )
                if whole_song:
                    return


def _rate(rate_hz: int, song_rate_hz: int, usual_rate_hz: int) -> tuple[Severity, str, str] | None:
    """Severity, sentence and remedy for a rate; None where it is as it should be."""
    heard = f"is at {_kilohertz(rate_hz)}"
    if rate_hz < LOWEST_RATE_HZ:
        lost = f"{heard}: nothing sounds above {_kilohertz(rate_hz // 2)}"
        return "warning", lost, "Use a recording at 44.1 or 48 kHz."
    if rate_hz != song_rate_hz:
        other = f"{heard}, the rest of the song at {_kilohertz(song_rate_hz)}"
        return (
            "warning",
            other,
            "Make sure that the file is labelled with its true rate, or export it like the rest.",
        )
    if rate_hz > HIGHEST_RATE_HZ:
        return "note", heard, "Nothing to do: it is resampled when read; 48 kHz would save space."
    if rate_hz != usual_rate_hz:
        other = f"{heard}, most of the corpus at {_kilohertz(usual_rate_hz)}"
        return "note", other, "Nothing to do: it is resampled when read."
    return None


def _mono(measure: SongMeasure) -> Iterator[Finding]:
    tracks = [track for track in measure.tracks if all(file.num_channels for file in track.files)]
    single = [track for track in tracks if all(file.num_channels == 1 for file in track.files)]
    remedy = "Use the stereo version where there is one; both channels will be the same."
    if tracks and len(single) == len(tracks):
        yield _mono_finding(measure, None, "every file has one channel", remedy)
        return
    for track in single:
        yield _mono_finding(measure, track.name, "has one channel, other tracks of the song two", remedy)
    stereo = [track for track in tracks if track not in single and track.peak >= SILENT_PEAK]
    if stereo and all(_equal_channels(track) for track in stereo):
        sentence = "both channels are the same in every stereo file"
        yield _mono_finding(measure, None, sentence, remedy)


def _mono_finding(measure: SongMeasure, track: str | None, sentence: str, remedy: str) -> Finding:
    return Finding(
        kind="mono",
        severity="note",
        song_id=measure.song_id,
        track=track,
        sentence=sentence,
        remedy=remedy,
    )


def _equal_channels(track: TrackMeasure) -> bool:
    return all(file.equal_channels for file in track.files)


def _files(measure: SongMeasure) -> Sequence[tuple[TrackMeasure, FileMeasure]]:
    return [(track, file) for track in measure.tracks for file in track.files]


def _kilohertz(rate_hz: int) -> str:
    return f"{rate_hz / 1000:g} kHz"


def decibels(magnitude: float) -> float:
    """Full scale is 0; −120 at least."""
    return 20 * math.log10(max(magnitude, 1e-6))
