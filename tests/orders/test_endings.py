"""When an order has ended, when it is settled and when it is over: R14, R23."""

from orders.closing import is_over, is_settled
from orders.late_chargebacks import charged_back
from orders.messages import ChargebackReported
from orders.status import CloseReason, Status
from orders.view import OrderView, is_finished
from tests.orders.builders import DUE, Story, chargeback


def _closed() -> Story:
    story = Story().until_cancellation_requested()
    story.reply("accept")
    return story


def _late(view: OrderView, status: str, story: Story) -> OrderView:
    late = charged_back(view, ChargebackReported.model_validate(chargeback(status, DUE)), story.now)
    assert late
    return late.view


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


def test_a_late_chargeback_needs_no_workflow() -> None:
    """R23: what is stored of a finished order is all there is, also while the bank decides."""
    story = Story().until_shipped()
    finished = story.view
    assert is_finished(finished)

    opened = _late(finished, "opened", story)
    lost = _late(opened, "lost", story)

    assert not is_over(opened)
    assert is_finished(opened)
    assert is_over(lost)
    assert is_finished(lost)


def test_only_what_was_closed_unpaid_counts_as_unpaid() -> None:
    """R3: that can be added to the cart again."""
    assert {it for it in CloseReason if it in CloseReason.unpaid()} == {
        CloseReason.PAYMENT_EXPIRED,
        CloseReason.BUYER_CANCELED_UNPAID,
    }
