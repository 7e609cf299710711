"""How many denoisers there should be: as the work asks for that waits in the queue or is in hand.

Serve by itself sees calls in flight, and the dispatcher bounds those: what waits in the table it would not
see. Serve loads `on_backlog` in its controller (`policy` in serve_config.yaml) and applies the delays that
are configured.
"""

import math
from typing import Any

from ray.serve.config import AutoscalingContext

GENERATIONS = "generations"
"""What each denoiser tells Serve: how many generations wait or are in hand, everywhere."""
BEYOND = 1.25
"""In hand are so many times what the denoisers have room for, so that none waits for the next."""


def on_backlog(context: AutoscalingContext) -> tuple[float, dict[str, Any]]:
    """Denoisers wanted, at `target_ongoing_requests` generations each; as there are while nobody tells."""
    told = (context.aggregated_metrics or {}).get(GENERATIONS, {})
    if not told:
        return float(context.target_num_replicas), {}
    assert context.config is not None
    return max(told.values()) / context.config.target_ongoing_requests, {}


def in_hand(num_denoisers: int, each: int) -> int:
    """Generations that a dispatcher holds: a little more than the denoisers have room for."""
    return math.ceil(max(num_denoisers, 1) * each * BEYOND)
