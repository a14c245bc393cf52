"""Refunds that do not come, and money that no order can take (R14, R15, R17)."""

import asyncio
from datetime import timedelta

import pytest

from client import stray_payments
from demo.waiting import PATIENCE
from orders.messages import RefundStatus
from orders.status import CloseReason, Status
from orders.stray_payments import StrayPaymentInput
from orders.values import Money
from tests.orders.builders import eur
from tests.stories.time_skipping import GOOD_NUMBER, TimeSkippingStory
from workflows import ids

PLN = Money.model_validate({"amount": 2490, "currency": "PLN"})


async def _must_be_refunded_once(
    order: TimeSkippingStory, payment_id: str, amount: int, currency: str = "EUR"
) -> None:
    await order.days_pass(3)
    stray = await order.stray_payment(payment_id)
    assert stray.refund
    assert stray.refund.status is RefundStatus.SUCCEEDED
    assert (stray.refund.money.amount, stray.refund.money.currency) == (amount, currency)
    assert order.world.provider.asked_for.count(stray.refund.refund_id) == 1
    assert order.world.stray_payment_starter.started.count(payment_id) == 1
    assert set(order.world.ledger.balances_of(f"stray/{payment_id}").balances.values()) == {0}
    assert ("buyer", "stray_refund_started") in order.notified()


async def test_a_failed_refund_becomes_overdue_is_escalated_and_settled(
    order: TimeSkippingStory,
) -> None:
    """R15, case 9: told to buyer and support, support gets an action, and it stays open until settled."""
    await order.place()
    closed = await order.until_cancellation_requested()
    assert closed.payment
    order.world.provider.fails(closed.payment.payment_id)
    await order.send("seller_reply", decision="accept")
    failed = await order.until(lambda view: bool(view.refund and view.refund.failure_reason))
    await order.days_pass(13)
    early = await order.view()
    overdue = await order.days_pass(7)
    assert overdue.refund
    refund_id = overdue.refund.refund_id
    order.world.provider.settles(refund_id)
    await order.send("refund_update", refund_id=refund_id, status="succeeded", reason="By hand.")

    view = await order.must_end()
    assert failed.refund
    assert (failed.refund.status, failed.refund.failure_reason) == (
        "failed",
        "The card was closed.",
    )
    assert early.refund
    assert (early.refund.overdue, overdue.refund.overdue) == (False, True)
    assert [
        action.action
        for actions in (overdue.actions[role] for role in overdue.actions if role == "support")
        for action in actions
        if action.available
    ] == ["refund_update"]
    assert set(order.world.provider.asked_for) == {refund_id}
    assert view.amount_refunded == eur(2490)
    assert view.refund
    assert view.refund.overdue
    told = set(order.notified())
    assert {("support", "refund_failed"), ("buyer", "refund_failed")} <= told
    assert {("support", "refund_overdue"), ("buyer", "refund_overdue")} <= told


async def test_an_overdue_refund_is_checked_until_the_provider_settles_it(
    order: TimeSkippingStory,
) -> None:
    """R15: nobody has to tell; after the 2 weeks the provider is asked again every 7 days."""
    await order.place()
    order.world.provider.settles_after = timedelta(days=40)
    await order.until_accepted()
    open_still = await order.days_pass(39)
    await order.days_pass(4)

    view = await order.must_end()
    assert open_still.refund
    assert open_still.refund.overdue
    assert view.amount_refunded == eur(2490)


@pytest.mark.parametrize("money", [eur(2489), eur(2491), PLN], ids=str)
async def test_a_payment_of_the_wrong_amount_is_refunded_once(
    order: TimeSkippingStory, money: Money
) -> None:
    """R5, R17, case 16: too little, too much, another currency; the order still awaits what is due."""
    await order.place()
    payment_id = await order.send_stray_payment(money)
    view = await order.view()
    await _must_be_refunded_once(order, payment_id, money.amount, money.currency)

    assert view.status is Status.AWAITING_PAYMENT
    assert view.amount_paid == eur(0)
    assert [it.name for it in view.refused] == ["payment"]


async def test_a_second_payment_is_refunded_once(order: TimeSkippingStory) -> None:
    """R17, case 16: the first one is taken, and the order lives on."""
    await order.place()
    await order.pay()
    payment_id = await order.send_stray_payment()
    await _must_be_refunded_once(order, payment_id, 2490)
    await order.send("tracking_number", number=GOOD_NUMBER)

    view = await order.must_end()
    assert view.amount_paid == eur(2490)
    assert view.amount_owed_to_seller.amount == 2490


