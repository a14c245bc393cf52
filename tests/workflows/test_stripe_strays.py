"""Stray money end to end (R17, R23, case 16): in by Stripe's webhook, back by Stripe or the bank once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from database.ledger import SqlLedger
from database.outbox import SqlOutbox
from demo.waiting import until
from orders.messages import CancelReason, CancelRequest
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from tests.orders.builders import eur
from tests.workflows.test_reconciliation import reconciled
from tests.workflows.test_stripe import AtStripe, at_stripe
from tests.workflows.test_stripe_facts import Heard, how
from workflows import ids
from workflows.stray_payment import StrayPaymentWorkflow

__all__ = ["at_stripe"]


async def _nothing(_: AtStripe) -> None: ...


async def _is_paid(at_stripe: AtStripe) -> None:
    await at_stripe.is_paid()
    await at_stripe.order.until(Status.AWAITING_SHIPMENT)


async def _ships(at_stripe: AtStripe) -> None:
    await _is_paid(at_stripe)
    await at_stripe.order.signal("tracking_number", number="1Z5R89390357567127")
    await at_stripe.order.handle.result()


async def _is_closed(at_stripe: AtStripe) -> None:
    await at_stripe.order.signal(CancelRequest(reason=CancelReason.OTHER))
    await at_stripe.order.handle.result()


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
async def test_a_stray_payment_is_refunded_once(at_stripe: AtStripe, case: str) -> None:
    """R17: each comes by webhook, twice, and the ledger's stray account is at zero after."""
    before, money, reason = CASES[case]
    order, front = at_stripe.order, at_stripe.peer.front
    front.webhooks.repeat = 1.0
    async with order.working():
        await order.place()
        await before(at_stripe)
        order_id = "no-such-order" if case == "unknown order" else order.placed.order_id
        payment_id = await at_stripe.peer.checkout.pay(order_id, money, attempt=2)
        await front.webhooks.deliver()

        stray = order.client.get_workflow_handle(ids.stray_workflow_id(payment_id))
        refund_id = f"stray-{payment_id}-refund"
        await until(lambda: front.refunds_of(refund_id))
        await front.settle(refund_id)
        await front.webhooks.deliver()
        result = await stray.result()
        report = await reconciled(at_stripe)

    assert result["payment"]["reason"] == reason
    (refund,) = await front.refunds_of(refund_id)
    assert (refund["amount"], refund["charge"]) == (money.amount, payment_id)
    books_id = f"stray/{payment_id}"
    assert await SqlLedger(order.database).balances(books_id) == {"cash": 0, "stray": 0}
    known = order_id if case != "unknown order" else books_id
    told = [
        e.message.what
        for e in await SqlOutbox(order.database).entries(known)
        if "stray" in e.message.what
    ]
    assert told == ["stray_refund_started", "stray_refund_succeeded"]
    assert report.findings == ()


@dataclass
class Sent:
    """A payment that no order takes, at Stripe."""

    at_stripe: AtStripe
    payment_id: str

    @classmethod
    async def to(cls, at_stripe: AtStripe, order_id: str) -> "Sent":
        return cls(at_stripe, await at_stripe.peer.checkout.pay(order_id, eur(2490), attempt=2))

    @property
    def handle(self) -> WorkflowHandle[StrayPaymentWorkflow, StrayPaymentState]:
        client = self.at_stripe.order.client
        workflow_id = ids.stray_workflow_id(self.payment_id)
        return client.get_workflow_handle_for(StrayPaymentWorkflow.run, workflow_id)

    @property
    def ledger_id(self) -> str:
        return f"stray/{self.payment_id}"

    def refund_id(self, number: int = 1) -> str:
        return f"stray-{self.payment_id}-refund{f'-{number}' if number > 1 else ''}"

    async def is_asked_for(self, number: int = 1) -> dict[str, Any]:
        """Its refund, once Stripe has it."""
        (refund,) = await until(
            lambda: self.at_stripe.peer.front.refunds_of(self.refund_id(number))
        )
        return refund

    async def becomes(self, condition: Callable[[StrayPaymentState], bool]) -> StrayPaymentState:
        return await until(lambda: self.handle.query(StrayPaymentWorkflow.stray_payment), condition)

    async def result(self) -> StrayPaymentState:
        async with asyncio.timeout(20):
            return await self.handle.result()

    async def told(self) -> list[str]:
        """What support heard of the bank, whichever name its letters go by."""
        letters = [
            entry.message for entry in await SqlOutbox(self.at_stripe.order.database).entries()
        ]
        return [it.what for it in letters if self.payment_id in it.key and it.to == "support"]


