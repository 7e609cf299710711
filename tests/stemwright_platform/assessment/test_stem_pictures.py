from pathlib import Path

from stemwright_platform.assessment.assessment_page import render
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.stem_pictures import draw_takes


def test_each_track_is_drawn_made_together_and_made_to_fit_and_the_page_shows_it(truthful: Context) -> None:
    pictures = draw_takes(truthful, songs=1)
    assert [picture.group for picture in pictures] == ["together"] * 4 + ["fitted"] * 4
    assert all(picture.file.is_file() for picture in pictures)
    found = {"created": "", "model": {}, "music": "songs", "settings": {}, "parts": {"stems": []}}
    page = render(truthful.out, found)
    assert all(f'src="pictures/{picture.file.name}"' in page for picture in pictures)
    assert "What does it look like?" in page


def test_a_part_without_figures_and_pictures_is_not_on_the_page(tmp_path: Path) -> None:
    found = {"created": "", "model": {}, "music": "songs", "settings": {}, "parts": {"stems": []}}
    assert "What does it look like?" not in render(tmp_path, found)
