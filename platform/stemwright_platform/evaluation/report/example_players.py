"""Players of a report: what a system made beside the real song, part by part, with spectrograms.

Axes: n audio sample.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from stemwright.audio import read_audio
from stemwright.errors import InputError
from stemwright.tracks import Tracks
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.report.evaluation_folder import PICTURES, find_clip, find_part
from stemwright_platform.evaluation.report.wording import parsed_roles
from stemwright_platform.spectrogram import Levels, draw_plain, levels_of

RATE_HZ = 48_000
_SILENT_DB = -90.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One sound of a player."""

    part: str
    role: str
    """made, given, real or "" (a mix)."""
    audio: str
    """Address beside the page."""
    picture: str
    """Its spectrogram's, or empty where the sound cannot be read."""
    fault: str = ""
    """Why it cannot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A player: the same clip by one system."""

    name: str
    system: str
    sources: Sequence[Source]
    """The mix first, then the tracks in slot order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Whose clip a side plays."""

    name: str
    system: str
    task: str
    folder: Path
    """Of its evaluation."""


def sides_of(clip: str, wanted: Sequence[Wanted], out: Path, tracks: Tracks) -> list[Side]:
    """Players of one clip, with pictures written below `out`; systems without audio of it are left out.

    A part's pictures share one scale over all sides, so that levels compare.
    """
    folders = [(side, find_clip(side.folder, side.system, side.task, clip)) for side in wanted]
    found: dict[int, dict[str, Source]] = {place: {} for place in range(len(wanted))}
    for part in (MIX, *tracks.names):
        files = {
            place: file
            for place, (_, folder) in enumerate(folders)
            if folder is not None and (file := find_part(folder, part)) is not None
        }
        levels = {place: _levels(file) for place, file in files.items()}
        known = [heard for heard in levels.values() if not isinstance(heard, str)]
        loudest_db = max([_SILENT_DB, *(float(heard.max()) for heard in known)])
        for place, file in files.items():
            side = wanted[place]
            found[place][part] = _source(part, side, file, levels[place], loudest_db, out, tracks)
    return [
        Side(name=side.name, system=side.system, sources=list(found[place].values()))
        for place, side in enumerate(wanted)
        if found[place]
    ]


def _source(
    part: str, side: Wanted, file: Path, levels: Levels | str, loudest_db: float, out: Path, tracks: Tracks
) -> Source:
    given = parsed_roles(side.task, tracks)[1]
    role = "" if part == MIX else "real" if side.system == "real" else "given" if part in given else "made"
    address = quote(Path(os.path.relpath(file, out)).as_posix())
    if isinstance(levels, str):
        return Source(part=part, role=role, audio=address, picture="", fault=levels)
    picture = out / PICTURES / _picture_name(file.relative_to(side.folder), side.name)
    picture.parent.mkdir(parents=True, exist_ok=True)
    draw_plain(levels, loudest_db, picture)
    return Source(part=part, role=role, audio=address, picture=quote(picture.relative_to(out).as_posix()))


def _levels(file: Path) -> Levels | str:
    """Its spectrogram, or why there is none."""
    try:
        return levels_of(read_audio(file, RATE_HZ), RATE_HZ)
    except InputError as error:
        return str(error)


def _picture_name(file: Path, side: str) -> str:
    """A name of its own for each file, plain enough for any address."""
    key = hashlib.sha256(f"{side}/{file.as_posix()}".encode()).hexdigest()[:10]
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", "-".join(file.with_suffix("").parts[1:]))[-60:]
    return f"spectrogram-{plain}-{key}.png"
