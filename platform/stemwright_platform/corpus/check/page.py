"""The page of a check: findings to filter, the songs with the worst of them, histograms. One HTML file."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from stemwright.tracks import TRACKS
from stemwright_platform.corpus.check.corpus_check import CorpusCheck
from stemwright_platform.corpus.check.file_rules import decibels
from stemwright_platform.corpus.check.finding import KINDS, SEVERITIES, Finding
from stemwright_platform.corpus.check.histograms import axis_over, bars, histogram
from stemwright_platform.corpus.check.measurement import MIX, SongMeasure, TrackMeasure, unpacked
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.demo.pictures import COMPANDING
from stemwright_platform.demo.report import lane_colour
from stemwright_platform.page_resource import page_resource

PAGE = "index.html"
MOST_ROWS, MOST_SONGS = 1000, 30
"""What a browser shows without effort; findings.parquet has all."""
_QUIETEST_LUFS, _QUIETEST_DBFS = -60.0, -48.0
_ACCENT = "var(--accent)"


def write_page(check: CorpusCheck, folder: Path, manifest: Path) -> Path:
    """Write the page into the folder, whole or not at all; returns its path."""
    page = folder / PAGE
    partial = folder / f".{PAGE}.{os.getpid()}"
    partial.write_text(render(check, manifest), encoding="utf-8")
    partial.replace(page)
    return page


def render(check: CorpusCheck, manifest: Path) -> str:
    """The page's HTML; the manifest's folder gives it a title."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(page_resource("corpus.check", "page.html.j2"))
    counts = Counter(finding.severity for finding in check.findings)
    return template.render(
        title=_title(manifest),
        style=Markup(page_resource("demo", "report.css") + page_resource("corpus.check", "page.css")),
        script=Markup(page_resource("corpus.check", "page.js")),
        verdict=verdict(counts),
        facts={**_facts(check), "manifest": str(manifest)},
        charts=_charts(check),
        severities=[(name, counts[name]) for name in SEVERITIES if counts[name]],
        kinds=_kinds(check.findings),
        findings=check.findings[:MOST_ROWS],
        num_findings=len(check.findings),
        problems=_problems(check),
        rules=KINDS,
    )


def verdict(counts: Counter[str]) -> str:
    """The check in a sentence."""
    if not counts.total():
        return "Nothing to report: every file was read to its end, and nothing is wrong."
    told = [
        f"{counts[name]:,} {name}{'s' if counts[name] > 1 else ''}" for name in SEVERITIES if counts[name]
    ]
    listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    if counts["error"]:
        return f"{listed}. Songs with errors should not be trained on as they are."
    return f"{listed}. Nothing that training must not see."


def _title(manifest: Path) -> str:
    """As "demo" for data/demo/manifest.parquet, "slakh" for data/slakh.parquet."""
    return manifest.absolute().parent.name if manifest.stem == "manifest" else manifest.stem


def _facts(check: CorpusCheck) -> dict[str, str]:
    files = [file for measure in check.measures for track in measure.tracks for file in track.files]
    splits = Counter(song.split for song in check.songs)
    hours = sum(song.duration_s for song in check.songs) / 3600
    concerned = {finding.song_id for finding in check.findings}
    return {
        "songs": f"{len(check.songs):,} ({', '.join(f'{count:,} {name}' for name, count in splits.items())})",
        "hours": f"{hours:,.2f}" if hours < 10 else f"{hours:,.0f}",
        "files read": f"{len(files):,}",
        "songs without a finding": f"{len(check.songs) - len(concerned):,}",
    }


def _kinds(findings: Sequence[Finding]) -> list[tuple[str, int, str]]:
    """Kind, how often, its worst severity; in the order of KINDS."""
    counts = Counter(finding.kind for finding in findings)
    worst = {finding.kind: finding.severity for finding in reversed(findings)}
    return [(kind, counts[kind], worst[kind]) for kind in KINDS if counts[kind]]


