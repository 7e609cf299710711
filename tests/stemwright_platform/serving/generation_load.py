"""Many generations at once on a server under test, and its processes, to be killed."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from process_tree import below, command, wait_until

ENDED = ("done", "failed", "cancelled")
STEPS = 6


@dataclass
class Load:
    """Generations of one composition, asked for at once, each with a seed of its own."""

    api: httpx.Client
    ids: list[str] = field(default_factory=list)

    def ask(self, count: int, steps: int = STEPS) -> None:
        made = self.api.post("/compositions", json={"prompt": "slow blues", "duration_s": 1.0, "seed": 1})
        url = f"/compositions/{made.raise_for_status().json()['id']}/generations"
        for seed in range(count):
            asked = {"targets": ["bass"], "seed": seed, "steps": steps}
            self.ids.append(self.api.post(url, json=asked).raise_for_status().json()["id"])

    def all(self) -> list[dict[str, Any]]:
        """Each as it stands; a server that is away is asked again."""
        return [self._patient(f"/generations/{each}").json() for each in self.ids]

    def ended(self) -> int:
        return sum(made["state"] in ENDED for made in self.all())

    def wait(self) -> list[dict[str, Any]]:
        wait_until(lambda: self.ended() == len(self.ids), f"{len(self.ids)} generations")
        return self.all()

    def takes(self) -> Iterator[tuple[int, bytes]]:
        """Seed and audio of each generation, all of which are done."""
        for made in self.wait():
            assert (made["state"], made["error"]) == ("done", None), made
            (take,) = made["takes"]
            yield take["seed"], self._patient(f"/takes/{take['id']}/audio").content

    def _patient(self, url: str) -> httpx.Response:
        for _ in range(600):
            with suppress(httpx.HTTPError):
                return self.api.get(url).raise_for_status()
            time.sleep(0.2)
        return self.api.get(url).raise_for_status()


def replicas(deployment: str, ancestor: int | None = None) -> list[int]:
    """Processes of a deployment's replicas."""
    name = f"ServeReplica:stemwright:{deployment}"
    return [pid for pid in below(ancestor or os.getpid()) if name in command(pid)]


def kill(deployment: str) -> int:
    """All its replicas; how many there were."""
    found = replicas(deployment)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return len(found)
