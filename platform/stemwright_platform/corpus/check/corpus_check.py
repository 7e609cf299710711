"""A whole corpus checked on Ray: songs measured in parallel, judged together, duplicates listened to.

The driver alone writes, so that the folder of results need not be one that all nodes see; the songs' files
must be.
"""

import json
import logging
import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

MOST_BLOCKS = 4096
"""Of rows that wait in Ray: one a song up to here."""


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
    for row in _on_ray(_measure, [{"key": key, "song": pickle.dumps(song)} for key, song in waiting.items()]):
        journal.add(row["key"], SongMeasure.from_json(json.loads(row["measure"])))
        on_song(waiting[row["key"]])
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
    rows = [
        {"pair": pickle.dumps((candidate, by_name[candidate.first], by_name[candidate.second]))}
        for candidate in candidates(readable)
    ]
    heard = [pickle.loads(row["duplicate"]) for row in _on_ray(_listen, rows)]
    found = sorted(
        (pair for pair in heard if pair.heard.likeness >= SAME), key=lambda pair: (pair.first, pair.second)
    )
    yield from duplicate_findings(by_name, found)


def _measure(row: dict[str, Any]) -> dict[str, Any]:
    measure = measure_song(pickle.loads(row["song"]))
    return {"key": row["key"], "measure": json.dumps(measure.to_json())}


def _listen(row: dict[str, Any]) -> dict[str, Any]:
    pair: tuple[Candidate, Song, Song] = pickle.loads(row["pair"])
    candidate, first, second = pair
    heard = listen(first, second, candidate.later_s)
    return {"duplicate": pickle.dumps(Duplicate(first=candidate.first, second=candidate.second, heard=heard))}


def _on_ray(
    function: Callable[[dict[str, Any]], dict[str, Any]], rows: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The rows' results, each as it is done."""
    if not rows:
        return
    import ray.data

    from stemwright_platform import cluster

    cluster.connect()
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.use_datasource_v2 = False  # seconds slower on a small number of rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    blocks = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS))
    yield from blocks.map(function, num_cpus=1).iter_rows()
