"""What a system made: a folder of clips, each a mix and perhaps its tracks, and the text it was made from."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stemwright.errors import InputError

MIX = "mix"
SUFFIXES = (".flac", ".wav", ".ogg", ".mp3")
DEEPEST = 4
"""Levels of folders that are looked into: links may lead in circles."""
ONLY_CLIP = "clip"
"""The name of the clip where a folder is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """One clip of a system."""

    task: str
    """The folders above it, as "joint"; "" where there are none."""
    name: str
    """The same for all systems."""
    parts: Mapping[str, Path]
    """Audio files by part: "mix" always, tracks where they lie beside it."""
    prompt: str = ""
    """The text it was made from; "" where unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemFolder:
    """A system and its clips."""

    name: str
    clips: Mapping[tuple[str, str], Clip] = field(default_factory=dict)
    """By task and name."""

    @property
    def tasks(self) -> set[str]:
        """Of all clips."""
        return {task for task, _ in self.clips}


def read_system(name: str, folder: Path, prompts: Mapping[str, str] | None = None) -> SystemFolder:
    """Find the clips of a system.

    A folder that holds `mix.flac` is a clip with its tracks; other audio files are clips of their own.
    Folders above name the task, as in `clips/SYSTEM` of an evaluation. Texts come from `prompts` by name,
    else from `composition.json` beside the mix, else from the evaluation's `report.json`. InputError where
    there is no folder or no audio in it.
    """
    if not folder.is_dir():
        raise InputError(f"--system {name}={folder}: no such folder; give one that holds the system's clips")
    told = {**_evaluation_prompts(folder), **(prompts or {})}
    clips: dict[tuple[str, str], Clip] = {}
    for path, folders, files in os.walk(folder, followlinks=True):
        at = Path(path)
        deep = len(at.relative_to(folder).parts) >= DEEPEST
        folders[:] = [] if deep else sorted(one for one in folders if not one.startswith("."))
        for clip in _clips_at(at, folder, files, told):
            clips[clip.task, clip.name] = clip
    if not clips:
        raise InputError(
            f"--system {name}={folder}: no {', '.join(SUFFIXES)} in it; give the folder of clips"
        )
    return SystemFolder(name=name, clips=clips)


def read_prompts(path: Path) -> dict[str, str]:
    """Texts by clip from a JSON object `{"CLIP": "text"}`; InputError for anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"--prompts {path}: {error}; give a JSON file of clip names and texts") from None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise InputError(f'--prompts {path}: not of the form {{"CLIP": "text"}}')
    return found


def _clips_at(at: Path, root: Path, files: Sequence[str], told: Mapping[str, str]) -> list[Clip]:
    """The clips that lie right in one folder."""
    sounds = _sounds(at, files)
    above = at.relative_to(root).parts
    if MIX in sounds:
        name = above[-1] if above else ONLY_CLIP
        prompt = told.get(name) or _composition_prompt(at)
        return [Clip(task="/".join(above[:-1]), name=name, parts=sounds, prompt=prompt)]
    return [
        Clip(task="/".join(above), name=name, parts={MIX: path}, prompt=told.get(name, ""))
        for name, path in sounds.items()
    ]


def _sounds(at: Path, files: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in sorted(files):
        path = at / file
        if file.startswith(".") or path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in found:
            raise InputError(f"{at}: both {found[path.stem].name} and {file}; keep one of them")
        found[path.stem] = path
    return found


def _composition_prompt(folder: Path) -> str:
    return _text(_read_json(folder / "composition.json"), "prompt")


def _evaluation_prompts(folder: Path) -> dict[str, str]:
    """Texts by clip of the evaluation in whose `clips` the folder lies; none elsewhere."""
    clips_folder = next((above for above in folder.resolve().parents[:2] if above.name == "clips"), None)
    report = _read_json(clips_folder.parent / "report.json") if clips_folder else None
    clips = report.get("clips") if isinstance(report, dict) else None
    if not isinstance(clips, list):
        return {}
    return {_text(clip, "clip"): _text(clip, "prompt") for clip in clips}


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _text(facts: Any, name: str) -> str:
    value = facts.get(name) if isinstance(facts, dict) else None
    return value if isinstance(value, str) else ""
