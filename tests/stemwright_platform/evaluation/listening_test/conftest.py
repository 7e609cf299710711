"""Systems whose quality is planted, and raters who hear it."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stemwright_platform.evaluation.listening_test.answer_key import AnswerKey, KeyedPair

RATE_HZ = 48_000


@pytest.fixture
def make_system(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder of flat clips, as `make_system("ours", 3)`; each system's clips sound different."""

    def write(name: str, clips: int = 3, *, seconds: float = 0.8, gain: float = 0.1) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for number in range(clips):
            generator = np.random.default_rng([number, *name.encode()])
            time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
            tone = np.sin(2 * np.pi * (200 + 40 * number) * time_s) + 0.3 * generator.normal(size=time_s.size)
            samples = np.repeat(gain * tone[:, None], 2, axis=1)
            soundfile.write(folder / f"{number:04d}.flac", samples, RATE_HZ)
        return folder

    return write


@pytest.fixture
def make_key() -> Callable[..., AnswerKey]:
    """A key of `pairs` for each two systems and two checks; sides alternate."""

    def make(
        *systems: str, pairs: int = 10, ties: bool = True, questions: tuple[str, ...] = ("Which?",)
    ) -> AnswerKey:
        keyed = {}
        for first in range(len(systems)):
            for second in range(first + 1, len(systems)):
                for number in range(pairs):
                    x, y = (systems[first], systems[second])[:: 1 if number % 2 else -1]
                    keyed[f"p{first}{second}{number:02d}"] = KeyedPair(
                        kind="pair", clip=f"joint/{number:04d}", part="mix", prompt=f"text {number}", x=x, y=y
                    )
        check = {"clip": "joint/0000", "part": "mix", "prompt": "", "x": systems[0], "y": systems[0]}
        keyed["spoilt"] = KeyedPair(kind="degraded", better="y", **check)
        if ties:
            keyed["same"] = KeyedPair(kind="same", **check)
        return AnswerKey(
            test="0123456789abcdef",
            created="2026-01-01T00:00:00+00:00",
            seed=0,
            secret="secret",
            systems=systems,
            questions=questions,
            ties=ties,
            pairs=keyed,
        )

    return make


@pytest.fixture
def planted_answers() -> Callable[..., dict[str, Any]]:
    """What a rater sends who votes by log-strengths; `careless` raters choose A whatever it is."""

    def answers(
        key: AnswerKey,
        strengths: Mapping[str, float],
        seed: int,
        *,
        careless: bool = False,
        tie_rate: float = 0.1,
    ) -> dict[str, Any]:
        generator = np.random.default_rng(seed)
        given = []
        for place, (name, pair) in enumerate(key.pairs.items()):
            for question in range(len(key.questions)):
                first = "xy"[int(generator.integers(2))]
                chance = 1 / (1 + math.exp(strengths[pair.y] - strengths[pair.x]))
                choice = "x" if generator.random() < chance else "y"
                if key.ties and generator.random() < tie_rate:
                    choice = "tie"
                if pair.kind != "pair":
                    choice = pair.better or "tie"
                given.append(
                    {
                        "pair": name,
                        "question": question,
                        "choice": first if careless else choice,
                        "place": place,
                        "first": first,
                        "heard_s": {"x": 3.0, "y": 4.0},
                        "seconds": 11,
                    }
                )
        return {
            "format": "stemwright-listening-result",
            "format_version": 1,
            "test": key.test,
            "rater": f"{seed:024x}",
            "name": f"rater {seed}",
            "through": "headphones",
            "started": "2026-01-01T10:00:00.000Z",
            "finished": "2026-01-01T10:09:00.000Z",
            "pairs": len(key.pairs),
            "answers": given,
        }

    return answers


@pytest.fixture
def send(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Writes a result file, whatever its content."""

    def write(name: str, content: Any) -> Path:
        path = tmp_path / "results" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write
