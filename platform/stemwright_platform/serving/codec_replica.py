"""Stems to latents and back, as a deployment."""

import hashlib
from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ray import serve

from stemwright.recently_used import RecentlyUsed
from stemwright_platform.serving.loaded_models import LoadedModels, preload
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.server_log import log_with_serve
from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.stems import decoded
from stemwright_platform.serving.threads import use_threads
from stemwright_platform.serving.wire import EncodedPiece, Rewritten

if TYPE_CHECKING:
    from stemwright.checkpoint import Checkpoint
    from stemwright.codec import Codec
    from stemwright.stem_coder import StemCoder

LATENT_BYTES = 256 << 20
"""Latents of given stems that are kept: who makes ten takes to one drum track has it encoded once."""


@serve.deployment(
    name="codec",
    max_ongoing_requests=2,
    ray_actor_options={"num_cpus": 0.25},
    graceful_shutdown_wait_loop_s=0.5,
    max_surge_percent=100,
)
class CodecReplica:
    """The codec of each checkpoint in use, with statistics and levels; checkpoints of one codec share it."""

    def __init__(self, settings: ServingSettings) -> None:
        log_with_serve()
        use_threads(settings.threads)
        self._settings = settings
        self._codecs: LoadedModels[Codec] = LoadedModels(self._codec)
        self._latents: RecentlyUsed[Hashable, NDArray[np.float32]] = RecentlyUsed(
            LATENT_BYTES, lambda _, latents: latents.nbytes
        )
        self._models: LoadedModels[tuple[StemCoder, ModelFacts]] = LoadedModels(self._of_model)
        preload(self._models, settings)

    def prepare(self, model: str) -> ModelFacts:
        """Load a version and say what it is; raises why it cannot be used."""
        return self._models.get(model)[1]

    def encode(
        self,
        stems: dict[str, bytes],
        duration_s: float,
        model: str,
        region_s: tuple[float, float] | None = None,
    ) -> EncodedPiece:
        """Latents of stems (WAV files), given ones and takes of which a region is made anew; the windows that
        the piece is made in."""
        coder, _ = self._models.get(model)
        whole = np.zeros((1, *coder.stats.mean.shape, coder.num_frames(duration_s)), np.float32)
        for track, wav in stems.items():
            key = (model, track, duration_s, hashlib.sha256(wav).digest())
            made = self._latents.get_or_make(key, partial(_encoded, coder, track, wav, duration_s))
            whole[0, coder.tracks.index(track)] = made
        windows = tuple((window.start, window.stop) for window in coder.windows(duration_s))
        known = None if region_s is None else coder.frames_outside(*region_s, duration_s).numpy()
        return EncodedPiece(
            latents=whole, windows=windows, frame_rate_hz=coder.codec.frame_rate_hz, known=known
        )

    def decode(
        self,
        latents: NDArray[np.float32],
        targets: tuple[str, ...],
        duration_s: float,
        model: str,
        rewritten: Rewritten | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Audio [2, n] of the targets: at the corpus's levels, or takes with a region made anew."""
        import torch

        from stemwright.mixing import fitted
        from stemwright.tasks import Task

        coder, _ = self._models.get(model)
        task = Task(targets, tracks=coder.tracks)
        z = torch.from_numpy(latents.copy()).to(self._settings.device)
        if rewritten is None:
            stems = coder.decode(z, task, duration_s)
        else:
            rate, length = coder.codec.sample_rate_hz, coder.num_samples(duration_s)
            takes = {track: fitted(decoded(wav, rate), length) for track, wav in rewritten.takes.items()}
            stems = coder.rewrite(z, task, duration_s, takes, rewritten.region_s)
        return {track: audio.numpy() for track, audio in stems.items()}

    def _of_model(self, model: str) -> "tuple[StemCoder, ModelFacts]":
        from stemwright.checkpoint import load_checkpoint
        from stemwright.stem_coder import StemCoder
        from stemwright_platform.serving.checkpoint_folder import checkpoint_folder

        folder = checkpoint_folder(model, self._settings.tracking_uri)
        checkpoint = load_checkpoint(folder, self._settings.device)
        codec = self._codecs.get(checkpoint.origin.codec)
        facts = _facts(self._settings.model, model, checkpoint, codec.sample_rate_hz)
        return StemCoder(checkpoint, codec), facts

    def _codec(self, name: str) -> "Codec":
        from stemwright.codec import load_codec

        return load_codec(name, weights=self._settings.codec_weights, device=self._settings.device)


def _encoded(coder: "StemCoder", track: str, wav: bytes, duration_s: float) -> NDArray[np.float32]:
    """Normalised latents [D, S] of one stem."""
    audio = {track: decoded(wav, coder.codec.sample_rate_hz)}
    return coder.encode(audio, duration_s)[0, coder.tracks.index(track)].cpu().numpy().copy()


def _facts(uri: str, version: str, checkpoint: "Checkpoint", sample_rate_hz: int) -> ModelFacts:
    tracks, sampling = checkpoint.tracks, checkpoint.sampling
    return ModelFacts(
        uri=uri,
        version=version,
        fingerprint=checkpoint.fingerprint,
        tracks=list(tracks.names),
        prompt_names=list(tracks.prompt_names),
        sample_rate_hz=sample_rate_hz,
        codec=checkpoint.origin.codec,
        text_encoder=checkpoint.origin.text_encoder,
        guidance_scale=sampling.guidance_scale,
        text_guidance=sampling.text_scale,
        steps=sampling.num_steps,
        rewrites=checkpoint.preset.training.region_probability > 0,
        solver=sampling.solver,
        gains_db=dict(zip(tracks.names, checkpoint.origin.gains_db, strict=True)),
    )
