import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stemwright_platform.corpus.check.corpus_check import CorpusCheck
from stemwright_platform.corpus.check.finding import KINDS, SEVERITIES, Finding, ranked
from stemwright_platform.corpus.check.measurement import packed
from stemwright_platform.corpus.check.page import MOST_ROWS, MOST_SONGS, outline_path, render
from stemwright_platform.corpus.check.song_check import measure_song
from stemwright_platform.corpus.manifest import Song

MANIFEST = Path("corpora/mine/manifest.parquet")


def finding(song_id: str, kind: str = "sum", severity: str = "warning") -> Finding:
    return Finding(
        kind=kind,
        severity=severity,  # pyright: ignore[reportArgumentType]
        song_id=song_id,
        track="bass",
        sentence="is wrong",
        remedy="Mend it.",
    )


def check_of(songs: list[Song], findings: list[Finding]) -> CorpusCheck:
    measure = measure_song(songs[0])
    measures = tuple(replace(measure, song_id=song.song_id) for song in songs)
    return CorpusCheck(songs=tuple(songs), measures=measures, findings=tuple(ranked(findings)), num_kept=0)


def test_a_page_with_more_than_a_browser_can_take_shows_the_worst(make_song: Callable[..., Song]) -> None:
    song = make_song("song", 0.2)
    songs = [replace(song, song_id=f"song-{place}") for place in range(MOST_ROWS + 200)]
    page = render(check_of(songs, [finding(song.song_id) for song in songs]), MANIFEST)
    assert page.count('<tr data-severity="warning"') == MOST_ROWS
    assert page.count('<article class="panel song">') == MOST_SONGS
    assert f"The worst {MOST_ROWS:,} of {len(songs):,}" in page
    assert '<h1 class="name-of-corpus">mine</h1>' in page


def test_a_corpus_of_which_nothing_can_be_read_has_a_page(make_song: Callable[..., Song]) -> None:
    song = make_song("song", 0.2)
    for paths in song.tracks.values():
        Path((paths or ("",))[0]).unlink()
    page = render(check_of([song], [finding("song", "unreadable", "error")]), MANIFEST)
    assert "1 error. Songs with errors" in page


def test_words_of_the_corpus_are_not_taken_for_html(make_song: Callable[..., Song]) -> None:
    song = replace(make_song("song", 0.2), song_id="<script>alert(1)</script>")
    assert "<script>alert" not in render(check_of([song], [finding(song.song_id)]), MANIFEST)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_waveform_ends_where_its_file_ends(share: float) -> None:
    outline = np.stack([np.full(240, -127, np.int8), np.full(240, 64, np.int8)])
    path = outline_path(packed(outline), share)
    places = [float(x) for x in re.findall(r"([\d.]+) -?\d", path)]
    assert max(places) == max(1, round(240 * share)) - 0.5
    assert min(int(y) for y in re.findall(r" (-?\d+)", path)) == -64


def test_findings_rank_by_severity_then_by_kind() -> None:
    found = [finding("a", kind, severity) for severity in reversed(SEVERITIES) for kind in reversed(KINDS)]
    order = [(SEVERITIES.index(of.severity), list(KINDS).index(of.kind)) for of in ranked(found)]
    assert order == sorted(order)
