"""Scorers that need an environment of their own: a process of another interpreter, asked over pipes.

Both sides speak lines of JSON; sound goes through files of plain float32. Nothing is pickled, and what the
process answers is checked before it is believed. A process that dies, hangs or talks nonsense is started
again once; then one clear line ends the matter.

    theirs  {"hello": {"name": "laion-clap", "version": "1.1.7", "fingerprint": "…"}}
    ours    {"id": 1, "do": "embed_audio", "arrays": [{"path": "…/0.f32", "shape": [2, 480000]}], "texts": []}
    theirs  {"id": 1, "values": [[…], […]]}   or   {"id": 1, "error": "…"}
"""

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stemwright.errors import InputError

Answer = TypeVar("Answer")

_LONGEST_LINE = 1 << 26
"""Characters: no answer is longer than 64 MB."""
_CLOSING_S = 2.0
"""That a process has to end by itself when its input ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorerCommand:
    """How a scorer is started."""

    name: str
    """For people, as "laion-clap"."""
    python: str
    """Interpreter of the environment it runs in."""
    script: Path
    """One of `evaluation/scorers`; it may import nothing of ours."""
    arguments: tuple[str, ...] = ()
    start_s: float = 600.0
    """It may take to say hello: it loads its model first."""
    answer_s: float = 300.0
    """It may take for one answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorerHello:
    """What a scorer says of itself when it is ready."""

    name: str
    version: str
    """Of its package."""
    fingerprint: str
    """Changes with its weights."""


class ExternalScorer:
    """One such process, started when it is first needed. Pickles without it: a copy starts its own."""

    def __init__(self, command: ScorerCommand) -> None:
        self.command = command
        self._talk: _Talk | None = None
        self._hello: ScorerHello | None = None
        self._turn = threading.Lock()

    @property
    def hello(self) -> ScorerHello:
        """InputError where the scorer cannot be started."""
        if self._hello is None:
            with self._turn:
                self._retried(self._started)
        assert self._hello is not None
        return self._hello

    def ask(
        self, do: str, *, arrays: Sequence[NDArray[np.float32]] = (), texts: Sequence[str] = ()
    ) -> NDArray[np.float32]:
        """The scorer's answer to one request, finite numbers of any shape.

        Raises InputError, one line, where it fails twice or says why it cannot answer.
        """
        with self._turn, _files_of(arrays) as files:
            request = {"do": do, "arrays": files, "texts": list(texts)}
            return self._retried(lambda: self._started().ask(request))

    def close(self) -> None:
        """End the process; it starts again when it is needed."""
        if self._talk is not None:
            self._talk.end()
        self._talk = None

    def __enter__(self) -> "ExternalScorer":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[type["ExternalScorer"], tuple[ScorerCommand]]:
        return ExternalScorer, (self.command,)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # at the interpreter's end, half of it may be gone
            self.close()

    def _started(self) -> "_Talk":
        if self._talk is None:
            talk = _Talk(self.command)
            try:
                hello = talk.hello()
            except _Failed:
                talk.end()
                raise
            if self._hello is not None and hello != self._hello:
                talk.end()
                raise InputError(f"the scorer {self.command.name} changed while it was used: start over")
            self._talk, self._hello = talk, hello
        return self._talk

    def _retried(self, work: Callable[[], Answer]) -> Answer:
        for attempt in (1, 2):
            try:
                return work()
            except _Failed as failure:
                self.close()
                if attempt == 2:
                    raise InputError(
                        f"the scorer {self.command.name} ({self.command.python}) {failure}; "
                        "docs/evaluation.md tells how its environment is set up"
                    ) from None
        raise AssertionError


class _Failed(Exception):
    """What a process did, as the end of a sentence."""


class _Talk:
    """One running process, its answers and its last words."""

    def __init__(self, command: ScorerCommand) -> None:
        self._command = command
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=20)
        self._count = 0
        try:
            self._process = subprocess.Popen(
                [command.python, "-u", str(command.script), *command.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=_environment(),
            )
        except OSError as error:
            raise InputError(
                f"the scorer {command.name} cannot be started with {command.python} ({error.strerror}); give "
                "the interpreter of its environment"
            ) from None
        for target in (self._read_answers, self._read_errors):
            threading.Thread(target=target, daemon=True).start()

    def hello(self) -> ScorerHello:
        hello = self._next(self._command.start_s).get("hello")
        names = ("name", "version", "fingerprint")
        if not isinstance(hello, dict) or not all(isinstance(hello.get(name), str) for name in names):
            raise _Failed("did not say who it is")
        return ScorerHello(**{name: hello[name] for name in names})

    def ask(self, request: dict[str, Any]) -> NDArray[np.float32]:
        self._count += 1
        try:
            stdin = self._process.stdin
            assert stdin is not None
            stdin.write(json.dumps({"id": self._count, **request}) + "\n")
            stdin.flush()
        except OSError:
            raise _Failed(self._death()) from None
        answer = self._next(self._command.answer_s)
        if answer.get("id") != self._count:
            raise _Failed("answered another question")
        if isinstance(answer.get("error"), str):
            raise InputError(f"the scorer {self._command.name}: {_first_line(answer['error'])}")
        try:
            values = np.asarray(answer.get("values"), dtype=np.float32)
        except (TypeError, ValueError):
            raise _Failed("answered with no table of numbers") from None
        if answer.get("values") is None or not np.isfinite(values).all():
            raise _Failed("answered with something other than numbers")
        return values

    def end(self) -> None:
        """Its input ends, and if it does not follow, so does it."""
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(_CLOSING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _next(self, timeout_s: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            self._process.kill()
            raise _Failed(f"gave no answer within {timeout_s:g} s") from None
        if line is None:
            raise _Failed(self._death())
        try:
            answer = json.loads(line)
        except ValueError:
            raise _Failed(f"answered {_shortened(line)}, which is not JSON") from None
        if not isinstance(answer, dict):
            raise _Failed(f"answered {_shortened(line)}, which is no object")
        return answer

    def _death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSING_S)
        words = next((line for line in reversed(self._errors) if line.strip()), "")
        return f"ended with {self._process.returncode}" + (f" ({words.strip()})" if words else "")

    def _read_answers(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with contextlib.suppress(OSError, ValueError):  # closed under it
            while line := stdout.readline(_LONGEST_LINE):
                self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while line := stderr.readline(4096):
                self._errors.append(line)


def scorer_script(name: str) -> Path:
    """Path of a script that comes with us, as "laion_clap_scorer.py"."""
    return Path(str(resources.files("stemwright_platform.evaluation") / "scorers" / name))


@contextlib.contextmanager
def _files_of(arrays: Sequence[NDArray[np.float32]]) -> Iterator[list[dict[str, Any]]]:
    """Arrays as files of little-endian float32, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="stemwright-scorer-") as folder:
        files: list[dict[str, Any]] = []
        for number, array in enumerate(arrays):
            path = Path(folder) / f"{number}.f32"
            np.ascontiguousarray(array, dtype="<f4").tofile(path)
            files.append({"path": str(path), "shape": list(array.shape)})
        yield files


def _environment() -> dict[str, str]:
    """Ours, less what would lead another interpreter to our packages."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in os.environ.items() if name not in ours}


def _shortened(line: str) -> str:
    text = line.strip()
    return repr(text if len(text) <= 60 else text[:57] + "…")


def _first_line(text: str) -> str:
    return (text.strip() or "no reason given").splitlines()[0]
