"""The one shape of every refusal: {"code", "message", "remedy"}."""

import errno
import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from stemwright.errors import InputError

log = logging.getLogger(__name__)
RETRY = {"Retry-After": "5"}


class Failure(BaseModel):
    """What a caller reads when a call is refused."""

    code: str
    """For programs: stays the same between versions."""
    message: str
    """What is wrong, naming the thing."""
    remedy: str
    """What to do about it."""


class Refusal(Exception):
    """Ends a call with a `Failure` and its HTTP status."""

    def __init__(self, status: int, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.status = status
        self.failure = Failure(code=code, message=message, remedy=remedy)


def not_found(kind: str, identity: str) -> Refusal:
    """404 for a composition, generation or take that does not exist."""
    return Refusal(404, f"no_such_{kind}", f"there is no {kind} '{identity}'", f"list the {kind}s there are")


def install(app: FastAPI) -> None:
    """Answer every kind of error in the one shape."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(InputError, _bad_input)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _storage)
    app.add_exception_handler(OperationalError, _storage)
    app.add_exception_handler(Exception, _fault)


def _answer(status: int, code: str, message: str, remedy: str) -> JSONResponse:
    return JSONResponse(Failure(code=code, message=message, remedy=remedy).model_dump(), status)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: RETRY, 503: RETRY}.get(error.status)
    return JSONResponse(error.failure.model_dump(), error.status, headers)


async def _bad_input(_request: Request, error: Exception) -> JSONResponse:
    return _answer(422, "bad_input", str(error), "change the request as the message says")


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    complaints = [f"{_place(item['loc'])}: {item['msg']}" for item in error.errors()]
    return _answer(
        422, "invalid_request", "; ".join(complaints), "see /v1/openapi.json for what the call takes"
    )


def _place(location: Sequence[Any]) -> str:
    inner = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(inner) or "the request"


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {404: "no_such_call", 405: "wrong_method"}
    code = codes.get(error.status_code, "refused")
    return _answer(error.status_code, code, str(error.detail), "see /v1/openapi.json for the calls there are")


async def _storage(_request: Request, error: Exception) -> JSONResponse:
    if is_full(error):
        return _answer(
            507, "storage_full", "the server's disk is full", "delete compositions or free the disk"
        )
    log.error("storage fault", exc_info=error)
    return _answer(503, "storage_fault", "the server cannot reach its storage", "try again in a moment")


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk has no room left."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or (isinstance(error, OperationalError) and "disk is full" in str(error))


async def _fault(_request: Request, error: Exception) -> JSONResponse:
    log.error("fault in a call", exc_info=error)
    return _answer(
        500, "fault", "the server made a mistake", "try again; if it stays, report it with the time"
    )