@pytest.mark.parametrize("end", ["won", "lost"])
@pytest.mark.parametrize("order_id", ["no-such-order", None])
async def test_a_charged_back_stray_payment_leaves_once(
    at_stripe: AtStripe, order_id: str | None, end: str
) -> None:
    """R23: charged back while its refund is under way, which fails; won, it goes back by another one."""
    order, front = at_stripe.order, at_stripe.peer.front
    front.webhooks.repeat = 1.0
    async with order.working():
        await order.place()
        await _is_paid(at_stripe)
        sent = await Sent.to(at_stripe, order_id or order.placed.order_id)
        await front.webhooks.deliver()
        await sent.is_asked_for()
        dispute = await front.dispute(sent.payment_id)
        await front.webhooks.deliver()
        waiting = await reconciled(at_stripe)
        await front.fail(sent.refund_id(), "charge_for_pending_refund_disputed")
        await front.webhooks.deliver()
        await sent.becomes(lambda it: it.refund is None)
        front.end_dispute(dispute, end)
        await front.webhooks.deliver()
        if end == "won":
            await sent.is_asked_for(2)
            await front.settle(sent.refund_id(2))
            await front.webhooks.deliver()
        stray = await sent.result()
        report = await reconciled(at_stripe)

    assert [it["status"] for it in await front.refunds()].count("succeeded") == (end == "won")
    assert len(await front.refunds()) == (2 if end == "won" else 1)
    assert stray.held == 0
    assert await SqlLedger(order.database).balances(sent.ledger_id) == {"cash": 0, "stray": 0}
    assert await sent.told() == ["stray_chargeback_opened", f"stray_chargeback_{end}"]
    assert waiting.findings == report.findings == ()
    assert report.chargebacks == 1


@pytest.mark.parametrize(("end", "owed"), [("won", 0), ("lost", 2490)])
async def test_a_stray_payment_charged_back_after_its_refund_is_booked_as_paid_twice(
    at_stripe: AtStripe, end: str, owed: int
) -> None:
    """R23: its process has ended; each step is booked and told all the same, and nothing leaves again."""
    order, front = at_stripe.order, at_stripe.peer.front
    front.webhooks.repeat = 1.0
    async with order.working():
        await order.place()
        sent = await Sent.to(at_stripe, "no-such-order")
        await front.webhooks.deliver()
        await sent.is_asked_for()
        await front.settle(sent.refund_id())
        await front.webhooks.deliver()
        await sent.result()

        dispute = await front.dispute(sent.payment_id)
        await _is_taken_late(sent, "opened")
        opened = await reconciled(at_stripe)
        books = await SqlLedger(order.database).balances(sent.ledger_id)
        front.end_dispute(dispute, end)
        await _is_taken_late(sent, end)
        report = await reconciled(at_stripe)

    assert len(await front.refunds()) == 1
    assert books == {"cash": -2490, "stray": 2490}
    assert await SqlLedger(order.database).balances(sent.ledger_id) == {
        "cash": -owed,
        "stray": owed,
    }
    assert await sent.told() == ["stray_chargeback_opened", f"stray_chargeback_{end}"]
    assert opened.findings == report.findings == ()


