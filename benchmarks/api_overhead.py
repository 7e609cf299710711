"""What the API adds to a call: many clients that poll a generation, on a model that computes nothing.

    make bench-api      (or: python benchmarks/api_overhead.py --clients 200 --every 2)

Clients and server share this machine. Latency of `GET /v1/generations/{id}` as clients see it, over HTTP and
Serve's proxy, from a database that holds a queue of other generations. Writes
benchmarks/results/api_overhead.md.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from machine import RESULTS, hardware, table
from random_model import random_model

from stemwright_platform.serving.local_server import local_server, local_settings

TARGET_MS = 15.0
ABOUT = (__doc__ or "").split("\n\n")[2].strip()


def ended_generation(address: str) -> str:
    """Path of a generation that is done."""
    with httpx.Client(base_url=f"{address}/v1", timeout=60) as api:
        made = api.post("/compositions", json={"prompt": "slow blues", "duration_s": 2.0}).json()["id"]
        asked = api.post(f"/compositions/{made}/generations", json={"targets": ["bass"], "steps": 2}).json()
        path = f"/generations/{asked['id']}"
        while api.get(path).json()["state"] != "done":
            time.sleep(0.1)
    return path


async def polled(address: str, path: str, clients: int, every_s: float, seconds: float) -> list[float]:
    """Seconds of each call."""
    latencies: list[float] = []
    end = time.monotonic() + seconds

    async def client(phase: float) -> None:
        # without certificates: reading them takes each client tens of milliseconds of this process's time
        async with httpx.AsyncClient(base_url=f"{address}/v1", timeout=60, verify=False) as api:
            await asyncio.sleep(phase)
            while time.monotonic() < end:
                began = time.perf_counter()
                (await api.get(path)).raise_for_status()
                latencies.append(time.perf_counter() - began)
                await asyncio.sleep(max(every_s - latencies[-1], 0))

    rng = random.Random(0)
    await asyncio.gather(*(client(rng.random() * every_s) for _ in range(clients)))
    return latencies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between a client's calls")
    parser.add_argument("--seconds", type=float, default=40.0)
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = random_model(Path(folder) / "model")
        with local_server(local_settings(str(model), Path(folder) / "state"), port=8123) as address:
            path = ended_generation(address)
            for clients in (1, asked.clients):
                got = sorted(asyncio.run(polled(address, path, clients, asked.every, asked.seconds)))
                percent = statistics.quantiles(got, n=100)
                cells = (1000 * percent[at - 1] for at in (50, 95, 99))
                rows.append((clients, f"{len(got) / asked.seconds:.1f}", *(f"{ms:.1f}" for ms in cells)))
    heads = ("clients", "calls/s", "median ms", "95 % ms", "99 % ms")
    text = "\n".join(
        [
            f"# What the API adds\n\n{ABOUT}\n",
            table(heads, rows),
            f"Target: median at most {TARGET_MS:g} ms at {asked.clients} clients every {asked.every:g} s.\n",
            hardware() + "\n",
        ]
    )
    print(text)
    (RESULTS / "api_overhead.md").write_text(text)


if __name__ == "__main__":
    main()
