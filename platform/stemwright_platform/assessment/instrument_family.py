"""Families of instruments, as an ear can tell them apart: General MIDI's, basses and drum kits finer."""

from stemwright_platform.corpus.general_midi import KITS, PROGRAMS
from stemwright_platform.corpus.manifest import Song

GROUPS = (
    *("piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass"),
    *("reed", "pipe", "synth lead", "synth pad", "synth effects", "ethnic", "percussive", "sound effects"),
)
"""General MIDI's sixteen groups of eight programs."""
KIT_FAMILIES = {
    **dict.fromkeys((0, 8, 16), "acoustic kit"),
    **dict.fromkeys((24, 25), "electronic kit"),
    **dict.fromkeys((32, 40), "jazz kit"),
    48: "orchestral kit",
}
"""Drum kit → family."""


def family_of(track: str, words: str) -> str | None:
    """The family of what a prompt calls an instrument, in a track; None for other words.

    Of drums it is a kit, of a bass how it is played: upright, electric or synth.
    """
    if track == "drums":
        kits = [program for program, name in KITS.items() if name == words]
        return KIT_FAMILIES[kits[0]] if kits else None
    if words not in PROGRAMS:
        return None
    if track == "bass":
        return "synth bass" if "synth" in words else "upright bass" if "upright" in words else "electric bass"
    return GROUPS[PROGRAMS.index(words) // 8]


def instruments_by_track(song: Song) -> dict[str, str]:
    """Track → its instrument, where the song's metadata name one for each track that it has.

    Metadata know no tracks: instruments count as theirs where there are as many, in the tracks' order, and
    each is one that its track can have. Otherwise nothing is known.
    """
    sounding = [track for track, paths in song.tracks.items() if paths]
    words = song.metadata.instruments
    if len(words) != len(sounding):
        return {}
    found = dict(zip(sounding, words, strict=True))
    fits = all(
        family_of(track, word) is not None and ("bass" in word or track != "bass")
        for track, word in found.items()
    )
    return found if fits else {}
