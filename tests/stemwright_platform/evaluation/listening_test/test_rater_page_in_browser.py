"""The page in a real browser, answered by a listener who knows nothing but what sounds."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from stemwright_platform.evaluation.listening_test.answer_key import load_key
from stemwright_platform.evaluation.listening_test.listening_test import ListeningTest, build_test
from stemwright_platform.evaluation.listening_test.outcome import find_outcome
from stemwright_platform.evaluation.listening_test.outcome_page import render
from stemwright_platform.evaluation.listening_test.plan import Plan
from stemwright_platform.evaluation.listening_test.result_file import read_results
from stemwright_platform.evaluation.listening_test.system_folder import read_system

pytestmark = pytest.mark.browser

PLAN = Plan(pairs=2, checks=1, least_heard_s=0.1)
MOST_WAITS = 1500
BY_EAR = """() => {
  const [a, b] = buffers.map((buffer) => buffer.getChannelData(0));
  const gaps = (samples) => samples.reduce((count, value) => count + (Math.abs(value) < 1e-4), 0);
  if (a.length === b.length && a.every((value, at) => value === b[at])) return "0";
  return gaps(a) < gaps(b) ? "1" : "2";
}"""


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; at the end there must have been no error in it and no request but its own files."""
    contexts, errors, addresses = [], [], []

    def visit(path: Path, *, width: int = 1280, touch: bool = False, dark: bool = False) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            has_touch=touch,
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(path.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert errors == []
    assert [
        address
        for address in addresses
        if not address.startswith(("file:", "blob:", "data:", "http://127.0.0.1"))
    ] == []


@pytest.fixture
def build(make_system: Callable[..., Path], tmp_path: Path) -> Callable[..., ListeningTest]:
    """A test of a system that sounds and one that is silent."""

    def make(plan: Plan = PLAN, *, beside: bool = False) -> ListeningTest:
        systems = [
            read_system(name, make_system(name, 2, gain=gain), {"0000": "slow blues", "0001": "fast jazz"})
            for name, gain in (("sounding-one", 0.2), ("quiet-one", 0.0))
        ]
        return build_test(systems, tmp_path / ("test" if beside else "test.html"), plan, beside=beside)

    return make


def until(page: Any, expression: str) -> None:
    """Wait for a thing to be true: asked from outside, for the page's policy forbids evaluation inside."""
    for _ in range(MOST_WAITS):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never: {expression}")


def hear_both(page: Any) -> None:
    page.wait_for_selector(".side:not([disabled])")
    page.keyboard.press("ArrowLeft")
    until(page, "heard(shown)[0] >= needed()")
    page.keyboard.press("ArrowRight")
    until(page, "heardBoth()")


def answer(page: Any) -> str:
    """Answer the pair that is shown, by ear and keyboard; returns the pair."""
    pair = page.evaluate("shown")
    hear_both(page)
    page.keyboard.press(page.evaluate(BY_EAR))
    until(page, f"shown !== {json.dumps(pair)}")
    return pair


def download(page: Any, path: Path) -> Path:
    with page.expect_download() as waiting:
        page.click("#download")
    waiting.value.save_as(path)
    return path


def test_a_whole_test_by_keyboard_with_a_reload_is_what_the_report_says(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any], tmp_path: Path
) -> None:
    built = build()
    page = open_page(built.page)
    page.fill("#name", "Ada")
    page.click("#begin")
    first = [answer(page), answer(page)]
    order = page.evaluate("state.order")
    page.reload()
    assert page.evaluate("state.order") == order
    assert page.inner_text("#count") == "Pair 3 of 4"
    rest = [answer(page), answer(page)]
    assert [*first, *rest] == order
    assert "Thank you" in page.inner_text("#thanks")
    key = load_key(built.key)
    results, left_out = read_results([download(page, tmp_path / "answers.json")], key)
    assert left_out == []
    outcome = find_outcome(results, left_out, key)
    (record,) = outcome.counted
    assert (record.result.name, record.passed, record.checks) == ("Ada", 2, 2)
    assert record.result.finished
    (comparison,) = outcome.questions[0].head_to_head
    assert (comparison.first, comparison.wins, comparison.losses) == ("sounding-one", 2, 0)
    assert "sounding-one" in render(outcome)


