"""The folder that a check of codecs leaves.

check.json                     means with their intervals, targets, speeds, and every stem
pictures/SONG-TRACK.png        spectrograms of the original and of each codec's copy
sounds/SONG-TRACK-WHAT.flac    the same to listen to
index.html                     all of it on a page
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from torch import Tensor

from stemwright.audio import write_audio
from stemwright.codec import Codec
from stemwright.data_folder import DataFolder
from stemwright.metrics.round_trip import RATE_HZ
from stemwright_platform.evaluation.codec_check.check import Excerpt, StemCheck
from stemwright_platform.evaluation.codec_check.pictures import draw_copies
from stemwright_platform.evaluation.codec_check.summary import TARGETS, speeds, summarise, table, verdicts
from stemwright_platform.page_resource import page_resource

CHECK, PAGE = "check.json", "index.html"


class CheckFolder:
    """Takes copies to see and to hear, then the figures."""

    def __init__(self, path: Path) -> None:
        """Made where it is not there; files of an earlier check are replaced."""
        self.path = path
        self._shown: dict[str, list[str]] = {}
        for folder in (path, path / "pictures", path / "sounds"):
            folder.mkdir(parents=True, exist_ok=True)

    def show(self, excerpt: Excerpt, copies: Mapping[str, Tensor]) -> None:
        """Draw a stem and its copies, and write them as sounds."""
        title = f"{excerpt.song_id}, {excerpt.track}"
        name = _file_name(f"{excerpt.song_id}-{excerpt.track}")
        draw_copies(excerpt.audio, copies, self.path / "pictures" / f"{name}.png", title=title)
        sounds = {"original": excerpt.audio, **copies}
        for label, audio in sounds.items():
            write_audio(self.path / "sounds" / f"{name}-{_file_name(label)}.flac", audio, RATE_HZ, "PCM_16")
        self._shown[title] = [name, *sounds]

    def write(
        self, stems: Sequence[StemCheck], codecs: Mapping[str, Codec], silence_db: Mapping[str, float]
    ) -> str:
        """Write the figures and the page; returns the table for a terminal."""
        lines = table(stems, silence_db)
        facts = {
            "codecs": {label: _codec_facts(codec) for label, codec in codecs.items()},
            "targets": [asdict(target) for target in TARGETS],
            "met": verdicts(summarise(stems)),
            "means": {
                codec: {track: {name: asdict(i) for name, i in row.items()} for track, row in tracks.items()}
                for codec, tracks in summarise(stems).items()
            },
            "times_real_time": speeds(stems),
            "silence_db": silence_db,
            "stems": [stem.row() for stem in stems],
        }
        folder = DataFolder(self.path)
        folder.write(CHECK, (json.dumps(_plain(facts), indent=1) + "\n").encode())
        folder.write(PAGE, self._page(lines).encode())
        return lines

    def _page(self, lines: str) -> str:
        shown = "\n".join(_section(title, *names) for title, names in self._shown.items())
        page = page_resource("evaluation.codec_check", "page.html")
        return page.replace("{{table}}", escape(lines)).replace("{{stems}}", shown)


def _section(title: str, name: str, *sounds: str) -> str:
    players = "".join(
        f'<figure><figcaption>{escape(label)}</figcaption><audio controls preload="none" '
        f'src="sounds/{name}-{_file_name(label)}.flac"></audio></figure>'
        for label in sounds
    )
    return (
        f'<section><h2>{escape(title)}</h2><div class="players">{players}</div>'
        f'<img src="pictures/{name}.png" alt="Spectrograms of {escape(title)}" loading="lazy"></section>'
    )


def _codec_facts(codec: Codec) -> dict[str, object]:
    return {
        "name": codec.name,
        "fingerprint": codec.fingerprint,
        "frame_rate_hz": codec.frame_rate_hz,
        "latent_dim": codec.latent_dim,
    }


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "stem"


def _plain(value: object) -> object:
    """JSON has no NaN and no infinity."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
