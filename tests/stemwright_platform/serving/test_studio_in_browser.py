"""The studio in a real browser on a real Serve application, as musicians use it."""

import io
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
import uvicorn
from process_tree import wait_until
from serve_command import ServeCommand

from stemwright_platform.serving.api import create_api

pytestmark = [pytest.mark.browser, pytest.mark.ray]

WAIT_MS = 60_000
HEARD = """
// what the page tells Web Audio: which samples sound from when on
window.started = [];
const start = AudioBufferSourceNode.prototype.start;
const stop = AudioBufferSourceNode.prototype.stop;
AudioBufferSourceNode.prototype.start = function (when, offset) {
  this.told = { when, offset, from: this.context.currentTime, stopped: null };
  window.started.push(this.told);
  start.apply(this, arguments);
};
AudioBufferSourceNode.prototype.stop = function (when) {
  this.told.stopped = when;
  stop.apply(this, arguments);
};
"""
CAUSED = (
    "net::ERR_INTERNET_DISCONNECTED",
    "net::ERR_CONNECTION_REFUSED",
    "status of 404",
    "status of 422",
    "status of 401",
    "status of 500",
    "status of 503",
)
"""Errors in the console that a test brings about; the browser itself writes them."""


@pytest.fixture
def visit(chromium: Any, api: httpx.Client) -> Iterator[Callable[..., Any]]:
    """Opens the studio; in the end nothing must have gone wrong in it, and nothing come from elsewhere."""
    contexts, errors, elsewhere = [], [], []
    root = str(api.base_url).removesuffix("/v1/")

    def open_page(address: str = "/", *, width: int = 1440, height: int = 900, dark: bool = False) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        context.add_init_script(HEARD)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                errors.append(message.text)
                if message.type == "error" and not any(each in message.text for each in CAUSED)
                else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((root, "blob:", "data:")) else elsewhere.append(request.url)
            ),
        )
        page.goto(f"{root}{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
    assert elsewhere == []


@pytest.fixture
def piece(api: httpx.Client, make_sine: Callable[..., Any], make_wav: Callable[..., bytes]) -> str:
    """Id of a piece of two bars with an uploaded take of each track, two of bass."""
    asked = {"name": "Two bars", "prompt": "slow blues", "bars": 2, "tempo_bpm": 240, "seed": 5}
    made = api.post("/compositions", json=asked).raise_for_status().json()
    for number, track in enumerate(("bass", "bass", "drums", "instrument", "melody")):
        sound = make_wav(make_sine(2.0, level=0.1 + 0.02 * number))
        api.put(f"/compositions/{made['id']}/tracks/{track}", content=sound).raise_for_status()
    return made["id"]


def until(page: Any, expression: str) -> None:
    """Playwright's own waiting is forbidden by the page's policy."""
    for _ in range(WAIT_MS // 50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def chosen(api: httpx.Client, composition_id: str) -> dict[str, str | None]:
    slots = api.get(f"/compositions/{composition_id}").raise_for_status().json()["slots"]
    return {track: slot["selected"] for track, slot in slots.items()}


def kept(api: httpx.Client, composition_id: str, wanted: Callable[[dict[str, str | None]], bool]) -> dict:
    """The choice, once the server has it: the page shows it a moment before."""
    wait_until(lambda: wanted(chosen(api, composition_id)), "the choice on the server")
    return chosen(api, composition_id)


def lane(page: Any, track: str) -> Any:
    return page.get_by_role("region", name=f"{track.capitalize()} track")


def quick(page: Any, steps: int) -> None:
    """The model here is tiny: so many steps are enough, or long enough."""
    advanced = page.get_by_role("button", name="Advanced")
    if advanced.get_attribute("aria-expanded") == "false":
        advanced.click()
    page.get_by_role("spinbutton", name="Steps").fill(str(steps))
    page.get_by_role("spinbutton", name="Steps").press("Tab")


def test_alg_1_from_the_prompt_to_the_export(visit, api, tmp_path):
    page = visit()
    page.get_by_role("group", name="Genre").get_by_role("button", name="blues").click()
    page.get_by_role("group", name="Mood").get_by_role("button", name="dark").click()
    assert page.get_by_label("Prompt").input_value() == "blues, dark"
    page.get_by_label("Tempo in beats a minute").fill("240")
    page.get_by_label("Length in bars").select_option("2")
    page.get_by_role("button", name="Compose four tracks").click()
    page.get_by_role("radio").nth(3).wait_for()  # lines 5 and 6: a take of each
    composition = piece_of(page)
    until(page, "document.querySelectorAll('.waveform').length === 4")
    first = kept(api, composition, lambda choice: all(choice.values()))
    page.get_by_role("progressbar").first.wait_for(state="detached")

    for track in ("bass", "drums"):  # line 7: keep two
        lane(page, track).get_by_role("button", name=f"Keep {track}").click()
    quick(page, 2)
    page.get_by_label("Takes each").select_option("2")
    go = page.locator(".composer .go")
    assert go.inner_text().splitlines() == ["Remake instrument and melody", "to fit bass and drums"]
    go.click()  # lines 10 and 11: the rest, given those
    lane(page, "melody").get_by_role("radio").nth(2).wait_for()
    until(
        page,
        "[...document.querySelectorAll('[data-track=melody] [role=radio]')]"
        ".findIndex((take) => take.ariaChecked === 'true') === 1",
    )
    second = kept(api, composition, lambda choice: choice["melody"] != first["melody"])
    assert {track: second[track] for track in ("bass", "drums")} == {
        track: first[track] for track in ("bass", "drums")
    }
    assert second["melody"] is not None

    lane(page, "melody").get_by_role("radio", name="take 3").click()  # line 13: choose
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Stems and mix").click()
    download.value.save_as(tmp_path / "piece.zip")
    names = zipfile.ZipFile(tmp_path / "piece.zip").namelist()
    assert len([name for name in names if name.endswith(".wav")]) == 5, names
    earlier = (None, first["melody"], second["melody"])
    kept(api, composition, lambda choice: choice["melody"] not in earlier)


def test_stems_start_on_one_tick_and_a_take_is_switched_without_a_gap(visit, piece):
    page = visit(f"/?piece={piece}")
    until(page, "!document.querySelector('.loading') && document.querySelector('.waveform')")
    page.get_by_role("button", name="Loop").click()  # two seconds are soon over
    page.get_by_role("button", name="Play").click()
    until(page, "window.started.length === 4")
    assert len({(each["when"], each["offset"]) for each in page.evaluate("window.started")}) == 1
    level = "Number(document.querySelector('.meter-bar').style.getPropertyValue('--level'))"
    until(page, f"{level} > 0.3")

    before = page.evaluate("window.started[0].when")
    lane(page, "bass").get_by_role("radio").first.click()
    until(page, "window.started.length === 5")
    old, new = page.evaluate("[window.started.find((each) => each.stopped !== null), window.started[4]]")
    assert new["when"] >= new["from"], "it was to begin in the past: a gap"
    assert old["stopped"] > new["when"], "the old one ends before the new one begins: a gap"
    place = (old["offset"] + new["when"] - old["when"]) % 2.0
    assert new["offset"] == pytest.approx(place, abs=1 / 48_000)
    assert page.evaluate("window.started[0].when") == before
    assert page.get_by_role("button", name="Pause").is_visible()
    now = page.locator(".position .seconds").first.inner_text()
    until(page, f"document.querySelector('.position .seconds').textContent !== '{now}'")


def test_own_stems_are_taken_and_bad_files_are_refused_in_plain_words(visit, api, piece, make_sine, tmp_path):
    page = visit(f"/?piece={piece}")
    soundfile.write(tmp_path / "lead.mp3", make_sine(2.0), 48_000, format="MP3")
    (tmp_path / "holiday.wav").write_text("no sound at all")
    page.get_by_label("File for melody").set_input_files(tmp_path / "lead.mp3")
    arrive(page, "melody", 2)
    assert lane(page, "melody").locator(".status").inner_text() == "kept"
    before = chosen(api, piece)

    page.get_by_label("File for bass").set_input_files(tmp_path / "holiday.wav")
    notice = page.get_by_role("alert").locator(".notice")
    notice.wait_for()
    assert "holiday.wav cannot be used" in notice.inner_text()
    assert chosen(api, piece) == before


def arrive(page: Any, track: str, number: int) -> None:
    """Wait for an upload; whatever is offered to bring it onto the grid, it stays as it is."""
    takes = lane(page, track).get_by_role("radio")
    offer = page.get_by_role("button", name="As it is")
    while takes.count() < number:
        takes.nth(number - 1).or_(offer).first.wait_for()
        if offer.count():
            offer.click()


def piece_of(page: Any) -> str:
    found = re.search(r"piece=(\w+)", page.url)
    assert found
    return found[1]


def test_a_reload_in_the_middle_of_a_generation_loses_nothing(visit, api, piece):
    page = visit(f"/?piece={piece}")
    before = chosen(api, piece)
    quick(page, 200)
    lane(page, "drums").get_by_role("button", name="Remake: drums").click()
    page.get_by_role("progressbar").wait_for()
    page.reload()
    page.get_by_role("progressbar").wait_for()
    lane(page, "drums").get_by_role("radio").nth(1).wait_for()
    until(page, "document.querySelectorAll('[data-track=drums] [role=radio]')[1].ariaChecked === 'true'")
    kept(api, piece, lambda choice: choice["drums"] != before["drums"])


def test_takes_are_chosen_where_the_server_stumbles_at_their_end(visit, api, piece):
    page = visit(f"/?piece={piece}")
    before = chosen(api, piece)
    quick(page, 200)
    failures = iter([500, 503])

    def stumble(route):
        if (status := next(failures, None)) is None:
            route.continue_()
        else:
            fault = {"code": "fault", "message": "the server made a mistake", "remedy": "try again"}
            route.fulfill(status=status, json=fault)

    page.route("**/v1/generations/*", stumble)
    page.evaluate("setInterval(() => window.dispatchEvent(new Event('focus')), 1000)")  # who comes and goes
    lane(page, "drums").get_by_role("button", name="Remake: drums").click()
    until(page, "document.querySelectorAll('[data-track=drums] [role=radio]')[1]?.ariaChecked === 'true'")
    kept(api, piece, lambda choice: choice["drums"] != before["drums"])
    assert next(failures, None) is None


def test_more_is_asked_for_than_a_browser_has_connections(visit, api, piece):
    page = visit(f"/?piece={piece}")
    quick(page, 50)
    lane(page, "drums").get_by_role("button", name="Remake: drums").click()
    page.get_by_role("progressbar").wait_for()
    for track in ("bass", "instrument", "melody") * 3:
        asked = {"targets": [track], "steps": 50}
        api.post(f"/compositions/{piece}/generations", json=asked).raise_for_status()
    page.get_by_label("Gain of bass").fill("-6")
    lane(page, "melody").get_by_role("progressbar").wait_for()
    wait_until(
        lambda: api.get(f"/compositions/{piece}").json()["slots"]["bass"]["lane"]["gain_db"] == -6,
        "the gain on the server",
    )
    until(page, "document.querySelectorAll('[data-track=melody] [role=radio]').length === 4")


def test_a_generation_is_cancelled(visit, api, piece):
    page = visit(f"/?piece={piece}")
    quick(page, 1000)
    lane(page, "melody").get_by_role("button", name="Remake: melody").click()
    page.get_by_role("button", name="Cancel making melody").click()
    page.get_by_role("progressbar").wait_for(state="detached")
    generation = api.get(f"/compositions/{piece}").json()["generations"][-1]
    assert api.get(f"/generations/{generation}").json()["state"] == "cancelled"


def test_a_lost_connection_is_told_and_what_was_done_meanwhile_is_kept(visit, api, piece):
    page = visit(f"/?piece={piece}")
    page.get_by_label("Gain of bass").wait_for()
    page.context.set_offline(True)
    page.get_by_label("Gain of bass").fill("-6")
    lane(page, "bass").get_by_role("radio").first.click()
    page.get_by_text("The server is away").wait_for()
    page.context.set_offline(False)
    page.get_by_text("The server is away").wait_for(state="detached")
    until(
        page,
        f"fetch('/v1/compositions/{piece}').then((answer) => answer.json())"
        ".then((piece) => piece.slots.bass.lane.gain_db === -6"
        " && piece.slots.bass.selected === piece.slots.bass.takes[0].id)",
    )
    assert page.get_by_label("Gain of bass").input_value() == "-6"


def test_two_tabs_show_the_same(visit, piece):
    page = visit(f"/?piece={piece}")
    other = page.context.new_page()
    other.goto(page.url)
    lane(other, "bass").get_by_role("radio").first.wait_for()
    page.bring_to_front()
    lane(page, "bass").get_by_role("radio").first.click()
    page.get_by_role("button", name="Mute bass").click()
    until(
        other,
        "document.querySelector('[data-track=bass] [role=radio]').ariaChecked === 'true'"
        " && document.querySelector('[data-track=bass] [aria-label=\"Mute bass\"]').ariaPressed === 'true'",
    )
    quick(page, 200)
    lane(page, "drums").get_by_role("button", name="Remake: drums").click()
    lane(other, "drums").get_by_role("progressbar").wait_for()
    until(other, "document.querySelectorAll('[data-track=drums] [role=radio]')[1]?.ariaChecked === 'true'")


def test_the_choice_of_takes_is_undone_and_done_again(visit, api, piece):
    page = visit(f"/?piece={piece}")
    takes = lane(page, "bass").get_by_role("radio")
    takes.nth(1).wait_for()
    assert takes.nth(1).get_attribute("aria-checked") == "true"
    takes.first.click()
    page.keyboard.press("Control+z")
    until(page, "document.querySelectorAll('[role=radio]')[1].ariaChecked === 'true'")
    page.keyboard.press("Control+y")
    until(page, "document.querySelectorAll('[role=radio]')[0].ariaChecked === 'true'")
    until(
        page,
        f"fetch('/v1/compositions/{piece}').then((answer) => answer.json())"
        ".then((piece) => piece.slots.bass.selected === piece.slots.bass.takes[0].id)",
    )
    page.reload()
    takes.first.wait_for()
    assert takes.first.get_attribute("aria-checked") == "true"


def test_a_track_is_emptied_and_the_server_knows(visit, api, piece):
    page = visit(f"/?piece={piece}")
    lane(page, "bass").get_by_role("button", name="No take of bass").click()
    kept(api, piece, lambda choice: choice["bass"] is None)
    page.keyboard.press("Control+z")
    kept(api, piece, lambda choice: choice["bass"] is not None)


def test_a_marked_span_alone_is_remade(visit, api, piece):
    page = visit(f"/?piece={piece}")
    quick(page, 2)
    until(page, "document.querySelector('.waveform')")
    ground = lane(page, "drums").locator(".wave-ground").bounding_box()
    middle = ground["y"] + ground["height"] / 2
    page.mouse.move(ground["x"] + ground["width"] * 0.51, middle)
    page.mouse.down()
    page.mouse.move(ground["x"] + ground["width"] * 0.99, middle, steps=4)
    page.mouse.up()
    assert page.locator(".span-chip").inner_text().startswith("bar 2")
    lane(page, "drums").get_by_role("button", name="Remake bar 2: drums").click()
    lane(page, "drums").get_by_role("radio").nth(1).wait_for()
    generation = api.get(f"/compositions/{piece}").json()["generations"][-1]
    assert api.get(f"/generations/{generation}").json()["request"]["region_s"] == [1.0, 2.0]
    first, second = (
        soundfile.read(io.BytesIO(api.get(f"/takes/{take['id']}/audio").content))[0]
        for take in api.get(f"/compositions/{piece}").json()["slots"]["drums"]["takes"]
    )
    assert np.array_equal(first[:48_000], second[:48_000])
    assert not np.array_equal(first, second)


def test_a_piece_begins_with_own_stems_and_the_rest_is_made_to_fit(visit, api, make_sine, tmp_path):
    soundfile.write(tmp_path / "my bass.wav", make_sine(2.0), 48_000)
    soundfile.write(tmp_path / "beat.wav", make_sine(1.5, channels=1), 44_100)
    page = visit()
    page.get_by_label("Prompt").fill("slow blues")
    page.get_by_label("Your own stems").set_input_files([tmp_path / "my bass.wav", tmp_path / "beat.wav"])
    for track in ("bass", "drums"):
        arrive(page, track, 1)
    quick(page, 2)
    go = page.locator(".composer .go")
    assert go.inner_text().splitlines() == ["Generate instrument and melody", "to fit bass and drums"]
    go.click()
    lane(page, "melody").get_by_role("radio").first.wait_for()
    made = api.get(f"/compositions/{piece_of(page)}").json()
    assert made["duration_s"] == pytest.approx(2.0)
    generation = api.get(f"/generations/{made['generations'][0]}").json()
    assert sorted(generation["request"]["given"]) == ["bass", "drums"]


def test_a_piece_goes_on_in_a_longer_copy(visit, api, piece):
    page = visit(f"/?piece={piece}")
    quick(page, 2)
    page.get_by_role("button", name="Make it longer").click()
    page.get_by_role("dialog").get_by_role("button", name="4 bars").click()
    until(page, f"!location.search.includes('{piece}')")
    page.locator(".span-chip").wait_for()
    assert page.locator(".span-chip").inner_text().startswith("bars 3 to 4")
    copy = piece_of(page)
    page.locator(".composer .go").click()
    lane(page, "melody").get_by_role("radio").nth(1).wait_for()
    longer = api.get(f"/compositions/{copy}").json()
    assert (longer["name"], longer["duration_s"]) == ("Two bars, longer", 4.0)
    request = api.get(f"/generations/{longer['generations'][0]}").json()["request"]
    assert request["region_s"] == [2.0, 4.0]
    assert api.get(f"/compositions/{piece}").json()["duration_s"] == 2.0


def test_pieces_are_listed_renamed_copied_and_deleted_and_back_goes_back(visit, api, piece):
    page = visit()
    page.get_by_role("button", name="Pieces", exact=True).click()
    dialog = page.get_by_role("dialog", name="Pieces")
    dialog.get_by_role("button", name="Rename Two bars").first.click()
    dialog.get_by_label("New name").fill("A better name")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Duplicate A better name").click()
    dialog.get_by_role("link", name="A better name (copy)").wait_for()
    dialog.get_by_role("button", name="Delete A better name (copy)").click()
    dialog.get_by_role("button", name="Delete A better name (copy) for good").click()
    dialog.get_by_role("link", name="A better name (copy)").wait_for(state="detached")
    dialog.get_by_role("link", name="A better name").click()
    page.get_by_label("Name of the piece").wait_for()
    assert page.get_by_label("Name of the piece").input_value() == "A better name"
    page.go_back()
    page.get_by_role("heading", name="What shall it sound like?").wait_for()
    page.go_forward()
    page.get_by_label("Name of the piece").wait_for()
    names = [each["name"] for each in api.get("/compositions").json()]
    assert "A better name" in names
    assert "A better name (copy)" not in names


def test_the_keyboard_alone_suffices(visit, api):
    page = visit()
    page.get_by_label("Prompt").focus()
    page.keyboard.type("slow blues")
    press_until(page, "Compose four tracks")
    page.keyboard.press("Enter")
    page.get_by_role("radio").nth(3).wait_for()
    page.keyboard.press("2")
    assert page.evaluate("document.activeElement.closest('[data-track]').dataset.track") == "drums"
    page.keyboard.press("k")
    page.keyboard.press("m")
    page.keyboard.press("Escape")
    status = lane(page, "drums")
    assert status.locator(".status").inner_text() == "kept"
    assert status.get_by_role("button", name="Mute drums").get_attribute("aria-pressed") == "true"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Shift+ArrowRight")
    assert page.locator(".span-chip").inner_text().startswith("1.1 to 1.2")
    page.keyboard.press("Escape")
    assert page.locator(".span-chip").count() == 0
    page.keyboard.press(" ")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press(" ")
    page.get_by_role("button", name="Play").wait_for()


def press_until(page: Any, name: str) -> None:
    for _ in range(100):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.innerText ?? ''"):
            return
    raise AssertionError(f"Tab never reached {name}")


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_nothing_stands_in_the_way_of_screen_readers_or_weak_eyes(visit, piece, dark):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def audit(where: str) -> None:
        found = axe.run(page).response["violations"]
        told = [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]
        assert told == [], where

    page = visit(dark=dark)
    page.get_by_label("Prompt").wait_for()
    audit("the start page")
    page.get_by_role("button", name="Pieces", exact=True).click()
    page.get_by_role("dialog").get_by_role("listitem").first.wait_for()
    audit("the pieces")
    page.goto(page.url.split("?")[0] + f"?piece={piece}")
    until(page, "document.querySelectorAll('.waveform').length === 4")
    lane(page, "bass").get_by_role("button", name="Keep bass").click()
    lane(page, "drums").get_by_role("button", name="Leave drums out").click()
    page.get_by_role("button", name="Advanced").click()
    page.get_by_role("button", name="Export").click()
    audit("the studio")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Help and keys").click()
    audit("the help")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_its_screen(visit, piece, width):
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page = visit(width=width, height=780)
    page.get_by_label("Prompt").wait_for()
    assert page.evaluate(wider) <= 0
    page.goto(page.url.split("?")[0] + f"?piece={piece}")
    until(page, "document.querySelectorAll('.waveform').length === 4")
    assert page.evaluate(wider) <= 0


def test_a_link_to_a_piece_that_is_gone_says_so(visit):
    page = visit("/?piece=nothing")
    page.get_by_role("heading", name="There is no such piece").wait_for()


@pytest.mark.chaos
@pytest.mark.chaos
def test_a_server_that_is_killed_and_comes_back_loses_nothing(chromium, checkpoint, tmp_path, free_port):
    server = ServeCommand(checkpoint, tmp_path / "state", free_port())
    page = chromium.new_page()
    page.set_default_timeout(WAIT_MS)
    with server.running(), httpx.Client(base_url=server.address, timeout=30) as api:
        made = api.post("/compositions", json={"prompt": "slow blues", "duration_s": 2.0}).json()
        page.goto(f"{server.address.removesuffix('/v1')}/?piece={made['id']}")
        quick(page, 600)
        lane(page, "bass").get_by_role("button", name="Generate: bass").click()
        page.get_by_role("progressbar").wait_for()
        server.kill_all()
        page.get_by_label("Gain of bass").fill("-3")
        page.get_by_text("The server is away").wait_for()
    with server.running():
        page.get_by_text("The server is away").wait_for(state="detached")
        lane(page, "bass").get_by_role("radio").first.wait_for()
        until(page, "document.querySelector('[role=radio]').ariaChecked === 'true'")
        with httpx.Client(base_url=server.address, timeout=30) as api:
            bass = api.get(f"/compositions/{made['id']}").json()["slots"]["bass"]
            assert bass["lane"]["gain_db"] == -3
            assert bass["selected"] == bass["takes"][0]["id"]
    page.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whoever_has_a_key_comes_in_with_it(chromium, services, facts):
    _, secret = services.keys.create("the studio")
    asks = replace(services, settings=services.settings.model_copy(update={"access": "keys"}))
    asks.models.tell(facts)
    with answering(create_api(asks)) as address:
        page = chromium.new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(address)
        dialog = page.get_by_role("dialog", name="This studio asks for a key")
        dialog.get_by_label("Key").fill("sw_wrong")
        dialog.get_by_role("button", name="Come in").click()
        dialog.get_by_role("alert").wait_for()
        dialog.get_by_label("Key").fill(secret)
        with page.expect_navigation():
            dialog.get_by_role("button", name="Come in").click()
        page.get_by_label("Prompt").fill("slow blues")
        page.get_by_role("button", name="Compose four tracks").click()
        page.get_by_label("Name of the piece").wait_for()
        assert page.get_by_role("dialog").count() == 0
        page.close()


@contextmanager
def answering(app: Any) -> Iterator[str]:
    """An application over HTTP in this process, without Ray."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
