"""A song from the stem files of a corpus: each to its slot, the lengths compared, what is odd noted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stemwright.prompts import SongMetadata
from stemwright_platform.corpus.importers.audio_header import AudioHeader, read_header
from stemwright_platform.corpus.importers.slot_map import SlotMap
from stemwright_platform.corpus.manifest import Song, Split

TOLERANCE_S = 0.001
"""Stems that end this much before the song are as long as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stem:
    """One audio file of a song."""

    path: Path
    facts: Mapping[str, str]
    """What the corpus says of it, for the slot rules."""
    words: str = ""
    """What prompts call its instrument; empty where unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What is true of every song of a corpus."""

    source: str
    """As "MoisesDB"."""
    licence: str
    """As an SPDX expression where there is one."""
    complete: bool = True
    """Whether a slot without stems is known to be silent, and not merely missing."""


def song_of_stems(
    song_id: str,
    stems: Sequence[Stem],
    slot_map: SlotMap,
    origin: Origin,
    *,
    folder: Path,
    split: Split,
    metadata: SongMetadata,
    mix: Path | None = None,
    notes: Sequence[str] = (),
    downbeats_s: tuple[float, ...] = (),
) -> Song:
    """The song, its slots filled by the rules; its instruments are those of the stems that are used.

    Reads the headers of the stems that are used. A stem that no rule takes is left out, one that ends
    before the song is heard as silent from there on; both are noted. Raises InputError, naming the file,
    where a header cannot be read.
    """
    slots = slot_map.slots([stem.facts for stem in stems])
    used = [stem for stem, slot in zip(stems, slots, strict=True) if slot is not None]
    headers = {stem.path: read_header(stem.path) for stem in used}
    empty = () if origin.complete else None
    names = slot_map.tracks.names
    chosen = {name: [stem for stem, slot in zip(stems, slots, strict=True) if slot == name] for name in names}
    words = [stem.words for name in names for stem in chosen[name] if stem.words]
    left_out = [stem.path for stem, slot in zip(stems, slots, strict=True) if slot is None]
    return Song(
        song_id=song_id,
        split=split,
        duration_s=max((header.duration_s for header in headers.values()), default=0.0),
        sample_rate_hz=max((header.sample_rate_hz for header in headers.values()), default=0),
        tracks={name: tuple(str(stem.path.absolute()) for stem in chosen[name]) or empty for name in names},
        mix_path=str(mix.absolute()) if mix and mix.is_file() else None,
        metadata=replace(metadata, instruments=tuple(dict.fromkeys(words)) or metadata.instruments),
        downbeats_s=downbeats_s,
        source=origin.source,
        licence=origin.licence,
        notes=(
            *notes,
            *(f"{path.relative_to(folder)} belongs to no track: left out" for path in left_out),
            *_ends(headers, folder),
        ),
    )


def _ends(headers: Mapping[Path, AudioHeader], folder: Path) -> list[str]:
    """A note for each file that ends before the longest one."""
    if not headers:
        return []
    duration_s = max(header.duration_s for header in headers.values())
    gaps = {path: duration_s - header.duration_s for path, header in headers.items()}
    return [
        f"{path.relative_to(folder)} ends {gap_s:.3f} s early: silent from there on"
        for path, gap_s in gaps.items()
        if gap_s > TOLERANCE_S
    ]
