"""The studio in a real browser: first paint, how soon it answers, what it weighs.

    make bench-studio

Chromium without a window and the server share this machine. A piece of four lanes of two minutes is opened
from an empty cache; then takes are switched, lanes muted, spans marked and the view zoomed, while it plays.
The time of an interaction is the browser's own (Event Timing): from the click to the next frame that shows
what it did, in steps of 8 ms. Writes benchmarks/results/studio.md.
"""

import gzip
import io
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from machine import RESULTS, hardware, table
from playwright.sync_api import Browser, Page, sync_playwright
from random_model import random_model

from stemwright_platform.client import Client
from stemwright_platform.serving.local_server import local_server, local_settings
from stemwright_platform.serving.studio_page import FOLDER

OPENINGS = 7
ROUNDS = 5
SECONDS = 120.0
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
WATCH = """
window.heard = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) {
    if (["click", "pointerup", "keydown"].includes(each.name)) window.heard.push(each.duration);
  }
}).observe({ type: "event", durationThreshold: 16 });
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def stem(number: int) -> bytes:
    """Two minutes of notes, as WAV."""
    time = np.arange(int(SECONDS * 48_000)) / 48_000
    tone = 0.2 * np.exp(-4 * ((time * 2) % 1)) * np.sin(2 * np.pi * 110 * (number + 1) * time)
    file = io.BytesIO()
    soundfile.write(
        file, np.stack([tone, tone], 1).astype(np.float32), 48_000, format="WAV", subtype="PCM_24"
    )
    return file.getvalue()


def prepared(address: str) -> str:
    """Id of a piece with two takes of each track."""
    with Client(address) as api:
        piece = api.create_composition(prompt="slow blues", duration_s=SECONDS, tempo_bpm=120)
        for number, track in enumerate(piece.tracks):
            for take in range(2):
                api.upload(piece.id, track, stem(number + take))
        return piece.id


def opened(browser: Browser, address: str) -> tuple[Page, float, float]:
    """A page from an empty cache; milliseconds to its first paint and to its four waveforms."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    while page.evaluate("document.querySelectorAll('.waveform').length") < 4:
        page.wait_for_timeout(10)
    drawn = page.evaluate("performance.now()")
    return page, page.evaluate(PAINT), drawn


def interacted(page: Page) -> dict[str, list[float]]:
    """Milliseconds of each kind of interaction; 16 stands for "in the next frame or the one after"."""
    while page.evaluate("document.querySelector('.loading') !== null"):
        page.wait_for_timeout(50)
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(500)
    found: dict[str, list[float]] = {}

    def timed(what: str, act: Any) -> None:
        page.evaluate("window.heard.length = 0")
        act()
        page.wait_for_timeout(300)
        found.setdefault(what, []).append(max([16.0, *page.evaluate("window.heard")]))

    for number in range(ROUNDS):
        takes = page.get_by_role("radiogroup", name="Takes of bass").get_by_role("radio")
        timed("switch a take", takes.nth(number % 2).click)
        timed("mute a lane", page.get_by_role("button", name="Mute drums").click)
        timed("go elsewhere", lambda: page.locator(".ruler").click(position={"x": 300, "y": 12}))
        timed("mark a span", lambda: drag(page))
        timed("zoom in", page.get_by_role("button", name="Zoom in").click)
        timed("zoom out", page.get_by_role("button", name="Zoom out").click)
    return found


def drag(page: Page) -> None:
    box = page.locator("[data-track=drums] .wave-ground").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 30, steps=6)
    page.mouse.up()


def weight() -> int:
    """Bytes of all that the page loads, compressed."""
    files = [FOLDER / "index.html", *(FOLDER / "assets").iterdir()]
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)


def main() -> None:
    path = next(path for path in CHROMIUM if Path(path).exists())
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = local_settings(str(random_model(Path(folder) / "model")), Path(folder) / "state")
        with local_server(settings, port=8126) as server:
            address = f"{server}/?piece={prepared(server)}"
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page, paint, drawn = opened(browser, address)
            paints, drawings = [paint], [drawn]
            while len(paints) < OPENINGS:
                page.context.close()
                page, paint, drawn = opened(browser, address)
                paints.append(paint)
                drawings.append(drawn)
            times = interacted(page)
            browser.close()
    rows = [
        ["first paint, ms (target 1,000)", f"{statistics.median(paints):.0f}", f"{max(paints):.0f}"],
        ["four waveforms drawn, ms", f"{statistics.median(drawings):.0f}", f"{max(drawings):.0f}"],
    ]
    for what, all_ms in times.items():
        rows.append([f"{what}, ms (target 100)", f"{statistics.median(all_ms):.0f}", f"{max(all_ms):.0f}"])
    rows.append(["compressed, kB (target 300)", f"{weight() / 1000:.0f}", ""])
    text = "\n\n".join(
        (
            "# The studio",
            (__doc__ or "").split("\n\n", 2)[2].strip(),
            table(["", "median", "most"], rows),
            hardware(),
        )
    )
    (RESULTS / "studio.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
