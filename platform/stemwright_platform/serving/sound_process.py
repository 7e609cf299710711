"""Work on samples that would hold up a server, in a process of its own.

The listener and the stretcher keep Python's lock for seconds. The process is this module: samples come by
its standard input, float32 [n, 2], the answer goes by its standard output.
"""

import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from stemwright.untrusted_audio import bare_environment
from stemwright_platform.serving.steady_pulse import Pulse, steady_pulse

SECONDS = 300
"""Of its life."""

Audio = NDArray[np.float32]


def heard_pulse(audio: Audio, *, about_bpm: float, beats_per_bar: int, is_drums: bool) -> Pulse | None:
    """Of a stem `[2, n]` at SAMPLE_RATE_HZ; None where there is no beat to follow."""
    told = json.loads(_answer("hear", audio, about_bpm, beats_per_bar, int(is_drums)))
    return None if told is None else Pulse(**told)


def stretched(audio: Audio, sample_rate_hz: int, factor: float) -> Audio:
    """Audio `[2, n]` made `factor` times as long at the same pitch."""
    return _audio(_answer("stretch", audio, sample_rate_hz, factor)).copy()


def _answer(work: str, audio: Audio, *arguments: float) -> bytes:
    call = [sys.executable, "-m", __name__, work, *map(repr, arguments)]
    sent = np.ascontiguousarray(audio.T, np.float32).tobytes()
    ended = subprocess.run(
        call, input=sent, stdout=subprocess.PIPE, timeout=SECONDS, check=True, env=bare_environment()
    )
    return ended.stdout


def _audio(sent: bytes) -> Audio:
    return np.frombuffer(sent, np.float32).reshape(-1, 2).T


def _hear(audio: Audio, about_bpm: float, beats_per_bar: float, is_drums: float) -> bytes:
    pulse = steady_pulse(
        audio.mean(axis=0), about_bpm=about_bpm, beats_per_bar=int(beats_per_bar), is_drums=bool(is_drums)
    )
    return json.dumps(None if pulse is None else asdict(pulse)).encode()


def _stretch(audio: Audio, sample_rate_hz: float, factor: float) -> bytes:
    from python_stretch import Signalsmith

    stretch = Signalsmith.Stretch()
    stretch.preset(2, int(sample_rate_hz))
    stretch.timeFactor = 1 / factor
    made = np.asarray(stretch.process(np.ascontiguousarray(audio)), np.float32)
    return made.T.tobytes()


_WORK = {"hear": _hear, "stretch": _stretch}


if __name__ == "__main__":
    done = _WORK[sys.argv[1]](_audio(sys.stdin.buffer.read()), *map(float, sys.argv[2:]))
    sys.stdout.buffer.write(done)