async def test_a_payment_after_closing_is_refunded_once(order: TimeSkippingStory) -> None:
    """R17, case 3: while the order still waits for its refund, it hears of the money itself."""
    await order.place()
    await order.until_accepted()
    payment_id = await order.send_stray_payment()
    await _must_be_refunded_once(order, payment_id, 2490)

    view = await order.must_end()
    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.amount_paid == view.amount_refunded == eur(2490)


async def test_a_payment_after_the_end_is_refunded_once(order: TimeSkippingStory) -> None:
    """R17, case 3: the process is over, so whoever hears of the money starts its way back, however often."""
    await order.place()
    await order.signal("cancel_request", reason="changed_mind")
    view = await order.must_end()
    stray = StrayPaymentInput(
        payment_id="late-1",
        money=eur(2490),
        method="card",
        reason="order_closed",
        order_id=view.order_id,
        payer=view.buyer,
    )
    for _ in range(3):
        await stray_payments.refund(order.environment.client, stray)
    order.world.stray_payment_starter.started.append("late-1")

    await _must_be_refunded_once(order, "late-1", 2490)


async def test_a_payment_for_an_unknown_order_is_refunded_once(order: TimeSkippingStory) -> None:
    """R17: nobody knows the payer; support, which asks the provider, is not needed."""
    stray = StrayPaymentInput(
        payment_id="unknown-1", money=eur(500), method="blik", reason="unknown_order"
    )
    await stray_payments.refund(order.environment.client, stray)
    order.world.stray_payment_starter.started.append("unknown-1")
    await order.environment.sleep(timedelta(days=3, seconds=2))

    result = await order.stray_payment("unknown-1")
    assert result.is_over
    assert set(order.world.ledger.balances_of("stray/unknown-1").balances.values()) == {0}
    assert order.world.provider.asked_for == ["stray-unknown-1-refund"]


async def test_a_stray_payment_whose_refund_fails_is_escalated_until_it_settles(
    order: TimeSkippingStory,
) -> None:
    """R15, R17: support is told, and the process stays open to the refund's news."""
    await order.place()
    order.world.provider.fails(f"{order.placed.order_id}-pay-1")
    payment_id = await order.send_stray_payment(eur(5))
    await order.days_pass(15)
    stray = await order.stray_payment(payment_id)
    assert stray.refund
    handle = order.environment.client.get_workflow_handle(f"stray-payment-{payment_id}")
    news = {"refund_id": stray.refund.refund_id, "status": "succeeded"}
    await handle.signal("refund_update", news)

    assert stray.refund.overdue
    assert ("support", "stray_refund_overdue") in order.notified()
    assert (await order.stray_payment(payment_id)).is_over


async def test_a_refund_of_an_order_with_a_long_id_can_be_updated(order: TimeSkippingStory) -> None:
    """R15, contract: an order id has up to 64 characters, and the refund's id is made of it."""
    order.placed = order.placed.model_copy(update={"order_id": "L" * 64})
    await order.place()
    accepted = await order.until_accepted()
    assert accepted.refund
    refund_id = accepted.refund.refund_id
    await order.signal("refund_update", refund_id=refund_id, status="succeeded")

    assert (await order.must_end()).amount_refunded == eur(2490)


async def test_a_refund_of_a_stray_payment_with_a_long_id_can_be_updated(
    order: TimeSkippingStory,
) -> None:
    """R15, R17: a payment id has up to 255 characters, and the stray refund's id is made of it."""
    payment = StrayPaymentInput(
        payment_id="p" * 255, money=eur(5), method="card", reason="order_closed"
    )
    await stray_payments.refund(order.environment.client, payment)
    order.world.stray_payment_starter.started.append(payment.payment_id)
    stray = await order.stray_payment(payment.payment_id)
    assert stray.refund
    handle = order.environment.client.get_workflow_handle(ids.stray_workflow_id(payment.payment_id))
    await handle.signal(
        "refund_update", {"refund_id": stray.refund.refund_id, "status": "succeeded"}
    )

    async with asyncio.timeout(PATIENCE.total_seconds()):
        await handle.result()
    assert (await order.stray_payment(payment.payment_id)).is_over
