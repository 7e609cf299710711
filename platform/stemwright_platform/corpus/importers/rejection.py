"""A song of a corpus that cannot be used, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rejection:
    """A song that cannot be used."""

    song_id: str
    reason: str
    """One line that names the file."""