def test_no_rater_can_read_or_measure_who_made_what(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    built = build()
    page = open_page(built.page)
    page.click("#begin")
    page.wait_for_selector(".side:not([disabled])")
    seen = page.content() + json.dumps(page.evaluate("[test, state, Object.entries(localStorage)]"))
    assert [word for word in ("sounding-one", "quiet-one", "degraded", '"same"') if word in seen] == []


def test_raters_get_orders_and_sides_of_their_own(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    built = build()
    drawn = [open_page(built.page).evaluate("JSON.stringify([state.order, state.swapped])") for _ in range(4)]
    assert len(set(drawn)) > 1


def test_nothing_can_be_answered_before_both_clips_were_heard(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    page = open_page(build().page)
    page.click("#begin")
    page.wait_for_selector(".side:not([disabled])")
    page.keyboard.press("1")
    assert page.locator(".vote:disabled").count() == 3
    page.keyboard.press(" ")
    until(page, "heard(shown)[0] >= needed()")
    page.keyboard.press("2")
    assert page.evaluate("state.answers") == {}
    assert page.inner_text("#hint") == "Listen to both first"
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".vote:not([disabled])")


def test_switching_goes_on_at_the_same_place_and_one_clip_is_heard_at_a_time(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    page = open_page(build().page)
    page.click("#begin")
    page.wait_for_selector(".side:not([disabled])")
    page.keyboard.press("ArrowLeft")
    until(page, "now() > 0.15")
    before, after = page.evaluate("(() => { const at = now(); listen(1); return [at, now()]; })()")
    assert 0 <= after - before < 0.02
    until(page, "gains && gains[1].gain.value > 0.9 && gains[0].gain.value < 0.1")
    page.keyboard.press(" ")
    assert page.evaluate("sources") is None
    stopped = page.evaluate("position")
    page.keyboard.press(" ")
    assert page.evaluate("now()") >= stopped - 0.05


def test_an_answer_can_be_taken_back(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    page = open_page(build().page)
    page.click("#begin")
    pair = answer(page)
    page.click("#back")
    hear_both(page)
    page.click('[data-vote="tie"]')
    assert page.evaluate("state.answers")[pair] == ["tie"]
    page.click("#next")
    assert page.inner_text("#count") == "Pair 2 of 4"


def test_all_questions_are_answered_before_the_next_pair(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    page = open_page(build(Plan(pairs=1, checks=0, least_heard_s=0.1, questions=("Sound?", "Text?"))).page)
    page.click("#begin")
    pair = page.evaluate("shown")
    hear_both(page)
    page.keyboard.press("1")
    assert page.evaluate("answered(shown)") is False
    page.keyboard.press("0")
    page.wait_for_selector("#end:not([hidden])")
    chosen = page.evaluate("state.answers")[pair]
    assert chosen[0] in ("x", "y")
    assert chosen[1] == "tie"
    assert [entry["question"] for entry in page.evaluate("result().answers")] == [0, 1]


def test_a_folder_of_clips_plays_from_disk_too(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    page = open_page(build(beside=True).page)
    page.click("#begin")
    for _ in range(4):
        answer(page)
    assert page.evaluate("result().answers.length") == 4


def test_who_stops_can_save_a_part_and_go_on(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any], tmp_path: Path
) -> None:
    built = build()
    page = open_page(built.page)
    page.click("#begin")
    answer(page)
    page.click("#pause")
    facts = json.loads(download(page, tmp_path / "part.json").read_text())
    assert len(facts["answers"]) == 1
    assert facts["finished"] == ""
    page.click("#resume")
    assert page.inner_text("#count") == "Pair 2 of 4"


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_it_fits_a_telephone_and_a_desk_and_can_be_answered_by_touch(
    width: int, dark: bool, build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    page = open_page(
        build(Plan(pairs=1, checks=0, least_heard_s=0.1)).page, width=width, touch=True, dark=dark
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.tap("#begin")
    page.tap('[data-side="0"]:not([disabled])')
    until(page, "heard(shown)[0] >= needed()")
    page.tap('[data-side="1"]')
    until(page, "heardBoth()")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    heights = page.evaluate(
        "[...document.querySelectorAll('#trial button')].map((button) => button.offsetHeight)"
    )
    assert min(heights) >= 40
    page.tap('[data-vote="a"]')
    page.wait_for_selector("#end:not([hidden])")


def test_everything_that_can_be_pressed_has_a_name(
    build: Callable[..., ListeningTest], open_page: Callable[..., Any]
) -> None:
    page = open_page(build().page)
    page.click("#begin")
    page.wait_for_selector(".side:not([disabled])")
    for name in ("Listen to A", "Listen to B", "Play", "Back", "Next", "Stop for now"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1
    assert page.get_by_role("slider", name="Position in both clips").count() == 1
    assert page.get_by_role("progressbar", name="Pairs answered").get_attribute("aria-valuemax") == "4"
    assert page.evaluate("document.activeElement.id") == "prompt"


class _Inbox(BaseHTTPRequestHandler):
    """Takes what is posted from any page; fails as often as it is told to."""

    received: list[Any]
    failures: int

    def do_OPTIONS(self) -> None:
        self._reply(204)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        inbox = type(self)
        if inbox.failures:
            inbox.failures -= 1
            self._reply(500)
            return
        inbox.received.append(json.loads(body))
        self._reply(200)

    def _reply(self, status: int) -> None:
        self.send_response(status)
        self.send_header("access-control-allow-origin", "*")
        self.send_header("access-control-allow-headers", "content-type")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def inbox() -> Iterator[tuple[str, type[_Inbox]]]:
    handler = type("Inbox", (_Inbox,), {"received": [], "failures": 0})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/answers", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_answers_are_posted_where_the_test_says_and_once(
    build: Callable[..., ListeningTest],
    open_page: Callable[..., Any],
    inbox: tuple[str, type[_Inbox]],
) -> None:
    address, received = inbox[0], inbox[1].received
    page = open_page(build(Plan(pairs=1, checks=0, least_heard_s=0.1, post_to=address)).page)
    page.click("#begin")
    answer(page)
    until(page, "state.sent")
    assert "have been sent" in page.inner_text("#outcome")
    page.reload()
    until(page, "document.getElementById('outcome').textContent.includes('been sent')")
    assert len(received) == 1
    assert received[0]["answers"] == page.evaluate("result().answers")


def test_answers_that_could_not_be_sent_are_kept_and_sent_again(
    build: Callable[..., ListeningTest], chromium: Any, inbox: tuple[str, type[_Inbox]]
) -> None:
    address, handler = inbox
    handler.failures = 1
    page = chromium.new_page()
    page.goto(build(Plan(pairs=1, checks=0, least_heard_s=0.1, post_to=address)).page.as_uri())
    page.click("#begin")
    answer(page)
    page.wait_for_selector("#send:not([hidden])")
    assert "could not be sent" in page.inner_text("#outcome")
    page.click("#send")
    until(page, "state.sent")
    assert len(handler.received) == 1
    page.close()
