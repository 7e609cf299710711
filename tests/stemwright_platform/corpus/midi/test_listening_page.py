import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from written_midi import band

from stemwright_platform.corpus.midi.listening_page import write_page
from stemwright_platform.corpus.midi.rendered_corpus import RenderSettings, plan_corpus, render_corpus
from stemwright_platform.corpus.synthesis.sound_font import default_sound_font


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listen")
    (folder / "midi").mkdir()
    for name, data in (("a & b", band()), ("c", band(2).replace(b"flute", b"<i>fl")), ("d", band(4))):
        (folder / "midi" / f"{name}.mid").write_bytes(data)
    settings = RenderSettings(soundfonts=(default_sound_font(),), variants=2, licence="CC0-1.0")
    plan = plan_corpus(folder / "midi", folder / "out", settings, jobs=1)
    return write_page(render_corpus(plan, folder / "out", jobs=1).orders, folder / "out", 3)


def test_it_shows_so_many_songs_spread_over_the_corpus(page: Path) -> None:
    assert re.findall(r'class="song">(.*?)<', page.read_text()) == ["a &amp; b", "c", "d.v1"]


def test_every_player_finds_its_file(page: Path) -> None:
    sources = re.findall(r'<audio[^>]* src="(.*?)"', page.read_text())
    assert len(sources) == 15
    assert all((page.parent / unquote(source)).is_file() for source in sources)


def test_it_tells_where_every_part_went_and_why(page: Path) -> None:
    text = page.read_text()
    assert text.count('<td class="why">') == 12
    for words in ("channel 10", "bass program", "most salient line", "accompanies"):
        assert words in text


def test_names_from_files_are_escaped(page: Path) -> None:
    assert "<i>fl" not in page.read_text()
    assert "&lt;i&gt;fl" in page.read_text()


def test_it_needs_no_network(page: Path) -> None:
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.read_text())
