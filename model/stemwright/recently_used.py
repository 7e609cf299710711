"""What was used last, up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RecentlyUsed(Generic[K, V]):
    """A mapping that lets the least recently used go first; safe to use from several threads."""

    def __init__(self, max_bytes: int, size: Callable[[K, V], int]) -> None:
        """`size`: bytes of an entry. One larger than `max_bytes` is never kept."""
        self.max_bytes, self._size = max_bytes, size
        self._held: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()
        self.num_bytes = 0
        """What is kept now."""

    def get(self, key: K) -> V | None:
        """What is kept under a key; not to be written to."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value; one that is there already stays and counts as used."""
        with self._lock:
            if key not in self._held:
                self._held[key] = value
                self.num_bytes += self._size(key, value)
            self._held.move_to_end(key)
            while self.num_bytes > self.max_bytes:
                self.num_bytes -= self._size(*self._held.popitem(last=False))

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """What is kept, else what `make` gives; two who ask at once may both make it."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value
