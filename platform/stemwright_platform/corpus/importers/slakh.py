"""Importer of Slakh2100 (http://www.slakh.com), the FLAC release and its conversion to WAV.

slakh2100_flac_redux/{train,validation,test,omitted}/TrackNNNNN/
    {metadata.yaml, mix.flac, all_src.mid, MIDI/SNN.mid, stems/SNN.flac}

Tempo and bar lines are those of all_src.mid. The split folders may be missing, as after a conversion of
one of them: then the numbers of the tracks give the split of the first release.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.general_midi import instrument_words
from stemwright_platform.corpus.importers.intake import Intake, Progress, read_each, say_nothing
from stemwright_platform.corpus.importers.midi_time import MidiTime, read_midi_time
from stemwright_platform.corpus.importers.slot_map import SlotMap, load_slots
from stemwright_platform.corpus.importers.stem import Origin, Stem, song_of_stems
from stemwright_platform.corpus.manifest import SPLITS, Song, Split

FIELDS = ("inst_class", "program_num", "is_drum", "midi_program_name", "plugin_name")
ORIGIN = Origin(source="Slakh2100", licence="CC-BY-4.0")
SUFFIXES = (".flac", ".wav")
OMITTED = "omitted"
LAST_TRAIN, LAST_VALIDATION = 1500, 1875
"""Track numbers of the first release: up to here train, up to here validation, then test."""

_TRACK = re.compile(r"Track(\d{5})")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where libyaml is there


@dataclass(frozen=True, slots=True)
class _Found:
    """A song, and the MIDI file that it was made from: songs that share one are one song, played twice."""

    song: Song
    midi_id: str


def import_slakh(
    source: str | Path,
    *,
    slots: str | Path | None = None,
    omitted: bool = False,
    tracks: Tracks = TRACKS,
    progress: Progress = say_nothing,
) -> Intake:
    """The songs of a Slakh2100 tree, or of one of its split folders.

    `slots`: a YAML file of slot rules in place of the shipped ones. `omitted`: also the songs that the
    redux release leaves out; each repeats the MIDI of another song and goes to its split.
    Raises InputError where there is no song, or for bad rules; bad songs are rejected.
    """
    slot_map = load_slots(slots, corpus="slakh", fields=FIELDS, tracks=tracks)
    folders = _song_folders(Path(source), omitted)
    if not folders:
        raise InputError(
            f"no songs below {source}: it needs TrackNNNNN folders with metadata.yaml, "
            "in train, validation and test"
        )
    found, rejected = read_each(
        [(folder.name, folder) for folder in folders],
        lambda folder: _read(folder, slot_map),
        progress=progress,
    )
    return Intake(_without_leaks(found), rejected)


def _song_folders(source: Path, omitted: bool) -> list[Path]:
    """TrackNNNNN folders at any depth, in order of their numbers; those left out come last."""
    if not source.is_dir():
        raise InputError(f"{source} is not a folder: give the one that holds train, validation and test")
    places = [source]
    for _ in range(2):  # source, its splits, or a release's folder with the splits
        places += [
            folder for place in places for folder in _folders(place) if not _TRACK.fullmatch(folder.name)
        ]
    found = {folder for place in places for folder in _folders(place) if _TRACK.fullmatch(folder.name)}
    wanted = [folder for folder in found if omitted or folder.parent.name != OMITTED]
    return sorted(wanted, key=lambda folder: (folder.parent.name == OMITTED, folder.name, str(folder)))


def _folders(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _read(folder: Path, slot_map: SlotMap) -> _Found:
    known = _metadata(folder / "metadata.yaml")
    stems = [
        _stem(folder, name, facts)
        for name, facts in sorted(known["stems"].items())
        if facts.get("audio_rendered", True)
    ]
    time, fault = _midi_time(folder / "all_src.mid")
    song = song_of_stems(
        folder.name,
        stems,
        slot_map,
        ORIGIN,
        folder=folder,
        split=_split(folder),
        metadata=SongMetadata(tempo_bpm=time.tempo_bpm),
        mix=_audio(folder / "mix"),
        notes=[*(f"{name} was not rendered" for name in _unrendered(known["stems"])), *fault],
        downbeats_s=time.downbeats_s,
    )
    return _Found(song, str(known.get("UUID") or folder.name))


def _metadata(path: Path) -> dict[str, Any]:
    try:
        known = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: copy it again") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    stems = known.get("stems") if isinstance(known, dict) else None
    if not isinstance(stems, dict) or not all(isinstance(facts, dict) for facts in stems.values()):
        raise InputError(f"{path} lists no stems: copy it again")
    return known | {"stems": {str(name): facts for name, facts in stems.items()}}


def _stem(folder: Path, name: str, facts: Mapping[str, Any]) -> Stem:
    return Stem(
        path=_audio(folder / "stems" / name),
        facts={field: str(facts[field]) for field in FIELDS if field in facts},
        words=_words(facts),
    )


def _words(facts: Mapping[str, Any]) -> str:
    """What prompts call a stem's instrument."""
    program = facts.get("program_num")
    number = program if isinstance(program, int) else -1
    midi_name = str(facts.get("midi_program_name", "")).lower()
    return instrument_words(number, bool(facts.get("is_drum"))) or midi_name


def _midi_time(path: Path) -> tuple[MidiTime, list[str]]:
    """What the MIDI file that the song was made from says, and a note where it cannot be read."""
    if not path.is_file():
        return MidiTime(), []
    try:
        return read_midi_time(path), []
    except InputError as error:
        return MidiTime(), [f"no tempo: {error}"]


def _unrendered(stems: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted(name for name, facts in stems.items() if not facts.get("audio_rendered", True))


def _audio(path: Path) -> Path:
    """The file of a name in the format that it is there in; the FLAC where it is there in none."""
    files = [path.with_name(path.name + suffix) for suffix in SUFFIXES]
    return next((file for file in files if file.is_file()), files[0])


def _split(folder: Path) -> Split:
    """By the folder that the song lies in, else by its number."""
    for split in SPLITS:
        if folder.parent.name == split:
            return split
    found = _TRACK.fullmatch(folder.name)
    number = int(found[1]) if found else 0
    return "train" if number <= LAST_TRAIN else "validation" if number <= LAST_VALIDATION else "test"


def _without_leaks(found: Sequence[_Found]) -> list[Song]:
    """The songs, those made from one MIDI file all in the split of the first: Slakh2100 has 390 repeats."""
    first: dict[str, Song] = {}
    songs: list[Song] = []
    for one in found:
        twin = first.setdefault(one.midi_id, one.song)
        if twin.split == one.song.split:
            songs.append(one.song)
            continue
        note = f"made from the same MIDI as {twin.song_id}: moved from {one.song.split} to {twin.split}"
        songs.append(replace(one.song, split=twin.split, notes=(*one.song.notes, note)))
    return songs
