"""Work on clips, shared out, with progress on the terminal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stemwright_platform.crew import made_by
from stemwright_platform.time_left import TimeLeft

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipCrew:
    """Who does it."""

    jobs: int | None = 1
    """Ray actors; 1: this process alone, None: as many as fit."""
    device: str = "cpu"
    """On "cuda" each actor holds a GPU."""

    def done(
        self, label: str, make_work: Callable[[], Callable[[Item], Result]], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Each item with its result, as it is done."""
        if not items:
            return
        progress = TimeLeft(label, len(items))
        num_gpus = 1.0 if self.device.startswith("cuda") else 0.0
        found = made_by(make_work, items, self.jobs, num_gpus=num_gpus)
        for count, (number, result) in enumerate(found, 1):
            yield items[number], result
            progress.advance(1, f"{count} of {len(items)} clips")
        progress.close()
