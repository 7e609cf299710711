"""The page of a sweep of the guidance scale."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from found_guidance import BASS, SCALES, found_guidance  # pyright: ignore[reportMissingImports]

from stemwright_platform.sweeps.guidance_page import summary, write_guidance_page
from stemwright_platform.sweeps.guidance_plan import take_folder


def page(out: Path, clips: tuple[str, ...] = ()) -> str:
    return write_guidance_page(found_guidance(), out, clips).read_text(encoding="utf-8")


def test_the_page_says_what_was_found_and_what_may_not_be_chosen(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert re.search(r"<h1[^>]*>λ = 2</h1>", html)
    assert "Not to be chosen whatever its figure: λ = 7" in html
    assert "joint, whatever λ" in html
    assert html.count('<th scope="col" class="chosen">') == 2


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", html)
    assert set(re.findall(r'src="([^"]+)"', html)) == {"pictures/guidance.png"}


def test_a_clip_is_heard_at_every_scale_beside_the_real_song(tmp_path: Path) -> None:
    for scale in SCALES:
        take_folder(tmp_path, scale, BASS, "song_0004s", 0).mkdir(parents=True)
    html = page(tmp_path, ("another", "song_0004s"))
    heard = re.findall(r'<audio [^>]*src="([^"]+)"', html)
    assert heard[0] == "clips/round_trip/joint/song_0004s/mix.flac"
    assert heard[1:] == [f"clips/lambda_{s:g}/{BASS}/song_0004s/mix.flac" for s in SCALES]


def test_a_gain_that_the_clips_cannot_tell_from_nothing_is_said_to_be_that() -> None:
    found = found_guidance()
    scatter = np.random.default_rng(0).standard_normal(found.overall.draws.shape)
    unsure = replace(found.overall, draws=scatter)
    assert not any("cannot tell from nothing" in sentence for sentence in summary(found))
    assert any("cannot tell from nothing" in sentence for sentence in summary(replace(found, overall=unsure)))


def test_a_sweep_without_a_choice_has_a_page(tmp_path: Path) -> None:
    found = replace(found_guidance(), choice=None, no_choice="all is silent")
    html = write_guidance_page(found, tmp_path, ()).read_text(encoding="utf-8")
    assert "No guidance scale stands out" in html
    assert "all is silent" in html
