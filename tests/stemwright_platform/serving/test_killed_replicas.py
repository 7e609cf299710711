"""Nothing accepted is lost: replicas of a serving cluster are killed under load, then all is counted."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from generation_load import ENDED, Load, kill
from process_tree import wait_until

from stemwright_platform.serving.api_replica import ApiReplica

pytestmark = pytest.mark.ray
Same = Callable[[bytes, bytes], bool]


@pytest.mark.parametrize(
    ("kills", "generations"),
    [(1, 8), pytest.param(10, 50, marks=pytest.mark.chaos)],
    ids=["once", "ten times"],
)
def test_killed_denoisers_cost_no_generation_and_change_none(
    api: httpx.Client, kills: int, generations: int, same_take: Same, undisturbed: Callable[[int], bytes]
) -> None:
    load = Load(api)
    load.ask(generations)
    for done in range(1, kills + 1):
        # four others have ended, so that none meets three deaths
        wait_until(lambda done=done: load.ended() >= 4 * done, f"{4 * done} generations")
        wait_until(lambda: kill("denoiser"), "a denoiser to kill")
    takes = dict(load.takes())
    assert sorted(takes) == list(range(generations))
    assert all(same_take(audio, undisturbed(seed)) for seed, audio in takes.items())


@pytest.mark.chaos
@pytest.mark.parametrize("deployment", ["api", "dispatcher", "codec", "text"])
def test_any_other_replica_may_be_killed(
    api: httpx.Client, deployment: str, same_take: Same, undisturbed: Callable[[int], bytes]
) -> None:
    load = Load(api)
    load.ask(12)
    wait_until(lambda: load.ended() >= 3, "three generations")
    assert kill(deployment) == 1
    takes = dict(load.takes())
    assert all(same_take(audio, undisturbed(seed)) for seed, audio in takes.items())


@pytest.mark.chaos
def test_a_poisoned_generation_fails_alone(api: httpx.Client) -> None:
    """Whoever kills each worker it meets is the only one to fail."""
    load, poison = Load(api), Load(api)
    poison.ask(1, steps=1000)
    load.ask(6)
    (row,) = poison.ids
    losses = 0
    while (state := poison.all()[0])["state"] not in ENDED:
        if state["progress"] > 0:
            losses += bool(kill("denoiser"))
            wait_until(lambda: poison.all()[0]["progress"] == 0 or poison.all()[0]["state"] in ENDED, row)
    assert losses == 3
    assert state["state"] == "failed"
    assert "lost 3 times" in state["error"]
    assert len(list(load.takes())) == 6


@pytest.mark.chaos
def test_clients_that_hang_up_free_their_slots(api: httpx.Client) -> None:
    """As many followers as the API has slots for, and none of them waits for the end."""
    load = Load(api)
    load.ask(1, steps=1000)
    url = f"{api.base_url}generations/{load.ids[0]}/events"
    slots = ApiReplica.max_ongoing_requests

    async def hang_up() -> None:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client, AsyncExitStack() as followers:
            for _ in range(slots):
                answer = await followers.enter_async_context(client.stream("GET", url))
                assert answer.status_code == 200

    asyncio.run(hang_up())
    began = time.monotonic()
    api.delete(f"/generations/{load.ids[0]}").raise_for_status()
    assert time.monotonic() - began < 10
