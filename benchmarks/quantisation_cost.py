"""What latents lose when they are kept in 8 bits (`prepare --storage int8`) instead of float16.

    python benchmarks/quantisation_cost.py --manifest data/demo/manifest.parquet --songs 6 --seconds 20

Encodes the start of every stem, levelled as for training. Per channel of each track: the mean squared error
over the variance. Of the decoded audio: the signal-to-noise ratio and the log-spectral distance between what
the codec makes of the 8-bit latents and of the float16 ones; and, for scale, the same between the float16
ones' audio and the recording. Codec "random-encodec" is EnCodec's architecture with random weights. Writes a
table.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stemwright.codec import Codec, load_codec
from stemwright.encodec_codec import EncodecCodec
from stemwright.loudness import TARGET_LUFS, match_loudness
from stemwright.quantisation import dequantise, quantise
from stemwright_platform.corpus.manifest import Song, read_manifest
from stemwright_platform.corpus.stem_audio import read_stem

RESULTS = Path(__file__).parent / "results" / "quantisation_cost.md"
FLOOR_DB = -80.0
"""Of a spectrum's bins below its peak: what lies under it is silence."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of keeping latents in 8 bits.")
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--codec", nargs="+", default=["mdct"])
    parser.add_argument("--songs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--chunk-s", type=float, nargs="+", default=[2.5])
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    songs = list(read_manifest(arguments.manifest))[: arguments.songs]
    rows = []
    for name in arguments.codec:
        codec = EncodecCodec.random(0) if name == "random-encodec" else load_codec(name)
        for chunk_s in arguments.chunk_s:
            rows.append(
                {"codec": name, "chunk_s": chunk_s, **measure(songs, codec, arguments.seconds, chunk_s)}
            )
            print(rows[-1], flush=True)
    arguments.out.write_text(table(rows))


@torch.no_grad()
def measure(songs: Sequence[Song], codec: Codec, duration_s: float, chunk_s: float) -> dict[str, float]:
    """Shares of variance over the channels of all tracks, decibels over the stems."""
    errors: dict[str, list[Tensor]] = {}
    values: dict[str, list[Tensor]] = {}
    against_float16, against_recording = [], []
    for track, audio in stems(songs, codec.sample_rate_hz, duration_s):
        latents = codec.encode(audio[None])[0].half()
        back = through_eight_bits(latents, codec, chunk_s)
        errors.setdefault(track, []).append((back.float() - latents.float()).square())
        values.setdefault(track, []).append(latents.float())
        kept, coarse = (codec.decode(part.float()[None])[0] for part in (latents, back))
        against_float16.append((snr_db(kept, coarse), spectral_distance_db(kept, coarse)))
        heard = kept[:, : audio.shape[1]]
        against_recording.append((snr_db(audio, heard), spectral_distance_db(audio, heard)))
    shares = np.concatenate([share(errors[track], values[track]) for track in errors])
    snr, distance = np.array(against_float16).T
    codec_snr, codec_distance = np.array(against_recording).T
    row = {
        "stems": len(snr),
        "mean_share_%": 100 * shares.mean(),
        "worst_channel_%": 100 * shares.max(),
        "snr_db_median": np.median(snr),
        "snr_db_worst": snr.min(),
        "spectral_db_median": np.median(distance),
        "spectral_db_worst": distance.max(),
        "codec_snr_db": np.median(codec_snr),
        "codec_spectral_db": np.median(codec_distance),
    }
    return {name: float(f"{value:.3g}") for name, value in row.items()}


def stems(songs: Sequence[Song], sample_rate_hz: int, duration_s: float) -> Iterator[tuple[str, Tensor]]:
    """Track and levelled audio `[2, n]` of all stems that sound in the songs' first seconds."""
    for song in songs:
        for track, paths in song.tracks.items():
            if not paths:
                continue
            audio = read_stem(paths, sample_rate_hz)[:, : round(duration_s * sample_rate_hz)]
            if audio.abs().max() > 1e-3:
                yield track, match_loudness(audio, sample_rate_hz, TARGET_LUFS)[0]


def through_eight_bits(latents: Tensor, codec: Codec, chunk_s: float) -> Tensor:
    """Latents `[D, S]`, chunk by chunk as shards keep them."""
    segments = max(1, round(chunk_s * codec.frame_rate_hz / codec.segment_frames))
    chunks = latents[None].split(segments * codec.segment_frames, dim=-1)
    return torch.cat([dequantise(*quantise(chunk)) for chunk in chunks], dim=-1)[0]


def share(errors: list[Tensor], values: list[Tensor]) -> np.ndarray:
    """Mean squared error over the variance, of each channel that moves at all."""
    error, value = torch.cat(errors, dim=-1).double(), torch.cat(values, dim=-1).double()
    variance = value.var(dim=-1)
    moving = variance > 1e-9
    return (error.mean(dim=-1)[moving] / variance[moving]).numpy()


def snr_db(signal: Tensor, other: Tensor) -> float:
    noise = (signal - other).square().sum().clamp(min=1e-20)
    return float(10 * torch.log10(signal.square().sum() / noise))


def spectral_distance_db(signal: Tensor, other: Tensor) -> float:
    """Root mean square over the bins of the difference in decibels, averaged over time."""
    levels = [levels_db(part) for part in (signal, other)]
    floor = levels[0].max() + FLOOR_DB
    one, two = (level.clamp(min=floor) for level in levels)
    return float((one - two).square().mean(dim=1).sqrt().mean())


def levels_db(audio: Tensor) -> Tensor:
    window = torch.hann_window(2048)
    spectrum = torch.stft(audio, 2048, 512, window=window, return_complex=True)
    return 20 * torch.log10(spectrum.abs().clamp(min=1e-9))


def table(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([str(row[name]) for name in names] for row in rows)]
    return "# Latents in 8 bits\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
