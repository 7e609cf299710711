"""Compositions, their takes and which of them are chosen (Alg. 1, lines 7 and 13)."""

import secrets
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from stemwright_platform.serving.database import Database
from stemwright_platform.serving.failures import Refusal, not_found
from stemwright_platform.serving.identity import new_id
from stemwright_platform.serving.schema import CompositionChange, ModelFacts, NewComposition, NewCopy
from stemwright_platform.serving.tables import Composition, Generation, Selection, Take


class Compositions:
    """What a musician has made so far."""

    def __init__(self, database: Database, clock: Callable[[], float], owner: str | None = None) -> None:
        """`owner`: whose compositions there are; None: everybody's."""
        self._database, self._clock, self._owner = database, clock, owner

    def create(self, asked: NewComposition, model: ModelFacts) -> Composition:
        """A new composition with the model's slots, all empty."""
        row = Composition(
            id=new_id(),
            owner=self._owner or "",
            name=asked.name,
            model_uri=model.uri,
            prompt=asked.prompt,
            duration_s=asked.duration_s,
            tempo_bpm=asked.tempo_bpm,
            beats_per_bar=asked.beats_per_bar,
            seed=secrets.randbelow(2**31) if asked.seed is None else asked.seed,
            tracks=model.tracks,
            sample_rate_hz=model.sample_rate_hz,
            created_at=self._clock(),
        )
        with self._database.write() as session:
            session.add(row)
        return row

    def list(self, limit: int, after: str | None = None) -> Sequence[Composition]:
        """Newest first; `after`: only those that come after this one."""
        newest = (Composition.created_at.desc(), Composition.id.desc())
        with self._database.read() as session:
            query = select(Composition).order_by(*newest).limit(limit)
            if self._owner is not None:
                query = query.where(Composition.owner == self._owner)
            if after is not None:
                last = self._found(session, after)
                place = tuple_(Composition.created_at, Composition.id)
                query = query.where(place < (last.created_at, last.id))
            return session.scalars(query).all()

    def get(self, composition_id: str) -> Composition:
        with self._database.read() as session:
            return self._found(session, composition_id)

    def change(self, composition_id: str, change: CompositionChange) -> None:
        """Rename, or turn lanes up and down."""
        with self._database.write() as session:
            row = self._found(session, composition_id, lock=True)
            for name in ("name", "prompt", "model_uri", "tempo_bpm", "beats_per_bar"):
                if (value := getattr(change, name)) is not None:
                    setattr(row, name, value)
            for track in change.lanes or {}:
                check_track(row, track)
            lanes = {track: lane.model_dump() for track, lane in (change.lanes or {}).items()}
            row.lanes = {**row.lanes, **lanes}

    def duplicate(self, composition_id: str, copy_id: str, asked: NewCopy, takes: Sequence[Take]) -> None:
        """A composition of the same settings but for what is asked, with takes that are selected there.

        `takes`: copies of the selected ones, of the composition `copy_id`, stored and not yet added.
        """
        with self._database.write() as session:
            old = self._found(session, composition_id)
            same = ("model_uri", "prompt", "tempo_bpm", "beats_per_bar", "seed", "tracks", "sample_rate_hz")
            name = f"{old.name or 'composition'} (copy)"[:200] if asked.name is None else asked.name
            row = Composition(
                id=copy_id,
                owner=old.owner,
                name=name,
                duration_s=old.duration_s if asked.duration_s is None else asked.duration_s,
                lanes=old.lanes,
                created_at=self._clock(),
                **{name: getattr(old, name) for name in same},
            )
            session.add(row)
            session.flush()
            for take in takes:
                take.created_at = self._clock()
                session.add(take)
            session.flush()
            if takes:
                self._choose(session, copy_id, {take.track: take.id for take in takes})

    def takes(self, composition_id: str) -> Sequence[Take]:
        """Oldest first."""
        with self._database.read() as session:
            query = select(Take).where(Take.composition_id == composition_id)
            return session.scalars(query.order_by(Take.created_at, Take.name, Take.track)).all()

    def take(self, take_id: str) -> Take:
        with self._database.read() as session:
            row = session.get(Take, take_id)
            if row is None or not self._is_own(session, row.composition_id):
                raise not_found("take", take_id)
            return row

    def selected(self, composition_id: str) -> dict[str, str]:
        """Track → chosen take, as it stands."""
        with self._database.read() as session:
            return selected(session, composition_id)

    def history(self, composition_id: str) -> Sequence[Selection]:
        """Every selection, oldest first; the last one counts."""
        with self._database.read() as session:
            query = select(Selection).where(Selection.composition_id == composition_id)
            return session.scalars(query.order_by(Selection.number)).all()

    def generation_ids(self, composition_id: str) -> Sequence[str]:
        with self._database.read() as session:
            query = select(Generation.id).where(Generation.composition_id == composition_id)
            return session.scalars(query.order_by(Generation.number)).all()

    def delete(self, composition_id: str) -> Sequence[str]:
        """Remove a composition and all that belongs to it; gives the blobs that nothing names any more."""
        with self._database.write() as session:
            self._found(session, composition_id, lock=True)
            query = select(Take.blob_key).where(Take.composition_id == composition_id)
            keys = session.scalars(query).all()
            for table in (Take, Selection, Generation):
                session.execute(delete(table).where(table.composition_id == composition_id))
            session.execute(delete(Composition).where(Composition.id == composition_id))
        return keys

    def add_upload(self, take: Take) -> Take:
        """Keep an uploaded take and choose it for its track."""
        take.created_at = self._clock()
        with self._database.write() as session:
            self._found(session, take.composition_id, lock=True)
            session.add(take)
            session.flush()
            self._choose(session, take.composition_id, {take.track: take.id})
        return take

    def choose(self, composition_id: str, choice: Mapping[str, str | None]) -> None:
        """Choose takes for some tracks, None for none; the other tracks keep theirs."""
        with self._database.write() as session:
            composition = self._found(session, composition_id, lock=True)
            for track, take_id in choice.items():
                _check_choice(session, composition, track, take_id)
            self._choose(session, composition_id, choice)

    def _choose(self, session: Session, composition_id: str, choice: Mapping[str, str | None]) -> None:
        merged = {**selected(session, composition_id), **choice}
        takes = {track: take for track, take in merged.items() if take is not None}
        session.add(Selection(composition_id=composition_id, takes=takes, created_at=self._clock()))

    def _found(self, session: Session, composition_id: str, *, lock: bool = False) -> Composition:
        return found(session, composition_id, lock=lock, owner=self._owner)

    def _is_own(self, session: Session, composition_id: str) -> bool:
        if self._owner is None:
            return True
        query = select(Composition.owner).where(Composition.id == composition_id)
        return session.scalars(query).one_or_none() == self._owner


