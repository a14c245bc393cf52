"""Stray payments (R17) at the command line, where ``stray/PAYMENT_ID`` names them as in the ledger."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text
from temporalio.client import Client

from cli import rendering
from cli.connection import open_configured_database
from cli.console import plain
from cli.failure import Failure
from client import stray_payments
from database.stray_payments import SqlStrayPayments
from i18n.current import gettext
from orders.errors import InvalidInput
from orders.messages import Message
from orders.refunds import refunds_of
from orders.sentences import sentence
from orders.stray_payments import StrayPaymentMessage, StrayPaymentState
from orders.values import Balance


class RecordedStrayPayments:
    """Implements ``client.stray_payments.StoredStrayPayments``; opens the database only when asked."""

    async def find(self, payment_id: str) -> StrayPaymentState | None:
        """See ``StoredStrayPayments``."""
        async with open_configured_database() as database:
            return await SqlStrayPayments(database).find(payment_id)


async def find(client: Client, payment_id: str) -> StrayPaymentState:
    """A stray payment as it is now, or as it ended. Raises Failure."""
    state = await stray_payments.show(client, payment_id)
    state = state or await RecordedStrayPayments().find(payment_id)
    if state is None:
        raise _unknown(payment_id)
    return state


async def tell(client: Client, payment_id: str, message: Message) -> StrayPaymentState:
    """Tell a stray payment what has become of its money. Raises Failure and InvalidInput."""
    if not isinstance(message, StrayPaymentMessage):
        raise InvalidInput(
            sentence(
                "A stray payment accepts only what is said of its money, not {name}.",
                name=message.name,
            )
        )
    if not await stray_payments.send(client, payment_id, message, RecordedStrayPayments()):
        raise _unknown(payment_id)
    return await find(client, payment_id)


def _unknown(payment_id: str) -> Failure:
    return Failure(gettext("There is no stray payment {payment}.", payment=payment_id))


def whole(state: StrayPaymentState) -> RenderableType:
    """All that is known of it, for people."""
    return Group(*_parts(state))


def _parts(state: StrayPaymentState) -> Iterator[RenderableType]:
    held = Balance(amount=state.held, currency=state.received.currency)
    yield Text(
        plain(
            gettext(
                "Stray payment {payment}: {money}; held for its payer: {held}",
                payment=state.payment_id,
                money=rendering.money(state.received),
                held=rendering.money(held),
            )
        ),
        style="bold",
    )
    for refund in refunds_of(state):
        yield Text(
            plain(
                gettext(
                    "  refund {refund_id}: {money}, {status}",
                    refund_id=refund.refund_id,
                    money=rendering.money(refund.money),
                    status=rendering.named("refund_status", refund.status),
                )
            )
        )
    yield from (Text(f"  {line}") for line in rendering.moved_by_the_provider(state))
    yield rendering.timeline(rendering.entries(state.timeline))
