"""A stem as a take: the blob first, then the row that names it."""

import hashlib

from stemwright.mixing import fitted
from stemwright_platform.serving.blobs import BlobStore
from stemwright_platform.serving.identity import new_id
from stemwright_platform.serving.stems import WAV, Stem, decoded, stem
from stemwright_platform.serving.tables import Take


def stored_take(
    blobs: BlobStore,
    stem: Stem,
    *,
    composition_id: str,
    track: str,
    name: str,
    generation_id: str | None = None,
    seed: int | None = None,
    model: str | None = None,
) -> Take:
    """Write the audio and give the row for it, not yet added. Who fails to add it deletes the blob."""
    take_id = new_id()
    key = f"{composition_id}/{take_id}.wav"
    blobs.put(key, stem.wav)
    return Take(
        id=take_id,
        composition_id=composition_id,
        generation_id=generation_id,
        track=track,
        name=name,
        seed=seed,
        model=model,
        blob_key=key,
        content_type=WAV,
        num_bytes=len(stem.wav),
        sha256=hashlib.sha256(stem.wav).hexdigest(),
        gain_db=stem.gain_db,
        peaks=stem.peaks,
    )


def copied_take(
    blobs: BlobStore, take: Take, composition_id: str, sample_rate_hz: int, num_samples: int
) -> Take:
    """A take again, for another composition: cut, or silent at its end, where it is of another length."""
    wav = blobs.get(take.blob_key)
    audio = decoded(wav, sample_rate_hz)
    copy = Stem(wav=wav, gain_db=take.gain_db, peaks=take.peaks)
    if audio.shape[1] != num_samples:
        copy = stem(fitted(audio, num_samples), sample_rate_hz, take.gain_db)
    return stored_take(
        blobs,
        copy,
        composition_id=composition_id,
        track=take.track,
        name=take.name,
        seed=take.seed,
        model=take.model,
    )
