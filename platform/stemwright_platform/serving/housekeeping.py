"""What time takes away: takes that nobody chose, and blobs that no row names."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from stemwright_platform.serving.compositions import found
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.quota import DAY_MINUTES, MINUTE_S
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import Selection, Take, Usage

DAY_S, HOUR_S = 86_400.0, 3_600.0
KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Tidied:
    """What one round took away."""

    takes: int
    """Takes that were never chosen."""
    blobs: int
    """Blobs without a row."""


def tidy(services: Services, now: float) -> Tidied:
    """One round. Rows go before their blobs: no row ever names a blob that is not there."""
    retention = services.settings.retention
    with services.database.write() as session:
        session.execute(delete(Usage).where(Usage.minute < int(now // MINUTE_S) - DAY_MINUTES))
    keys: list[str] = []
    if retention.unchosen_take_days is not None:
        keys = expire_takes(services.database, now - retention.unchosen_take_days * DAY_S)
    for key in keys:
        services.blobs.delete(key)
    # a blob is written before its row: one that is young may get its row yet
    old = services.blobs.keys(before=now - retention.orphan_hours * HOUR_S)
    orphans = _unnamed(services.database, old)
    for key in orphans:
        services.blobs.delete(key)
    return Tidied(len(keys), len(orphans))


def expire_takes(database: Database, before: float) -> list[str]:
    """Remove the rows of takes from before a time that no selection, past or present, names; their blobs."""
    with database.read() as session:
        query = select(Take.composition_id).where(Take.created_at < before).distinct()
        compositions = session.scalars(query).all()
    return [key for composition_id in compositions for key in _expired(database, composition_id, before)]


def _expired(database: Database, composition_id: str, before: float) -> Sequence[str]:
    with database.write() as session:
        try:
            found(session, composition_id, lock=True)  # who chooses a take waits meanwhile
        except Refusal:  # deleted since
            return ()
        chosen = _chosen(session, composition_id)
        query = select(Take).where(Take.composition_id == composition_id, Take.created_at < before)
        expired = [take for take in session.scalars(query) if take.id not in chosen]
        session.execute(delete(Take).where(Take.id.in_([take.id for take in expired])))
        return [take.blob_key for take in expired]


def _chosen(session: Session, composition_id: str) -> set[str]:
    """Ids of all takes that are or were chosen: who undoes a choice finds what was before."""
    query = select(Selection.takes).where(Selection.composition_id == composition_id)
    return {take for takes in session.scalars(query) for take in takes.values()}


def _unnamed(database: Database, keys: Sequence[str]) -> list[str]:
    named: set[str] = set()
    with database.read() as session:
        for start in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[start : start + KEYS_AT_ONCE]
            named.update(session.scalars(select(Take.blob_key).where(Take.blob_key.in_(some))))
    return [key for key in keys if key not in named]
