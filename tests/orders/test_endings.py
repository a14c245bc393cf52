"""When an order has ended, when it is settled and when it is over: R14, R23."""

import pytest

from orders.closing import is_over, is_settled
from orders.order import LATEST_RULES
from orders.reopening import reopened
from orders.status import CloseReason, Status
from orders.view import is_finished, view
from tests.orders.builders import DUE, Story, payment


def _closed() -> Story:
    story = Story().until_cancellation_requested()
    story.reply("accept")
    return story


def test_an_order_that_closes_ends_and_is_settled_when_its_refund_is_paid() -> None:
    """R14: whoever is asked says the same, the order or its view."""
    story = _closed()
    assert story.order.status in Status.ended()
    assert not is_settled(story.order)
    assert not is_over(story.order)
    assert not is_finished(story.view)

    view = story.send_refund_update("succeeded")

    assert is_settled(view)
    assert is_over(view)
    assert is_over(story.order)
    assert is_finished(view)


def test_an_order_is_not_over_while_the_bank_decides() -> None:
    """R23: its workflow waits for the bank, with or without money that is held."""
    story = _closed()
    story.send_chargeback("opened")
    view = story.send_refund_update("canceled")

    assert is_settled(view)
    assert not is_over(view)
    assert not is_finished(view)


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_finished_order_is_reopened_for_a_chargeback(end: str) -> None:
    """R23: its last view is all there is, and enough; nothing is booked twice."""
    story = Story().until_shipped()
    finished = story.view
    assert is_finished(finished)
    story.order = reopened(finished, story.now)
    assert view(story.order) == finished.model_copy(update={"next": []})

    story.send_chargeback("opened")
    assert not is_over(story.order)
    assert story.view.amount_owed_to_seller.amount == 0
    story.send_chargeback(end)

    assert is_over(story.order)
    assert story.view.amount_owed_to_seller.amount == (DUE if end == "won" else 0)
    assert sum(it.legs["cash"] for it in story.order.postings) == (0 if end == "won" else -DUE)
    keys = [it.key for it in story.order.notifications]
    assert len(set(keys)) == len(keys)


def test_a_reopened_order_knows_the_payments_that_were_declined() -> None:
    """R6, R17: one that repeats changes nothing, and one that says otherwise goes to support."""
    story = Story()
    story.send("payment_declined", payment_id="pay-0", reason="No")
    story.pay(payment_id="pay-1")
    story.send("payment_declined", payment_id="pay-1", reason="No")
    story.pay(payment_id="pay-2")
    story.send_chargeback("lost", payment_id="pay-2")
    story.order = reopened(story.view, story.now)

    for payment_id in ("pay-0", "pay-1"):
        story.must_ignore("payment_declined", payment_id=payment_id, reason="No")
    story.must_ignore("payment", **payment("pay-1"))
    story.must_refuse("payment", **payment("pay-0"))


def test_a_reopened_order_keeps_its_rules_while_it_is_open() -> None:
    """R22: one that was terminated lives on as it began; of one that has ended, money alone moves."""
    terminated = Story(rules=1).until_disputed()
    ended = Story(rules=1).until_shipped()

    assert reopened(terminated.view, terminated.now).rules == 1
    assert reopened(ended.view, ended.now).rules == LATEST_RULES


def test_only_what_was_closed_unpaid_counts_as_unpaid() -> None:
    """R3: that can be added to the cart again."""
    assert {it for it in CloseReason if it in CloseReason.unpaid()} == {
        CloseReason.PAYMENT_EXPIRED,
        CloseReason.BUYER_CANCELED_UNPAID,
    }
