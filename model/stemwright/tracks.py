"""The K named track slots, their order and their masks (§4.1: tracks sit in fixed slots)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stemwright.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracks:
    """Names of the K slots, in slot order."""

    names: tuple[str, ...]
    """Slot names as the API, the manifest and the files spell them."""
    prompt_names: tuple[str, ...]
    """The same slots as a task prefix spells them ("drum", not "drums": §4.2)."""

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) != len(self.names):
            raise InputError(f"track names must be distinct and at least one, got {list(self.names)}")
        if len(self.prompt_names) != len(self.names):
            raise InputError("every track needs one prompt name")

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Slot number of a track; InputError names the tracks there are."""
        try:
            return self.names.index(name)
        except ValueError:
            raise InputError(f"unknown track '{name}': choose from {', '.join(self.names)}") from None

    def ordered(self, names: Iterable[str]) -> tuple[str, ...]:
        """The given names without repeats, in slot order."""
        slots = {self.index(name) for name in names}
        return tuple(self.names[slot] for slot in sorted(slots))

    def mask(self, names: Iterable[str]) -> "Tensor":
        """Boolean [K], true at the named slots."""
        import torch  # seconds, which who only wants the names need not wait

        mask = torch.zeros(len(self), dtype=torch.bool)
        for name in names:
            mask[self.index(name)] = True
        return mask


TRACKS = Tracks(
    names=("bass", "drums", "instrument", "melody"),
    prompt_names=("bass", "drum", "instrument", "melody"),
)
"""The paper's four tracks (§5.1)."""
