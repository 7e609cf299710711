"""The MIDI files below a folder: which can become songs, under which names, and why the others cannot."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from stemwright.errors import InputError
from stemwright_platform.corpus.midi.score import Score, read_score
from stemwright_platform.corpus.midi.slots import DRUMS, assign

SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
MIN_NOTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class MidiSource:
    """A MIDI file and what a look at it told."""

    path: Path
    name: str
    """Below the folder that was searched."""
    song_id: str
    """The name without suffix."""
    sha256: str = ""
    """Of the file's bytes."""
    digest: str = ""
    """Of its notes: equal for two files of one song's same version."""
    duration_s: float = 0.0
    reason: str = ""
    """Why it is rejected; empty where it is not."""

    @property
    def family(self) -> str:
        """What versions of a song share: collections name them Title.1.mid, Title.2.mid."""
        return re.sub(r"\.\d+$", "", self.song_id)


def find_midi(folder: Path) -> list[MidiSource]:
    """The MIDI files below a folder in order of their names. Raises InputError where there are none."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give one with MIDI files")
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(root) / name
            for name in sorted(names)
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    if not found:
        raise InputError(f"no MIDI files below {folder}: it needs files ending in {', '.join(SUFFIXES)}")
    names = [path.relative_to(folder).as_posix() for path in found]
    return [
        MidiSource(path=path.absolute(), name=name, song_id=song_id)
        for path, name, song_id in zip(found, names, _song_ids(names), strict=True)
    ]


def _song_ids(names: Sequence[str]) -> list[str]:
    """The names without suffix, made to differ from each other, from folders' and from variants' names."""
    taken = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    song_ids: list[str] = []
    for name in names:
        song_id = re.sub(r"\.v(\d+)$", r"-v\1", name.rsplit(".", 1)[0])
        if song_id in taken:  # song.mid beside song.kar, or beside a folder "song"
            song_id = "-".join(name.rsplit(".", 1))
        while song_id in taken:
            song_id += "-"
        taken.add(song_id)
        song_ids.append(song_id)
    return song_ids


def looked_at(source: MidiSource, shortest_s: float, longest_s: float) -> MidiSource:
    """The source with what its file tells, and whether it is rejected; never raises for a bad file."""
    try:
        sha256 = hashlib.sha256(source.path.read_bytes()).hexdigest()
        score = read_score(source.path)
        reason = _reason(score, shortest_s, longest_s)
    except (InputError, OSError) as error:
        return replace(source, reason=str(error).removeprefix(f"{source.path.name}: "))
    except Exception as error:  # a fault of ours in one file must not stop a hundred thousand
        return replace(source, reason=f"could not be read ({type(error).__name__}: {error})")
    return replace(source, sha256=sha256, digest=score.digest, duration_s=score.duration_s, reason=reason)


def without_repeats(sources: Iterable[MidiSource]) -> list[MidiSource]:
    """The sources, those rejected whose notes an earlier one has."""
    first: dict[str, str] = {}
    result: list[MidiSource] = []
    for source in sources:
        if not source.reason:
            before = first.setdefault(source.digest, source.name)
            if before != source.name:
                source = replace(source, reason=f"has the same notes as {before}")
        result.append(source)
    return result


def families(sources: Sequence[MidiSource]) -> list[str]:
    """The names that the splits are drawn for, each once."""
    return list(dict.fromkeys(source.family for source in sources))


def _reason(score: Score, shortest_s: float, longest_s: float) -> str:
    num_notes = sum(len(part.notes) for part in score.parts)
    if score.duration_s < shortest_s:
        return f"is too short: {score.duration_s:.1f} s of at least {shortest_s:g}"
    if score.duration_s > longest_s:
        return f"is too long: {score.duration_s:.0f} s of at most {longest_s:g}"
    if num_notes < MIN_NOTES:
        return f"has too few notes: {num_notes} of at least {MIN_NOTES}"
    slots = {assignment.slot for assignment in assign(score)}
    if len(slots) < 2:
        (slot,) = slots
        return "has only drums" if slot == DRUMS else f"fills one track alone: {slot}"
    return ""
