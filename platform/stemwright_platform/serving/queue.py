"""The generations table as a queue: leases, fencing tokens, and no generation without an end.

Interactive generations go before those in bulk, and within each the owners take turns: a generation's turn
is when it would begin if all were served at the same rate (start-time fair queueing, Goyal et al. 1996).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from stemwright_platform.serving.compositions import found
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.failures import Refusal, not_found
from stemwright_platform.serving.identity import new_id
from stemwright_platform.serving.quota import charge
from stemwright_platform.serving.schema import PRIORITIES, Brief
from stemwright_platform.serving.tables import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    QUEUED,
    RUNNING,
    Generation,
    Take,
)

LEASE_S = 30.0
MAX_ATTEMPTS = 3
SUSPECT_AFTER = 2
"""Losses of its worker after which a generation is made alone: it may be what kills them."""
GAVE_UP = f"its worker was lost {MAX_ATTEMPTS} times; ask for it again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A generation in somebody's hands."""

    generation_id: str
    composition_id: str
    token: int
    """Proof of holding it: a later claim has a higher one."""
    brief: Brief
    """What to make."""
    rank: tuple[float, ...]
    """Its place in the queue: the lower goes first."""
    alone: bool
    """Whether it must share its worker with nothing else."""
    asked_at: float
    """Seconds since 1970."""
    request_id: str | None
    """The call that asked for it."""


