"""A local stand-in for the system in which a marketplace handles its disputes, such as a helpdesk.

Cases are only filed here; support's pages show disputes from the orders themselves.
"""

from sqlalchemy import or_

from activities.disputes import DisputeCase
from database.connection import Database, insert_into
from database.tables import disputes


class LocalDisputeCases:
    """Implements ``activities.disputes.DisputeCases`` (R8, R12, R16) with a table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def file(self, case: DisputeCase) -> None:
        """See ``DisputeCases``; a repeated earlier filing does not reopen a resolved case."""
        async with self._database.writing() as connection:
            insert = insert_into(connection, disputes).values(
                dispute_id=case.dispute.dispute_id,
                order_id=case.order_id,
                status=case.dispute.status,
                opened_at=case.dispute.opened_at,
                case=case.model_dump_json(),
            )
            filed = insert.excluded
            await connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["dispute_id"],
                    set_={"status": filed.status, "case": filed["case"]},
                    where=or_(disputes.c.status != "resolved", filed.status == "resolved"),
                )
            )
