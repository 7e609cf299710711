"""`stemwright serve` as a process of its own, to be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from process_tree import below, wait_until


class ServeCommand:
    """`stemwright serve`, which can be killed with everything that it started."""

    def __init__(self, checkpoint: Path, state: Path, port: int) -> None:
        call = ["serve", "--model", str(checkpoint), "--state", str(state), "--port", str(port)]
        self._call = [sys.executable, "-c", "from stemwright_platform.cli import main; main()", *call]
        self.address = f"http://127.0.0.1:{port}/v1"
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment |= {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
        environment.pop("RAY_ADDRESS", None)
        self._process = subprocess.Popen(self._call, env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_until(self._ready, "the server")
            yield
        finally:
            if self._process.poll() is None:
                self._process.terminate()
                self._process.wait(120)

    def kill_all(self) -> None:
        """Head, raylet, proxy, replicas and the command itself, all at once."""
        assert self._process is not None
        for pid in (*below(self._process.pid), self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "`stemwright serve` ended"
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.address}/readyz", timeout=5).status_code == 200
        return False
