"""Calls by which a browser comes in and leaves: event streams and audio players send no headers."""

from fastapi import APIRouter, Request, Response

from stemwright_platform.serving.access import COOKIE, ServicesOfAnybody
from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.keys import SESSION_S
from stemwright_platform.serving.schema import SignIn

router = APIRouter(prefix="/session", tags=["session"])


@router.post("", status_code=204)
def sign_in(asked: SignIn, request: Request, response: Response, services: ServicesOfAnybody) -> None:
    """Give a key, get a cookie that no script can read and no other site can send."""
    key = services.keys.of_secret(asked.key)
    if key is None:
        raise Refusal(401, "no_key", "this is no key that is good", "ask for one, or copy it whole")
    secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    response.set_cookie(
        COOKIE,
        services.keys.open_session(key),
        max_age=int(SESSION_S),
        httponly=True,
        samesite="strict",
        secure=secure,
        path="/v1",
    )


@router.delete("", status_code=204)
def sign_out(request: Request, response: Response, services: ServicesOfAnybody) -> None:
    """The cookie opens nothing any more."""
    if token := request.cookies.get(COOKIE):
        services.keys.close_session(token)
    response.delete_cookie(COOKIE, path="/v1")
