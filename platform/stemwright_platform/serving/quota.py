"""What a key has used, counted where it cannot be deleted away, and whether it may ask for more."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.schema import Brief
from stemwright_platform.serving.tables import ApiKey, Usage

MINUTE_S = 60
DAY_MINUTES = 1440


def charge(session: Session, owner: str, brief: Brief, now: float) -> None:
    """Count a generation for its owner; 429 where a limit of the key is reached. Without keys none is."""
    if not owner:
        return
    key = session.get(ApiKey, owner, with_for_update=True)  # who asks at the same moment waits
    minute = int(now // MINUTE_S)
    row = session.get(Usage, (owner, minute))
    if row is None:
        row = Usage(owner=owner, minute=minute, generations=0, audio_s=0.0)
        session.add(row)
    if key is not None:
        _check(session, key, row, brief, minute)
    row.generations += 1
    row.audio_s += audio_s(brief)


def audio_s(brief: Brief) -> float:
    """Seconds of stems that a generation makes."""
    return brief.duration_s * len(brief.targets) * len(brief.seeds)


def _check(session: Session, key: ApiKey, row: Usage, brief: Brief, minute: int) -> None:
    if row.generations >= key.generations_per_minute:
        message = f"the key '{key.name}' may ask for {key.generations_per_minute} generations a minute"
        raise Refusal(429, "too_fast", message, "wait for the next minute")
    lately = (Usage.owner == key.id, Usage.minute > minute - DAY_MINUTES)
    used = session.scalar(select(func.sum(Usage.audio_s)).where(*lately)) or 0.0
    if used + audio_s(brief) > key.audio_s_per_day:
        day = f"{key.audio_s_per_day:.0f} s of audio a day"
        message = f"the key '{key.name}' has used {used:.0f} of its {day}"
        raise Refusal(429, "quota_used", message, "ask for less, or wait until some of it is a day old")
