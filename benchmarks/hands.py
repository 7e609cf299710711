"""Processes that do one thing when asked: a benchmark's arms, which take turns or work at the same time."""

import os
import resource
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

Work = Callable[[str], Any]
"""Does what it is told by a word; its answer goes back."""


class Hand:
    """A process with its own memory, threads and environment."""

    def __init__(self, make: Callable[..., Work], *arguments: object, environment: Mapping[str, str]) -> None:
        """`make(*arguments)` builds, over there, what does the work; its module is imported there."""
        self._here, there = get_context("spawn").Pipe()
        before = dict(os.environ)
        os.environ.update(environment)
        try:
            self._process = get_context("spawn").Process(target=_serve, args=(there, make, arguments))
            self._process.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        there.close()

    def ask(self, word: str) -> None:
        """Have something done; `answer` waits for it."""
        self._here.send(word)

    def answer(self) -> Any:
        try:
            return self._here.recv()
        except EOFError:
            raise SystemExit("a process of the benchmark died: its error stands above") from None

    def does(self, word: str) -> Any:
        self.ask(word)
        return self.answer()

    def end(self) -> None:
        self._here.close()
        self._process.join()


def together(hands: Sequence[Hand], word: str) -> list[Any]:
    """All of them at the same time."""
    for hand in hands:
        hand.ask(word)
    return [hand.answer() for hand in hands]


def peak_mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _serve(there: Connection, make: Callable[..., Work], arguments: Sequence[object]) -> None:
    work = make(*arguments)
    while True:
        try:
            word = there.recv()
        except EOFError:
            return
        there.send(work(word))
