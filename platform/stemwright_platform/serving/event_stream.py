"""Server-sent events: what a look gives, told whenever it differs from what was told last."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from stemwright_platform.serving.failures import Refusal

POLL_S = 0.25
HEARTBEAT_S = 10.0
STREAM_S = 60.0
"""A stream ends after so long, so that a server that is replaced can let go of it."""
RETRY_MS = 500
"""After which a browser follows again."""


@dataclass(frozen=True)
class News:
    """What one look gave."""

    event: str
    data: str
    """JSON."""
    is_last: bool = False
    pause_s: float | None = None
    """Before the next look; None for `POLL_S`."""


def event_stream(look: Callable[[], News], told: str | None) -> StreamingResponse:
    """An answer that tells each change of what `look` gives; `told`: id of what was heard already."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(look, told), media_type="text/event-stream", headers=headers)


async def _events(look: Callable[[], News], told: str | None) -> AsyncIterator[str]:
    began = told_at = time.monotonic()
    yield f"retry: {RETRY_MS}\n\n"
    while time.monotonic() - began < STREAM_S:
        try:
            news = await run_in_threadpool(look)
        except Refusal as gone:  # it was deleted meanwhile
            news = News("end", gone.failure.model_dump_json(), is_last=True)
        identity = hashlib.sha256(news.data.encode()).hexdigest()[:16]  # the same from every replica
        if identity != told or news.is_last:
            yield f"id: {identity}\nevent: {news.event}\ndata: {news.data}\n\n"
            told, told_at = identity, time.monotonic()
        elif time.monotonic() - told_at > HEARTBEAT_S:
            yield ": still here\n\n"
            told_at = time.monotonic()
        if news.is_last:
            return
        await asyncio.sleep(POLL_S if news.pause_s is None else news.pause_s)
