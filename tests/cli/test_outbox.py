"""What the command line shows of what people were told."""

from datetime import UTC, datetime

from activities.notifications import OutboxMessage
from adapters.notifications.render import NotificationRenderer
from cli.rendering import outbox_entries
from database.outbox import OutboxEntry, RefusedDelivery
from orders.messages import Role
from orders.place_order import Party

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_support_sees_which_channels_failed() -> None:
    """R21: and why, without the address."""
    letter = OutboxMessage(
        key="A-1:order_shipped:1:buyer",
        order_id="A-1",
        to=Role.BUYER,
        party=Party(id="b", name="Anna", locale="en", notify=("mailto:canary@example.org",)),
        what="order_shipped",
        at=AT,
        details={},
    )
    refusal = RefusedDelivery(channel="mailto", reason="The mail server refuses it (550).")

    [shown] = outbox_entries(
        [OutboxEntry(message=letter, delivered_at=AT, refused=(refusal,))], NotificationRenderer()
    )

    assert shown.plain.splitlines()[1:] == [
        "  Order A-1 has shipped.",
        "  Not by mailto: The mail server refuses it (550).",
    ]


def test_a_message_that_cannot_be_written_out_is_shown_plainly() -> None:
    """R21, case 72: as it was sent; the others are shown as they are."""
    letter = OutboxMessage(
        key="A-1:seller_message:1:buyer",
        order_id="A-1",
        to=Role.BUYER,
        party=Party(id="b", name="Anna", locale="en"),
        what="seller_message",
        at=AT,
        details={},
    )

    [shown] = outbox_entries([OutboxEntry(message=letter, delivered_at=AT)], NotificationRenderer())

    assert "There is an update on order A-1." in shown.plain
