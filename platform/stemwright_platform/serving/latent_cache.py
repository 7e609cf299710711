"""Latents of given stems, kept by content: who makes ten takes to one drum track has it encoded once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class LatentCache:
    """The arrays used last, up to a number of bytes; safe to call from several threads."""

    def __init__(self, max_bytes: int = 256 << 20) -> None:
        """An array larger than `max_bytes` is never kept."""
        self._max_bytes = max_bytes
        self._held: OrderedDict[Hashable, Array] = OrderedDict()
        self._lock = threading.Lock()
        self.num_bytes = 0

    def get(self, key: Hashable, make: Callable[[], Array]) -> Array:
        """What is kept under a key, else what `make` gives; not to be written to."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return held
        made = make()  # two who ask at once may both make it: the same array
        with self._lock:
            if key not in self._held:
                self._held[key] = made
                self.num_bytes += made.nbytes
            while self.num_bytes > self._max_bytes:
                self.num_bytes -= self._held.popitem(last=False)[1].nbytes
        return made
