"""What a preparation will take: time, measured on a little noise, and space."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

from stemwright_platform.corpus.encode_song import SongEncoder
from stemwright_platform.corpus.manifest import Song
from stemwright_platform.corpus.preparation import Preparation
from stemwright_platform.time_left import duration_text

TRIAL_S = 4.0
TRIAL_RATE_HZ = 44_100


def estimate(work: Preparation, workers: int | None = None) -> str:
    """One line: songs, hours, shards, bytes and time; and one more where the disk has too little space.

    `workers`: encoders at a time, as many as this machine has CPUs by default.
    """
    hours = sum(shard.duration_s for shard in work.plans) / 3600
    missing_s = sum(_stem_seconds(song, work) for shard in work.missing for song in shard.songs)
    workers = min(workers or os.cpu_count() or 1, max(1, len(work.missing)))
    text = (
        f"{work.num_songs} songs, {hours:.2f} h, {len(work.plans)} shards ({len(work.missing)} still to make)"
    )
    if work.missing:
        seconds = missing_s / _speed(work) / workers
        text += f", about {_size(work.num_bytes)} and {duration_text(seconds)} with {workers} encoders"
    return text + _warning(work)


def _stem_seconds(song: Song, work: Preparation) -> float:
    """Seconds of audio to encode, all stems together."""
    return song.duration_s * sum(paths is not None for paths in song.tracks.values())


def _speed(work: Preparation) -> float:
    """Seconds of one stem that one encoder prepares a second: files of noise, the whole way."""
    tracks = work.encoding.tracks.names
    noise = 0.1 * np.random.default_rng(0).standard_normal((round(TRIAL_S * TRIAL_RATE_HZ), 2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.flac"
        soundfile.write(path, noise, TRIAL_RATE_HZ)
        song = Song(
            song_id="trial",
            split="train",
            duration_s=TRIAL_S,
            sample_rate_hz=TRIAL_RATE_HZ,
            tracks={name: (str(path),) for name in tracks},
        )
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as an encoder has
        try:
            elapsed_s = [_elapsed_s(song, work) for _ in range(2)][-1]  # the first call sets things up
        finally:
            torch.set_num_threads(threads)
    return TRIAL_S * len(tracks) / elapsed_s


def _elapsed_s(song: Song, work: Preparation) -> float:
    start = time.perf_counter()
    for _ in SongEncoder(song, work.encoding.codec, work.encoding.tracks).slices():
        pass
    return time.perf_counter() - start


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.1f} MB"


def _warning(work: Preparation) -> str:
    share = sum(shard.duration_s for shard in work.missing) / sum(shard.duration_s for shard in work.plans)
    needed = round(work.num_bytes * share)
    folder = work.folder.local
    if folder is None:
        return ""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    return f"\nwarning: {there} has {_size(free)} free, too little" if free < needed else ""
