"""A data set in the making: which shards it needs, which it has, and what makes it whole. No Ray."""

import io
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from stemwright.data_folder import DataFolder
from stemwright.dataset_info import FILE_NAME, DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_stats import LatentMoments
from stemwright.loudness import TARGET_LUFS
from stemwright.song_index import IndexedSong, write_song_index
from stemwright_platform.corpus.encode_shard import (
    Encoding,
    ShardReport,
    SongReport,
    difference,
    finished_report,
)
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.shard_plan import ShardPlan, plan_shards

STATS_FILE, REJECTED_FILE = "stats.safetensors", "rejected.parquet"
REJECTED_COLUMNS = ("song_id", "split", "licence", "source", "reason")
BYTES_A_VALUE = {"float16": 2, "int8": 1}
_FOOTERS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Preparation:
    """Songs on their way into a folder."""

    folder: DataFolder
    plans: tuple[ShardPlan, ...]
    """All shards of the folder."""
    missing: tuple[ShardPlan, ...]
    """Those that an earlier run has not left there."""
    num_rejected: int
    """Songs that earlier runs rejected."""
    encoding: Encoding
    max_rejected: float = 1.0
    """The largest share of the songs that may be rejected."""

    @classmethod
    def of(
        cls, songs: Sequence[Song], folder: DataFolder, encoding: Encoding, *, max_rejected: float = 1.0
    ) -> "Preparation":
        """Plan the work; writes nothing. InputError where the folder holds latents of other settings."""
        if not 0 <= max_rejected <= 1:
            raise InputError(f"--max-rejected is a share of the songs from 0 to 1, got {max_rejected:g}")
        plans = tuple(plan_shards(songs))
        there = folder.names()
        _refuse_other_settings(sorted(there), folder, encoding)
        reports = _reports([plan for plan in plans if plan.name in there], folder, encoding)
        return cls(
            folder=folder,
            plans=plans,
            missing=tuple(plan for plan in plans if reports.get(plan.name) is None),
            num_rejected=sum(report.num_rejected for report in reports.values() if report),
            encoding=encoding,
            max_rejected=max_rejected,
        )

    @property
    def num_songs(self) -> int:
        return sum(len(plan.songs) for plan in self.plans)

    @property
    def num_bytes(self) -> int:
        """About what the whole folder will take."""
        codec = self.encoding.codec
        frames = sum(plan.duration_s for plan in self.plans) * codec.frame_rate_hz
        values = frames * len(self.encoding.tracks) * codec.latent_dim
        return round(values * BYTES_A_VALUE[self.encoding.storage])

    def begin(self) -> None:
        """Make the folder, and take away its claim to be whole while shards are missing."""
        self.folder.make()
        if self.missing:
            self.folder.remove(FILE_NAME)

    def check_rejected(self, count: int) -> None:
        """InputError where more songs were rejected than may be."""
        if count > self.max_rejected * self.num_songs:
            raise InputError(
                f"{count} of {self.num_songs} songs were rejected, more than --max-rejected "
                f"{self.max_rejected:g} allows: `stemwright corpus check` lists what is wrong with the "
                "audio; what was encoded is kept"
            )

    def finish(self) -> DatasetInfo:
        """Merge the shards' statistics, index the songs and write dataset.json, last of all.

        Raises InputError where no song, or no training song, could be used, or too many could not.
        """
        found = _reports(self.plans, self.folder, self.encoding)
        reports = [_whole(found[plan.name], plan) for plan in self.plans]
        outcomes = [
            (shard, song, outcome)
            for shard, (plan, report) in enumerate(zip(self.plans, reports, strict=True))
            for song, outcome in zip(plan.songs, report.songs, strict=True)
        ]
        rejected = [(song, outcome) for _, song, outcome in outcomes if outcome.reason is not None]
        taken = [(shard, song, outcome) for shard, song, outcome in outcomes if outcome.reason is None]
        _refuse_nothing_to_learn(rejected, [song for _, song, _ in taken])
        self.check_rejected(len(rejected))
        LatentMoments.merged(report.moments for report in reports).save(self.folder, STATS_FILE)
        write_song_index(self.folder, [_indexed(*row) for row in taken])
        self.folder.write(REJECTED_FILE, _rejected_table(rejected))
        info = self._info([(song, outcome) for _, song, outcome in taken], len(rejected))
        self._remove_leftovers()
        info.save(self.folder)
        return info

    def _info(self, taken: Sequence[tuple[Song, SongReport]], num_rejected: int) -> DatasetInfo:
        codec, tracks = self.encoding.codec, self.encoding.tracks
        chunk = self.encoding.chunk_frames
        return DatasetInfo(
            codec=codec.name,
            codec_fingerprint=codec.fingerprint,
            sample_rate_hz=codec.sample_rate_hz,
            hop=codec.hop,
            frame_rate_hz=codec.frame_rate_hz,
            latent_dim=codec.latent_dim,
            segment_frames=codec.segment_frames,
            chunk_frames=chunk,
            storage=self.encoding.storage,
            loudness_lufs=TARGET_LUFS,
            track_names=tracks.names,
            prompt_names=tracks.prompt_names,
            num_songs=dict(sorted(Counter(song.split for song, _ in taken).items())),
            num_chunks=sum(-(-outcome.num_frames // chunk) for _, outcome in taken),
            hours=sum(outcome.duration_s for _, outcome in taken) / 3600,
            gains_db=tuple(
                _median_gain_db([outcome for _, outcome in taken], track) for track in range(len(tracks))
            ),
            licences=dict(sorted(Counter(song.licence for song, _ in taken).items())),
            num_rejected=num_rejected,
            stats=STATS_FILE,
            shards=tuple(plan.name for plan in self.plans),
        )

    def _remove_leftovers(self) -> None:
        """Shards of an earlier, longer manifest, and what killed workers left half written."""
        wanted = {plan.name for plan in self.plans}
        for name in self.folder.names() - wanted:
            if name.startswith("shard-") or (name.startswith(".") and name.endswith(".tmp")):
                self.folder.remove(name)


def read_rejected(folder: DataFolder) -> list[dict[str, str]]:
    """`song_id`, `split`, `licence`, `source` and `reason` of every song that could not be used."""
    return pq.read_table(pa.BufferReader(folder.read(REJECTED_FILE))).to_pylist()


def _reports(
    plans: Sequence[ShardPlan], folder: DataFolder, encoding: Encoding
) -> dict[str, ShardReport | None]:
    """Shard name → its report, None where it has to be made. Threads: a store answers slowly."""
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        found = pool.map(lambda plan: finished_report(plan, folder, encoding), plans)
        return dict(zip((plan.name for plan in plans), found, strict=True))


def _whole(report: ShardReport | None, plan: ShardPlan) -> ShardReport:
    if report is None:
        raise InputError(f"the audio of {plan.name} changed while it was encoded: run again")
    return report


def _indexed(shard: int, song: Song, outcome: SongReport) -> IndexedSong:
    return IndexedSong(
        song_id=song.song_id,
        split=song.split,
        shard=shard,
        row_group=outcome.row_group,
        num_frames=outcome.num_frames,
        duration_s=outcome.duration_s,
        presence=outcome.presence,
        gains_db=tuple(gain_db or 0.0 for gain_db in outcome.gains_db),
        licence=song.licence,
        source=song.source,
        metadata=song.metadata,
        downbeats_s=song.downbeats_s,
    )


def _rejected_table(rejected: Iterable[tuple[Song, SongReport]]) -> bytes:
    facts = [
        (song.song_id, song.split, song.licence, song.source, outcome.reason) for song, outcome in rejected
    ]
    rows = [dict(zip(REJECTED_COLUMNS, row, strict=True)) for row in facts]
    schema = pa.schema([(name, pa.string()) for name in REJECTED_COLUMNS])
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), content)
    return content.getvalue()


def _refuse_other_settings(names: Sequence[str], folder: DataFolder, encoding: Encoding) -> None:
    for name in [name for name in names if name.startswith("shard-")][:1]:
        if what := difference(name, folder, encoding):
            raise InputError(f"{folder} holds latents with {what}: choose another folder or delete it")


def _refuse_nothing_to_learn(rejected: Sequence[tuple[Song, SongReport]], taken: Sequence[Song]) -> None:
    if not taken:
        _, first = rejected[0]
        raise InputError(
            f"all {len(rejected)} songs were rejected; '{first.song_id}', because {first.reason}"
        )
    if not any(song.split == "train" for song in taken):
        raise InputError("no song of the training split could be used: add songs or change their split")


def _median_gain_db(songs: Sequence[SongReport], track: int) -> float:
    """Over the songs where the track sounds; 0 where it never does."""
    gains = [gain_db for song in songs if (gain_db := song.gains_db[track]) is not None]
    return float(statistics.median(gains)) if gains else 0.0
