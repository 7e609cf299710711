"""Scorers for trials: real processes that behave, or misbehave, as a test needs."""

import sys
from pathlib import Path

from stemwright_platform.evaluation.external_scorer import ScorerCommand

_TALK = """
import json, os, sys, time
from pathlib import Path
here = Path(__file__).parent
(here / "starts").open("a").write("x")
starts = (here / "starts").stat().st_size
def say(message): print(message if isinstance(message, str) else json.dumps(message), flush=True)
def hello(): say({"hello": {"name": "stand-in", "version": "1", "fingerprint": "abc"}})
"""


def stand_in(folder: Path, body: str, *, start_s: float = 20.0, answer_s: float = 20.0) -> ScorerCommand:
    """A scorer whose script is `body`, with `say`, `hello` and `starts` at hand."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "stand_in.py"
    script.write_text(_TALK + body)
    return ScorerCommand(
        name="stand-in", python=sys.executable, script=script, start_s=start_s, answer_s=answer_s
    )


def starts(command: ScorerCommand) -> int:
    """How often it was started."""
    return (command.script.parent / "starts").stat().st_size
