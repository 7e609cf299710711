"""What stands before every call, in Serve's proxies: limits are the server's, whatever a caller sends.

Ray's proxies obey headers that change the time a call may take and whether who hangs up is noticed. They load
`middlewares` where RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH names it.
"""

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

IMPORT_PATH = "stemwright_platform.serving.proxy:middlewares"
VARIABLE = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
NOT_THE_CALLERS = (b"x-request-timeout-seconds", b"x-request-disconnect-disabled")


class OwnLimits:
    """ASGI middleware that takes such headers away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "headers" in scope:
            kept = [(name, value) for name, value in scope["headers"] if name.lower() not in NOT_THE_CALLERS]
            scope = {**scope, "headers": kept}
        await self._app(scope, receive, send)


def middlewares() -> list[Middleware]:
    return [Middleware(OwnLimits)]
