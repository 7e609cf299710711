"""Files from strangers: what they sound like, and what they can do to the one process that meets them."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemwright import untrusted_audio
from stemwright.audio import read_audio
from stemwright.errors import InputError
from stemwright.untrusted_audio import decode_apart

RATE = 48_000


def file_of(seconds: float = 1.0, rate: int = RATE, channels: int = 2, kind: str = "WAV") -> bytes:
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    soundfile.write(file, 0.1 * rng.standard_normal((int(seconds * rate), channels)), rate, format=kind)
    return file.getvalue()


def decoded(data: bytes, num_samples: int = RATE, max_duration_s: float = 60.0) -> np.ndarray:
    return decode_apart(data, RATE, num_samples, max_duration_s=max_duration_s, name="song.wav")


@pytest.mark.parametrize(
    "options", [{}, {"rate": 22_050}, {"channels": 1}, {"kind": "FLAC"}, {"kind": "OGG"}]
)
def test_it_gives_what_reading_here_gives(options) -> None:
    data = file_of(**options)
    assert np.array_equal(decoded(data), read_audio(io.BytesIO(data)).numpy())


def test_no_more_is_decoded_than_is_asked_for() -> None:
    data = file_of(20.0)
    assert np.array_equal(decoded(data, 1000), read_audio(io.BytesIO(data)).numpy()[:, :1000])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "song.wav: is empty"),
        (b"not audio at all", "song.wav: is not audio that can be read"),
        (file_of()[:60_000], "song.wav: is truncated"),
        (file_of(rate=4_000), "song.wav: has a sample rate of 4000 Hz"),
        (file_of(0.1, channels=6), "song.wav: has 6 channels"),
    ],
    ids=["empty", "text", "cut", "slow", "six"],
)
def test_what_is_wrong_with_a_file_is_said_as_everywhere(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        decoded(data)


def test_a_small_file_that_is_hours_of_silence_is_refused_by_its_header() -> None:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 8_000, 1, format="FLAC", subtype="PCM_16") as out:
        for _ in range(60):
            out.write(np.zeros(8_000 * 60, np.int16))
    assert len(file.getvalue()) < 1_000_000
    with pytest.raises(InputError, match=r"lasts 3600\.0 s, the limit is 1200 s"):
        decoded(file.getvalue(), max_duration_s=1200.0)


def _child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Another process in place of the decoder."""
    script = tmp_path / "child.py"
    script.write_text(f"import sys\nsys.stdin.buffer.read()\n{code}\n")
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda call, **options: run([sys.executable, script], **options))


@pytest.mark.parametrize(
    "code",
    [
        f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})",
        "raise MemoryError",
        "sys.stdout.write('odd')",
        "sys.stdout.buffer.write(bytes(8 * 48001))",
    ],
    ids=["crash", "memory", "odd", "too much"],
)
def test_a_process_that_dies_or_says_nonsense_costs_only_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str
) -> None:
    _child(monkeypatch, tmp_path, code)
    with pytest.raises(InputError, match=r"song\.wav: cannot be decoded"):
        decoded(file_of())


def test_a_process_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(untrusted_audio, "SECONDS", 0.5)
    _child(monkeypatch, tmp_path, "import time; time.sleep(60)")
    with pytest.raises(InputError, match="takes too long"):
        decoded(file_of())


def test_the_process_sees_none_of_the_servers_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    seen = {}
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda call, **options: seen.update(options) or run(call, **options)
    )
    decoded(file_of())
    assert "hush" not in seen["env"].values()
    assert set(seen["env"]) < {*os.environ, "PYTHONPATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PATH"}
