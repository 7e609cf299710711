"""A stem as a take: the blob first, then the row that names it."""

import hashlib

from stemwright_platform.serving.blobs import BlobStore
from stemwright_platform.serving.identity import new_id
from stemwright_platform.serving.stems import WAV, Stem
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


def copied_take(blobs: BlobStore, take: Take) -> Take:
    """Its audio again under a name of its own, and the row for it, not yet added."""
    take_id = new_id()
    key = f"copies/{take_id}.wav"
    blobs.put(key, blobs.get(take.blob_key))
    same = ("track", "name", "seed", "model", "content_type", "num_bytes", "sha256", "gain_db", "peaks")
    return Take(id=take_id, blob_key=key, **{name: getattr(take, name) for name in same})
