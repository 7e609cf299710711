"""Prompts to embeddings, as a deployment."""

from ray import serve

from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.wire import TextArrays


@serve.deployment(
    name="text",
    max_ongoing_requests=16,
    ray_actor_options={"num_cpus": 0.25},
    graceful_shutdown_wait_loop_s=0.5,
)
class TextReplica:
    """The checkpoint's text encoder."""

    def __init__(self, settings: ServingSettings) -> None:
        from stemwright.checkpoint import load_checkpoint
        from stemwright.text_encoder import CachedTextEncoder, load_text_encoder
        from stemwright_platform.serving.checkpoint_folder import checkpoint_folder

        checkpoint = load_checkpoint(checkpoint_folder(settings.model))
        encoder = load_text_encoder(checkpoint.origin.text_encoder, weights=settings.text_weights)
        checkpoint.check_text_encoder(encoder)
        self._encoder = CachedTextEncoder(encoder)

    def embed(self, prompts: list[str]) -> list[TextArrays]:
        """Each prompt by itself: who else asks must not change its numbers."""
        return [TextArrays.of(self._encoder([prompt])) for prompt in prompts]
