"""The models that a replica holds ready, so that generations of two versions can run side by side."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from stemwright_platform.serving.settings import ServingSettings

log = logging.getLogger(__name__)
T = TypeVar("T")

CAPACITY = 2
"""The version of new generations, and the one before it, which those in flight finish on."""


class LoadedModels(Generic[T]):
    """What was loaded for the addresses used last; safe to call from several threads."""

    def __init__(self, load: Callable[[str], T], capacity: int = CAPACITY) -> None:
        """`load` makes what belongs to an address; it runs in the thread of the first who asks."""
        self._load, self._capacity = load, capacity
        self._held: dict[str, Future[T]] = {}
        """The most recently used stands last."""
        self._lock = threading.Lock()

    @property
    def addresses(self) -> list[str]:
        """What is held, the least recently used first."""
        with self._lock:
            return list(self._held)

    def get(self, address: str) -> T:
        """What belongs to an address, loaded where it is not there; who comes meanwhile waits for it.

        What is let go stays alive with those who still use it. Raises what loading raises; the next call
        tries again.
        """
        with self._lock:
            held = self._held.pop(address, None)
            result: Future[T] = Future() if held is None else held
            self._held[address] = result
            while len(self._held) > self._capacity:
                del self._held[next(iter(self._held))]
        if held is None:
            self._fill(address, result)
        return result.result()

    def _fill(self, address: str, result: "Future[T]") -> None:
        try:
            result.set_result(self._load(address))
        except BaseException as error:
            with self._lock:
                if self._held.get(address) is result:
                    del self._held[address]
            result.set_exception(error)


def preload(models: LoadedModels[T], settings: ServingSettings) -> None:
    """Load before the first call what the application serves, where that is known: a new replica is warm.

    Nothing is raised: the dispatcher decides which version is served, and says why one is not.
    """
    try:
        if version := _served_version(settings):
            models.get(version)
    except Exception as error:
        log.warning("not loaded yet: %s", str(error).splitlines()[0] if str(error) else type(error).__name__)


def _served_version(settings: ServingSettings) -> str | None:
    """The address that the dispatcher told last; None before the first start."""
    if "@" not in settings.model or not settings.model.startswith("models:"):
        return settings.model
    import time

    from stemwright_platform.serving.database import Database
    from stemwright_platform.serving.models import ServedModels

    database = Database(settings.database_url)
    try:
        told = ServedModels(database, time.time).last(settings.model)
    finally:
        database.close()
    return told.version if told else None
