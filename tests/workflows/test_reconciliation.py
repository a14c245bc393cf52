"""Reconciliation: what is missing is brought again, and whatever differs between the three is found."""

from datetime import UTC, datetime, timedelta

from temporalio.testing import ActivityEnvironment

from activities.reconciliation import Period, Report
from client import stray_payments
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.stray_payments import SqlStrayPayments
from demo.waiting import until
from orders.accounting import Posting
from orders.status import CloseReason, Status
from orders.stray_payments import StrayPaymentInput
from tests.database.samples import book
from tests.orders.builders import eur
from tests.workflows.test_stripe import AtStripe, at_stripe

__all__ = ["at_stripe"]

HOUR = timedelta(hours=1)


async def reconciled(at_stripe: AtStripe) -> Report:
    """Compare everything there is, however new."""
    reconciliation = at_stripe.order.world.reconciliation
    assert reconciliation
    now = datetime.now(UTC)
    period = Period(since=now - HOUR, until=now + HOUR)
    report: Report = await ActivityEnvironment().run(reconciliation.reconcile, period)
    return report


def kinds(report: Report) -> list[str]:
    return [finding.what for finding in report.findings]


async def test_a_payment_whose_webhook_was_lost_is_recovered(at_stripe: AtStripe) -> None:
    """R5: found, delivered, and nothing is left to find."""
    order = at_stripe.order
    async with order.working():
        await order.place()
        at_stripe.peer.front.webhooks.drop = 1.0
        payment_id = await at_stripe.is_paid()
        assert (await order.view()).status is Status.AWAITING_PAYMENT

        first = await reconciled(at_stripe)
        await order.until(Status.AWAITING_SHIPMENT)
        second = await reconciled(at_stripe)

    (finding,) = first.findings
    assert (finding.about, finding.what) == (order.placed.order_id, "payment_missing")
    assert payment_id in finding.expected
    assert finding.repaired
    assert second.findings == ()
    assert (second.payments, second.orders) == (1, 1)


async def test_a_refund_whose_webhook_was_lost_is_recovered(at_stripe: AtStripe) -> None:
    """R15: the order hears of it between the instants at which it would ask."""
    order, front = at_stripe.order, at_stripe.peer.front
    order.placed = order.placed.model_copy(
        update={"policy": order.placed.policy.model_copy(update={"refund_checks": ()})}
    )
    async with order.working():
        await order.place()
        await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        await order.signal("cancel_request", reason="changed_mind")
        await order.signal("seller_reply", decision="accept")
        front.webhooks.drop = 1.0
        await front.settle(await at_stripe.refund())

        first = await reconciled(at_stripe)
        view = await order.handle.result()
        second = await reconciled(at_stripe)

    assert kinds(first) == ["refund_news_missing"]
    assert first.findings[0].repaired
    assert view.amount_refunded == eur(2490)
    assert second.findings == ()


async def test_a_chargeback_whose_webhook_was_lost_is_recovered(at_stripe: AtStripe) -> None:
    """R23: also months after the order shipped, when its process has long ended."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        await order.place()
        payment_id = await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        await order.signal("tracking_number", number="1Z5R89390357567127")
        await order.handle.result()
        front.webhooks.drop = 1.0
        front.end_dispute(await front.dispute(payment_id), "lost")

        first = await reconciled(at_stripe)
        await order.handle.result()
        second = await reconciled(at_stripe)

    assert kinds(first) == ["chargeback_missing"]
    assert second.findings == ()
    kept = await SqlOrders(order.database).find(order.placed.order_id)
    assert kept
    assert kept.amount_charged_back == eur(2490)
    assert kept.amount_owed_to_seller.amount == 0


async def test_events_in_any_order_give_the_same_result(at_stripe: AtStripe) -> None:
    """R23, case 15: a chargeback that overtook its payment brings it along."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        await order.place()
        payment_id = await at_stripe.peer.checkout.pay(order.placed.order_id, eur(2490))
        front.end_dispute(await front.dispute(payment_id), "lost")
        front.webhooks.waiting.reverse()

        statuses = await front.webhooks.deliver()
        view = await order.handle.result()

    assert set(statuses) == {200}
    assert view.close_reason is CloseReason.CHARGED_BACK
    assert view.refused == []
    assert (await reconciled(at_stripe)).findings == ()


