"""Who calls: by a key in `Authorization: Bearer`, or by the cookie of a browser that came in with one."""

import time
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.services import Services

COOKIE = "stemwright_session"
CALLS_PER_MINUTE = 1_200
"""Of one key on one replica of the API; polling a few generations takes tens."""

_bearer = HTTPBearer(auto_error=False, description="A key of `stemwright keys create`.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Of POST /v1/session.")


@dataclass(slots=True)
class Pace:
    """Calls of each owner in the current minute, in this process."""

    minute: int = 0
    calls: dict[str, int] = field(default_factory=dict)

    def count(self, owner: str) -> None:
        """429 for one too many."""
        if (minute := int(time.time() // 60)) != self.minute:
            self.minute, self.calls = minute, {}
        self.calls[owner] = self.calls.get(owner, 0) + 1
        if self.calls[owner] > CALLS_PER_MINUTE:
            message = f"more than {CALLS_PER_MINUTE} calls in a minute"
            remedy = "follow events instead of polling, or wait a minute"
            raise Refusal(429, "too_many_calls", message, remedy)


async def _services_of_caller(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Services:
    """The services as the caller sees them: what is its own."""
    services: Services = request.app.state.services
    if services.settings.access == "open":
        return services.of("")  # at once: a thread costs more than all of this
    key = None
    if bearer is not None:
        key = await run_in_threadpool(services.keys.of_secret, bearer.credentials)
    elif cookie is not None:
        key = await run_in_threadpool(services.keys.of_session, cookie)
    if key is None:
        raise Refusal(
            401, "no_key", "the call brings no key that is good", "send one as Authorization: Bearer sw_…"
        )
    request.app.state.pace.count(key.id)
    return services.of(key.id)


ServicesOfCall = Annotated[Services, Depends(_services_of_caller)]
"""A call's parameter."""


async def _services_of_anybody(request: Request) -> Services:
    return request.app.state.services


ServicesOfAnybody = Annotated[Services, Depends(_services_of_anybody)]
"""Of a call that needs no key."""
