"""Prompts to embeddings, as a deployment."""

from typing import TYPE_CHECKING

from ray import serve

from stemwright_platform.serving.loaded_models import LoadedModels, preload
from stemwright_platform.serving.server_log import log_with_serve
from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.wire import TextArrays

if TYPE_CHECKING:
    from stemwright.text_encoder import CachedTextEncoder


@serve.deployment(
    name="text",
    max_ongoing_requests=16,
    ray_actor_options={"num_cpus": 0.25},
    graceful_shutdown_wait_loop_s=0.5,
    max_surge_percent=100,
)
class TextReplica:
    """The text encoder of each checkpoint in use; checkpoints of one encoder share it."""

    def __init__(self, settings: ServingSettings) -> None:
        log_with_serve()
        self._settings = settings
        self._encoders: LoadedModels[CachedTextEncoder] = LoadedModels(self._encoder)
        self._models: LoadedModels[CachedTextEncoder] = LoadedModels(self._of_model)
        preload(self._models, settings)

    def prepare(self, model: str) -> None:
        """Load a version; raises why it cannot be used."""
        self._models.get(model)

    def embed(self, prompts: list[str], model: str) -> list[TextArrays]:
        """Each prompt by itself: who else asks must not change its numbers."""
        encoder = self._models.get(model)
        return [TextArrays.of(encoder([prompt])) for prompt in prompts]

    def _of_model(self, model: str) -> "CachedTextEncoder":
        from stemwright.checkpoint import load_checkpoint
        from stemwright_platform.serving.checkpoint_folder import checkpoint_folder

        checkpoint = load_checkpoint(checkpoint_folder(model, self._settings.tracking_uri))
        encoder = self._encoders.get(checkpoint.origin.text_encoder)
        checkpoint.check_text_encoder(encoder)
        return encoder

    def _encoder(self, name: str) -> "CachedTextEncoder":
        from stemwright.text_encoder import CachedTextEncoder, load_text_encoder

        return CachedTextEncoder(load_text_encoder(name, weights=self._settings.text_weights))
