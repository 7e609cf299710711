"""The file in a call's body: raw bytes or a multipart form, never more than allowed."""

from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from stemwright_platform.serving.failures import Refusal


async def uploaded_file(request: Request, max_bytes: int) -> tuple[str, bytes]:
    """Name and bytes of the uploaded file. Refusal 413 above `max_bytes`, 422 without a file."""
    if int(request.headers.get("content-length") or 0) > max_bytes:
        raise _too_large(max_bytes)
    body = _limited(request, max_bytes)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return "the upload", b"".join([chunk async for chunk in body])
    try:
        form = await MultiPartParser(request.headers, body).parse()
    except MultiPartException as error:
        raise Refusal(422, "bad_form", f"the form cannot be read: {error.message}", "send one file") from None
    files = [value for value in form.values() if isinstance(value, UploadFile)]
    if len(files) != 1:
        raise Refusal(422, "no_file", f"the form holds {len(files)} files", "send exactly one file")
    data = await files[0].read()
    await form.close()
    return files[0].filename or "the upload", data


async def _limited(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


def _too_large(max_bytes: int) -> Refusal:
    message = f"the file is larger than {max_bytes / 1e6:g} MB"
    return Refusal(413, "too_large", message, "send a shorter or a compressed file (FLAC, OGG, MP3)")
