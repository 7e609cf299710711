"""One or several prepared data sets read as one.

Axes: K track.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stemwright.data_source import DataSource
from stemwright.dataset_info import DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_dataset import LatentDataset
from stemwright.latent_stats import LatentMoments, LatentStats
from stemwright.song_index import IndexedSong

HELD_OUT = "held out"
"""Stands for a data set's own split to judge models on: "validation" where it has one, else "test"."""
AGREED = ("codec_fingerprint", "track_names", "prompt_names", "loudness_lufs")


@dataclass(frozen=True, slots=True)
class Part:
    """A split of one data set."""

    dataset: LatentDataset
    songs: tuple[IndexedSong, ...]
    """At least one."""
    weight: float


class DataMix:
    """Data sets that agree on codec, tracks and loudness, each with its weight."""

    def __init__(self, sets: Sequence[LatentDataset], weights: Sequence[float] | None = None) -> None:
        """Equal weights by default. InputError where two sets do not agree or are the same."""
        assert sets
        self.sets = tuple(sets)
        self.weights = tuple(weights) if weights else (1.0,) * len(self.sets)
        for other in self.sets[1:]:
            _check_agreement(self.sets[0], other)
        if len({dataset.folder.url for dataset in self.sets}) < len(self.sets):
            raise InputError(f"{self}: a data set is given twice; give it a greater weight instead")
        self.info = _pooled_info(self.sets, self.weights)
        """The facts of all sets together; `gains_db` is the weighted mean, and there are no shards."""

    @classmethod
    def open(cls, sources: Iterable[DataSource]) -> "DataMix":
        """Open the data sets. InputError where one is none, or two do not agree."""
        sources = tuple(sources)
        return cls([LatentDataset(source.url) for source in sources], [source.weight for source in sources])

    def __str__(self) -> str:
        return ", ".join(str(dataset.folder) for dataset in self.sets)

    def parts(self, split: str) -> tuple[Part, ...]:
        """The data sets that have songs in a split; `HELD_OUT` is each one's own."""
        found = [
            Part(dataset, songs, weight)
            for dataset, weight in zip(self.sets, self.weights, strict=True)
            if (songs := _songs(dataset, split))
        ]
        return tuple(found)

    def stats(self) -> LatentStats:
        """Statistics of what training hears: a set's frames count in proportion to its weight."""
        if len(self.sets) == 1:
            return self.sets[0].stats()
        parts = [
            part.dataset.moments().times(part.weight / sum(song.num_frames for song in part.songs))
            for part in self.parts("train")
        ]
        return LatentMoments.merged(parts).stats()


def _songs(dataset: LatentDataset, split: str) -> tuple[IndexedSong, ...]:
    if split == HELD_OUT:
        return dataset.songs("validation") or dataset.songs("test")
    return dataset.songs(split)


def _check_agreement(one: LatentDataset, other: LatentDataset) -> None:
    for name in AGREED:
        mine, theirs = getattr(one.info, name), getattr(other.info, name)
        if mine != theirs:
            what = f"{name.replace('_', ' ')} {_spelled(mine)}, not {_spelled(theirs)}"
            raise InputError(f"{one.folder} and {other.folder} do not mix: {what}; prepare both alike")


def _spelled(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)[:16]


def _pooled_info(sets: Sequence[LatentDataset], weights: Sequence[float]) -> DatasetInfo:
    infos = [dataset.info for dataset in sets]
    if len(infos) == 1:
        return infos[0]
    gains = zip(*(info.gains_db for info in infos), strict=True)
    return replace(
        infos[0],
        num_songs=dict(sum((Counter(info.num_songs) for info in infos), Counter())),
        num_chunks=sum(info.num_chunks for info in infos),
        hours=sum(info.hours for info in infos),
        gains_db=tuple(
            sum(w * gain for w, gain in zip(weights, track, strict=True)) / sum(weights) for track in gains
        ),
        licences=dict(sum((Counter(info.licences) for info in infos), Counter())),
        num_rejected=sum(info.num_rejected for info in infos),
        stats="",
        shards=(),
    )
