"""Songs by the licences they are under."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from stemwright.errors import InputError
from stemwright_platform.corpus.manifest import Song


def with_licences(songs: Sequence[Song], patterns: Sequence[str]) -> list[Song]:
    """The songs whose licence fits a pattern, as "CC0-1.0" or "CC-BY-*", and none that begins with "!".

    Case does not count. "CC-BY-*" also fits "CC-BY-NC-4.0": ["CC-*", "!*-NC-*"] leaves that out. With
    nothing but "!" patterns all others are taken; without patterns all are.
    Raises InputError, naming the licences there are, where no song is left.
    """
    wanted = [pattern.casefold() for pattern in patterns if not pattern.startswith("!")]
    refused = [pattern[1:].casefold() for pattern in patterns if pattern.startswith("!")]

    def fits(licence: str) -> bool:
        name = licence.casefold()
        taken = not wanted or any(fnmatchcase(name, pattern) for pattern in wanted)
        return taken and not any(fnmatchcase(name, pattern) for pattern in refused)

    taken = [song for song in songs if fits(song.licence)]
    if songs and not taken:
        there = ", ".join(sorted({song.licence for song in songs}))
        raise InputError(f"no song is under a licence of {', '.join(patterns)}; there are: {there}")
    return taken
