"""Audio from strangers, decoded in a process of its own: it may crash or use too much, and dies alone.

The process is this module. It gets a file by its standard input and answers with raw samples, float32 [n, 2],
or with a line that says what is wrong with the file: nothing that it says is run.
"""

import os
import resource
import subprocess
import sys
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from stemwright.audio_stream import AudioStream
from stemwright.errors import InputError

MEMORY_BYTES = 2 << 30
"""Address space of the process."""
SECONDS = 60
"""Of its life; of its work on a core as well."""
NAME = "{file}"
"""What the process calls the file: it never learns its name."""
BAD_FILE = 2
"""Its exit status for a file that is not usable audio."""


def decode_apart(
    data: bytes, sample_rate_hz: int, num_samples: int, *, max_duration_s: float, name: str
) -> NDArray[np.float32]:
    """The first `num_samples`, or all where there are fewer, as float32 `[2, n]`.

    InputErrors as `AudioStream` has them, and for a file on which decoding dies or lasts too long.
    """
    call = [sys.executable, "-m", __name__, str(sample_rate_hz), str(num_samples), f"{max_duration_s!r}"]
    try:
        ended = subprocess.run(call, input=data, capture_output=True, timeout=SECONDS, env=bare_environment())
    except subprocess.TimeoutExpired:
        raise InputError(f"{name}: takes too long to decode; export it as WAV or FLAC") from None
    if ended.returncode == BAD_FILE:
        raise InputError(ended.stderr.decode(errors="replace").strip().replace(NAME, name, 1))
    if ended.returncode != 0 or len(ended.stdout) % 8 or len(ended.stdout) > 8 * num_samples:
        raise InputError(f"{name}: cannot be decoded; export it as WAV or FLAC")
    return np.frombuffer(ended.stdout, np.float32).reshape(-1, 2).T.copy()


def bare_environment() -> dict[str, str]:
    """What it takes to find the modules, wherever they were found here; none of the server's secrets."""
    path = os.pathsep.join(filter(None, sys.path))
    return {"PATH": os.defpath, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _main(sample_rate_hz: int, num_samples: int, max_duration_s: float) -> int:
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (value, value))
    left = num_samples
    try:
        source = BytesIO(sys.stdin.buffer.read())
        with AudioStream(source, sample_rate_hz, max_duration_s=max_duration_s, name=NAME) as stream:
            blocks = stream.blocks()
            while left and (block := next(blocks, None)) is not None:
                sys.stdout.buffer.write(np.ascontiguousarray(block[:, :left].T).tobytes())
                left -= min(left, block.shape[1])
    except InputError as error:
        print(error, file=sys.stderr)
        return BAD_FILE
    return 0


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
