"""What Prometheus sees of a generation's way; Ray exports it on every node, beside Serve's own figures.

Ray adds application, deployment and replica to each, if this is imported in a running replica. What the
tables know is at the API's /metrics.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ray.serve.metrics import Counter, Gauge, Histogram

SECONDS = [0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 180, 600]

STAGE_SECONDS = Histogram(
    "stemwright_stage_seconds",
    description="Seconds of a generation in one stage, from waiting to keeping.",
    boundaries=SECONDS,
    tag_keys=("stage",),
)
GENERATION_SECONDS = Histogram(
    "stemwright_generation_seconds",
    description="Seconds from a generation's being asked for to its end: done or failed.",
    boundaries=SECONDS,
    tag_keys=("state",),
)
WORKERS_LOST = Counter(
    "stemwright_workers_lost", description="Generations that lost their worker and were tried again."
)
FORWARD_SECONDS = Histogram(
    "stemwright_forward_seconds", description="Seconds of one forward of the denoiser.", boundaries=SECONDS
)
ROWS = Counter("stemwright_rows", description="Rows that the denoiser computed, of all forwards.")
ROWS_AT_MOST = Gauge("stemwright_rows_at_most", description="Rows that one forward has room for.")


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Tell how long a stage takes, if it comes to its end."""
    began = time.monotonic()
    yield
    STAGE_SECONDS.observe(time.monotonic() - began, {"stage": stage})


def forward_meter(max_rows: int) -> Callable[[int, float], None]:
    """To be told rows and seconds of each forward."""

    def tell(rows: int, seconds: float) -> None:
        FORWARD_SECONDS.observe(seconds)
        ROWS.inc(rows)
        ROWS_AT_MOST.set(max_rows)

    return tell
