"""Outputs of another system, to be scored as ours are: a folder with a stem folder or a mix for each clip.

OUTPUTS/
    clip-1/bass.wav, drums.wav, …        stems, taken as they are
    clip-2.flac                          a mix
    prompts.csv                          optional: clip,prompt
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from stemwright.audio import read_audio, write_audio
from stemwright.audio_stream import AudioStream
from stemwright.errors import InputError
from stemwright.mixing import fitted, mix
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.importers.slot_map import (
    SlotMap,
    SlotRule,
    load_slots,
    parse_slots,
    shipped_slots,
)

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
MIX_NAMES = ("mix", "mixture", "mixed")
PROMPTS = ("prompts.csv", "prompts.json")
_FIELDS = ("name",)
_SUM_RATE_HZ = 48_000


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineClip:
    """What a system made for one prompt."""

    name: str
    """Of its folder or file; a clip of ours of the same name is its counterpart."""
    stems: Mapping[str, Path] = field(default_factory=dict)
    """Track → file, of any rate and length; empty where the system made a mix alone."""
    mix: Path | None = None
    """File of all of it together; None where there are stems alone."""
    prompt: str | None = None
    """From prompts.csv or prompts.json; None where it names no prompt for the clip."""


def read_baseline(
    folder: str | Path,
    tracks: Tracks = TRACKS,
    *,
    sums: Path | None = None,
    slots: str | Path | None = None,
) -> list[BaselineClip]:
    """The clips of a system, in order of their names; every file's header is read, no sound.

    `sums`: a folder for what has to be added up (two files of one track; the mix of a clip of stems), kept
    for another run; without it such clips have no mix, and two files of one track are an error.
    `slots`: a YAML file of slot rules for files not named as a track, in place of the shipped ones.
    Raises InputError, naming the file, where one cannot be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give one with a system's outputs, a clip each")
    prompts = _prompts(folder)
    slot_map = _slot_map(tracks, slots)
    mixes = _audio_files(folder)
    found: list[BaselineClip] = []
    for name, files in _clip_folders(folder):
        clip = _stem_clip(name, files, slot_map, strict=slots is None, sums=sums)
        whole = mixes.pop(name, None)
        found.append(clip if whole is None else replace(clip, mix=whole))
    found += [BaselineClip(name=name, mix=path) for name, path in mixes.items()]
    if not found:
        raise InputError(f"{folder} holds no outputs: it needs NAME/bass.wav, NAME/drums.wav, … or NAME.wav")
    for clip in found:
        for path in (*clip.stems.values(), *((clip.mix,) if clip.mix else ())):
            with AudioStream(path):  # reads and checks the header
                pass
    if prompts and not prompts.keys() & {clip.name for clip in found}:
        raise InputError(f"{folder}: its prompts are of none of its clips, of {found[0].name} for one")
    return sorted(
        (replace(clip, prompt=prompts.get(clip.name)) for clip in found), key=lambda clip: clip.name
    )


def _slot_map(tracks: Tracks, slots: str | Path | None) -> SlotMap:
    """A file named as a track is that track; the rules are for other names."""
    named = [SlotRule(slot=name, wanted={"name": (name.casefold(),)}) for name in tracks.names]
    if slots is not None:
        rules = load_slots(slots, corpus="baseline", fields=_FIELDS, tracks=tracks).rules
    else:
        shipped = parse_slots(yaml.safe_load(shipped_slots("baseline")), "baseline.yaml", _FIELDS)
        rules = tuple(rule for rule in shipped.rules if rule.slot in tracks.names)
    return SlotMap(rules=(*named, *rules), tracks=tracks)


def _clip_folders(folder: Path) -> Iterable[tuple[str, dict[str, Path]]]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            files = _audio_files(path)
            if not files:
                raise InputError(f"{path} holds no audio: fill it with the clip's stems, or remove it")
            yield path.name, files


def _audio_files(folder: Path) -> dict[str, Path]:
    """Name without suffix → file; InputError where two files differ by their suffix alone."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file() and not path.name.startswith("."):
            if path.stem in files:
                raise InputError(f"{files[path.stem]} and {path.name} are the same: keep one of them")
            files[path.stem] = path
    return files


def _stem_clip(
    name: str, files: dict[str, Path], slot_map: SlotMap, *, strict: bool, sums: Path | None
) -> BaselineClip:
    """`strict`: a file that no rule takes is an error, so that no part of a clip goes unheard unnoticed."""
    whole = {stem: path for stem, path in files.items() if stem.casefold() in MIX_NAMES}
    parts = {stem: path for stem, path in files.items() if stem not in whole}
    taken = slot_map.slots([{"name": stem} for stem in parts])
    chosen: dict[str, list[Path]] = {}
    for path, slot in zip(parts.values(), taken, strict=True):
        if slot is not None:
            chosen.setdefault(slot, []).append(path)
        elif strict:
            raise InputError(
                f"{path}: is no known stem: name it as a track ({', '.join(slot_map.tracks.names)}) or mix, "
                "or give slot rules"
            )
    stems = {
        slot: _joined(chosen[slot], f"{name}/{slot}", sums)
        for slot in slot_map.tracks.names
        if slot in chosen
    }
    if whole:
        together = next(iter(whole.values()))
    else:
        together = _summed([*stems.values()], f"{name}/mix", sums) if sums and stems else None
    return BaselineClip(name=name, stems=stems, mix=together)


def _joined(paths: list[Path], name: str, sums: Path | None) -> Path:
    if len(paths) == 1:
        return paths[0]
    if sums is None:
        others = ", ".join(path.name for path in paths[1:])
        raise InputError(f"{paths[0]} and {others} are one track: sum them into one file")
    return _summed(paths, name, sums)


def _summed(paths: list[Path], name: str, sums: Path) -> Path:
    """One file of all of them, made once for the same contents."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    target = sums / f"{name}-{digest.hexdigest()[:12]}.flac"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        parts = [read_audio(path, _SUM_RATE_HZ) for path in paths]
        longest = max(part.shape[-1] for part in parts)
        write_audio(target, mix(fitted(part, longest) for part in parts), _SUM_RATE_HZ)
    return target


def _prompts(folder: Path) -> dict[str, str]:
    """Clip → prompt, from the prompts file that there is; empty where there is none."""
    there = [folder / name for name in PROMPTS if (folder / name).is_file()]
    if len(there) > 1:
        raise InputError(f"{folder} has both {' and '.join(PROMPTS)}: keep one of them")
    if not there:
        return {}
    try:
        text = there[0].read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{there[0]} cannot be read: {error}") from None
    return _csv_prompts(text, there[0]) if there[0].suffix == ".csv" else _json_prompts(text, there[0])


def _csv_prompts(text: str, path: Path) -> dict[str, str]:
    rows = csv.DictReader(text.splitlines())
    if not {"clip", "prompt"} <= set(rows.fieldnames or ()):
        raise InputError(f"{path}: its first line must name the columns, clip,prompt")
    prompts: dict[str, str] = {}
    for row in rows:
        if not row["clip"] or not row["prompt"]:
            raise InputError(f"{path}, line {rows.line_num}: needs a clip and a prompt")
        prompts[row["clip"]] = row["prompt"]
    return prompts


def _json_prompts(text: str, path: Path) -> dict[str, str]:
    try:
        content = json.loads(text)
        if isinstance(content, list):
            content = {row["clip"]: row["prompt"] for row in content}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not JSON of clips and prompts ({error})") from None
    if not isinstance(content, dict) or not all(isinstance(words, str) for words in content.values()):
        raise InputError(f'{path} must hold one object, as {{"clip-1": "slow blues"}}')
    return content
