"""Refunds that Stripe refuses, or is asked to stop, while a bank decides that its chargeback is won (R23)."""

import asyncio

import pytest

from activities.refunds import RefundQuestion, RefundState
from demo.waiting import until
from orders.status import Status
from testing.stripe.front import Answer, refusal
from tests.orders.builders import eur
from tests.workflows.test_stripe import AtStripe, at_stripe
from tests.workflows.test_stripe_facts import (
    awaits_shipment,
    by_webhooks,
    has_chargeback,
    order_becomes,
)

__all__ = ["at_stripe"]


@pytest.mark.parametrize("late", ["refusal", "stop"])
async def test_a_refund_refused_while_the_bank_decided_is_made_again(
    at_stripe: AtStripe, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """R23, case 15: what Stripe answers comes after the news that the chargeback is won."""
    front, is_won = at_stripe.peer.front, asyncio.Event()
    make, stop = front._make_refund, at_stripe.provider.stop_refund

    async def refuse(form: dict[str, str]) -> Answer:
        if late == "refusal":
            await is_won.wait()
        monkeypatch.setattr(front, "_make_refund", make)
        return refusal("This charge is disputed.", code="charge_disputed")

    async def stop_late(question: RefundQuestion) -> RefundState | None:
        await is_won.wait()
        return await stop(question)

    monkeypatch.setattr(front, "_make_refund", refuse)
    monkeypatch.setattr(at_stripe.provider, "stop_refund", stop_late)
    async with at_stripe.order.working():
        payment_id = await awaits_shipment(at_stripe)
        await at_stripe.order.signal("cancel_request", reason="changed_mind")
        await at_stripe.order.until(Status.CANCELLATION_REQUESTED)
        await at_stripe.order.signal("seller_reply", decision="accept")
        while ("POST", "/v1/refunds") not in front.asked:
            await asyncio.sleep(0.05)
        if late == "stop":
            await order_becomes(
                at_stripe, lambda it: it.refund is not None and it.refund.status == "failed"
            )
        dispute = await front.dispute(payment_id)
        await by_webhooks(at_stripe)
        await order_becomes(at_stripe, lambda it: it.refund is not None and it.refund.stopping)
        front.end_dispute(dispute, "won")
        await by_webhooks(at_stripe)
        await order_becomes(at_stripe, has_chargeback("won"))
        is_won.set()
        refund_id = f"{at_stripe.order.placed.order_id}-refund-2"
        await until(lambda: front.refunds_of(refund_id))
        await front.settle(refund_id)
        await by_webhooks(at_stripe)
        view = await at_stripe.order.handle.result()

    assert view.amount_refunded == eur(2490)
    assert len(await front.refunds()) == 1
