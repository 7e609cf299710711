"""A whole corpus checked on Ray: songs measured in parallel, judged together, duplicates listened to.

The driver alone writes, so that the folder of results need not be one that all nodes see; the songs' files
must be.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stemwright_platform.corpus.check.duplicate_rules import Duplicate, duplicate_findings
from stemwright_platform.corpus.check.duplicates import Candidate, candidates
from stemwright_platform.corpus.check.file_rules import file_findings
from stemwright_platform.corpus.check.finding import Finding, ranked
from stemwright_platform.corpus.check.journal import Journal, key_of
from stemwright_platform.corpus.check.listening import SAME, listen
from stemwright_platform.corpus.check.measurement import SongMeasure
from stemwright_platform.corpus.check.mix_rules import mix_findings
from stemwright_platform.corpus.check.song_check import measure_song
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.crew import done_by


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusCheck:
    """What came out."""

    songs: tuple[Song, ...]
    measures: tuple[SongMeasure, ...]
    """One a song, in order."""
    findings: tuple[Finding, ...]
    """The worst first."""
    num_kept: int
    """How many songs an earlier check had measured."""


def check_corpus(
    songs: Sequence[Song],
    folder: str | Path,
    *,
    on_start: Callable[[Sequence[Song]], None] = lambda _: None,
    on_song: Callable[[Song], None] = lambda _: None,
) -> CorpusCheck:
    """Read every file of the songs, or what an earlier check in this folder kept of it, and judge.

    Runs on the Ray cluster that this process is, or can be, connected to. `on_start` hears which songs are
    to be read, `on_song` of each that is done. Bad files are findings, not errors; OSError for a folder
    that cannot be written.
    """
    journal = Journal(Path(folder))
    keys = [key_of(song) for song in songs]
    waiting = {key: song for key, song in zip(keys, songs, strict=True) if journal.get(key) is None}
    on_start(list(waiting.values()))
    waiting_keys = list(waiting)
    for number, measure in done_by(measure_song, list(waiting.values())):
        journal.add(waiting_keys[number], measure)
        on_song(waiting[waiting_keys[number]])
    journal.keep_only(keys)
    measures = [measure for key in keys if (measure := journal.get(key))]
    findings = [*_judged(songs, measures), *_duplicates(songs, measures)]
    return CorpusCheck(
        songs=tuple(songs),
        measures=tuple(measures),
        findings=tuple(ranked(findings)),
        num_kept=len(songs) - len(waiting),
    )


def usual_rate_hz(measures: Sequence[SongMeasure]) -> int:
    """The rate of most files, the higher of two that are equally common; 0 where none can be read."""
    counts = Counter(
        file.sample_rate_hz
        for measure in measures
        for track in measure.tracks
        for file in track.files
        if file.sample_rate_hz
    )
    return max(counts, key=lambda rate: (counts[rate], rate), default=0)


def _judged(songs: Sequence[Song], measures: Sequence[SongMeasure]) -> Iterator[Finding]:
    rate_hz = usual_rate_hz(measures)
    for song, measure in zip(songs, measures, strict=True):
        yield from file_findings(measure, rate_hz)
        yield from mix_findings(song, measure)


def _duplicates(songs: Sequence[Song], measures: Sequence[SongMeasure]) -> Iterator[Finding]:
    by_name = {song.song_id: song for song in songs}
    readable = [measure for measure in measures if all(track.is_sound for track in measure.tracks)]
    pairs = [
        (candidate, by_name[candidate.first], by_name[candidate.second]) for candidate in candidates(readable)
    ]
    heard = [duplicate for _, duplicate in done_by(_listened, pairs)]
    found = sorted(
        (pair for pair in heard if pair.heard.likeness >= SAME), key=lambda pair: (pair.first, pair.second)
    )
    yield from duplicate_findings(by_name, found)


def _listened(pair: tuple[Candidate, Song, Song]) -> Duplicate:
    candidate, first, second = pair
    heard = listen(first, second, candidate.later_s)
    return Duplicate(first=candidate.first, second=candidate.second, heard=heard)
