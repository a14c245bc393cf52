"""Who wants no reminders (R21)."""

from datetime import datetime

from sqlalchemy import delete, select

from database.connection import Database, insert_into
from database.tables import muted_reminders
from orders.messages import Role


class SqlReminderPreferences:
    """Buyers' and sellers' choices; without one reminders are sent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def are_muted(self, role: Role, party_id: str) -> bool:
        """Whether a party wants none."""
        query = select(muted_reminders).filter_by(role=role, party_id=party_id)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).one_or_none() is not None

    async def mute(self, role: Role, party_id: str, at: datetime) -> None:
        """Send a party none from now on."""
        async with self._database.writing() as connection:
            wanted = {"role": role, "party_id": party_id, "at": at}
            statement = insert_into(connection, muted_reminders)
            await connection.execute(statement.values(**wanted).on_conflict_do_nothing())

    async def unmute(self, role: Role, party_id: str) -> None:
        """Send them again."""
        change = delete(muted_reminders).filter_by(role=role, party_id=party_id)
        async with self._database.writing() as connection:
            await connection.execute(change)