def _charts(check: CorpusCheck) -> list[tuple[str, Markup, str]]:
    """Heading, picture and caption of each histogram for which there is anything to show."""
    charts = []
    tracks = _sounding(check.measures)
    minutes = [max(track.duration_s for track in measure.tracks) / 60 for measure in check.measures]
    long = max(minutes, default=0) > 3
    durations = minutes if long else [60 * value for value in minutes]
    if durations:
        unit = "minutes" if long else "seconds"
        axis = axis_over(f"duration of a song, {unit}", durations, from_zero=True)
        charts.append(
            ("Durations", histogram({"songs": (_ACCENT, durations)}, axis), _total(durations, long))
        )
    tempos = [song.metadata.tempo_bpm for song in check.songs if song.metadata.tempo_bpm]
    if tempos:
        picture = histogram({"songs": (_ACCENT, tempos)}, axis_over("tempo, beats a minute", tempos))
        charts.append(("Tempo", picture, f"{len(tempos):,} of {len(check.songs):,} songs tell their tempo."))
    loudness = {name: [track.lufs for track in of if track.lufs is not None] for name, of in tracks.items()}
    if values := [max(value, _QUIETEST_LUFS) for of in loudness.values() for value in of]:
        rows = {name: (_colour(name), of) for name, of in loudness.items() if of}
        picture = histogram(rows, axis_over("integrated loudness, LUFS", values))
        charts.append(("Loudness of each track", picture, "Silent tracks are left out."))
    peaks = {name: [decibels(track.peak) for track in of] for name, of in tracks.items()}
    if values := [max(value, _QUIETEST_DBFS) for of in peaks.values() for value in of]:
        rows = {name: (_colour(name), of) for name, of in peaks.items() if of}
        picture = histogram(rows, axis_over("peak, dB of full scale", values))
        charts.append(("Peaks of each track", picture, "At 0 dB a file may be clipped."))
    rates = Counter(
        f"{file.sample_rate_hz / 1000:g} kHz {'mono' if file.num_channels == 1 else 'stereo'}"
        for measure in check.measures
        for track in measure.tracks
        for file in track.files
        if file.sample_rate_hz
    )
    if rates:
        picture = bars(dict(rates.most_common(8)), _ACCENT, "files by rate")
        charts.append(("Rates and channels", picture, "Files, the mixes included."))
    return charts


def _sounding(measures: Sequence[SongMeasure]) -> dict[str, list[TrackMeasure]]:
    """The sound tracks of all songs by name: the slots in order, then others, the mix last."""
    found: dict[str, list[TrackMeasure]] = {}
    for measure in measures:
        for track in measure.tracks:
            if track.is_sound and track.peak > 0:
                found.setdefault(track.name, []).append(track)
    names = sorted(found, key=lambda name: (name == MIX, _slot(name), name))
    return {name: found[name] for name in names}


def _total(durations: Sequence[float], minutes: bool) -> str:
    unit = "min" if minutes else "s"
    middle = sorted(durations)[len(durations) // 2]
    return f"From {min(durations):.1f} to {max(durations):.1f} {unit}, {middle:.1f} {unit} in the middle."


def _problems(check: CorpusCheck) -> list[dict[str, Any]]:
    """The songs with the worst findings, drawn."""
    of_song: dict[str, list[Finding]] = {}
    for finding in check.findings:
        if finding.severity != "note":
            of_song.setdefault(finding.song_id, []).append(finding)
    songs = {song.song_id: (song, measure) for song, measure in zip(check.songs, check.measures, strict=True)}
    return [_problem(*songs[name], found) for name, found in list(of_song.items())[:MOST_SONGS]]


def _problem(song: Song, measure: SongMeasure, findings: Sequence[Finding]) -> dict[str, Any]:
    song_s = max((track.duration_s for track in measure.tracks), default=0.0)
    worst: dict[str | None, str] = {}
    for finding in findings:
        worst.setdefault(finding.track, finding.severity)
    tracks = [
        {
            "name": track.name,
            "colour": _colour(track.name),
            "severity": worst.get(track.name, ""),
            "wave": outline_path(track.outline, track.duration_s / song_s if song_s else 0),
            "facts": _track_facts(track),
        }
        for track in sorted(measure.tracks, key=lambda track: (track.name == MIX, _slot(track.name)))
    ]
    return {"song": song, "duration": _clock(song_s), "tracks": tracks, "findings": findings}


def _track_facts(track: TrackMeasure) -> list[str]:
    if not track.is_sound:
        return [next(file.fault_kind for file in track.files if file.fault_kind) or ""]
    if track.lufs is None:
        return ["silent"]
    return [
        text.replace("-", "−") for text in (f"{track.lufs:.1f} LUFS", f"peak {decibels(track.peak):.1f} dB")
    ]


def outline_path(outline: str, share: float) -> str:
    """An SVG path around an outline, x 0…240 up to the file's end, y −100…100, quiet parts raised."""
    low, high = unpacked(outline, np.int8).astype(float) / 127
    count = min(len(low), max(1, round(share * len(low))))
    raised = [np.sign(edge) * np.abs(edge) ** COMPANDING * 100 for edge in (low[:count], high[:count])]
    low, high = np.minimum(raised[0], -0.8), np.maximum(raised[1], 0.8)
    forth = [f"{x + 0.5:g} {-y:.0f}" for x, y in enumerate(high)]
    back = [f"{x + 0.5:g} {-y:.0f}" for x, y in enumerate(low)][::-1]
    return f"M{'L'.join([*forth, *back])}Z"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours = f"{whole // 3600}:" if whole >= 3600 else ""
    return f"{hours}{whole % 3600 // 60:02d}:{whole % 60:02d}"


def _colour(name: str) -> str:
    return lane_colour(name, TRACKS.names)


def _slot(name: str) -> int:
    return TRACKS.names.index(name) if name in TRACKS.names else len(TRACKS)
