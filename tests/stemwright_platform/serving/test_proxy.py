from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from stemwright_platform.serving.proxy import middlewares


def test_headers_that_would_lift_limits_are_taken_away_and_others_stay() -> None:
    async def told(request: Request) -> JSONResponse:
        return JSONResponse(dict(request.headers))

    client = TestClient(Starlette(routes=[Route("/", told)], middleware=middlewares()))
    sent = {
        "X-Request-Timeout-Seconds": "0",
        "x-request-disconnect-disabled": "?1",
        "x-request-id": "mine",
    }
    heard = client.get("/", headers=sent).json()
    assert heard["x-request-id"] == "mine"
    assert not {"x-request-timeout-seconds", "x-request-disconnect-disabled"} & set(heard)
