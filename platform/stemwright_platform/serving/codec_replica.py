"""Stems to latents and back, as a deployment."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from ray import serve

from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.threads import use_threads

if TYPE_CHECKING:
    from stemwright.checkpoint import Checkpoint


@serve.deployment(
    name="codec",
    max_ongoing_requests=2,
    ray_actor_options={"num_cpus": 0.25},
    graceful_shutdown_wait_loop_s=0.5,
)
class CodecReplica:
    """The checkpoint's codec with its statistics and levels."""

    def __init__(self, settings: ServingSettings) -> None:
        from stemwright.checkpoint import load_checkpoint
        from stemwright.codec import load_codec
        from stemwright.stem_coder import StemCoder
        from stemwright_platform.serving.checkpoint_folder import checkpoint_folder

        use_threads(settings.threads)
        checkpoint = load_checkpoint(checkpoint_folder(settings.model), settings.device)
        codec = load_codec(checkpoint.origin.codec, weights=settings.codec_weights, device=settings.device)
        self._coder = StemCoder(checkpoint, codec)
        self._device = settings.device
        self._facts = _facts(settings.model, checkpoint, codec.sample_rate_hz)

    def facts(self) -> ModelFacts:
        """What the model is."""
        return self._facts

    def encode(self, given: dict[str, bytes], duration_s: float) -> NDArray[np.float32]:
        """Normalised latents [1, K, D, S] of given stems (WAV files)."""
        from stemwright_platform.serving.stems import decoded

        rate = self._coder.codec.sample_rate_hz
        audio = {track: decoded(wav, rate) for track, wav in given.items()}
        return self._coder.encode(audio, duration_s).cpu().numpy()

    def decode(
        self, latents: NDArray[np.float32], targets: tuple[str, ...], duration_s: float
    ) -> dict[str, NDArray[np.float32]]:
        """Audio [2, n] of the targets, at the corpus's levels."""
        import torch

        from stemwright.tasks import Task

        task = Task(targets, tracks=self._coder.tracks)
        stems = self._coder.decode(torch.from_numpy(latents.copy()).to(self._device), task, duration_s)
        return {track: audio.numpy() for track, audio in stems.items()}


def _facts(model: str, checkpoint: "Checkpoint", sample_rate_hz: int) -> ModelFacts:
    tracks, sampling = checkpoint.tracks, checkpoint.sampling
    return ModelFacts(
        uri=model,
        fingerprint=checkpoint.fingerprint,
        tracks=list(tracks.names),
        prompt_names=list(tracks.prompt_names),
        sample_rate_hz=sample_rate_hz,
        codec=checkpoint.origin.codec,
        text_encoder=checkpoint.origin.text_encoder,
        guidance_scale=sampling.guidance_scale,
        text_guidance=sampling.text_scale,
        steps=sampling.num_steps,
        solver=sampling.solver,
        gains_db=dict(zip(tracks.names, checkpoint.origin.gains_db, strict=True)),
    )
