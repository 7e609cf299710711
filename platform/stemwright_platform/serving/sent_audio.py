"""Audio as it is sent: in the format asked for, whole or in part, or not at all where the caller has it."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response

from stemwright.audio_container import Container
from stemwright_platform.serving.failures import Refusal

MEDIA_TYPES: Mapping[Container, str] = {"wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg"}
FOREVER = "private, max-age=31536000, immutable"
"""Cache-Control of what never changes."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")

Format = Annotated[Container, Query(description="WAV and FLAC are 24-bit; OGG is Vorbis, lossy.")]
AUDIO_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type: {} for media_type in MEDIA_TYPES.values()}},
    206: {"description": "The part that was asked for"},
    304: {"description": "The caller's copy is the same"},
    416: {"description": "The part lies beyond the end"},
}


class Wanted:
    """What a call's headers say of the copy that the caller has, and of the part that it wants."""

    def __init__(
        self,
        request: Request,
        if_none_match: Annotated[str | None, Header()] = None,
        if_range: Annotated[str | None, Header()] = None,
        range: Annotated[str | None, Header()] = None,
    ) -> None:
        self._has = {tag.strip() for tag in (if_none_match or "").split(",")}
        self._part, self._part_of = range, if_range

    def answer(
        self, content: str, container: Container, encoded: Callable[[], bytes], *, forever: bool
    ) -> Response:
        """`content`: a digest of the sound; `encoded`: makes the file; `forever`: it never changes."""
        etag = f'"{hashlib.sha256(f"{content} {container}".encode()).hexdigest()[:32]}"'
        lasts = FOREVER if forever else "private, no-cache"
        headers = {"ETag": etag, "Cache-Control": lasts, "Accept-Ranges": "bytes"}
        if etag in self._has or "*" in self._has:
            return Response(status_code=304, headers=headers)
        data = encoded()
        media_type = MEDIA_TYPES[container]
        part = _RANGE.fullmatch(self._part or "")
        if part is None or self._part_of not in (
            None,
            etag,
        ):  # several parts: all, as RFC 9110 allows
            return Response(data, media_type=media_type, headers=headers)
        start, stop = _span(part[1], part[2], len(data))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return Response(data[start:stop], status_code=206, media_type=media_type, headers=headers)


def _span(first: str, last: str, length: int) -> tuple[int, int]:
    """From the first byte to the one after the last; 416 for one that begins beyond the end."""
    if not first:  # the last so many
        start, stop = max(length - int(last or 0), 0), length
    else:
        start, stop = int(first), min(int(last) + 1, length) if last else length
    if start >= stop:
        raise Refusal(
            416, "bad_range", f"the file has {length} bytes, none of those asked for", "ask for fewer or none"
        )
    return start, stop
