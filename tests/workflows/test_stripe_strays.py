"""Stray money end to end (R17, case 16): in by Stripe's webhook, back by Stripe once; the payer is told."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from orders.messages import CancelReason, CancelRequest
from orders.model import Status
from orders.values import Money
from tests.orders.builders import eur
from tests.stripe.front import VISA
from tests.workflows.test_reconciliation import reconciled
from tests.workflows.test_stripe import AtStripe, at_stripe
from workflows import calls, ids

__all__ = ["at_stripe"]


async def _nothing(_: AtStripe) -> None: ...


async def _is_paid(order: AtStripe) -> None:
    await order.is_paid()
    await order.stage.becomes(Status.AWAITING_SHIPMENT)


async def _ships(order: AtStripe) -> None:
    await _is_paid(order)
    await order.stage.tell("tracking_number", number="1Z5R89390357567127")
    await calls.order(order.stage.client, order.stage.placed.order_id).result()


async def _is_closed(order: AtStripe) -> None:
    await order.stage.say(CancelRequest(reason=CancelReason.OTHER))
    await calls.order(order.stage.client, order.stage.placed.order_id).result()


PLN = Money.model_validate({"amount": 2490, "currency": "PLN"})

CASES: dict[str, tuple[Callable[[AtStripe], Awaitable[None]], Money, str]] = {
    "late": (_is_closed, eur(2490), "order_closed"),
    "twice": (_is_paid, eur(2490), "not_in_this_status"),
    "wrong amount": (_nothing, eur(2489), "wrong_amount"),
    "wrong currency": (_nothing, PLN, "wrong_amount"),
    "already shipped": (_ships, eur(2490), "order_shipped"),
    "unknown order": (_nothing, eur(2490), "unknown_order"),
}


@pytest.mark.parametrize("case", CASES)
async def test_money_that_no_order_takes_is_back_once(at_stripe: AtStripe, case: str) -> None:
    """R17: each comes by webhook, twice, and the ledger's stray account is at zero after."""
    before, money, reason = CASES[case]
    stage, front = at_stripe.stage, at_stripe.peer.front
    front.post.repeat = 1.0
    async with stage.working():
        await stage.place()
        await before(at_stripe)
        order_id = "no-such-order" if case == "unknown order" else stage.placed.order_id
        payment = await at_stripe.provider.take_payment(order_id, money, VISA, attempt=2)
        await front.post.deliver()

        stray = stage.client.get_workflow_handle(ids.stray_workflow_id(payment.payment_id))
        refund_id = f"stray-{payment.payment_id}-refund"
        async with asyncio.timeout(20):
            while not await front.refunds_of(refund_id):
                await asyncio.sleep(0.05)
        await front.settle(refund_id)
        await front.post.deliver()
        result = await stray.result()
        report = await reconciled(at_stripe)

    assert result["payment"]["reason"] == reason
    (refund,) = await front.refunds_of(refund_id)
    assert (refund["amount"], refund["charge"]) == (money.amount, payment.payment_id)
    books_id = f"stray/{payment.payment_id}"
    assert await stage.journal.balances(books_id) == {"cash": 0, "stray": 0}
    known = order_id if case != "unknown order" else books_id
    told = [e.letter.what for e in await stage.journal.outbox(known) if "stray" in e.letter.what]
    assert told == ["stray_refund_started", "stray_refund_succeeded"]
    assert report.findings == ()
