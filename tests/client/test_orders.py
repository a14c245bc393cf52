"""Messages to orders, whether they run, are over, or never were."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from client import orders, stray_payments
from client.errors import NotRunning, OrderIdReused, UnknownOrder, WorkflowFailed
from client.finished_orders import LateDelivery
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import (
    BuyerMessage,
    CancelReason,
    CancelRequest,
    ChargebackReported,
    OutsideRefundReported,
    PaymentDeclined,
)
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.view import OrderView
from tests.orders.builders import DUE, chargeback, eur, outside_refund
from tests.stories.conftest import order_id_of
from tests.stories.time_skipping import TimeSkippingStory, time_skipping_story

HELLO = BuyerMessage(text="Hello?")


@pytest_asyncio.fixture(loop_scope="session")
async def order(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> AsyncIterator[TimeSkippingStory]:
    """An order that has just been placed."""
    async with time_skipping_story(environment, order_id_of(request)) as order:
        await order.place()
        yield order


async def _never_stored(_order_id: str) -> OrderView | None:
    return None


async def _end(order: TimeSkippingStory) -> None:
    await order.update(CancelRequest(reason=CancelReason.OTHER))
    await order.must_end()


async def test_a_running_order_answers_with_its_view(order: TimeSkippingStory) -> None:
    client, order_id = order.environment.client, order.placed.order_id

    answer = await orders.send(client, order_id, HELLO, _never_stored)
    late = await orders.send_signal(client, order_id, HELLO, _never_stored)

    assert isinstance(answer, OrderView)
    assert late is None
    assert len((await order.view()).messages) == 2
    assert await orders.is_running(client, order_id)


async def test_a_payment_to_a_finished_order_is_refunded_once(order: TimeSkippingStory) -> None:
    """R17: however it is sent, and however often."""
    client, order_id = order.environment.client, order.placed.order_id
    payment = await order.payment()
    await _end(order)
    stored = partial(orders.show, client)

    answer = await orders.send(client, order_id, payment, stored)
    again = await orders.send_signal(client, order_id, payment, stored)

    assert isinstance(answer, LateDelivery)
    assert answer.view == await order.view()
    assert answer.workflow_id == f"stray-payment-{payment.payment_id}"
    assert again == answer
    await client.get_workflow_handle(answer.workflow_id).terminate()


async def test_what_was_taken_of_a_payment_goes_with_it_from_a_finished_order(
    order: TimeSkippingStory,
) -> None:
    """R17, R23, case 15: the bank was heard of first; only the rest goes back to the payer."""
    client, order_id = order.environment.client, order.placed.order_id
    payment = await order.payment()
    taken = ChargebackReported.model_validate(chargeback("lost", 1000, payment.payment_id))
    await orders.send(client, order_id, taken, _never_stored)
    await _end(order)
    stored = partial(orders.show, client)

    answer = await orders.send(client, order_id, payment, stored)
    await order.must_end()

    assert isinstance(answer, LateDelivery)
    stray = await stray_payments.show(client, payment.payment_id)
    assert stray
    assert stray.refund
    assert stray.refund.money == eur(DUE - 1000)
    assert (await order.view()).unmatched == []
    await stray_payments.handle(client, payment.payment_id).terminate()


async def test_a_payment_that_was_declined_and_comes_after_the_end_is_left_to_support(
    order: TimeSkippingStory,
) -> None:
    """R17, case 101: as one that comes before; whether money came in at all is for support to find out."""
    client, order_id = order.environment.client, order.placed.order_id
    payment = await order.payment()
    declined = PaymentDeclined(payment_id=payment.payment_id, reason="No funds")
    await orders.send(client, order_id, declined, _never_stored)
    await _end(order)

    await orders.send(client, order_id, payment, partial(orders.show, client))
    await order.must_end()

    assert [it.name for it in (await order.view()).refused] == ["payment"]
    assert await stray_payments.show(client, payment.payment_id) is None


@pytest.mark.parametrize("looks_again", [True, False])
async def test_two_that_reopen_an_order_at_once_book_both_and_nothing_twice(
    order: TimeSkippingStory, monkeypatch: pytest.MonkeyPatch, looks_again: bool
) -> None:
    """R23, R24, case 15: one read how the order stood before the other's news had been booked.

    Also where the other's run begins and ends after it has looked whether one has.
    """
    client = order.environment.client
    if not looks_again:
        monkeypatch.setattr("client.reopening._must_be_the_last", _has_looked)
    payment = await order.payment()
    await orders.update(client, order.placed.order_id, payment)
    await order.days_pass(1)
    await order.send("tracking_number", number="RR473124829PL")
    await order.must_end()
    first, second = (
        OutsideRefundReported.model_validate(
            outside_refund(amount)
            | {"payment_id": payment.payment_id, "provider_refund_id": provider_id}
        )
        for provider_id, amount in (("re_1", 500), ("re_2", 700))
    )
    overtaken = False

    async def stored(order_id: str) -> OrderView:
        nonlocal overtaken
        view = await orders.show(client, order_id)
        if not overtaken:
            overtaken = True
            await orders.send(client, order_id, first, partial(orders.show, client))
            await order.must_end()
        return view

    await orders.send(client, order.placed.order_id, second, stored)
    await order.must_end()

    view = await order.view()
    assert {it.provider_refund_id for it in view.outside_refunds} == {"re_1", "re_2"}
    assert view.amount_refunded == eur(1200)
    booked = order.world.ledger.balances_of(view.order_id)
    assert booked.balance("cash") == view.amount_paid.amount - 1200


async def test_two_that_reopen_a_stray_payment_at_once_book_both_and_nothing_twice(
    order: TimeSkippingStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R17, R23, case 15: as with an order; the one's run begins and ends after the other has looked."""
    client, kept = order.environment.client, order.world.stray_payments
    monkeypatch.setattr("client.reopening._must_be_the_last", _has_looked)
    payment_id = f"pay-{order.placed.order_id}"
    found = StrayPaymentInput(
        payment_id=payment_id, money=eur(DUE), method="blik", reason="unknown_order"
    )
    handle = await stray_payments.refund(client, found)
    await order.environment.sleep(timedelta(days=3, seconds=2))
    await handle.result()
    first, second = (
        ChargebackReported.model_validate(
            chargeback("lost", 1000, payment_id) | {"chargeback_id": chargeback_id}
        )
        for chargeback_id in ("dp_1", "dp_2")
    )

    class Slow:
        async def find(self, payment_id: str) -> StrayPaymentState | None:
            state = await kept.find(payment_id)
            await stray_payments.send(client, payment_id, first, kept)
            await stray_payments.handle(client, payment_id).result()
            return state

    await stray_payments.send(client, payment_id, second, Slow())
    state = await stray_payments.handle(client, payment_id).result()

    assert {it.chargeback_id for it in state.chargebacks} == {"dp_1", "dp_2"}
    assert state.held == -2000
    assert order.world.ledger.balances_of(state.ledger_id).balance("cash") == -2000


