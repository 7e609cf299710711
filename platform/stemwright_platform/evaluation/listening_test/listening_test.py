"""A blind listening test built: pairs chosen, clips leveled, a page to answer and the key to read it by."""

import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.answer_key import (
    SUFFIX,
    AnswerKey,
    KeyedPair,
    save_key,
    taken,
)
from stemwright_platform.evaluation.listening_test.blind_draw import BlindDraw
from stemwright_platform.evaluation.listening_test.clip_audio import (
    SAMPLE_RATE_HZ,
    compressed,
    is_silent,
    level_pair,
    read_pair,
    spoilt,
)
from stemwright_platform.evaluation.listening_test.pairing import Pair, choose_checks, choose_pairs
from stemwright_platform.evaluation.listening_test.plan import Plan
from stemwright_platform.evaluation.listening_test.rater_page import (
    SIDES,
    PagePair,
    RaterPage,
    settle,
    write_page,
)
from stemwright_platform.evaluation.listening_test.system_folder import SystemFolder

SECONDS_PER_ANSWER = 12
"""Beyond hearing one of the clips through, by guess."""

OnPair = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListeningTest:
    """What was written."""

    page: Path
    key: Path
    pairs: int
    checks: int
    num_bytes: int
    """That a rater loads."""
    minutes: int
    """That a rater needs, about."""
    silent: int
    """Clips without sound: they are asked about all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A pair with the name that the page knows it by."""

    id: str
    pair: Pair
    flipped: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sound:
    """A pair's clips as the page has them."""

    clips: dict[str, bytes]
    duration_s: float
    silent: int


def build_test(
    systems: Sequence[SystemFolder],
    out: Path,
    plan: Plan,
    *,
    beside: bool = False,
    secret: str | None = None,
    on_pair: OnPair | None = None,
) -> ListeningTest:
    """Write the page of a test to `out` and its key beside.

    `beside`: `out` is a folder, with index.html and the clips as files of their own. `secret` decides names
    and sides; drawn where it is None. `on_pair` hears how many pairs of how many are ready. InputError where
    systems share no clip, a file cannot be read, or the page or the key is there already.
    """
    if len({system.name for system in systems}) < max(2, len(systems)):
        raise InputError("a test compares two systems or more: --system for each, with a name of its own")
    key_path = _free_place(out, beside=beside)
    secret = secret or secrets.token_hex(16)
    asked = _asked(systems, plan, BlindDraw(secret))
    sounds = _sounds(asked, plan.longest_s, on_pair)
    test = BlindDraw(secret).name("test")
    minutes = _minutes(sounds, plan)
    page = _page(test, asked, plan, minutes)
    clips = {name: data for sound in sounds for name, data in sound.clips.items()}
    folder, num_bytes = write_page(page, clips, out, beside=beside)
    try:
        save_key(_key(test, secret, systems, asked, plan), key_path)
        page_path = settle(folder, out, beside=beside)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ListeningTest(
        page=page_path,
        key=key_path,
        pairs=sum(one.pair.kind == "pair" for one in asked),
        checks=sum(one.pair.kind != "pair" for one in asked),
        num_bytes=num_bytes,
        minutes=minutes,
        silent=sum(sound.silent for sound in sounds),
    )


def _free_place(out: Path, *, beside: bool) -> Path:
    """Where the key goes; InputError where a test would be lost."""
    if not beside and out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {out}: a page ends in .html (or add --folder for a folder)")
    key_path = out.with_name((out.name if beside else out.stem) + SUFFIX)
    if key_path.exists():
        raise taken(key_path)
    if out.is_dir() and (not beside or any(out.iterdir())):
        raise InputError(f"--out {out} is a folder that holds something else: give another")
    try:  # before minutes of work
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error.strerror}; give another") from None
    return key_path


def _asked(systems: Sequence[SystemFolder], plan: Plan, draw: BlindDraw) -> list[_Asked]:
    """Pairs and checks by name: names are random, so that their order says nothing."""
    chosen = choose_pairs(systems, count=plan.pairs, parts=plan.parts, seed=plan.seed)
    if not chosen:
        raise InputError("the systems' clips are the same files: there is nothing to compare")
    checks = choose_checks(
        systems[0], count=plan.num_checks(len(chosen)), same=plan.ties, seed=plan.seed, is_silent=is_silent
    )
    asked = [
        _Asked(id=draw.name(str(number)), pair=pair, flipped=draw.flips(str(number)))
        for number, pair in enumerate([*chosen, *checks])
    ]
    return sorted(asked, key=lambda one: one.id)


def _sounds(asked: Sequence[_Asked], longest_s: float, on_pair: OnPair | None) -> list[_Sound]:
    """The clips of all pairs; the encoder works outside of the interpreter's lock."""
    sounds = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            for sound in pool.map(lambda one: _sound(one, longest_s), asked):
                sounds.append(sound)
                if on_pair:
                    on_pair(len(sounds), len(asked))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return sounds


def _sound(asked: _Asked, longest_s: float) -> _Sound:
    pair = asked.pair
    first, second = read_pair(*pair.files, longest_s=longest_s)
    if pair.kind == "degraded":
        second = spoilt(second)
    clips = level_pair(first, second)
    ordered = clips[::-1] if asked.flipped else clips
    return _Sound(
        clips={f"{asked.id}{side}": compressed(clip) for side, clip in zip(SIDES, ordered, strict=True)},
        duration_s=first.shape[1] / SAMPLE_RATE_HZ,
        silent=sum(not clip.any() for clip in clips) if pair.kind == "pair" else 0,
    )


def _minutes(sounds: Sequence[_Sound], plan: Plan) -> int:
    heard_s = sum(sound.duration_s for sound in sounds)
    return max(1, round((heard_s + SECONDS_PER_ANSWER * len(sounds) * len(plan.questions)) / 60))


def _page(test: str, asked: Sequence[_Asked], plan: Plan, minutes: int) -> RaterPage:
    return RaterPage(
        test=test,
        title=plan.title,
        questions=plan.questions,
        ties=plan.ties,
        least_heard_s=plan.least_heard_s,
        post_to=plan.post_to,
        minutes=minutes,
        pairs=[PagePair(id=one.id, prompt=one.pair.prompt, part=one.pair.part) for one in asked],
    )


def _key(
    test: str, secret: str, systems: Sequence[SystemFolder], asked: Sequence[_Asked], plan: Plan
) -> AnswerKey:
    return AnswerKey(
        test=test,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=plan.seed,
        secret=secret,
        systems=tuple(system.name for system in systems),
        questions=plan.questions,
        ties=plan.ties,
        pairs={one.id: _keyed(one) for one in asked},
    )


def _keyed(asked: _Asked) -> KeyedPair:
    pair = asked.pair
    x, y = pair.systems[::-1] if asked.flipped else pair.systems
    better = ("y" if asked.flipped else "x") if pair.kind == "degraded" else ""
    return KeyedPair(
        kind=pair.kind, clip=pair.clip, part=pair.part, prompt=pair.prompt, x=x, y=y, better=better
    )
