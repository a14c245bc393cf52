"""The tracking numbers in use, stored in the database (R11)."""

from sqlalchemy import select

from database.connection import Database, insert_if_missing
from database.tables import tracking_numbers


class SqlNumberRegistry:
    """Implements ``activities.tracking.NumberRegistry``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, number: str, order_id: str) -> bool:
        """See ``NumberRegistry``; the same order may claim its number again."""
        owner = select(tracking_numbers.c.order_id).where(tracking_numbers.c.number == number)
        async with self._database.writing() as connection:
            await insert_if_missing(connection, tracking_numbers, number=number, order_id=order_id)
            used_by: str = (await connection.execute(owner)).scalar_one()
            return used_by == order_id
