"""`stemwright prepare`, killed at random moments and started again."""

import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from stemwright_platform.corpus.manifest import write_manifest

LOCALLY = """
import sys
from stemwright.mdct_codec import MdctCodec
from stemwright_platform.corpus.encode_locally import prepare_locally
from stemwright_platform.corpus.encode_shard import Encoding
from stemwright_platform.corpus.manifest import read_manifest
prepare_locally(read_manifest(sys.argv[1]), sys.argv[2], Encoding(codec=MdctCodec()))
"""
ON_RAY = """
import sys
from stemwright_platform.cli import main
main(["prepare", "--manifest", sys.argv[1], "--out", sys.argv[2], "--workers", "2"])
"""


@pytest.fixture
def manifest(make_song, tmp_path):
    """Sixteen songs, one of them unreadable, of few files."""
    words = tmp_path / "words.wav"
    words.write_text("these are words")
    one, two = make_song("one", 40.0, melody=None), make_song("two", 31.0, split="test", drums=None)
    songs = [replace((one, two)[number % 2], song_id=f"song {number:02d}") for number in range(15)]
    path = tmp_path / "manifest.parquet"
    write_manifest(path, [*songs, make_song("bad", 5.0, bass=words)])
    return path


def start(script: str, manifest: Path, out: Path) -> psutil.Popen:
    return psutil.Popen([sys.executable, "-c", script, str(manifest), str(out)], stdout=subprocess.DEVNULL)


def kill(process: psutil.Popen) -> None:
    """End a process and all that it started, as a power cut would."""
    family = [process, *process.children(recursive=True)]
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=30)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_kills(script: str, kills: int, manifest: Path, folder: Path) -> None:
    """Kill runs at moments spread at random over a run's length; the end is as if nothing had happened."""
    began = time.monotonic()
    assert start(script, manifest, folder / "whole").wait() == 0
    whole_s = time.monotonic() - began
    rng = random.Random(0)
    states = []
    while len(states) < kills:
        process = start(script, manifest, folder / "cut")
        try:
            process.wait(timeout=rng.uniform(0.3, 0.95) * whole_s)
        except psutil.TimeoutExpired:
            kill(process)
            states.append(len([*(folder / "cut").glob("shard-*.parquet")]))
        else:  # it was faster than the whole run, which had more of the machine against it
            whole_s *= 0.7
            shutil.rmtree(folder / "cut")
            states.clear()
    assert start(script, manifest, folder / "cut").wait() == 0
    assert states == sorted(states)  # no finished shard was ever lost
    assert contents(folder / "cut") == contents(folder / "whole")


def test_a_plain_process_killed_at_random_ends_as_if_nothing_had_happened(manifest, tmp_path):
    check_kills(LOCALLY, 3, manifest, tmp_path)


@pytest.mark.slow
@pytest.mark.chaos
def test_ten_random_kills_on_ray_end_as_if_nothing_had_happened(manifest, tmp_path):
    check_kills(ON_RAY, 10, manifest, tmp_path)


@pytest.mark.chaos
def test_an_encoder_that_dies_is_replaced_and_nothing_is_lost(manifest, tmp_path):
    assert start(ON_RAY, manifest, tmp_path / "whole").wait() == 0
    process = start(ON_RAY, manifest, tmp_path / "cut")
    while not list((tmp_path / "cut").glob("shard-*.parquet")):
        assert process.poll() is None
        time.sleep(0.05)
    encoders = [child for child in process.children(recursive=True) if "MapWorker" in child.name()]
    assert len(encoders) == 2
    encoders[0].kill()
    assert process.wait() == 0
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
