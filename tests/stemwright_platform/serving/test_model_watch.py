import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.serving import model_watch
from stemwright_platform.serving.model_watch import ModelWatch
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.stages import WorkerLost

ALIAS = "models:/blues@champion"


class World:
    """A registry whose alias a test moves, and replicas that load what they are told: both can fail."""

    def __init__(self, services: Services, facts: ModelFacts) -> None:
        self.services, self.template = services, facts
        self.alias: str | Exception = "models:/blues/1"
        self.faults: dict[str, list[Exception]] = {}
        """Version → what loading it raises, one after the other."""
        self.changes: dict[str, dict[str, Any]] = {}
        """Version → facts of its own."""
        self.prepared: list[str] = []
        self.asked = 0
        self.settings = services.settings.model_copy(update={"model": ALIAS, "model_poll_s": 0.01})

    def watch(self) -> ModelWatch:
        return ModelWatch(self.settings, self, self.services.models, self.resolve)  # type: ignore[arg-type]

    def resolve(self, model: str, tracking_uri: str | None) -> str:
        self.asked += 1
        if isinstance(self.alias, Exception):
            raise self.alias
        return self.alias if model == ALIAS else model

    async def prepare(self, model: str) -> ModelFacts:
        self.prepared.append(model)
        if faults := self.faults.get(model):
            raise faults.pop(0)
        own = {"uri": self.settings.model, "version": model, **self.changes.get(model, {})}
        return self.template.model_copy(update=own)

    async def looked(self, times: int = 3) -> None:
        """The watch has looked some times more."""
        asked = self.asked
        async with asyncio.timeout(20):
            while self.asked < asked + times:
                await asyncio.sleep(0.005)


@pytest.fixture
def world(services: Services, facts: ModelFacts, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(model_watch, "PAUSE_S", 0.0)
    return World(services, facts)


def followed(world: World, story: Callable[[ModelWatch], Coroutine[Any, Any, None]]) -> None:
    """Begin, follow while the story goes on, and end."""

    async def run() -> None:
        watch = world.watch()
        await watch.begin()
        following = asyncio.create_task(watch.follow())
        try:
            await story(watch)
            assert not following.done()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    asyncio.run(run())


def test_it_begins_with_what_the_alias_means_and_follows_it(world: World) -> None:
    async def story(watch: ModelWatch) -> None:
        assert watch.facts.version == "models:/blues/1"
        world.alias = "models:/blues/2"
        await world.looked()
        assert (watch.facts.version, watch.facts.refused) == ("models:/blues/2", None)
        assert watch.changed.is_set()
        world.alias = "models:/blues/1"
        await world.looked()
        assert watch.facts.version == "models:/blues/1"

    followed(world, story)
    assert world.prepared == ["models:/blues/1", "models:/blues/2", "models:/blues/1"]


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"tracks": ["bass", "voice"]}, "its tracks are bass, voice, not bass, drums, instrument, melody"),
        ({"sample_rate_hz": 44_100}, "its sample rate is 44100 Hz, not 48000 Hz"),
    ],
)
def test_a_version_that_does_not_fit_is_not_served_said_once_and_shown(
    world: World, own: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(watch: ModelWatch) -> None:
        world.changes["models:/blues/2"] = own
        world.alias = "models:/blues/2"
        await world.looked()
        assert watch.facts.version == "models:/blues/1"
        assert watch.facts.refused == f"models:/blues/2 is not served: {reason}"
        world.alias = "models:/blues/3"
        await world.looked()
        assert (watch.facts.version, watch.facts.refused) == ("models:/blues/3", None)

    followed(world, story)
    assert sum(reason in message for message in caplog.messages) == 1
    assert world.prepared.count("models:/blues/2") == 1


def test_a_broken_version_is_not_served_and_is_tried_again_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_watch, "RETRY_S", 0.05)

    async def story(watch: ModelWatch) -> None:
        world.faults["models:/blues/2"] = [InputError("checkpoint is broken\nat byte 3")]
        world.alias = "models:/blues/2"
        await world.looked(2)
        assert watch.facts.refused == "models:/blues/2 is not served: checkpoint is broken"
        await asyncio.sleep(0.1)
        await world.looked()
        assert (watch.facts.version, watch.facts.refused) == ("models:/blues/2", None)

    followed(world, story)


def test_going_back_to_what_is_served_forgets_the_refusal(world: World) -> None:
    async def story(watch: ModelWatch) -> None:
        world.changes["models:/blues/2"] = {"tracks": ["voice"]}
        world.alias = "models:/blues/2"
        await world.looked()
        world.alias = "models:/blues/1"
        await world.looked()
        assert watch.facts.refused is None

    followed(world, story)


def test_a_registry_that_is_away_changes_nothing_and_is_said_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(watch: ModelWatch) -> None:
        world.alias = ConnectionError("no route to MLflow")
        await world.looked(5)
        assert (watch.facts.version, watch.facts.refused) == ("models:/blues/1", None)
        world.alias = "models:/blues/2"
        await world.looked()
        assert watch.facts.version == "models:/blues/2"

    followed(world, story)
    assert sum("no route to MLflow" in message for message in caplog.messages) == 1


def test_a_replica_lost_while_loading_is_no_reason_to_refuse(world: World) -> None:
    async def story(watch: ModelWatch) -> None:
        world.faults["models:/blues/2"] = [WorkerLost("died"), WorkerLost("died")]
        world.alias = "models:/blues/2"
        await world.looked(5)
        assert (watch.facts.version, watch.facts.refused) == ("models:/blues/2", None)

    world.faults["models:/blues/1"] = [WorkerLost("not there yet")]
    followed(world, story)


@pytest.mark.parametrize("why", ["registry away", "version broken"])
def test_a_restart_serves_what_was_served_where_the_alias_leads_nowhere(world: World, why: str) -> None:
    served = world.template.model_copy(update={"uri": ALIAS, "version": "models:/blues/1"})
    world.services.models.tell(served)
    if why == "registry away":
        world.alias = ConnectionError("no route to MLflow")
    else:
        world.alias = "models:/blues/2"
        world.faults["models:/blues/2"] = [InputError("checkpoint is broken")]
    watch = world.watch()
    asyncio.run(watch.begin())
    assert watch.facts.version == "models:/blues/1"
    assert watch.facts.refused in ("no route to MLflow", "checkpoint is broken")


def test_a_first_start_with_no_model_fails_with_the_reason(world: World) -> None:
    world.alias = InputError("models:/blues@champion: there is no such model")
    with pytest.raises(InputError, match="there is no such model"):
        asyncio.run(world.watch().begin())


@pytest.mark.parametrize("model", ["a/folder", "models:/blues/7"])
def test_an_address_that_always_means_the_same_is_not_watched(world: World, model: str) -> None:
    world.settings = world.settings.model_copy(update={"model": model})
    watch = world.watch()

    async def run() -> None:
        await watch.begin()
        await asyncio.wait_for(watch.follow(), 10)

    asyncio.run(run())
    assert watch.facts.version == model
