"""Importer of MUSDB18-HQ (https://sigsep.github.io/datasets/musdb.html).

musdb18hq/{train,test}/Artist - Title/{mixture,vocals,drums,bass,other}.wav
"""

from pathlib import Path

from stemwright.errors import InputError
from stemwright.prompts import SongMetadata
from stemwright.tracks import TRACKS, Tracks
from stemwright_platform.corpus.importers.intake import Intake, Progress, read_each, say_nothing
from stemwright_platform.corpus.importers.slot_map import SlotMap, load_slots
from stemwright_platform.corpus.importers.stem import Origin, Stem, song_of_stems
from stemwright_platform.corpus.manifest import Song, Split

FIELDS = ("stem",)
ORIGIN = Origin(source="MUSDB18-HQ", licence="LicenseRef-MUSDB18-academic-noncommercial")
STEMS = ("vocals", "drums", "bass", "other")
WORDS = {"vocals": "vocals", "drums": "drums", "bass": "bass"}
SPLITS: tuple[Split, ...] = ("train", "test")


def import_musdb(
    source: str | Path,
    *,
    slots: str | Path | None = None,
    tracks: Tracks = TRACKS,
    progress: Progress = say_nothing,
) -> Intake:
    """The songs of a MUSDB18-HQ tree, with its own split.

    `slots`: a YAML file of slot rules in place of the shipped ones. Raises InputError where there is no
    song, or for bad rules; bad songs are rejected.
    """
    slot_map = load_slots(slots, corpus="musdb", fields=FIELDS, tracks=tracks)
    folders = _song_folders(Path(source))
    if not folders:
        raise InputError(f"no songs below {source}: it needs train and test with 'Artist - Title' folders")
    songs, rejected = read_each(
        [(folder.name, folder) for folder in folders],
        lambda folder: _read(folder, slot_map),
        progress=progress,
    )
    return Intake(songs, rejected)


def _song_folders(source: Path) -> list[Path]:
    """Those below train and test, of the source or of a folder in it."""
    if not source.is_dir():
        raise InputError(f"{source} is not a folder: give the one that holds train and test")
    return [
        folder
        for place in (source, *sorted(path for path in source.glob("*") if path.name not in SPLITS))
        for split in SPLITS
        for folder in sorted((place / split).glob("*"))
        if folder.is_dir() and not folder.name.startswith(".")
    ]


def _read(folder: Path, slot_map: SlotMap) -> Song:
    if any(folder.glob("*.stem.mp4")):
        raise InputError(f"{folder} holds .stem.mp4 files: get the MUSDB18-HQ release, whose stems are WAV")
    stems = [
        Stem(path=folder / f"{name}.wav", facts={"stem": name}, words=WORDS.get(name, "")) for name in STEMS
    ]
    return song_of_stems(
        folder.name,
        stems,
        slot_map,
        ORIGIN,
        folder=folder,
        split=next(split for split in SPLITS if split == folder.parent.name),
        metadata=SongMetadata(),
        mix=folder / "mixture.wav",
    )
