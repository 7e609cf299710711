"""What a test hides: which system made which clip. A JSON file that raters never see."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.pairing import Kind

FORMAT_VERSION = 1
SUFFIX = ".key.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyedPair:
    """What stands behind a pair of the page."""

    kind: Kind
    clip: str
    part: str
    prompt: str
    x: str
    """The system that made the page's clip "x"."""
    y: str
    better: str = ""
    """"x" or "y" where the other is the spoilt one; else ""."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerKey:
    """All of a test that the page does not say."""

    test: str
    """Opaque name of the test, in the page too: results of others are told by it."""
    created: str
    seed: int
    secret: str
    """What sides and names were drawn from."""
    systems: tuple[str, ...]
    """In the order in which they were given: the first is the one that shares are told of."""
    questions: tuple[str, ...]
    ties: bool
    """Whether raters may answer that they have no preference."""
    pairs: Mapping[str, KeyedPair]
    """By the pair's opaque name."""


def save_key(key: AnswerKey, path: Path) -> None:
    """Write the key for its owner alone to read. InputError where there is one: results hang on it."""
    text = json.dumps({"format_version": FORMAT_VERSION, **asdict(key)}, indent=1, ensure_ascii=False)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise taken(path) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def taken(path: Path) -> InputError:
    """That a key would be lost."""
    return InputError(f"{path} is there, and the results of its test need it: give another --out")


def load_key(path: Path) -> AnswerKey:
    """Read a key; InputError where it is none."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return _parsed(facts)
    except OSError as error:
        raise InputError(f"--key {path}: {error.strerror}; give the file that `listen build` wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"--key {path} is not a key of `stemwright listen build`") from None


def _parsed(facts: dict[str, Any]) -> AnswerKey:
    if facts.pop("format_version") != FORMAT_VERSION:
        raise ValueError("another format")
    pairs = {name: KeyedPair(**pair) for name, pair in facts.pop("pairs").items()}
    systems, questions = tuple(facts.pop("systems")), tuple(facts.pop("questions"))
    return AnswerKey(**facts, systems=systems, questions=questions, pairs=pairs)
