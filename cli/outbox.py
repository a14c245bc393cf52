"""The command that shows whom the product notified (R21)."""

from typing import Any

from adapters.notifications.render import NotificationRenderer
from cli import rendering
from cli.arguments import Json
from cli.connection import connection, open_configured_database
from cli.console import out, plain, print_json
from cli.orders import find_order, unknown_order
from cli.settings import read_settings
from database.outbox import OutboxEntry, SqlOutbox
from i18n.current import gettext
from runtime.wiring import notification_renderer


async def outbox(order_id: str | None = None, /, *, as_json: Json = False) -> int:
    """Show whom the product notified of what (R21): about one order, or about all.

    Parameters
    ----------
    order_id
        The order; without it, all.
    as_json
        Print JSON.
    """
    renderer = notification_renderer(read_settings())
    async with open_configured_database() as database:
        entries = await SqlOutbox(database).entries(order_id)
    if order_id and not entries:
        async with connection() as client:
            if await find_order(client, order_id) is None:
                raise unknown_order(order_id)
    if as_json:
        print_json([_as_json(entry, renderer) for entry in entries])
        return 0
    for text in rendering.outbox_entries(entries, renderer):
        out.print(text)
    if not entries:
        out.print(
            gettext(
                "Nobody has been notified about order {order}.",
                order=plain(order_id),
            )
            if order_id
            else gettext("Nobody has been notified yet.")
        )
    return 0


def _as_json(entry: OutboxEntry, renderer: NotificationRenderer) -> dict[str, Any]:
    """A notification for another program; never its party's addresses, which may carry secrets."""
    message = entry.message
    return {
        "order_id": message.order_id,
        "to": message.to,
        "party": {"id": message.party.id, "name": message.party.name} if message.party else None,
        "what": message.what,
        "at": message.at,
        "text": renderer.text_or_plain([message]),
        "delivered_at": entry.delivered_at,
        "refused": entry.refused,
    }
