"""The audio of one track of a song: its files, local or remote, at one rate and summed sample by sample."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import fsspec
import torch
from torch import Tensor

from stemwright.audio import read_audio


def read_stem(paths: Sequence[str], sample_rate_hz: int) -> Tensor:
    """The sum of the files, float32 `[2, n]`, n of the longest one; shorter ones end in silence.

    Raises InputError, naming the file, where one cannot be used.
    """
    total = torch.zeros(2, 0)
    for path in paths:
        with opened(path) as source:
            audio = read_audio(source, sample_rate_hz, name=path)
        if audio.shape[1] > total.shape[1]:
            total, audio = audio, total
        total[:, : audio.shape[1]] += audio
    return total


def opened(path: str) -> AbstractContextManager[Any]:
    """What audio readers take: a local path as it is, a URI as an open file."""
    return fsspec.open(path) if "://" in path else nullcontext(path)
