"""The sessions of people who are signed in on the pages: each counts as long as it has its row."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, delete, insert, select, update

from database.connection import Database
from database.tables import sessions
from orders.messages import Role

MOST: Final = 100
"""Sessions of one party in a role."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session: of whom, when last used, when last asked about at the issuer, and its latest end.

    ``refresh_token``: what asks there, encrypted by its owner; none where there is no issuer to ask. It began
    at ``begun_at``, at an IP ``address`` (an IPv6 network), in a ``browser`` by its usual name; both may be
    unknown.
    """

    session_id: str
    role: Role
    party_id: str
    seen_at: datetime
    checked_at: datetime
    ends_at: datetime
    begun_at: datetime
    refresh_token: str | None = None
    address: str = ""
    browser: str = ""


class SqlSessions:
    """Sessions by their random ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: StoredSession, now: datetime) -> None:
        """Store a new session, and remove those that are over, and the oldest of a party with too many."""
        theirs = _of(session.role, session.party_id)
        newest = theirs.with_only_columns(sessions.c.session_id).limit(MOST)
        too_many = delete(sessions).filter_by(role=session.role, party_id=session.party_id)
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.ends_at <= now))
            await connection.execute(insert(sessions).values(asdict(session)))
            await connection.execute(too_many.where(sessions.c.session_id.not_in(newest)))

    async def find(self, session_id: str) -> StoredSession | None:
        """A session that nobody has ended."""
        query = select(sessions).filter_by(session_id=session_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return _stored(row) if row else None

    async def of_party(
        self, role: Role, party_id: str, used_since: datetime
    ) -> list[StoredSession]:
        """The sessions of a party in a role that were used since then, the newest first."""
        query = _of(role, party_id).where(sessions.c.seen_at >= used_since)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_stored(row) for row in rows]

    async def set_seen(self, session_id: str, at: datetime) -> bool:
        """Note when its person last used it; false where it has ended."""
        change = update(sessions).filter_by(session_id=session_id).values(seen_at=at)
        async with self._database.writing() as connection:
            return (await connection.execute(change)).rowcount == 1

    async def begin_check(self, session: StoredSession, at: datetime) -> bool:
        """Note that the issuer is asked; false where another process has just begun to."""
        change = (
            update(sessions)
            .filter_by(session_id=session.session_id, checked_at=session.checked_at)
            .values(checked_at=at)
        )
        async with self._database.writing() as connection:
            return (await connection.execute(change)).rowcount == 1

    async def set_refresh_token(self, session_id: str, refresh_token: str) -> None:
        """Store what asks the issuer the next time."""
        change = (
            update(sessions).filter_by(session_id=session_id).values(refresh_token=refresh_token)
        )
        async with self._database.writing() as connection:
            await connection.execute(change)

    async def end(self, session_id: str) -> None:
        """End a session."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).filter_by(session_id=session_id))

    async def end_all(self, role: Role, party_id: str) -> int:
        """End all sessions of a party in a role; how many there were."""
        change = delete(sessions).filter_by(role=role, party_id=party_id)
        async with self._database.writing() as connection:
            return (await connection.execute(change)).rowcount


def _of(role: Role, party_id: str) -> Select[Any]:
    return (
        select(sessions)
        .filter_by(role=role, party_id=party_id)
        .order_by(sessions.c.begun_at.desc(), sessions.c.session_id)
    )


def _stored(row: Row[Any]) -> StoredSession:
    return StoredSession(**{**row._mapping, "role": Role(row.role)})
