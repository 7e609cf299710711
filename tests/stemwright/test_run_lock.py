import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright.run_lock import run_lock

HOLD = """
import sys, time
from pathlib import Path
from stemwright.run_lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_cannot_hold_one_run_and_the_second_may_once_the_first_is_done(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with run_lock(lock), pytest.raises(InputError, match="another process"), run_lock(lock):
        pytest.fail("held twice")
    with run_lock(tmp_path / "lock"):
        pass


def test_a_killed_process_gives_its_place_up(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(InputError), run_lock(tmp_path / "lock"):
            pytest.fail("held twice")
        process.send_signal(signal.SIGKILL)
        with run_lock(tmp_path / "lock", wait_s=10):
            pass
