"""What is wrong between a song's tracks and its mix: length, place in time, sum."""

import math
from collections.abc import Iterator, Sequence

from stemwright.tracks import TRACKS
from stemwright_platform.corpus.check.finding import Finding, Severity
from stemwright_platform.corpus.check.measurement import MIX, MixFit, Offset, SongMeasure
from stemwright_platform.corpus.manifest import Song

LEAST_OFFSET_S, GRAVE_OFFSET_S = 0.001, 0.01
LEAST_LIKENESS = 0.2
CLEAR_OF_ZERO = 2.0
"""How much more alike a stem must be elsewhere than in its place."""
TOGETHER_S = 0.0005
"""Stems whose offsets are this close moved together."""
NOTED_LENGTH_S, WRONG_LENGTH_S = 0.1, 1.0
LARGEST_RESIDUAL_DB = -20.0
NOTED_GAIN_DB = 1.0
_SWAPPED_RATES = {
    48000 / 44100: "48 kHz audio labelled 44.1 kHz",
    44100 / 48000: "44.1 kHz audio labelled 48 kHz",
}


def mix_findings(song: Song, measure: SongMeasure) -> Iterator[Finding]:
    """By the rules of `finding.KINDS`."""
    yield from _lengths(song, measure)
    for first, second in measure.doubled:
        yield Finding(
            kind="doubled",
            severity="warning",
            song_id=song.song_id,
            track=second,
            sentence=f"holds the same audio as {first}",
            remedy="Find out which of the two it is, and mark the other as missing.",
        )
    if measure.fit is None:
        return
    moved = list(_offsets(song.song_id, measure.fit.offsets))
    yield from moved
    if not moved:
        yield from _sum(song, measure.fit)


def _lengths(song: Song, measure: SongMeasure) -> Iterator[Finding]:
    if not all(track.is_sound for track in measure.tracks):
        return
    mix = measure.track(MIX)
    stems_s = {track.name: track.duration_s for track in measure.tracks if track.name != MIX}
    longest_s = max(stems_s.values())
    if mix and longest_s - min(stems_s.values()) <= NOTED_LENGTH_S:  # then the mix is the odd one
        yield from _apart(song.song_id, MIX, mix.duration_s, longest_s, "the stems")
    else:
        expected_s, whose = (mix.duration_s, "the mix") if mix else (longest_s, "the longest track")
        for name, duration_s in stems_s.items():
            if mix or longest_s - duration_s > WRONG_LENGTH_S:
                yield from _apart(song.song_id, name, duration_s, expected_s, whose)
    heard_s = max(longest_s, mix.duration_s) if mix else longest_s
    if abs(heard_s - song.duration_s) > WRONG_LENGTH_S:
        sentence = f"lasts {heard_s:.1f} s, the manifest says {song.duration_s:.1f} s"
        remedy = "Import the corpus again: its files have changed."
        yield _length(song.song_id, None, "warning", sentence, remedy)


def _apart(song_id: str, track: str, duration_s: float, expected_s: float, whose: str) -> Iterator[Finding]:
    """A finding where the lengths differ; of stems without a mix no more than a note."""
    apart_s = duration_s - expected_s
    if abs(apart_s) <= NOTED_LENGTH_S:
        return
    grave = abs(apart_s) > WRONG_LENGTH_S and whose != "the longest track"
    yield _length(
        song_id,
        track,
        "warning" if grave else "note",
        f"is {abs(apart_s):.2f} s {'longer' if apart_s > 0 else 'shorter'} than {whose}"
        + _mislabelled(duration_s / expected_s),
        "Export all files from the same start to the same end; what is short is filled with silence.",
    )


def _length(song_id: str, track: str | None, severity: Severity, sentence: str, remedy: str) -> Finding:
    return Finding(
        kind="length", severity=severity, song_id=song_id, track=track, sentence=sentence, remedy=remedy
    )


def _mislabelled(ratio: float) -> str:
    names = [name for wrong, name in _SWAPPED_RATES.items() if math.isclose(ratio, wrong, rel_tol=1e-3)]
    return f", as {names[0]} would be" if names else ""


def _offsets(song_id: str, offsets: Sequence[Offset]) -> Iterator[Finding]:
    moved = [offset for offset in offsets if _is_moved(offset)]
    if len(moved) > 1 and len(moved) == len(offsets) and _move_together(moved):
        late_s = sorted(offset.late_s for offset in moved)[len(moved) // 2]
        sentence = f"all stems lie {_milliseconds(late_s)} their place in the mix"
        yield _offset(song_id, MIX, late_s, sentence, f"Move the mix by {_signed(1000 * late_s)} ms.")
        return
    for offset in moved:
        sentence = f"lies {_milliseconds(offset.late_s)} its place in the mix"
        remedy = f"Move the stem by {_signed(-1000 * offset.late_s)} ms, or export it again."
        yield _offset(song_id, offset.track, offset.late_s, sentence, remedy)


def _offset(song_id: str, track: str, late_s: float, sentence: str, remedy: str) -> Finding:
    return Finding(
        kind="misaligned",
        severity="error" if abs(late_s) >= GRAVE_OFFSET_S else "warning",
        song_id=song_id,
        track=track,
        sentence=sentence,
        remedy=remedy,
    )


def _is_moved(offset: Offset) -> bool:
    return (
        abs(offset.late_s) >= LEAST_OFFSET_S
        and offset.likeness >= LEAST_LIKENESS
        and offset.likeness >= CLEAR_OF_ZERO * abs(offset.likeness_at_zero)
    )


def _move_together(moved: Sequence[Offset]) -> bool:
    late_s = [offset.late_s for offset in moved]
    return max(late_s) - min(late_s) <= TOGETHER_S


def _milliseconds(late_s: float) -> str:
    return f"{abs(1000 * late_s):.1f} ms {'behind' if late_s > 0 else 'before'}"


def _sum(song: Song, fit: MixFit) -> Iterator[Finding]:
    if not fit.gains or fit.residual_db <= LARGEST_RESIDUAL_DB:
        return
    incomplete = any(song.tracks.get(name) is None for name in TRACKS.names)
    reason, remedy = _reason(fit, incomplete)
    yield Finding(
        kind="sum",
        severity="note" if incomplete else "warning",
        song_id=song.song_id,
        track=None,
        sentence=f"the sum of the stems leaves {_signed(fit.residual_db)} dB of the mix: {reason}",
        remedy=remedy,
    )


def _reason(fit: MixFit, incomplete: bool) -> tuple[str, str]:
    """What would explain the residual, and what to do."""
    if fit.free_residual_db <= LARGEST_RESIDUAL_DB:
        gains = {name: gain for name, gain in fit.gains.items() if gain < 0 or _gain_db(gain) is not None}
        told = [
            f"{name} has the opposite polarity" if gain < 0 else f"{name} {_signed(_gain_db(gain) or 0)} dB"
            for name, gain in gains.items()
        ]
        if told:
            return (
                f"its levels are others ({', '.join(told)})",
                "Export the stems as they are in the mix, faders and all.",
            )
    if incomplete:
        return (
            "it holds more than the tracks that the song has",
            "Nothing to do if a track is left out on purpose.",
        )
    return (
        "it holds something that is in no stem, or was processed as a whole",
        "Make sure that no stem is missing and that the mix is from before mastering.",
    )


def _gain_db(gain: float) -> float | None:
    """A gain worth telling of, in dB."""
    value = 20 * math.log10(max(gain, 1e-3))
    return value if abs(value) >= NOTED_GAIN_DB else None


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