async def test_a_known_event_is_refused_under_another_type_only(at_stripe: AtStripe) -> None:
    """Cases 14, 60: the first one stays taken; another rendering of it is a repeat (case 13)."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        await order.place()
        await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        body = front.webhooks.sent[-1]
        rendered = body.replace(b'"livemode": false', b'"livemode": true')
        other = body.replace(b"charge.succeeded", b"charge.refunded")
        assert len({body, rendered, other}) == 3

        front.webhooks.waiting = [body, rendered, other]
        statuses = await front.webhooks.deliver()
        report = await reconciled(at_stripe)

    assert statuses == [200, 200, 400]
    assert report.findings == ()


async def test_a_refund_that_no_workflow_knows_is_found_and_counts(at_stripe: AtStripe) -> None:
    """R24: somebody used Stripe's own pages; and two by an id of ours that we never asked for."""
    order = at_stripe.order
    async with order.working():
        await order.place()
        payment_id = await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        make = at_stripe.provider._stripe.refunds.create_async
        ours = {"refund_id": f"{order.placed.order_id}-refund-1", "process": "order-x"}
        for metadata in ({}, ours, ours):
            await make({"charge": payment_id, "amount": 100, "metadata": metadata})

        first = await reconciled(at_stripe)
        view = await order.view()
        second = await reconciled(at_stripe)

    assert sorted(kinds(first)) == [
        "outside_refund_missing",
        "outside_refund_missing",
        "refund_news_missing",
    ]
    assert all(finding.repaired for finding in first.findings)
    assert view.amount_refunded == eur(300)
    assert second.findings == ()


async def test_a_ledger_that_differs_from_the_order_is_found(at_stripe: AtStripe) -> None:
    """Case 24: an entry that the order knows nothing of."""
    order = at_stripe.order
    async with order.working():
        await order.place()
        await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        await book(
            order.database,
            Posting(
                order_id=order.placed.order_id,
                step="by-hand",
                at=datetime.now(UTC),
                currency=eur(1).currency,
                legs={"cash": 7, "held": -7},
            ),
        )

        report = await reconciled(at_stripe)

    (finding,) = report.findings
    assert finding.what == "ledger_differs_from_order"
    assert (finding.expected, finding.found) == (
        "cash 24.90 EUR, held 24.90 EUR, owed to the seller 0.00 EUR",
        "cash 24.97 EUR, held 24.97 EUR, owed to the seller 0.00 EUR",
    )


async def test_a_payment_booked_both_for_an_order_and_as_stray_is_found(
    at_stripe: AtStripe,
) -> None:
    """R17: the same id for an order and, by whoever mixed them up, as money that no order takes."""
    order = at_stripe.order
    async with order.working():
        await order.place()
        payment_id = await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        assert "payment_taken_twice" not in kinds(await reconciled(at_stripe))
        stray = StrayPaymentInput(
            payment_id=payment_id, money=eur(2490), method="card", reason="unknown_order"
        )
        await stray_payments.refund(order.client, stray)
        await until(lambda: SqlStrayPayments(order.database).find(payment_id))

        report = await reconciled(at_stripe)

    (finding,) = [it for it in report.findings if it.what == "payment_taken_twice"]
    assert finding.about == payment_id
    places = set(finding.found.removeprefix("it came in at ").split(" and at "))
    assert places == {order.placed.order_id, f"stray/{payment_id}"}


async def test_an_order_whose_workflow_was_terminated_is_found(at_stripe: AtStripe) -> None:
    """R15: nothing is dropped; somebody terminated the workflows of an order and of stray money.

    Case 97: from then on lists and pages say so.
    """
    order = at_stripe.order
    stray = StrayPaymentInput(
        payment_id="ch_lost", money=eur(500), method="card", reason="unknown_order"
    )
    async with order.working():
        await order.place()
        await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        handle = await stray_payments.refund(order.client, stray)
        await until(lambda: SqlLedger(order.database).balances("stray/ch_lost"))
        await handle.terminate()
        await order.handle.terminate()

        report = await reconciled(at_stripe)

    assert sorted(kinds(report)) == ["process_gone", "stray_money_left"]
    known = await SqlOrders(order.database).find(order.placed.order_id)
    assert known
    assert (known.terminated, known.next) == (True, [])
