"""Denoisers come and go with the work: one, several, one again, under a load that rises and falls.

    make bench-autoscaling      (or: python benchmarks/autoscaling.py)

The whole application on local Ray with its own scaling policy; a denoiser's step takes a fixed time, as on an
accelerator of its own, so that more denoisers are worth having on a machine with few cores. Writes
docs/serving-run/autoscaling.png and benchmarks/results/autoscaling.md.
"""

import argparse
import json
import os
import random
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from machine import RESULTS, hardware, table
from random_model import random_model
from ray import serve

from stemwright_platform.cluster import connect
from stemwright_platform.picture_style import ACCENT, SECOND, dress, new_figure, save
from stemwright_platform.serving import proxy
from stemwright_platform.serving.api_replica import ApiReplica
from stemwright_platform.serving.codec_replica import CodecReplica
from stemwright_platform.serving.denoiser_replica import AUTOSCALING, DenoiserReplica
from stemwright_platform.serving.dispatcher_replica import DispatcherReplica
from stemwright_platform.serving.local_server import local_settings
from stemwright_platform.serving.text_replica import TextReplica

if TYPE_CHECKING:
    from stemwright.checkpoint import Checkpoint
    from stemwright.sampler import Denoiser

PORT = 8124
MOST = 4
STEPS = 20
STEP_S = 0.2
PHASES = ((30, 0.4), (90, 3.0), (120, 0.2))
"""Seconds, and generations a second."""
PICTURE = Path(__file__).parents[1] / "docs" / "serving-run" / "autoscaling.png"
ABOUT = (__doc__ or "").split("\n\n")[2].strip()


class SlowDenoiser(DenoiserReplica.func_or_class):  # type: ignore[misc, name-defined]
    """A forward takes its time, whatever the rows, and no core."""

    def _of_model(self, model: str) -> "tuple[Checkpoint, Denoiser]":
        checkpoint, denoiser = super()._of_model(model)

        def slow(*arguments: Any) -> Any:
            end = time.monotonic() + STEP_S
            eps = denoiser(*arguments)
            time.sleep(max(end - time.monotonic(), 0))
            return eps

        return checkpoint, slow


@dataclass
class Seen:
    """What was seen, second by second, and of each generation."""

    time_s: list[float] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    denoisers: list[int] = field(default_factory=list)
    asked_s: list[float] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)


def application(settings: Any) -> serve.Application:
    scaling = {**AUTOSCALING, "max_replicas": MOST, "downscale_delay_s": 20, "upscale_delay_s": 3}
    slow = DenoiserReplica.options(func_or_class=SlowDenoiser, autoscaling_config=scaling)
    stages = TextReplica.bind(settings), CodecReplica.bind(settings), slow.bind(settings)
    return ApiReplica.bind(settings, DispatcherReplica.bind(settings, *stages))


def num_denoisers() -> int:
    states = serve.status().applications["stemwright"].deployments["denoiser"].replica_states
    return sum(count for state, count in states.items() if state == "RUNNING")


def watch(api: httpx.Client, seen: Seen, began: float, over: threading.Event) -> None:
    while not over.is_set():
        counts = {
            line.split('"')[1]: int(line.split()[-1])
            for line in api.get("/metrics").text.splitlines()
            if line.startswith("stemwright_generations{")
        }
        seen.time_s.append(time.monotonic() - began)
        seen.waiting.append(counts["queued"])
        seen.running.append(counts["running"])
        seen.denoisers.append(num_denoisers())
        over.wait(1.0)


def asked_for(api: httpx.Client, began: float) -> list[tuple[float, str]]:
    """(when, generation) of a load with Poisson arrivals."""
    made = api.post("/compositions", json={"prompt": "slow blues", "duration_s": 1.0}).json()["id"]
    rng, at, end, asked = random.Random(0), 0.0, 0.0, []
    for seconds, rate_hz in PHASES:
        end += seconds
        while (at := at + rng.expovariate(rate_hz)) < end:
            time.sleep(max(began + at - time.monotonic(), 0))
            body = {"targets": ["bass"], "steps": STEPS}
            row = api.post(f"/compositions/{made}/generations", json=body).raise_for_status().json()
            asked.append((time.monotonic() - began, row["id"]))
        at = end
    time.sleep(max(began + end - time.monotonic(), 0))
    return asked


