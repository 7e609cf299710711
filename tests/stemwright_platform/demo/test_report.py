from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import torch

from stemwright.audio import write_audio
from stemwright.errors import InputError
from stemwright_platform.demo.report import (
    Lane,
    Learning,
    Report,
    Round,
    StageTime,
    lane_colour,
    write_report,
)

TRACKS = ("bass", "drums")


class Page(HTMLParser):
    """The page's elements and what can be read on it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [
            values[attribute] or "" for name, values in self.elements if name == tag and attribute in values
        ]


def tone(hz: float, duration_s: float = 0.5) -> torch.Tensor:
    time = torch.arange(round(duration_s * 48_000)) / 48_000
    return 0.3 * torch.sin(2 * torch.pi * hz * time).expand(2, -1)


def make_report(folder: Path, prompt: str = "slow blues", name: str = "round 1", **changes) -> Report:
    lanes = []
    for i, track in enumerate([*TRACKS, "mix"]):
        file = folder / name / f"{track}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_audio(file, tone(200 * (i + 1)))
        lanes.append(Lane(name=track, file=file, role="mix" if track == "mix" else "generated"))
    parts = {
        "prompt": prompt,
        "tracks": TRACKS,
        "facts": {"seed": "1"},
        "rounds": [Round(heading="All", text="Made together.", lanes=lanes)],
        "reference": None,
        "learning": None,
        "stages": [StageTime(name="corpus", did="made 2 songs", seconds=3, kept=False)],
        "model": {"codec": "mdct"},
        "honesty": "It is short.",
        "next_steps": [("Again:", "stemwright demo --fresh")],
    }
    return Report(**(parts | changes))


def test_every_stem_has_a_player_of_a_file_beside_the_page(tmp_path):
    page = write_report(make_report(tmp_path), tmp_path)
    sources = Page(page).values("audio", "src")
    assert [unquote(source) for source in sources] == [f"round 1/{n}.wav" for n in (*TRACKS, "mix")]
    assert all((tmp_path / unquote(source)).is_file() for source in sources)


def test_the_page_asks_nothing_of_the_network(tmp_path):
    page = Page(write_report(make_report(tmp_path), tmp_path))
    addresses = [*page.values("img", "src"), *page.values("link", "href"), *page.values("script", "src")]
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert "http" not in page.text


@pytest.mark.parametrize(
    "prompt",
    [
        "<script>alert(1)</script>",
        '" onmouseover="x',
        "{{ 7 * 7 }} {% raw %}",
        "</title></style><h1>other",
        "🎸🎹 ночь שלום",
        "a" * 2000,
        "line\nbreak\ttab & ampersand",
    ],
)
def test_any_prompt_is_shown_as_it_is(tmp_path, prompt):
    page = Page(write_report(make_report(tmp_path, prompt), tmp_path))
    plain = Page(write_report(make_report(tmp_path), tmp_path))
    assert prompt in page.text
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]


def test_an_empty_prompt_is_named_so(tmp_path):
    assert "no prompt" in Page(write_report(make_report(tmp_path, ""), tmp_path)).text


def test_pictures_differ_between_tracks_and_colours_do_not_change_between_rounds(tmp_path):
    page = Page(write_report(make_report(tmp_path), tmp_path))
    pictures = page.values("img", "src")
    assert len(set(pictures)) == len(TRACKS) + 1
    assert lane_colour("bass", TRACKS) != lane_colour("drums", TRACKS)
    assert lane_colour("mix", TRACKS) not in {lane_colour(track, TRACKS) for track in TRACKS}


def test_silence_is_drawn_and_called_silent(tmp_path):
    report = make_report(tmp_path)
    write_audio(report.rounds[0].lanes[0].file, torch.zeros(2, 24_000))
    assert "silent" in Page(write_report(report, tmp_path)).text


def test_learning_is_drawn_where_there_is_any_and_left_out_where_not(tmp_path):
    learned = Learning(steps=[1, 2, 3], losses=[1.0, 0.8, 0.7], ratios={"0.1-0.2": 0.9}, facts={"steps": "3"})
    page = Page(write_report(make_report(tmp_path, learning=learned), tmp_path))
    assert "goes from" in " ".join(page.values("svg", "aria-label"))
    unlearned = Learning(steps=[], losses=[], ratios={}, facts={})
    page = Page(write_report(make_report(tmp_path, learning=unlearned), tmp_path))
    assert "Training loss" not in page.text


def test_commands_can_be_copied_as_they_are(tmp_path):
    command = 'stemwright compose --prompt "a <b> & c" --out x'
    report = make_report(tmp_path, next_steps=[("Try:", command)])
    assert command in Page(write_report(report, tmp_path)).text


def test_a_stem_that_is_missing_is_one_clear_line_and_leaves_no_page(tmp_path):
    report = make_report(tmp_path)
    report.rounds[0].lanes[1].file.unlink()
    with pytest.raises(InputError, match=r"drums\.wav"):
        write_report(report, tmp_path)
    assert not list(tmp_path.glob("*.html*"))
