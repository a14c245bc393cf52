import logging
from datetime import UTC, datetime

import pytest

from activities.notifications import OutboxMessage
from adapters.local.log_channel import LogChannel
from orders.messages import Role
from orders.place_order import Party


async def test_a_notification_is_logged_in_one_line_without_personal_data(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    party = Party(id="buyer-7", name="Anna", locale="pl", notify=("mailto://anna@example.com",))
    letter = OutboxMessage(
        key="A-1:1:order_placed:buyer",
        order_id="A-1",
        to=Role.BUYER,
        party=party,
        what="seller_message",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        details={"text": "Dear Anna"},
    )

    await LogChannel().send([letter])

    assert caplog.messages == ["Notified the buyer: seller_message (A-1:1:order_placed:buyer)"]
