"""COCOLA, a learned score of how well two stems go together, by its own code in an environment of its own.

Axes: n audio sample, W window.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemwright.errors import InputError
from stemwright_platform.evaluation.external_scorer import ExternalScorer, ScorerCommand, scorer_script

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 5 * SAMPLE_RATE_HZ
"""What COCOLA was trained on."""
_SILENCE = 1e-3
"""Windows in which a stem's level (RMS) is below this, -60 dB of full scale, have no answer."""


class Cocola:
    """Pairs of stems → a score without bounds, higher where they go together: for comparisons alone."""

    name = "cocola"
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self, python: str, *, code: str, checkpoint: str) -> None:
        """`python`: of its environment; `code`: a checkout of COCOLA; `checkpoint`: its weights."""
        arguments = ("--code", code, "--checkpoint", checkpoint)
        command = ScorerCommand(
            name="cocola", python=python, script=scorer_script("cocola_scorer.py"), arguments=arguments
        )
        self._scorer = ExternalScorer(command)

    @property
    def fingerprint(self) -> str:
        """Of its weights. InputError where it cannot be started."""
        return self._scorer.hello.fingerprint

    def score(self, first: Tensor, second: Tensor) -> float:
        """Mean over windows of 5 s of two stems `[2, n]` at 16 kHz in which both sound; NaN where none is.

        The shorter stem's length counts; audio of less than a window is heard with silence behind it.
        """
        pairs = [_windows(stem[..., : min(first.shape[-1], second.shape[-1])]) for stem in (first, second)]
        sounding = np.logical_and(*(np.sqrt(np.square(part).mean(axis=1)) >= _SILENCE for part in pairs))
        if not sounding.any():
            return float("nan")
        values = self._scorer.ask("score_pairs", arrays=[part[sounding] for part in pairs])
        if values.shape != (int(sounding.sum()),):
            raise InputError(
                f"the scorer cocola answered with {list(values.shape)} numbers, not a score a pair"
            )
        return float(values.mean())

    def answers(self) -> None:
        """Start and end its process. InputError where that does not go."""
        _ = self.fingerprint
        self.close()

    def close(self) -> None:
        """End its process."""
        self._scorer.close()


def _windows(stem: Tensor) -> NDArray[np.float32]:
    """Mono windows `[W, 80000]` one after the other, W at least 1; a rest that fills none is left out."""
    mono = stem.float().mean(dim=0)
    mono = torch.nn.functional.pad(mono, (0, max(0, WINDOW_SAMPLES - mono.shape[-1])))
    return mono.unfold(0, WINDOW_SAMPLES, WINDOW_SAMPLES).numpy()
