"""A folder of latents in the making: which shards it needs, which it has, and what makes it whole. No Ray."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stemwright.codec import Codec
from stemwright.dataset_info import FILE_NAME, DatasetInfo
from stemwright.errors import InputError
from stemwright.latent_stats import LatentMoments
from stemwright.loudness import TARGET_LUFS
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.encode_song import whole_segments
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.shard_plan import (
    CHUNK_S,
    ShardPlan,
    SongReport,
    difference,
    is_encoded,
    plan_shards,
    read_report,
)

STATS_FILE = "stats.safetensors"
BYTES_A_VALUE = 2


@dataclass(frozen=True, slots=True)
class Preparation:
    """Songs on their way into a folder."""

    folder: Path
    plans: tuple[ShardPlan, ...]
    """All shards of the folder."""
    missing: tuple[ShardPlan, ...]
    """Those that an earlier run has not left there."""
    codec: Codec
    tracks: Tracks = TRACKS

    @classmethod
    def of(cls, songs: Sequence[Song], folder: Path, codec: Codec, tracks: Tracks = TRACKS) -> "Preparation":
        """Plan the work; writes nothing. InputError where the folder holds latents of other settings."""
        _refuse_other_settings(folder, codec, tracks)
        plans = tuple(plan_shards(songs))
        missing = tuple(plan for plan in plans if not is_encoded(plan, folder, codec, tracks))
        return cls(folder, plans, missing, codec, tracks)

    @property
    def num_bytes(self) -> int:
        """About what the whole folder will take."""
        frames = sum(plan.duration_s for plan in self.plans) * self.codec.frame_rate_hz
        return round(frames * len(self.tracks) * self.codec.latent_dim * BYTES_A_VALUE)

    def begin(self) -> None:
        """Make the folder, and take away its claim to be whole while shards are missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.missing:
            (self.folder / FILE_NAME).unlink(missing_ok=True)

    def finish(self) -> DatasetInfo:
        """Merge the shards' statistics and write dataset.json, last of all.

        Raises InputError where no song, or no training song, could be used.
        """
        reports = [read_report(self.folder / plan.name) for plan in self.plans]
        songs = [song for report in reports for song in report.songs]
        taken = [song for song in songs if song.reason is None]
        _refuse_nothing_to_learn(songs, taken)
        LatentMoments.merged(report.moments for report in reports).stats().save(self.folder / STATS_FILE)
        info = self._info(songs, taken)
        self._remove_leftovers()
        info.save(self.folder)
        return info

    def _info(self, songs: Sequence[SongReport], taken: Sequence[SongReport]) -> DatasetInfo:
        codec = self.codec
        return DatasetInfo(
            codec=codec.name,
            codec_fingerprint=codec.fingerprint,
            sample_rate_hz=codec.sample_rate_hz,
            hop=codec.hop,
            frame_rate_hz=codec.frame_rate_hz,
            latent_dim=codec.latent_dim,
            segment_frames=codec.segment_frames,
            chunk_frames=whole_segments(CHUNK_S, codec),
            loudness_lufs=TARGET_LUFS,
            track_names=self.tracks.names,
            prompt_names=self.tracks.prompt_names,
            num_songs=dict(sorted(Counter(song.split for song in taken).items())),
            num_chunks=sum(song.num_chunks for song in taken),
            hours=sum(song.duration_s for song in taken) / 3600,
            gains_db=tuple(_median_gain_db(taken, track) for track in range(len(self.tracks))),
            licences=dict(sorted(Counter(song.licence for song in taken).items())),
            rejected=tuple(
                {"song_id": song.song_id, "reason": song.reason} for song in songs if song.reason is not None
            ),
            stats=STATS_FILE,
            shards=tuple(plan.name for plan in self.plans),
        )

    def _remove_leftovers(self) -> None:
        """Shards of an earlier, longer manifest, and what killed workers left half written."""
        names = {plan.name for plan in self.plans}
        for path in [*self.folder.glob("shard-*.parquet"), *self.folder.glob(".shard-*.tmp")]:
            if path.name not in names:
                path.unlink(missing_ok=True)


def _refuse_other_settings(folder: Path, codec: Codec, tracks: Tracks) -> None:
    for path in sorted(folder.glob("shard-*.parquet"))[:1]:
        if what := difference(path, codec, tracks):
            raise InputError(f"{folder} holds latents with {what}: choose another folder or delete it")


def _refuse_nothing_to_learn(songs: Sequence[SongReport], taken: Sequence[SongReport]) -> None:
    if not taken:
        first = songs[0]
        raise InputError(f"all {len(songs)} songs were rejected; '{first.song_id}', because {first.reason}")
    if not any(song.split == "train" for song in taken):
        raise InputError("no song of the training split could be used: add songs or change their split")


def _median_gain_db(songs: Sequence[SongReport], track: int) -> float:
    """Over the songs where the track sounds; 0 where it never does."""
    gains = [gain_db for song in songs if (gain_db := song.gains_db[track]) is not None]
    return float(statistics.median(gains)) if gains else 0.0
