"""Payments that Stripe has under way, that it declines, or that fail late (cases 63, 103; R1a, R6, R17)."""

import pytest

from demo.waiting import until
from orders.status import CloseReason, Status
from testing.stripe.front import DECLINED
from tests.orders.builders import eur
from tests.workflows.test_stripe import AtStripe, at_stripe
from tests.workflows.test_stripe_facts import (
    Heard,
    Paid,
    awaits_shipment,
    books,
    by_webhooks,
    has_chargeback,
    how,
    is_shipped,
    is_stray,
    must_be_all_heard,
    order_becomes,
    stray_becomes,
)

__all__ = ["at_stripe"]


async def is_declined(at_stripe: AtStripe) -> str:
    """A running order whose only payment was declined; the payment's id."""
    await at_stripe.order.place()
    order_id = at_stripe.order.placed.order_id
    return await at_stripe.peer.checkout.pay(order_id, eur(2490), DECLINED)


async def is_canceled_unpaid(at_stripe: AtStripe) -> str:
    """The same, whose process has ended."""
    payment_id = await is_declined(at_stripe)
    await at_stripe.order.signal("cancel_request", reason="changed_mind")
    await at_stripe.order.handle.result()
    return payment_id


async def is_authorized(at_stripe: AtStripe, heard: Heard) -> str:
    """A running order whose payment is under way; the payment's id."""
    order, peer = at_stripe.order, at_stripe.peer
    await order.place()
    peer.front.paid_as = "authorized"
    payment_id = await peer.checkout.pay(order.placed.order_id, eur(2490))
    await heard(at_stripe)
    return payment_id


@how
async def test_a_payment_under_way_is_waited_for_and_counts_when_it_is_captured(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Case 63, R1a: authorised, then captured."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        payment_id = await is_authorized(at_stripe, heard)
        view = await order_becomes(at_stripe, lambda it: it.payment is not None)
        assert view.payment
        assert (view.payment_id, view.payment.status) == (payment_id, "pending")
        await must_be_all_heard(at_stripe)
        await front.capture(payment_id)
        await heard(at_stripe)

        await order.until(Status.AWAITING_SHIPMENT)
        await must_be_all_heard(at_stripe)


@how
async def test_a_payment_that_is_captured_after_its_order_has_ended_goes_back(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Case 63, R17: authorised, its order cancelled unpaid, then captured all the same."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        payment_id = await is_authorized(at_stripe, heard)
        await order_becomes(at_stripe, lambda it: it.payment is not None)
        await order.signal("cancel_request", reason="changed_mind")
        await order.handle.result()
        await front.capture(payment_id)
        await heard(at_stripe)

        await until(lambda: front.refunds_of(f"stray-{payment_id}-refund"))
        await must_be_all_heard(at_stripe)


@how
@pytest.mark.parametrize(
    ("owner", "closed"), [(awaits_shipment, CloseReason.PAYMENT_REVERSED), (is_shipped, None)]
)
async def test_a_payment_that_fails_after_its_check_is_told(
    at_stripe: AtStripe, owner: Paid, closed: CloseReason | None, heard: Heard
) -> None:
    """Case 63, R6: a debit that the buyer's bank returns."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await owner(at_stripe)
        await front.decline(payment_id)
        await heard(at_stripe)

        view = await order_becomes(
            at_stripe, lambda it: it.payment is not None and it.payment.status == "reversed"
        )
        await must_be_all_heard(at_stripe)

    assert view.close_reason is closed
    assert (await books(at_stripe)).get("EUR", {}).get("cash", 0) == 0


@how
async def test_a_stray_payment_that_fails_is_told(at_stripe: AtStripe, heard: Heard) -> None:
    """R6, R17."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await is_stray(at_stripe)
        await front.settle(f"stray-{payment_id}-refund")
        await by_webhooks(at_stripe)
        await stray_becomes(at_stripe, payment_id, lambda it: it.held == 0)
        await front.decline(payment_id)
        await heard(at_stripe)

        await stray_becomes(at_stripe, payment_id, lambda it: it.was_reversed)
        await must_be_all_heard(at_stripe)

    assert await books(at_stripe, f"stray/{payment_id}") == {"EUR": {"cash": -2490, "stray": 2490}}


@how
@pytest.mark.parametrize("owner", [is_declined, is_canceled_unpaid])
async def test_what_is_taken_of_a_declined_payment_is_set_aside(
    at_stripe: AtStripe, owner: Paid, heard: Heard
) -> None:
    """R6, R23: no money had come in, and the bank has taken some."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await owner(at_stripe)
        await front.dispute(payment_id, 1000)
        await heard(at_stripe)

        await order_becomes(at_stripe, has_chargeback("opened"))
        await must_be_all_heard(at_stripe, "unmatched_money")

    assert await books(at_stripe) == {"EUR": {"cash": -1000, "unmatched": 1000}}
