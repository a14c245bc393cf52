"""``unbuy why``: what an order waits for, and what is stuck outside of its rules."""

from collections.abc import Iterator

from temporalio.client import Client

from cli import rendering
from cli.arguments import Json
from cli.connection import connection, open_configured_database
from cli.console import out, plain, print_json
from cli.orders import unknown_order
from client.obstacles import Obstacle, ObstacleKind, obstacles
from database.orders import SqlOrders
from database.outbox import OutboxEntry, SqlOutbox
from i18n.current import gettext, ngettext
from orders.reopening import TERMINATED
from orders.support_queue import waits_for_support
from orders.view import OrderView
from runtime.program import COMMAND
from workflows import ids


async def why(order_id: str, /, *, as_json: Json = False) -> int:
    """Say what an order waits for, and what is stuck; exit status 1 if anything is.

    It asks neither the order nor a worker, so that it answers when they do not: what it says of the order is
    what was recorded last.

    Parameters
    ----------
    order_id
        The order.
    as_json
        Print JSON.
    """
    async with connection() as client, open_configured_database() as database:
        view = await SqlOrders(database).find(order_id)
        found = await _obstacles(client, order_id, view)
        unsent = [it for it in await SqlOutbox(database).entries(order_id) if not it.delivered_at]
    if view is None and found and found[0].kind is ObstacleKind.UNKNOWN_TO_TEMPORAL:
        raise unknown_order(order_id)
    waiting = waits_for_support(view) if view else None
    if as_json:
        print_json(
            {
                "order_id": order_id,
                "status": view.status if view else None,
                "next": view.next if view else [],
                "support": waiting,
                "stuck": found,
                "undelivered": [{"what": it.message.what, "at": it.message.at} for it in unsent],
            }
        )
    else:
        for line in _lines(view, found, unsent):
            out.print(line)
    return 1 if found else 0


async def _obstacles(client: Client, order_id: str, view: OrderView | None) -> list[Obstacle]:
    found = await obstacles(client, ids.order_workflow_id(order_id))
    # Retention takes the history of what has ended.
    is_gone = [it.kind for it in found] == [ObstacleKind.UNKNOWN_TO_TEMPORAL]
    return [] if is_gone and view and not view.next else found


def _lines(
    view: OrderView | None, found: list[Obstacle], unsent: list[OutboxEntry]
) -> Iterator[str]:
    if view is None:
        yield gettext("Nothing has been recorded of this order yet.")
    else:
        yield plain(rendering.state(view))
        for line in rendering.coming(view):
            yield gettext("Next: {line}", line=line)
        if waits_for_support(view):
            yield gettext("It waits for support.")
    if unsent:
        yield ngettext(
            "{number} notification is not delivered yet.",
            "{number} notifications are not delivered yet.",
            len(unsent),
        )
    if not found:
        yield gettext("Nothing is stuck.")
    for it in found:
        yield gettext("STUCK: {what}", what=_sentence(it))


def _sentence(it: Obstacle) -> str:
    match it.kind:
        case ObstacleKind.UNKNOWN_TO_TEMPORAL:
            return gettext("Temporal knows nothing of it, although it is not over.")
        case ObstacleKind.TERMINATED:
            return rendering.refusal(TERMINATED, None)
        case ObstacleKind.NO_WORKER:
            return gettext(
                "no worker serves orders. Start one with `{unbuy} worker`.", unbuy=COMMAND
            )
        case ObstacleKind.STEP_FAILS:
            return gettext(
                "its next step has failed {number} times ({what}): {why}",
                number=it.attempts - 1,
                what=plain(it.what),
                why=plain(it.reason),
            )
        case ObstacleKind.ACTIVITY_FAILS:
            return gettext(
                "{what} has failed {number} times: {why} It is tried again at {instant}.",
                what=plain(it.what),
                number=it.attempts - 1,
                why=plain(it.reason),
                instant=rendering.instant(it.again_at) if it.again_at else "-",
            )