class GenerationQueue:
    """Every accepted generation ends done, failed or cancelled."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        lease_s: float = LEASE_S,
        *,
        owner: str | None = None,
    ) -> None:
        """`clock` gives seconds since 1970; `lease_s` is how long a silent holder keeps a generation.

        `owner`: on whose share generations are made, and whose are seen; None: everybody's are seen.
        """
        self._database, self._clock, self._lease_s, self._owner = database, clock, lease_s, owner

    def submit(
        self,
        composition_id: str,
        brief: Brief,
        *,
        asked: str,
        idempotency_key: str | None,
        max_queue: int,
        model_uri: str = "",
        request_id: str | None = None,
    ) -> Generation:
        """Append a generation, or give the one that the same key made before.

        `asked`: hash of the call's body; `model_uri`: the model that is to make it; `request_id`: the call,
        as logs name it. Raises Refusal 409 for a key used with another body, 429 when `max_queue` wait
        already or the owner has asked for too much.
        """
        try:
            with self._database.write() as session:
                found(session, composition_id, lock=True, owner=self._owner)
                if idempotency_key and (
                    earlier := _repeated(session, composition_id, idempotency_key, asked)
                ):
                    return earlier
                _check_room(session, max_queue)
                charge(session, self._owner or "", brief, self._clock())
                row = self._queued(composition_id, brief, asked, idempotency_key, request_id, model_uri)
                row.turn = _turn(session, row)
                session.add(row)
            return row
        except IntegrityError:  # the same key at the same moment, on a database that locks rows
            with self._database.read() as session:
                if idempotency_key and (
                    earlier := _repeated(session, composition_id, idempotency_key, asked)
                ):
                    return earlier
            raise

    def get(self, generation_id: str) -> Generation:
        with self._database.read() as session:
            return _generation(session, generation_id, self._owner)

    def find(self, generation_id: str) -> Generation | None:
        with self._database.read() as session:
            return session.scalars(select(Generation).where(Generation.id == generation_id)).one_or_none()

    def place(self, row: Generation) -> int | None:
        """1 is next; None for one that is not waiting."""
        if row.state != QUEUED:
            return None
        with self._database.read() as session:
            waiting = and_(Generation.state == QUEUED, Generation.model_uri == row.model_uri)
            before = and_(waiting, tuple_(*ORDER) < (row.priority, row.turn, row.number))
            return 1 + (session.scalar(select(func.count()).where(before)) or 0)

    def takes(self, generation_id: str) -> Sequence[Take]:
        with self._database.read() as session:
            query = select(Take).where(Take.generation_id == generation_id)
            return session.scalars(query.order_by(Take.name, Take.track)).all()

    def unended(self, composition_id: str) -> Sequence[Generation]:
        """What is waited for in a composition, in order of arrival."""
        with self._database.read() as session:
            query = select(Generation).where(Generation.composition_id == composition_id)
            query = query.where(Generation.state.in_((QUEUED, RUNNING))).order_by(Generation.number)
            return session.scalars(query).all()

    def count(self, composition_id: str) -> int:
        """Generations that a composition has had."""
        with self._database.read() as session:
            query = select(func.count()).where(Generation.composition_id == composition_id)
            return session.scalar(query) or 0

    def counts(self) -> dict[str, int]:
        """Generations in each state."""
        with self._database.read() as session:
            rows = session.execute(
                select(Generation.state, func.count().label("number")).group_by(Generation.state)
            )
            found_counts = {row.state: row.number for row in rows}
        return {state: found_counts.get(state, 0) for state in (QUEUED, RUNNING, *ENDED)}

    def num_open(self, model_uri: str | None = None) -> int:
        """Generations that wait or are in hand, of one model or of all."""
        with self._database.read() as session:
            is_open = Generation.state.in_((QUEUED, RUNNING))
            return session.scalar(select(func.count()).where(is_open, _made_by(model_uri))) or 0

    def longest_wait(self) -> float:
        """Seconds that the oldest of those who wait has waited; 0 where nobody waits."""
        with self._database.read() as session:
            query = select(func.min(Generation.created_at)).where(Generation.state == QUEUED)
            asked_at = session.scalar(query)
        return 0.0 if asked_at is None else max(self._clock() - asked_at, 0.0)

    def cancel(self, generation_id: str) -> Generation:
        """End a generation that has not ended; its holder notices at the next `renew`."""
        with self._database.write() as session:
            row = _generation(session, generation_id, self._owner)
            if row.state not in ENDED:
                self._end(row, CANCELLED)
        return row

    def claim(self, model_uri: str | None = None, version: str | None = None) -> Claim | None:
        """Take the first generation that waits or whose holder fell silent; None when there is none.

        `model_uri`: of those that wait for this model; None: of all. `version`: which the claimer makes it
        with, wholly: takes come to be when it has ended.
        """
        with self._database.read() as session:  # an idle queue costs no write lock
            if session.scalars(self._claimable(model_uri, lock=False)).one_or_none() is None:
                return None
        with self._database.write() as session:
            while (row := session.scalars(self._claimable(model_uri)).one_or_none()) is not None:
                if row.attempts >= MAX_ATTEMPTS:
                    self._end(row, FAILED, GAVE_UP)
                    session.flush()
                    continue
                return self._claimed(row, version)
        return None

    def renew(self, claim: Claim, *, progress: float | None = None, stage: str | None = None) -> bool:
        """Keep the lease and tell the progress; False once the generation is no longer the claimer's."""
        news = {"progress": progress, "stage": stage, "lease_until": self._clock() + self._lease_s}
        values = {name: value for name, value in news.items() if value is not None}
        with self._database.write() as session:
            return self._write(session, claim, values)

    def holds(self, claim: Claim) -> bool:
        """Whether the generation is still the claimer's."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).where(_held(claim))) == 1

    def finish(self, claim: Claim, takes: Sequence[Take]) -> bool:
        """Done, with its takes; False (and nothing written) if it is no longer the claimer's."""
        ended = {
            "state": DONE,
            "progress": 1.0,
            "stage": DONE,
            "lease_until": None,
            "ended_at": self._clock(),
        }
        with self._database.write() as session:
            if not self._write(session, claim, ended):
                return False
            for take in takes:
                take.created_at = self._clock()
                session.add(take)
        return True

    def fail(self, claim: Claim, reason: str) -> bool:
        """Ended with a reason; False if it is no longer the claimer's."""
        ended = {"state": FAILED, "stage": FAILED, "error": reason, "lease_until": None}
        with self._database.write() as session:
            return self._write(session, claim, {**ended, "ended_at": self._clock()})

    def release(self, claim: Claim, *, blameless: bool = False) -> bool:
        """Hand a generation back to be claimed again; it counts as an attempt unless `blameless`."""
        back: dict[str, object] = {"state": QUEUED, "stage": "waiting", "progress": 0.0, "lease_until": None}
        if blameless:
            back["attempts"] = Generation.attempts - 1
        with self._database.write() as session:
            return self._write(session, claim, back)

    def _queued(
        self,
        composition_id: str,
        brief: Brief,
        asked: str,
        key: str | None,
        request_id: str | None,
        model_uri: str,
    ) -> Generation:
        return Generation(
            id=new_id(),
            composition_id=composition_id,
            request=brief.model_dump(),
            idempotency_key=key,
            asked=asked,
            request_id=request_id,
            model_uri=model_uri,
            state=QUEUED,
            priority=PRIORITIES.index(brief.priority),
            owner=self._owner or "",
            cost=brief.cost,
            created_at=self._clock(),
        )

    def _claimable(self, model_uri: str | None, *, lock: bool = True) -> Select[Generation]:
        silent = and_(Generation.state == RUNNING, Generation.lease_until < self._clock())
        query = select(Generation).where(or_(Generation.state == QUEUED, silent), _made_by(model_uri))
        query = query.order_by(*ORDER).limit(1)
        return query.with_for_update(skip_locked=True) if lock else query

    def _claimed(self, row: Generation, version: str | None) -> Claim:
        row.state, row.stage, row.progress = RUNNING, "starting", 0.0
        row.model = version
        alone = row.attempts >= SUSPECT_AFTER
        row.attempts += 1
        row.token += 1
        row.lease_until = self._clock() + self._lease_s
        row.started_at = row.started_at or self._clock()
        return Claim(
            generation_id=row.id,
            composition_id=row.composition_id,
            token=row.token,
            brief=Brief.model_validate(row.request),
            rank=(row.priority, row.turn, row.number),
            alone=alone,
            asked_at=row.created_at,
            request_id=row.request_id,
        )

    def _end(self, row: Generation, state: str, error: str | None = None) -> None:
        row.state, row.stage, row.error = state, state, error
        row.lease_until, row.ended_at = None, self._clock()

    def _write(self, session: Session, claim: Claim, values: dict[str, object]) -> bool:
        result = session.execute(update(Generation).where(_held(claim)).values(values))
        return result.rowcount == 1  # type: ignore[attr-defined]