def found(
    session: Session, composition_id: str, *, lock: bool = False, owner: str | None = None
) -> Composition:
    """The composition, held against other writers where the database locks rows; 404 without one.

    `owner`: whose it must be; None: anybody's.
    """
    row = session.get(Composition, composition_id, with_for_update=lock)
    if row is None or owner not in (None, row.owner):
        raise not_found("composition", composition_id)
    return row


def selected(session: Session, composition_id: str) -> dict[str, str]:
    """Track → chosen take, as it stands."""
    query = select(Selection).where(Selection.composition_id == composition_id)
    newest = session.scalars(query.order_by(Selection.number.desc()).limit(1)).one_or_none()
    return dict(newest.takes) if newest else {}


def check_track(composition: Composition, track: str) -> None:
    """422 for a track that the composition has not."""
    if track not in composition.tracks:
        names = ", ".join(composition.tracks)
        raise Refusal(422, "unknown_track", f"there is no track '{track}'", f"choose from {names}")


def check_slots(composition: Composition, model: ModelFacts) -> None:
    """409 for a model whose takes would not fit the composition's."""
    if composition.tracks != model.tracks:
        message = f"the model's tracks are {', '.join(model.tracks)}, the composition's are others"
    elif composition.sample_rate_hz != model.sample_rate_hz:
        rates = f"{model.sample_rate_hz} Hz, the composition's {composition.sample_rate_hz} Hz"
        message = f"the model's sample rate is {rates}"
    else:
        return
    raise Refusal(409, "other_model", message, "start a new composition")


def _check_choice(session: Session, composition: Composition, track: str, take_id: str | None) -> None:
    check_track(composition, track)
    if take_id is None:
        return
    take = session.get(Take, take_id)
    if take is None or take.composition_id != composition.id:
        raise not_found("take", take_id)
    if take.track != track:
        message = f"take '{take_id}' is a take of {take.track}, not of {track}"
        raise Refusal(422, "wrong_track", message, f"choose it for {take.track}")
