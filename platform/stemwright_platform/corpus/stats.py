"""What a corpus holds, by its manifest alone."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stemwright.tracks import TRACKS
from stemwright_platform.corpus.manifest import SPLITS, Song

TEMPO_STEP_BPM = 20
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """How much of a corpus something concerns."""

    songs: int
    hours: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """How many songs have a track."""

    present: int
    """There is audio."""
    silent: int
    """Known to be silent all through."""
    missing: int
    """The song lacks it: it is neither trained nor given."""
    hours: float
    """Of the songs that have audio of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusStats:
    """Counts over all songs; each mapping from the most frequent down unless it has an order of its own."""

    songs: int
    hours: float
    shortest_s: float
    longest_s: float
    splits: Mapping[str, Amount]
    """In the order train, validation, test."""
    tracks: Mapping[str, Presence]
    """The slots in order, then others."""
    with_mix: int
    """Songs whose mix is there too."""
    genres: Mapping[str, Amount]
    """A song counts for each of its genres."""
    instruments: Mapping[str, Amount]
    moods: Mapping[str, Amount]
    tempos: Mapping[str, Amount]
    """As "100–119", slow to fast, unknown last."""
    keys: Mapping[str, Amount]
    licences: Mapping[str, Amount]
    sources: Mapping[str, Amount]
    sample_rates_hz: Mapping[str, Amount]
    estimated: Mapping[str, Amount]
    """Field → songs in which it was estimated from the audio."""
    notes: int
    """Songs about which the importer noted something."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def corpus_stats(songs: Sequence[Song]) -> CorpusStats:
    """Count; at least one song."""
    durations_s = [song.duration_s for song in songs]
    splits = _counted(songs, lambda song: [song.split])
    return CorpusStats(
        songs=len(songs),
        hours=sum(durations_s) / 3600,
        shortest_s=min(durations_s),
        longest_s=max(durations_s),
        splits={name: splits[name] for name in SPLITS if name in splits},
        tracks={name: _presence(songs, name) for name in _track_names(songs)},
        with_mix=sum(song.mix_path is not None for song in songs),
        genres=_counted(songs, lambda song: song.metadata.genres or [UNKNOWN]),
        instruments=_counted(songs, lambda song: song.metadata.instruments or [UNKNOWN]),
        moods=_counted(songs, lambda song: song.metadata.moods or [UNKNOWN]),
        tempos=_by_tempo(songs),
        keys=_counted(songs, lambda song: [song.metadata.key or UNKNOWN]),
        licences=_counted(songs, lambda song: [song.licence]),
        sources=_counted(songs, lambda song: [song.source]),
        sample_rates_hz=_counted(songs, lambda song: [str(song.sample_rate_hz)]),
        estimated=_counted(songs, lambda song: song.estimated),
        notes=sum(bool(song.notes) for song in songs),
    )


def _track_names(songs: Sequence[Song]) -> list[str]:
    others = {name for song in songs for name in song.tracks} - set(TRACKS.names)
    return [*TRACKS.names, *sorted(others)]


def _presence(songs: Sequence[Song], name: str) -> Presence:
    paths = [song.tracks.get(name) for song in songs]
    return Presence(
        present=sum(bool(of) for of in paths),
        silent=sum(of == () for of in paths),
        missing=sum(of is None for of in paths),
        hours=sum(song.duration_s for song, of in zip(songs, paths, strict=True) if of) / 3600,
    )


def _by_tempo(songs: Sequence[Song]) -> dict[str, Amount]:
    def span(song: Song) -> list[str]:
        if song.metadata.tempo_bpm is None:
            return [UNKNOWN]
        low = int(song.metadata.tempo_bpm // TEMPO_STEP_BPM * TEMPO_STEP_BPM)
        return [f"{low}–{low + TEMPO_STEP_BPM - 1}"]

    counted = _counted(songs, span)
    order = sorted(
        counted, key=lambda name: (name == UNKNOWN, name if name == UNKNOWN else int(name.split("–")[0]))
    )
    return {name: counted[name] for name in order}


def _counted(songs: Sequence[Song], values: Callable[[Song], Iterable[str]]) -> dict[str, Amount]:
    """Value → songs and hours; the most songs first, then by name."""
    counts: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for song in songs:
        for value in set(values(song)):
            counts[value] += 1
            seconds[value] += song.duration_s
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return {name: Amount(songs=counts[name], hours=seconds[name] / 3600) for name in names}
