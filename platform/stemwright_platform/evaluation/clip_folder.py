"""Where the sound of an evaluation lies: OUT/clips/SYSTEM/TASK/CLIP/TRACK.flac, with the mix beside.

Axes: n audio sample.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from stemwright.audio import write_audio
from stemwright.mixing import mix

CLIPS, MIX = "clips", "mix"
FACTS = "facts.json"


def clip_folder(out: Path, system: str, task: str, clip: str) -> Path:
    """The folder of a clip."""
    return out / CLIPS / system / task / clip


def sound_file(folder: Path, part: str) -> Path:
    """A track's file in it, or the mix's."""
    return folder / f"{part}.flac"


def write_clip(
    folder: Path,
    stems: Mapping[str, Tensor],
    sample_rate_hz: int,
    *,
    kept: Mapping[str, Path] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Stems `[2, n]` of one length and their mix, all or nothing.

    `kept`: files of stems that are on disk already, which are linked to rather than written again.
    `facts`: what else there is to know of the clip, see `read_facts`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, audio in {**stems, MIX: mix(stems.values())}.items():
            if kept and name in kept:
                _link(kept[name], sound_file(partial, name))
            else:
                # 16 bits: thousands of files, heard and measured, not produced with
                write_audio(sound_file(partial, name), audio, sample_rate_hz, subtype="PCM_16")
        if facts:
            (partial / FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")
        partial.chmod(0o755)
        partial.rename(folder)
    except OSError:
        if not folder.exists():  # else another was faster, with the same sound
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def read_facts(folder: Path) -> dict[str, Any]:
    """What `write_clip` was told beside the sound; empty where that was nothing."""
    try:
        return json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # another system's clip may be a file
        return {}


def _link(file: Path, name: Path) -> None:
    """A second name for a file, or a copy where the disk has no such thing."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)