ORDER = (Generation.priority, Generation.turn, Generation.number)
"""Who is claimed first."""


def _turn(session: Session, row: Generation) -> float:
    """Behind what its owner has in hand already, and not before those who are served now.

    Nobody saves up turns by staying away: with nothing in hand, one begins where the queue stands.
    """
    alike = and_(Generation.priority == row.priority, Generation.model_uri == row.model_uri)
    here = and_(alike, Generation.state.in_((QUEUED, RUNNING)))
    own = and_(here, Generation.owner == row.owner)
    stands = session.scalar(select(func.min(Generation.turn)).where(here)) or 0.0
    ends = session.scalar(select(func.max(Generation.turn + Generation.cost)).where(own)) or 0.0
    return max(stands, ends)


def _made_by(model_uri: str | None) -> ColumnElement[bool]:
    return true() if model_uri is None else Generation.model_uri.in_((model_uri, ""))


def _held(claim: Claim) -> ColumnElement[bool]:
    return and_(
        Generation.id == claim.generation_id,
        Generation.state == RUNNING,
        Generation.token == claim.token,
    )


def _generation(session: Session, generation_id: str, owner: str | None) -> Generation:
    row = session.scalars(select(Generation).where(Generation.id == generation_id)).one_or_none()
    if row is None or owner not in (None, row.owner):
        raise not_found("generation", generation_id)
    return row


def _repeated(session: Session, composition_id: str, key: str, asked: str) -> Generation | None:
    same_key = and_(Generation.composition_id == composition_id, Generation.idempotency_key == key)
    row = session.scalars(select(Generation).where(same_key)).one_or_none()
    if row is not None and row.asked != asked:
        message = f"the idempotency key '{key}' was used for another generation"
        raise Refusal(409, "idempotency_mismatch", message, "use a new key for a new request")
    return row


def _check_room(session: Session, max_queue: int) -> None:
    waiting = session.scalar(select(func.count()).where(Generation.state == QUEUED)) or 0
    if waiting >= max_queue:
        raise Refusal(429, "queue_full", f"{waiting} generations are waiting already", "try again later")
