"""Which version of the model new generations are made with: it follows the alias in the registry."""

import asyncio
import logging
import time
from collections.abc import Callable

from stemwright_platform.serving.checkpoint_folder import is_alias, pinned_version
from stemwright_platform.serving.models import ServedModels
from stemwright_platform.serving.schema import ModelFacts
from stemwright_platform.serving.settings import ServingSettings
from stemwright_platform.serving.stages import Stages, WorkerLost

log = logging.getLogger(__name__)

RETRY_S = 300.0
"""A version that was refused is tried again after this long."""
PAUSE_S = 1.0
"""Between looks for replicas that are not there yet."""


class ModelWatch:
    """Holds the served version, and changes it once a new one is loaded everywhere and fits."""

    def __init__(
        self,
        settings: ServingSettings,
        stages: Stages,
        models: ServedModels,
        resolve: Callable[[str, str | None], str] = pinned_version,
    ) -> None:
        """`resolve` gives the version that an address means now; it may block, and fail."""
        self._settings, self._stages, self._models, self._resolve = settings, stages, models, resolve
        self._facts: ModelFacts | None = None
        self._refused: tuple[str, float] | None = None
        """Version, and when."""
        self._quiet_about: str | None = None
        """What was said last of a registry that does not answer."""
        self.changed = asyncio.Event()
        """Set when `facts` have changed; whoever tells them clears it."""

    @property
    def facts(self) -> ModelFacts:
        """Of the version that generations claimed now are made with."""
        assert self._facts is not None, "begin() comes first"
        return self._facts

    async def begin(self) -> None:
        """Load what the address means now; where that is not to be had, what was served last.

        Waits for replicas. Raises why the first choice cannot be served where there is no second.
        """
        reason: Exception | None = None
        for version in await self._candidates():
            try:
                if isinstance(version, Exception):
                    raise version
                facts = await self._loaded(version)
            except Exception as error:
                reason = reason or error
                log.warning("cannot serve %s: %s", self._settings.model, one_line(error))
                continue
            self._facts = facts.model_copy(update={"refused": reason and one_line(reason)})
            return
        assert reason is not None
        raise reason

    async def follow(self) -> None:
        """Look at the alias every `model_poll_s`; ends at once for an address that always means the same."""
        while is_alias(self._settings.model):
            await asyncio.sleep(self._settings.model_poll_s)
            version = await self._resolved()
            if version is not None:
                await self._change_to(version)

    async def _candidates(self) -> list[str | Exception]:
        """What may be served at the start, best first."""
        found: list[str | Exception] = []
        try:
            found.append(await asyncio.to_thread(self._ask))
        except Exception as error:
            found.append(error)
        told = await asyncio.to_thread(self._models.last, self._settings.model)
        if told is not None and told.version and told.version not in found:
            found.append(told.version)
        return found

    async def _loaded(self, version: str) -> ModelFacts:
        while True:
            try:
                return await self._stages.prepare(version)
            except WorkerLost:
                await asyncio.sleep(PAUSE_S)

    def _ask(self) -> str:
        return self._resolve(self._settings.model, self._settings.tracking_uri)

    async def _resolved(self) -> str | None:
        """What the alias means now; None, said once, while the registry does not say."""
        try:
            version = await asyncio.to_thread(self._ask)
        except Exception as error:
            reason = one_line(error)
            if reason != self._quiet_about:
                log.warning("serving %s stays: %s", self.facts.version, reason)
            self._quiet_about = reason
            return None
        self._quiet_about = None
        return version

    async def _change_to(self, version: str) -> None:
        """Serve another version from now on, unless it cannot be."""
        if version == self.facts.version:
            self._refused = None
            self._tell(self.facts.model_copy(update={"refused": None}))
            return
        if self._refused and self._refused[0] == version and time.monotonic() - self._refused[1] < RETRY_S:
            return
        try:
            facts = await self._stages.prepare(version)
        except WorkerLost as loss:
            log.warning("%s is not loaded yet: %s", version, loss)
        except Exception as error:
            self._refuse(version, one_line(error))
        else:
            self._take_up(facts)

    def _take_up(self, facts: ModelFacts) -> None:
        if misfit := _misfit(self.facts, facts):
            self._refuse(facts.version, misfit)
            return
        log.warning("serving %s, was %s", facts.version, self.facts.version)
        self._refused = None
        self._tell(facts)

    def _refuse(self, version: str, reason: str) -> None:
        self._refused = (version, time.monotonic())
        said = f"{version} is not served: {reason}"
        if said != self.facts.refused:
            log.error("%s; serving %s stays", said, self.facts.version)
        self._tell(self.facts.model_copy(update={"refused": said}))

    def _tell(self, facts: ModelFacts) -> None:
        if facts != self._facts:
            self._facts = facts
            self.changed.set()


def one_line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]


def _misfit(served: ModelFacts, new: ModelFacts) -> str | None:
    """Why compositions made with one version cannot go on with another."""
    if new.tracks != served.tracks:
        return f"its tracks are {', '.join(new.tracks)}, not {', '.join(served.tracks)}"
    if new.sample_rate_hz != served.sample_rate_hz:
        return f"its sample rate is {new.sample_rate_hz} Hz, not {served.sample_rate_hz} Hz"
    return None
