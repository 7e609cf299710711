"""The scorers' side of the talk: requests as lines of JSON on standard input, answers on standard output.

It runs in other environments, beside the scorers: it may import the standard library alone.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Array = tuple[str, list[int]]
"""Path of a file of little-endian float32, and the shape of what is in it."""


def claim_output() -> Any:
    """Standard output for answers alone: whatever packages print from now on goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def serve(out: Any, hello: dict[str, str], answer: Callable[[str, list[Array], list[str]], Any]) -> None:
    """Say hello (name, version, fingerprint), then answer until the input ends.

    `answer(do, arrays, texts)` gives nested lists of numbers; what it raises is told in one line.
    """
    _send(out, {"hello": hello})
    for line in sys.stdin:
        request = json.loads(line)
        arrays = [(one["path"], one["shape"]) for one in request["arrays"]]
        try:
            reply = {"values": answer(request["do"], arrays, request["texts"])}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        _send(out, {"id": request["id"], **reply})


def sha256_of(path: str) -> str:
    """Of a file."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _send(out: Any, message: dict[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()