def draw(seen: Seen, path: Path) -> None:
    about = f"{len(seen.asked_s)} generations of {STEPS} steps, {1000 * STEP_S:g} ms each"
    figure = new_figure(9, 6.6, "Denoisers follow the work", about)
    load, queue, count, latency = figure.subplots(4, 1, sharex=True)
    edges = np.cumsum([0, *(seconds for seconds, _ in PHASES)])
    load.stairs([rate for _, rate in PHASES], edges, color=SECOND, linewidth=1.6)
    dress(load, "Generations asked for, a second")
    queue.stackplot(seen.time_s, seen.running, seen.waiting, colors=[ACCENT, SECOND], alpha=0.7)
    dress(queue, "In hand (blue) and waiting (orange)")
    count.step(seen.time_s, seen.denoisers, where="post", color=ACCENT, linewidth=1.8)
    count.set_ylim(0, MOST + 0.5)
    dress(count, "Denoisers")
    latency.plot(seen.asked_s, seen.latency_s, ".", color=ACCENT, markersize=4)
    dress(latency, "Seconds from asked for to done, by when it was asked for", x="seconds")
    path.parent.mkdir(parents=True, exist_ok=True)
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.parse_args()
    os.environ[proxy.VARIABLE] = proxy.IMPORT_PATH
    connect(MOST + 2)
    seen, over = Seen(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        model = random_model(Path(folder) / "model")
        settings = local_settings(str(model), Path(folder) / "state").model_copy(update={"threads": 1})
        serve.start(http_options={"port": PORT})
        serve.run(application(settings), name="stemwright", route_prefix="/")
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}/v1", timeout=60) as api:
            while api.get("/readyz").status_code != 200:
                time.sleep(0.2)
            began = time.monotonic()
            watcher = threading.Thread(target=watch, args=(api, seen, began, over))
            watcher.start()
            asked = asked_for(api, began)
            rows = [api.get(f"/generations/{row}").json() for _, row in asked]
            over.set()
            watcher.join()
        serve.shutdown()
    done = [(at, row) for (at, _), row in zip(asked, rows, strict=True) if row["state"] == "done"]
    seen.asked_s = [at for at, _ in done]
    seen.latency_s = [row["ended_at"] - row["created_at"] for _, row in done]
    draw(seen, PICTURE)
    (RESULTS / "autoscaling.json").write_text(json.dumps(seen.__dict__))
    changes = [
        (f"{at:.0f}", before, after)
        for at, before, after in zip(seen.time_s[1:], seen.denoisers, seen.denoisers[1:], strict=False)
        if before != after
    ]
    edges = np.cumsum([0, *(seconds for seconds, _ in PHASES)])
    phases = []
    for (_, rate), start, stop in zip(PHASES, edges, edges[1:], strict=False):
        took = _between(seen, start, stop)
        row = (f"{start:.0f} to {stop:.0f}", rate, len(took), f"{np.median(took):.1f}", f"{max(took):.1f}")
        phases.append(row)
    text = "\n".join(
        [
            f"# Denoisers that come and go\n\n{ABOUT}\n",
            f"{len(done)} of {len(asked)} generations done; alone one takes {STEPS * STEP_S:g} s.\n",
            table(("asked for in s", "a second", "generations", "median s", "longest s"), phases),
            table(("at s", "denoisers", "then"), changes),
            f"![replicas, queue and latency](../../docs/serving-run/{PICTURE.name})\n",
            hardware() + "\n",
        ]
    )
    print(text)
    (RESULTS / "autoscaling.md").write_text(text)


def _between(seen: Seen, start: float, stop: float) -> list[float]:
    pairs = zip(seen.asked_s, seen.latency_s, strict=True)
    return [latency for at, latency in pairs if start <= at < stop]


if __name__ == "__main__":
    main()
