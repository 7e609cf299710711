"""The kinds of audio file that are written."""

from typing import Literal

Container = Literal["wav", "flac", "ogg"]
