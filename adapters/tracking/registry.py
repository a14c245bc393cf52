"""The tracking numbers in use, stored in the database (R11)."""

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from activities.tracking import NumberUse
from database.connection import Database, insert_if_missing
from database.tables import orders, tracking_numbers


class SqlNumberRegistry:
    """Implements ``activities.tracking.NumberRegistry``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, number: str, use: NumberUse) -> NumberUse:
        """See ``NumberRegistry``."""
        used = tracking_numbers.c
        # Numbers that an earlier version noted have no parties.
        first = (
            select(
                used.order_id,
                func.coalesce(used.seller_id, orders.c.seller_id, ""),
                func.coalesce(used.buyer_id, orders.c.buyer_id, ""),
            )
            .outerjoin(orders, orders.c.order_id == used.order_id)
            .where(used.number == number)
        )

        def claim(connection: Connection) -> tuple[str, str, str]:
            insert_if_missing(
                connection,
                tracking_numbers,
                number=number,
                order_id=use.order_id,
                seller_id=use.seller_id or None,
                buyer_id=use.buyer_id or None,
            )
            return connection.execute(first).one()

        order_id, seller_id, buyer_id = await self._database.write(claim)
        return NumberUse(order_id=order_id, seller_id=seller_id, buyer_id=buyer_id)