async def _has_looked(*_: object) -> None:
    pass


async def test_a_finished_order_whose_history_does_not_replay_is_read_from_its_result(
    order: TimeSkippingStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision 21: what was decided stands; a running order must be asked."""
    client, order_id = order.environment.client, order.placed.order_id
    with monkeypatch.context() as broken:
        broken.setattr("workflows.order.view", _does_not_replay)
        with pytest.raises(WorkflowFailed):
            await orders.show(client, order_id)

    await _end(order)
    ended = await orders.show(client, order_id)
    monkeypatch.setattr("workflows.order.view", _does_not_replay)

    assert await orders.show(client, order_id) == ended


def _does_not_replay(*_: object) -> None:
    raise RuntimeError("Nondeterminism error")


async def test_a_finished_order_refuses_other_messages(order: TimeSkippingStory) -> None:
    client, order_id = order.environment.client, order.placed.order_id
    await _end(order)

    with pytest.raises(NotAllowedNow) as caught:
        await orders.send(client, order_id, HELLO, partial(orders.show, client))
    with pytest.raises(NotRunning):
        await orders.update(client, order_id, HELLO)
    with pytest.raises(OrderIdReused):
        await orders.place(client, order.placed)

    assert caught.value.code is RefusalCode.ORDER_CLOSED
    assert not await orders.is_running(client, order_id)


async def test_an_order_that_never_was_is_unknown(environment: WorkflowEnvironment) -> None:
    client = environment.client
    for sending in (orders.send, orders.send_signal):
        with pytest.raises(UnknownOrder):
            await sending(client, "none", HELLO, _never_stored)
    with pytest.raises(UnknownOrder):
        await orders.show(client, "none")

    assert not await orders.is_running(client, "none")
