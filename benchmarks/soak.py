"""Hours of mixed traffic in minutes: does anything grow that should not?

    make soak      (or: python benchmarks/soak.py --minutes 30)

Callers make compositions, upload, generate, follow, hang up, cancel, mix, export and delete, each its own
way, on a tiny model of random weights. Every few seconds memory and open files of each replica, the proxy and
Serve's controller are read. At the end every composition is deleted and nothing may be left: no row, no blob.
Fails on what is left, and where memory or open files grow from the second fifth of the time to the last by
more than is allowed (five minutes are too few: caches fill). Writes benchmarks/results/soak.md.
"""

import argparse
import io
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import soundfile
from machine import RESULTS, hardware, table
from random_model import random_model
from sqlalchemy import func, select

from stemwright_platform.client import ApiError, Client
from stemwright_platform.serving.local_server import local_server, local_settings
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import Composition, Generation, Selection, Take

TRACKS = ("bass", "drums", "instrument", "melody")
RATE = 48_000
EVERY_S = 5.0
MOST_FILES = 10
"""More open files of a process at the end."""
MOST_MEMORY = 1.10
"""Times its memory."""
OURS = re.compile(r"ray::.*(?:stemwright[#:](\w+)|(ProxyActor|ServeController))")
"""Titles of the processes that are watched."""
ABOUT = (__doc__ or "").split("\n\n")[2].strip()


@dataclass
class Watched:
    """What the processes of the application held, look by look."""

    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Process → MB."""
    files: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def look(self) -> None:
        for process in psutil.Process().children(recursive=True):
            try:
                if found := OURS.search(" ".join(process.cmdline()[:1])):
                    name = f"{found[1] or found[2]} {process.pid}"
                    self.memory[name].append(process.memory_info().rss / 1e6)
                    self.files[name].append(process.num_fds())
            except psutil.Error:
                continue


def stem(rng: random.Random, seconds: float) -> bytes:
    noise = np.random.default_rng(rng.randrange(2**31)).standard_normal((round(RATE * seconds), 2))
    file = io.BytesIO()
    soundfile.write(file, 0.1 * noise, RATE, format=rng.choice(["WAV", "FLAC"]))
    return file.getvalue()


def musician(address: str, seed: int, end: float, done: Counter[str]) -> None:
    """One caller's sessions, until the end."""
    rng = random.Random(seed)
    with Client(address) as api:
        while time.monotonic() < end:
            session(api, rng, done)


def session(api: Client, rng: random.Random, done: Counter[str]) -> None:
    """A composition from its beginning; half of them are deleted at once, the others at the end of all."""
    piece = api.create_composition("slow blues", duration_s=rng.choice([1.0, 2.0]), tempo_bpm=120)
    done["compositions"] += 1
    if rng.random() < 0.5:
        given = rng.choice(TRACKS)
        api.upload(piece.id, given, stem(rng, rng.uniform(0.5, 3.0)))
        done["uploads"] += 1
    for _ in range(rng.randint(1, 3)):
        targets = rng.sample(TRACKS, rng.randint(1, 4))
        made = api.generate(piece.id, targets, steps=rng.randint(1, 6), candidates=rng.randint(1, 2))
        way = rng.random()
        if way < 0.2:
            api.cancel(made.id)
            done["cancelled"] += 1
            continue
        if way < 0.4:
            for _ in api.follow(made.id):
                break  # hangs up
            done["hung up"] += 1
        ended = api.wait(made.id)
        done["generations"] += 1
        api.select(piece.id, {take.track: take.id for take in ended.takes})
        api.take_audio(rng.choice(ended.takes).id, rng.choice(["wav", "flac", "ogg"]))
        api.take_peaks(ended.takes[0].id)
    if any(slot.selected for slot in api.composition(piece.id).slots.values()):
        api.mix(piece.id, rng.choice(["wav", "flac"]))
        api.export(piece.id, rng.choice(["zip", "dawproject"]))
        done["mixes and exports"] += 1
    try:
        api.upload(piece.id, "bass", b"no audio")
    except ApiError:
        done["refused uploads"] += 1
    if rng.random() < 0.5:
        api.delete_composition(piece.id)


def traffic(address: str, minutes: float, callers: int, watched: Watched) -> Counter[str]:
    end, done = time.monotonic() + 60 * minutes, Counter[str]()
    threads = [threading.Thread(target=musician, args=(address, seed, end, done)) for seed in range(callers)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        watched.look()
        time.sleep(EVERY_S)
    return done


def left(services: Services) -> dict[str, int]:
    """Rows and blobs that outlive their compositions."""
    with services.database.read() as session:
        rows = {
            kind.__tablename__: session.scalar(select(func.count()).select_from(kind)) or 0
            for kind in (Composition, Take, Selection, Generation)
        }
    return {**rows, "blobs": len(services.blobs.keys())}


def grown(watched: Watched) -> tuple[list[tuple[str, ...]], list[str]]:
    """A line for each process, and what is wrong."""
    lines, faults = [], []
    for name, memory in watched.memory.items():
        fifth = len(memory) // 5
        if fifth == 0:
            continue
        files = watched.files[name]
        early, late = (
            statistics.median(memory[part]) for part in (slice(fifth, 2 * fifth), slice(-fifth, None))
        )
        opened, open_late = (
            statistics.median(files[part]) for part in (slice(fifth, 2 * fifth), slice(-fifth, None))
        )
        lines.append(
            (name, f"{early:.0f}", f"{late:.0f}", f"{late / early:.2f}", f"{opened:.0f}", f"{open_late:.0f}")
        )
        if late > MOST_MEMORY * early:
            faults.append(f"{name}: memory grew from {early:.0f} to {late:.0f} MB")
        if open_late > opened + MOST_FILES:
            faults.append(f"{name}: open files grew from {opened:.0f} to {open_late:.0f}")
    return lines, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--callers", type=int, default=6)
    asked = parser.parse_args()
    watched = Watched()
    with tempfile.TemporaryDirectory() as folder:
        settings = local_settings(str(random_model(Path(folder) / "model")), Path(folder) / "state")
        with local_server(settings, port=8125) as address:
            done = traffic(address, asked.minutes, asked.callers, watched)
            with Client(address) as api:
                for piece in list(api.compositions()):
                    api.delete_composition(piece.id)
        services = Services.open(settings)
        remains = left(services)
        services.database.close()
    lines, faults = grown(watched)
    faults += [f"{count} {what} are left" for what, count in remains.items() if count]
    counts = ", ".join(f"{count} {what}" for what, count in done.items())
    heads = ("process", "MB early", "MB late", "ratio", "files early", "files late")
    text = "\n".join(
        [
            f"# Mixed traffic\n\n{ABOUT}\n",
            f"{asked.minutes:g} minutes, {asked.callers} callers at a time: {counts}.\n",
            table(heads, lines),
            "Left at the end: " + ", ".join(f"{count} {what}" for what, count in remains.items()) + ".\n",
            *(f"**{fault}**\n" for fault in faults),
            hardware() + "\n",
        ]
    )
    print(text)
    (RESULTS / "soak.md").write_text(text)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
