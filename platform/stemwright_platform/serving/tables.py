"""The tables that hold compositions, takes, choices, generations and what serves them."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)
"""The states a generation never leaves."""


class Table(DeclarativeBase):
    """All tables share this metadata."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, float: Float}  # noqa: RUF012


class Composition(Table):
    """One run of Alg. 1: a prompt and the slots its takes fill."""

    __tablename__ = "compositions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64), default="", server_default="", index=True)
    """The key that made it; empty where no keys are asked for."""
    name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    model_uri: Mapped[str] = mapped_column(String(500), default="", server_default="")
    """Address of the model that makes its takes, as it was configured; empty: the application's own."""
    prompt: Mapped[str] = mapped_column(Text)
    duration_s: Mapped[float]
    tempo_bpm: Mapped[float | None]
    beats_per_bar: Mapped[int] = mapped_column(default=4, server_default="4")
    seed: Mapped[int] = mapped_column(BigInteger)
    tracks: Mapped[list[str]]
    """Slot names, in slot order."""
    lanes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Track → a `Lane` as JSON; a track left out is as it came."""
    sample_rate_hz: Mapped[int]
    created_at: Mapped[float] = mapped_column(index=True)
    """Seconds since 1970, as every time here."""


class Take(Table):
    """One generated or uploaded stem; its audio is a blob."""

    __tablename__ = "takes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    composition_id: Mapped[str] = mapped_column(ForeignKey("compositions.id", ondelete="CASCADE"), index=True)
    generation_id: Mapped[str | None] = mapped_column(String(32))
    """None for an upload."""
    track: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    """"uploaded", or "take 3" for what the third candidate of a generation gave."""
    seed: Mapped[int | None] = mapped_column(BigInteger)
    model: Mapped[str | None] = mapped_column(String(500))
    """Address of the version that made it; None for an upload."""
    blob_key: Mapped[str] = mapped_column(String(128))
    content_type: Mapped[str] = mapped_column(String(64))
    num_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    gain_db: Mapped[float]
    """Gain that brings the stem to the loudness the model works at."""
    peaks: Mapped[bytes] = mapped_column(LargeBinary)
    """int8 (low, high) pairs, 127 is full scale."""
    created_at: Mapped[float]


class Selection(Table):
    """Which takes a composition consists of; the newest row counts, the older ones are its history."""

    __tablename__ = "selections"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    composition_id: Mapped[str] = mapped_column(ForeignKey("compositions.id", ondelete="CASCADE"), index=True)
    takes: Mapped[dict[str, Any]]
    """Track → take id; tracks without a choice are left out."""
    created_at: Mapped[float]


class Generation(Table):
    """A request for takes, and its place in the queue: this table is the queue."""

    __tablename__ = "generations"
    __table_args__ = (
        UniqueConstraint("composition_id", "idempotency_key"),
        Index("generations_by_turn", "state", "priority", "turn", "number"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    """Order of arrival."""
    id: Mapped[str] = mapped_column(String(32), unique=True)
    composition_id: Mapped[str] = mapped_column(ForeignKey("compositions.id", ondelete="CASCADE"), index=True)
    request: Mapped[dict[str, Any]]
    """A `Brief` as JSON, complete: nothing in it is decided later."""
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    asked: Mapped[str] = mapped_column(String(64))
    """Hash of the call's body as it came, to tell a repeat from a misuse of the key."""
    model_uri: Mapped[str] = mapped_column(String(500), default="", server_default="")
    """Address of the model that it waits for; empty: whichever comes first."""
    request_id: Mapped[str | None] = mapped_column(String(64))
    """The call that asked for it, as logs name it."""
    state: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int] = mapped_column(default=0, server_default="0")
    """0: somebody waits and listens; 1: work in bulk, which goes after."""
    owner: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """Whose share it is made on: owners take turns, whoever asks for more."""
    cost: Mapped[float] = mapped_column(default=0.0, server_default="0")
    """Seconds of audio times steps."""
    turn: Mapped[float] = mapped_column(default=0.0, server_default="0")
    """When it would begin if every owner were served at the same rate; the lowest goes first."""
    progress: Mapped[float] = mapped_column(default=0.0)
    """0…1 over all candidates."""
    stage: Mapped[str] = mapped_column(String(32), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    """Fencing token: rises with every claim, so that a holder who lost the row cannot write it."""
    lease_until: Mapped[float | None]
    model: Mapped[str | None] = mapped_column(String(500))
    """Address of the version that its holder makes it with."""
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]


class ApiKey(Table):
    """Who may call."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    secret_sha256: Mapped[str] = mapped_column(String(64))
    generations_per_minute: Mapped[int]
    audio_s_per_day: Mapped[float]
    """Seconds of stems."""
    created_at: Mapped[float]
    revoked_at: Mapped[float | None]


class BrowserSession(Table):
    """A browser that came in with a key."""

    __tablename__ = "browser_sessions"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"))
    expires_at: Mapped[float]


class Usage(Table):
    """What an owner has asked for, minute by minute; deleting generations gives none of it back."""

    __tablename__ = "usage"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    minute: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Since 1970."""
    generations: Mapped[int]
    audio_s: Mapped[float]


class ServedModel(Table):
    """Facts about the model behind an application, told by its dispatcher, who keeps `seen_at` fresh."""

    __tablename__ = "models"

    uri: Mapped[str] = mapped_column(String(500), primary_key=True)
    facts: Mapped[dict[str, Any]]
    """A `ModelFacts` as JSON."""
    seen_at: Mapped[float]
