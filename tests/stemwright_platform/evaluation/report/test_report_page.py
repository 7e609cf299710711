import json
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from report_folder import INFOS, edit_report, make_report_folder

from stemwright.errors import InputError
from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.report.evaluation_folder import read_evaluation
from stemwright_platform.evaluation.report.report_page import render, write_report_page
from stemwright_platform.evaluation.report.score_table import Figure

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


class Page(HTMLParser):
    """The page's elements and what can be read on it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [
            values[attribute] or "" for name, values in self.elements if name == tag and attribute in values
        ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_report_folder(tmp_path_factory.mktemp("evaluation"), num_clips=3)


@pytest.fixture(scope="module")
def page(folder) -> Page:
    return written(folder)


def written(folder: Path) -> Page:
    return Page(write_report_page(folder).read_text(encoding="utf-8"))


def test_everything_the_page_addresses_lies_beside_it(folder, page):
    addresses = [
        *page.values("audio", "src"),
        *page.values("img", "src"),
        *page.values("a", "href"),
        *page.values("li", "data-picture"),
    ]
    assert len(addresses) > 20
    assert all((folder / unquote(address)).is_file() for address in addresses)
    assert not any(address.startswith("/") or ":" in address for address in addresses)


def test_the_page_asks_nothing_of_the_network(page):
    assert not page.values("script", "src")
    assert set(page.values("link", "href")) == {"data:,"}
    assert "http" not in page.text


def test_every_score_and_every_system_is_on_the_page(page):
    for name in (
        *(info.label for info in INFOS),
        "blurry",
        "codec round trip",
        "real songs",
        "shuffled stems",
    ):
        assert name in page.text


def test_an_example_plays_the_mix_and_all_stems_of_the_model_and_of_the_real_song(page):
    parts = page.values("li", "data-part")
    assert parts[:10] == ["mix", *TRACKS.names] * 2
    audio = [unquote(address) for address in page.values("audio", "src")]
    assert audio[0].startswith("clips/model/joint/")
    assert audio[1].startswith("clips/real/joint/")
    assert {address.split("/")[3] for address in audio[:2]} == {audio[0].split("/")[3]}


def test_a_figure_that_is_missing_is_a_dash_that_tells_why(page):
    told = page.values("button", "data-about")
    assert any("silent in every clip" in about for about in told)
    assert "nan" not in page.text.lower().split()


def test_a_figure_tells_its_n_and_its_reference_set(page):
    told = [about for about in page.values("button", "data-about") if "Fréchet distance" in about]
    assert any("n = 3" in about and "reference: 40 clips" in about for about in told)


@pytest.mark.parametrize(
    "prompt",
    ["<script>alert(1)</script>", '" onmouseover="x', "{{ 7 * 7 }}", "🎸 ночь שלום", "a" * 2000, ""],
)
def test_any_prompt_is_shown_as_it_is(folder, prompt):
    evaluation = read_evaluation(folder)
    evaluation = replace(evaluation, examples=evaluation.examples[:1], rows=[], comparisons=[])
    plain = Page(render(evaluation, []))
    clips = {name: replace(clip, prompt=prompt) for name, clip in evaluation.clips.items()}
    page = Page(render(replace(evaluation, clips=clips), []))
    assert (prompt or "no prompt") in page.text
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]


def test_the_column_of_listeners_is_there_where_votes_are_given(tmp_path):
    evaluation = read_evaluation(make_report_folder(tmp_path, num_clips=2, sound=False))
    votes = {"blurry": Figure(text="27 %", interval="20 to 35 %")}
    assert "RPR" not in render(evaluation, [])
    assert "RPR" in render(evaluation, [], votes)
    assert "27 %" in render(evaluation, [], votes)


def test_without_audio_the_page_shows_the_figures_alone(tmp_path):
    page = Page(render(read_evaluation(make_report_folder(tmp_path, num_clips=2, sound=False)), []))
    assert not page.values("audio", "src")
    assert "Tag agreement" in page.text


def test_a_damaged_clip_is_told_on_the_page_and_the_rest_plays(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2)
    clip = json.loads((folder / "report.json").read_text())["examples"][0]["clip"]
    (folder / "clips" / "model" / "joint" / clip / "bass.flac").write_bytes(b"no sound")
    page = Page(render(read_evaluation(folder), []))
    assert sum("bass.flac" in fault for fault in page.values("li", "data-fault")) > 0
    assert page.values("audio", "src")


def test_an_evaluation_of_nothing_still_has_a_page(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    edit_report(folder, rows=[], examples=[], comparisons=[], clips=[])
    assert "No figure of a model" in written(folder).text


def test_a_report_that_cannot_be_read_is_one_line_and_leaves_no_page(tmp_path):
    folder = make_report_folder(tmp_path, num_clips=2, sound=False)
    (folder / "report.json").write_text('{"format_version": 1, "ro')
    with pytest.raises(InputError, match="run the evaluation again"):
        write_report_page(folder)
    assert not list(folder.glob("*.html*"))


@pytest.mark.browser
def test_in_a_browser_one_side_plays_at_a_time_and_parts_change_in_place(folder, page):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        shown = running.new_page(viewport={"width": 390, "height": 800})
        faults: list[str] = []
        shown.on("pageerror", lambda error: faults.append(str(error)))
        shown.goto((folder / "index.html").as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth <= 390")
        example = shown.locator(".example").first
        first, second = example.locator(".side").all()
        for side in (first, second):
            side.locator("button.play").click()
            side.evaluate("e => new Promise(r => e.querySelector('audio').paused ? r() : setTimeout(r, 50))")
        assert shown.locator("audio").evaluate_all("all => all.filter(one => !one.paused).length") <= 1
        example.locator(".chip", has_text="drums").click()
        sources = example.locator("audio").evaluate_all("all => all.map(one => one.getAttribute('src'))")
        assert [source.endswith("/drums.flac") for source in sources] == [True, True]
        assert all(
            "drums" in (side.locator(".view img").get_attribute("src") or "") for side in (first, second)
        )
        shown.locator(".figure").first.click()
        assert shown.locator("#telling").is_visible()
        shown.keyboard.press("Escape")
        assert shown.locator("#telling").is_hidden()
        running.close()
    assert faults == []
