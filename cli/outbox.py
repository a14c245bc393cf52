"""The command that shows whom the product notified (R21)."""

from cli import rendering
from cli.connection import open_configured_database
from cli.console import out, plain
from database.outbox import SqlOutbox
from i18n.current import gettext


async def outbox(order_id: str | None = None, /) -> int:
    """Show what people were told (R21), by order or all of it, from the local outbox.

    Parameters
    ----------
    order_id
        The order; without it, all.
    """
    async with open_configured_database() as database:
        entries = await SqlOutbox(database).entries(order_id)
    for text in rendering.letters(entries):
        out.print(text)
    if not entries:
        out.print(
            gettext(
                "Nobody has been told anything about order {order}.",
                order=plain(order_id),
            )
            if order_id
            else gettext("Nobody has been told anything yet.")
        )
    return 0