async def _is_taken_late(sent: Sent, status: str) -> None:
    await sent.at_stripe.peer.front.webhooks.deliver()
    await sent.becomes(lambda it: [c.status for c in it.chargebacks] == [status])


@pytest.mark.parametrize("order_id", ["no-such-order", None])
async def test_a_chargeback_that_overtakes_its_payment_brings_it_along(
    at_stripe: AtStripe, order_id: str | None
) -> None:
    """R23, R17, case 15: also when its order has ended, or never was; nobody asks Stripe to come again."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        await order.place()
        await _is_closed(at_stripe)
        sent = await Sent.to(at_stripe, order_id or order.placed.order_id)
        paid, front.webhooks.waiting = front.webhooks.waiting, []
        front.end_dispute(await front.dispute(sent.payment_id), "lost")
        early = await front.webhooks.deliver()
        front.webhooks.waiting = [*paid, *front.webhooks.waiting]
        await front.webhooks.deliver()
        # What was asked for before Stripe had said a word is refused there.
        stray = await sent.result()
        report = await reconciled(at_stripe)

    assert set(early) == {200}
    assert stray.held == 0
    assert [it for it in await front.refunds() if it["charge"] == sent.payment_id] == []
    assert report.findings == ()


async def test_a_refund_refused_for_a_chargeback_is_made_again_when_it_is_won(
    at_stripe: AtStripe,
) -> None:
    """R23, R15, case 15: of the chargeback the end is all that is ever heard."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        await order.place()
        sent = await Sent.to(at_stripe, "no-such-order")
        paid, front.webhooks.waiting = front.webhooks.waiting, []
        dispute = await front.dispute(sent.payment_id)
        front.webhooks.waiting = paid
        await front.webhooks.deliver()
        await sent.becomes(lambda it: it.refund is not None and it.refund.status == "failed")
        front.end_dispute(dispute, "won")
        await front.webhooks.deliver()
        await sent.is_asked_for(2)
        await front.settle(sent.refund_id(2))
        await front.webhooks.deliver()
        stray = await sent.result()

    assert stray.held == 0
    assert len(await front.refunds()) == 1


@pytest.mark.parametrize("ended", [False, True])
async def test_a_lost_chargeback_webhook_of_a_stray_payment_is_recovered(
    at_stripe: AtStripe, ended: bool
) -> None:
    """R23: by reconciliation, which finds nothing more then."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        await order.place()
        sent = await Sent.to(at_stripe, "no-such-order")
        await front.webhooks.deliver()
        await sent.is_asked_for()
        if ended:
            await front.settle(sent.refund_id())
            await front.webhooks.deliver()
            await sent.result()
        front.webhooks.drop = 1.0
        front.end_dispute(await front.dispute(sent.payment_id), "lost")

        first = await reconciled(at_stripe)
        if ended:
            await _is_taken_late(sent, "lost")
        else:
            await sent.becomes(lambda it: bool(it.chargebacks))
            await front.fail(sent.refund_id())
            front.webhooks.drop, front.webhooks.waiting = 0.0, [front.webhooks.sent[-1]]
            await front.webhooks.deliver()
            await sent.result()
        second = await reconciled(at_stripe)

    (finding,) = first.findings
    assert (finding.about, finding.what) == (sent.payment_id, "chargeback_missing")
    assert finding.repaired
    assert second.findings == ()


@how
async def test_what_a_chargeback_takes_beyond_the_payment_is_set_aside(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """R23, case 59: never refused; the refund under way is stopped for what the bank has taken."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        await order.place()
        sent = await Sent.to(at_stripe, "no-such-order")
        await front.webhooks.deliver()
        await sent.is_asked_for()
        await front.dispute(sent.payment_id, 2491)
        await heard(at_stripe)
        await sent.becomes(lambda it: it.chargebacks != [])
        report = await reconciled(at_stripe)

    assert [(it.what, it.found) for it in report.findings] == [
        ("unmatched_money", "0.01 EUR, and nobody has said who bears it")
    ]
