import json
import re
from pathlib import Path

from stemwright_platform.training.samples_page import write_samples_page

JOINT = {"name": "joint", "heading": "All tracks", "targets": ["bass", "drums"], "given": []}
BASS = {"name": "bass_given_rest", "heading": "Bass, given the rest", "targets": ["bass"], "given": ["drums"]}


def write(folder: Path, facts: dict[str, object]) -> None:
    folder.mkdir(parents=True)
    (folder / "samples.json").write_text(json.dumps(facts))


def page_of(samples: Path) -> str:
    song = {"song": "a song", "start_s": 1.0, "duration_s": 8.0, "prompt": "<b>blues</b>"}
    write(samples / "reference", {**song, "tracks": ["bass", "drums"], "slots": ["bass", "drums"]})
    write(samples / "step-0000100", {"step": 100, "pieces": [JOINT, BASS]})
    write(samples / "step-0001200", {"step": 1200, "pieces": [JOINT]})  # cut short
    return write_samples_page(samples, "my run").read_text()


def test_each_piece_has_the_real_song_first_then_the_newest_step(tmp_path: Path) -> None:
    page = page_of(tmp_path / "samples")
    joint, bass = page.split("<section")[1:3]
    assert re.findall(r"<h3>(.*?)</h3>", joint) == ["The real song", "Step 1,200", "Step 100"]
    assert re.findall(r"<h3>(.*?)</h3>", bass) == ["The real song", "Step 100"]


def test_players_and_pictures_name_files_as_listening_writes_them(tmp_path: Path) -> None:
    page = page_of(tmp_path / "samples")
    played = set(re.findall(r'<audio[^>]* src="([^"]+)"', page))
    assert played == {
        "reference/mix.flac",
        "reference/bass.flac",
        *(
            f"step-{step}/joint{part}.flac"
            for step in ("0000100", "0001200")
            for part in ("", ".bass", ".drums")
        ),
        "step-0000100/bass_given_rest.flac",
        "step-0000100/bass_given_rest.bass.flac",
    }
    shown = set(re.findall(r'<img src="([^"]+)"', page))
    assert shown == {
        "reference/mix.png",
        "reference/bass.png",
        "step-0000100/joint.png",
        "step-0001200/joint.png",
        "step-0000100/bass_given_rest.png",
    }


def test_words_of_the_data_are_escaped_and_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    page = page_of(tmp_path / "samples")
    assert "&lt;b&gt;blues" in page
    assert not re.search(r'(src|href)="https?:', page)
