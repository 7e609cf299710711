"""One song of a rendered corpus on disk: FLAC stems, mix, and a record of what it is and how it was made."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright.tracks import TRACKS
from stemwright_platform.corpus.manifest import split_of
from stemwright_platform.corpus.midi.augmentation import Variant, played, variant_of
from stemwright_platform.corpus.midi.key import key_of
from stemwright_platform.corpus.midi.midi_source import MidiSource
from stemwright_platform.corpus.midi.programs import EFFECTS, name_of
from stemwright_platform.corpus.midi.score import Score, read_score
from stemwright_platform.corpus.midi.slots import Assignment, assign
from stemwright_platform.corpus.midi.stems import render_stems
from stemwright_platform.corpus.song_folder import make_folder, write_flac, write_record
from stemwright_platform.corpus.synthesis.mixing import mix_of
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ, load_sound_font

RENDERER = 1
"""Raise it when equal settings would give other songs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderOrder:
    """All that decides one song."""

    source: MidiSource
    variant: int
    """0 is as written."""
    seed: int
    fonts: tuple[tuple[Path, str], ...]
    """Sound fonts to choose from, each with its SHA-256."""
    source_name: str
    """What the manifest says of where the songs come from."""
    licence: str

    @property
    def song_id(self) -> str:
        """The file's name, and which variant it is."""
        return f"{self.source.song_id}.v{self.variant}" if self.variant else self.source.song_id

    @property
    def settings(self) -> dict[str, Any]:
        """What must be equal for a finished song to be kept."""
        return {
            "renderer": RENDERER,
            "midi_sha256": self.source.sha256,
            "variant": self.variant,
            "seed": self.seed,
            "soundfonts_sha256": [digest for _, digest in self.fonts],
            "source": self.source_name,
            "licence": self.licence,
        }


def render_song(order: RenderOrder, folder: Path) -> None:
    """Make the song in `folder`/song_id, whole or not at all; a finished one of the same order is kept.

    Raises InputError where its MIDI file, or the sound font, gives no sound.
    """
    make_folder(folder / order.song_id, order.settings, partial(_write, order))


@dataclass(frozen=True, kw_only=True, slots=True)
class Performance:
    """A song as one of its variants plays it."""

    score: Score
    """At the variant's tempo."""
    parts: Sequence[Assignment]
    variant: Variant
    key: str | None
    """Of all variants the same one, transposed."""


def perform(order: RenderOrder) -> Performance:
    """The song that an order asks for, in notes. Raises InputError as `read_score` does."""
    score = read_score(order.source.path)
    assignments = assign(score)
    variant = variant_of(
        score,
        assignments,
        song=order.source.song_id,
        number=order.variant,
        seed=order.seed,
        num_fonts=len(order.fonts),
    )
    return Performance(
        score=score.faster(variant.rate),
        parts=played(assignments, variant),
        variant=variant,
        key=key_of(score.parts, variant.semitones),
    )


def _write(order: RenderOrder, folder: Path) -> None:
    song = perform(order)
    font_path, _ = order.fonts[song.variant.font]
    stems = render_stems(song.parts, song.score.duration_s, song.variant, load_sound_font(font_path))
    if len(stems) < 2:
        raise InputError(f"{order.source.path.name}: sounds on {next(iter(stems))} alone")
    for name, stem in stems.items():
        write_flac(folder / f"{name}.flac", stem)
    write_flac(folder / "mix.flac", mix_of(stems))
    num_samples = next(iter(stems.values())).shape[1]
    record = _record(order, song, sorted(stems)) | {"duration_s": num_samples / SAMPLE_RATE_HZ}
    write_record(folder, record)


def _record(order: RenderOrder, song: Performance, tracks: list[str]) -> dict[str, Any]:
    score = song.score
    beats, value = score.metre
    is_odd = score.metre not in ((4, 4), (2, 4), (2, 2))
    return {
        "settings": order.settings,
        "midi": order.source.name,
        "variant": _played_how(order, song.variant),
        "parts": [_part(assignment) for assignment in song.parts],
        "tracks": tracks,
        "silent_tracks": sorted(set(TRACKS.names) - set(tracks)),
        "split": split_of(order.source.family),  # of all variants and versions
        "genres": [],
        "instruments": _instruments(song.parts, tracks),
        "moods": [],
        "tempo_bpm": round(score.tempo_bpm, 2) if 10 <= score.tempo_bpm < 1000 else None,
        "key": song.key,
        "keywords": [f"{beats}/{value} time"] if score.has_metre and is_odd else [],
        "themes": [],
        "downbeats_s": [round(beat, 4) for beat in score.downbeats_s],
        "source": order.source_name,
        "licence": order.licence,
        "notes": _notes(score, song.key),
    }


def _notes(score: Score, key: str | None) -> list[str]:
    """What the manifest tells beside the fields."""
    return [
        text
        for text, is_so in (
            ("key from the notes, by correlation with key profiles", key is not None),
            ("the file states no time signature: downbeats of 4/4", not score.has_metre),
            ("the file ends too early: what is there was rendered", score.is_truncated),
        )
        if is_so
    ]


def _played_how(order: RenderOrder, variant: Variant) -> dict[str, Any]:
    replaced = {
        name_of(program, is_kit): name_of(new, is_kit)
        for (program, is_kit), new in variant.programs.items()
        if new != program
    }
    return {
        "number": order.variant,
        "soundfont": order.fonts[variant.font][0].name,
        "semitones": variant.semitones,
        "rate": variant.rate,
        "replaced": replaced,
        "effects": sorted(variant.effects),
    }


def _part(assignment: Assignment) -> dict[str, Any]:
    part = assignment.part
    return {
        "name": part.name,
        "channel": part.channel % 16 + 1,
        "program": name_of(part.program, part.is_drum),
        "notes": len(part.notes),
        "slot": assignment.slot,
        "reason": assignment.reason,
    }


def _instruments(parts: Sequence[Assignment], tracks: Sequence[str]) -> list[str]:
    """What plays, in slot order, within a slot by how long; noises are not named."""
    names: list[str] = []
    for slot in tracks:
        seconds: dict[str, float] = {}
        for assignment in parts:
            part = assignment.part
            if assignment.slot == slot and (part.is_drum or part.program not in EFFECTS):
                name = name_of(part.program, part.is_drum)
                seconds[name] = seconds.get(name, 0.0) + float(part.notes.length_s.sum())
        names += sorted(seconds, key=lambda name: -seconds[name])
    return list(dict.fromkeys(names))
