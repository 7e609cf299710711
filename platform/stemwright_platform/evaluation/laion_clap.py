"""CLAP by LAION's own package, in an environment of its own; the same windows as `stemwright.metrics.clap`.

Axes: n audio sample, W window.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stemwright.errors import InputError
from stemwright.metrics.clap import HOP_SAMPLES, WINDOW_SAMPLES, windows
from stemwright.metrics.feature import Arrays
from stemwright.metrics.weights_file import find_weights_file
from stemwright_platform.evaluation.external_scorer import ExternalScorer, ScorerCommand, scorer_script

_FILE = "music_audioset_epoch_15_esc_90.14.pt"
_FETCH = f"hf download lukewys/laion_clap {_FILE} --local-dir {{place}}"
_WIDTH = 512


class LaionClap:
    """48 kHz audio → `embeddings` `[W, 512]` as `Clap`; a pickled copy has its own process."""

    name = "clap"
    sample_rate_hz = 48_000

    def __init__(self, python: str, weights: str | None = None, *, device: str = "cpu") -> None:
        """`python`: interpreter of an environment with laion-clap; `weights`: LAION's file, or its folder."""
        path = find_weights_file(
            weights, file=_FILE, command=_FETCH, alternative="the embedded score 'tag_agreement'"
        )
        command = ScorerCommand(
            name="laion-clap",
            python=python,
            script=scorer_script("laion_clap_scorer.py"),
            arguments=("--checkpoint", str(path.absolute()), "--device", device),
        )
        self._scorer = ExternalScorer(command)

    @property
    def fingerprint(self) -> str:
        """Of the package's version, its weights and the windows. InputError where it cannot be started."""
        settings = ("laion-clap", 1, self._scorer.hello.fingerprint, WINDOW_SAMPLES, HOP_SAMPLES)
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    def extract(self, audio: Tensor) -> Arrays:
        """Float32 audio `[2, n]` in ±1 at 48 kHz → `embeddings` `[W, 512]`."""
        parts = [
            self._checked(self._scorer.ask("embed_audio", arrays=[part.numpy()]), len(part))
            for part in windows(audio)
        ]
        return {"embeddings": np.concatenate(parts)}

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One embedding of unit length a text, `[len(texts), 512]`."""
        return self._checked(self._scorer.ask("embed_text", texts=texts), len(texts))

    def close(self) -> None:
        """End its process."""
        self._scorer.close()

    def _checked(self, values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        if values.shape != (count, _WIDTH):
            raise InputError(
                f"the scorer laion-clap answered with {list(values.shape)} numbers, not [{count}, {_WIDTH}]"
            )
        return values
