"""One song read wholly: all of its files at once, block by block, so that two hours need no more memory.

No Ray: a worker calls `measure_song` for each of its songs.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stemwright_platform.corpus.check.alignment import CrossSpectra
from stemwright_platform.corpus.check.fingerprint import Fingerprint
from stemwright_platform.corpus.check.measurement import MIX, MixFit, SongMeasure, packed
from stemwright_platform.corpus.check.source_file import SourceFile
from stemwright_platform.corpus.check.sum_fit import SumFit
from stemwright_platform.corpus.check.track_meter import TrackMeter
from stemwright_platform.corpus.check.windows import HOP_S, MARGIN_S, Windows
from stemwright_platform.corpus.manifest import Song

Audio = NDArray[np.float32]


def measure_song(song: Song) -> SongMeasure:
    """Everything that the rules ask about; a bad file is a fact like another, never an exception."""
    names = [name for name, paths in song.tracks.items() if paths]
    paths = {name: song.tracks[name] or () for name in names}
    if song.mix_path:
        names.append(MIX)
        paths[MIX] = (song.mix_path,)
    files = {name: [SourceFile(path) for path in paths[name]] for name in names}
    readable = [file for group in files.values() for file in group if file.sample_rate_hz]
    rate_hz = _most_common([file.sample_rate_hz for file in readable]) or song.sample_rate_hz
    for file in readable:
        file.begin(rate_hz)
    song_s = max((file.duration_s for file in readable), default=0.0)
    meters = [TrackMeter(name, files[name], rate_hz, song_s) for name in names]
    return _listen(song.song_id, meters, rate_hz, song_s)


def _listen(song_id: str, meters: Sequence[TrackMeter], rate_hz: int, song_s: float) -> SongMeasure:
    names = [meter.name for meter in meters]
    has_mix, windows = MIX in names, {name: Windows(rate_hz) for name in names}
    fit, fingerprint = SumFit(names), Fingerprint(song_s)
    spectra = CrossSpectra(names) if has_mix else None
    for start_s in range(0, max(1, int(np.ceil(song_s))), HOP_S):
        wanted = windows[names[0]].wanted
        blocks = {meter.name: meter.read(wanted) for meter in meters}
        fit.add(blocks)
        heard = {name: windows[name].spectrum(block.mean(axis=0)) for name, block in blocks.items()}
        if spectra:
            spectra.add(heard)
        fingerprint.add(heard[MIX] if has_mix else np.sum(list(heard.values()), axis=0), start_s - MARGIN_S)
    tracks = tuple(meter.measure() for meter in meters)
    stems = [track.name for track in tracks if track.name != MIX]
    sound = all(track.is_sound for track in tracks)
    return SongMeasure(
        song_id=song_id,
        sample_rate_hz=rate_hz,
        tracks=tracks,
        fit=_mix_fit(fit, spectra) if spectra and sound else None,
        doubled=fit.doubled(stems),
        landmarks=packed(fingerprint.landmarks()),
    )


def _mix_fit(fit: SumFit, spectra: CrossSpectra) -> MixFit:
    residual_db, free_residual_db, gains = fit.residuals(MIX)
    return MixFit(
        residual_db=residual_db, free_residual_db=free_residual_db, gains=gains, offsets=spectra.offsets()
    )


def _most_common(rates_hz: Sequence[int]) -> int:
    """The most common rate, the higher of two that are equally common; 0 for none."""
    counts = Counter(rates_hz)
    return max(counts, key=lambda rate: (counts[rate], rate), default=0)
