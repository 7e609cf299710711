"""A data set as a user names it: PATH, URL, or either with a weight, as "data/slakh@0.7"."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError

_WEIGHTED = re.compile(r"(?P<url>.+)@(?P<weight>\d*\.?\d+)")


@dataclass(frozen=True, slots=True)
class DataSource:
    """A data set and how much of it to take."""

    url: str
    """A path or any fsspec URL."""
    weight: float = 1.0
    """Samples in proportion to it, among the data sets of a mix."""

    @classmethod
    def of(cls, text: str) -> "DataSource":
        """Parse what `--data` takes: a number after the last @ is the weight."""
        if found := _WEIGHTED.fullmatch(text):
            return cls(found["url"], float(found["weight"]))
        if not text:
            raise InputError("a data set needs a path or URL, got nothing")
        return cls(text)

    def absolute(self) -> "DataSource":
        """The same with a whole path, for processes in other folders."""
        local = DataFolder(self.url).local
        return self if local is None else replace(self, url=str(Path(local).resolve()))

    def __str__(self) -> str:
        return self.url if self.weight == 1 else f"{self.url}@{self.weight:g}"
