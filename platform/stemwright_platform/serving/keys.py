"""Access keys: who may call, and how much of everything each may ask for."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence

from sqlalchemy import delete, select

from stemwright.errors import InputError
from stemwright_platform.serving.database import Database
from stemwright_platform.serving.identity import new_id
from stemwright_platform.serving.tables import ApiKey, BrowserSession

PREFIX = "sw"
SESSION_S = 12 * 3_600.0
"""How long a browser stays signed in."""
PER_MINUTE, AUDIO_S_PER_DAY = 60, 20_000.0
"""What a key may ask for unless it is told otherwise."""


class Keys:
    """Of secrets only digests are kept: they are 256 random bits, which no list of words has."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database, self._clock = database, clock

    def create(
        self, name: str, *, per_minute: int = PER_MINUTE, audio_s_per_day: float = AUDIO_S_PER_DAY
    ) -> tuple[ApiKey, str]:
        """A key and its secret, which is told this once. InputError for limits that are none."""
        if per_minute < 1 or audio_s_per_day <= 0:
            raise InputError("a key needs at least one generation a minute and some seconds of audio a day")
        secret = secrets.token_urlsafe(32)
        row = ApiKey(
            id=new_id(),
            name=name[:200],
            secret_sha256=_digest(secret),
            generations_per_minute=per_minute,
            audio_s_per_day=audio_s_per_day,
            created_at=self._clock(),
        )
        with self._database.write() as session:
            session.add(row)
        return row, f"{PREFIX}_{row.id}_{secret}"

    def all(self) -> Sequence[ApiKey]:
        """Oldest first, revoked ones too."""
        with self._database.read() as session:
            return session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id)).all()

    def revoke(self, key_id: str) -> None:
        """From now on neither it nor a browser that came in with it opens anything. InputError for none."""
        with self._database.write() as session:
            row = session.get(ApiKey, key_id)
            if row is None:
                raise InputError(f"there is no key '{key_id}': `stemwright keys list` shows those there are")
            row.revoked_at = row.revoked_at or self._clock()
            session.execute(delete(BrowserSession).where(BrowserSession.key_id == key_id))

    def of_secret(self, told: str) -> ApiKey | None:
        """The key that a caller shows, if it is one and still good."""
        prefix, _, rest = told.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret:
            return None
        with self._database.read() as session:
            row = session.get(ApiKey, key_id)
        same = row is not None and hmac.compare_digest(row.secret_sha256, _digest(secret))
        return row if same and row is not None and row.revoked_at is None else None

    def open_session(self, key: ApiKey) -> str:
        """A token for a browser's cookie."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as session:
            session.execute(delete(BrowserSession).where(BrowserSession.expires_at < self._clock()))
            session.add(
                BrowserSession(
                    token_sha256=_digest(token), key_id=key.id, expires_at=self._clock() + SESSION_S
                )
            )
        return token

    def of_session(self, token: str) -> ApiKey | None:
        """The key that a browser came in with, while that lasts."""
        with self._database.read() as session:
            row = session.get(BrowserSession, _digest(token))
            if row is None or row.expires_at < self._clock():
                return None
            key = session.get(ApiKey, row.key_id)
        return key if key is not None and key.revoked_at is None else None

    def close_session(self, token: str) -> None:
        with self._database.write() as session:
            session.execute(delete(BrowserSession).where(BrowserSession.token_sha256 == _digest(token)))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
