"""Whatever Stripe says has happened to money is accounted for (cases 56-61, 64, 67).

Of orders that run and that have ended, and of stray payments; by webhooks, backwards and twice, and by
reconciliation where none came.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from stripe.params import RefundCreateParams

from activities.reconciliation import Report
from client import orders, stray_payments
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.stray_payments import SqlStrayPayments
from demo.waiting import until
from orders.allocation import Books
from orders.status import CloseReason, Status
from orders.stray_payments import StrayPaymentState
from orders.view import OrderView
from tests.orders.builders import eur
from tests.workflows.test_reconciliation import kinds, reconciled
from tests.workflows.test_stripe import AtStripe, at_stripe

__all__ = ["at_stripe"]

Heard = Callable[[AtStripe], Awaitable[None]]
Paid = Callable[[AtStripe], Awaitable[str]]


async def by_webhooks(at_stripe: AtStripe) -> None:
    """Each event twice, the last one first; none is asked for again."""
    webhooks = at_stripe.peer.front.webhooks
    webhooks.waiting = [body for body in reversed(webhooks.waiting) for _ in range(2)]
    assert set(await webhooks.deliver()) <= {200}
    assert webhooks.waiting == []


async def by_reconciliation(at_stripe: AtStripe) -> None:
    """No event ever came; what is found is brought."""
    at_stripe.peer.front.webhooks.waiting.clear()
    report = await reconciled(at_stripe)
    missing = [it for it in report.findings if it.what != "unmatched_money"]
    # Of a refund of its own an order may hear meanwhile, by asking: then there is nothing to bring.
    unheard = [it for it in missing if it.what != "refund_news_missing"]
    assert all(it.repaired for it in unheard), unheard


how = pytest.mark.parametrize("heard", [by_webhooks, by_reconciliation])


async def awaits_shipment(at_stripe: AtStripe) -> str:
    """A running order that is paid; the payment's id."""
    await at_stripe.order.place()
    payment_id = await at_stripe.is_paid()
    await at_stripe.order.until(Status.AWAITING_SHIPMENT)
    return payment_id


async def is_shipped(at_stripe: AtStripe) -> str:
    """An order that has shipped, whose process has ended; the payment's id."""
    payment_id = await awaits_shipment(at_stripe)
    await at_stripe.order.signal("tracking_number", number="1Z5R89390357567127")
    await at_stripe.order.handle.result()
    return payment_id


async def is_canceled(at_stripe: AtStripe) -> str:
    """Canceled, with its refund under way; the refund's id."""
    await at_stripe.order.signal("cancel_request", reason="changed_mind")
    await at_stripe.order.until(Status.CANCELLATION_REQUESTED)
    await at_stripe.order.signal("seller_reply", decision="accept")
    view = await until(at_stripe.order.view, lambda it: it.refund is not None)
    assert view.refund
    refund_id = view.refund.refund_id
    await until(lambda: at_stripe.peer.front.refunds_of(refund_id))
    return refund_id


async def is_stray(at_stripe: AtStripe) -> str:
    """A payment that no order takes, with its refund under way; its id."""
    await at_stripe.order.place()
    payment_id = await at_stripe.peer.checkout.pay("no-such-order", eur(2490))
    await at_stripe.peer.front.webhooks.deliver()
    await until(lambda: at_stripe.peer.front.refunds_of(f"stray-{payment_id}-refund"))
    return payment_id


async def order_becomes(at_stripe: AtStripe, condition: Callable[[OrderView], bool]) -> OrderView:
    """The order's recorded view once it is so, whether its process runs or not."""
    store, order_id = SqlOrders(at_stripe.order.database), at_stripe.order.placed.order_id
    async with asyncio.timeout(20):
        found = await until(lambda: store.find(order_id), lambda it: it and condition(it))
    assert found
    return found


async def stray_becomes(
    at_stripe: AtStripe, payment_id: str, condition: Callable[[StrayPaymentState], bool]
) -> StrayPaymentState:
    store = SqlStrayPayments(at_stripe.order.database)
    async with asyncio.timeout(20):
        found = await until(lambda: store.find(payment_id), lambda it: it and condition(it))
    assert found
    return found


async def books(at_stripe: AtStripe, ledger_id: str = "") -> Books:
    """The balances that are not zero."""
    found = await SqlLedger(at_stripe.order.database).books(
        ledger_id or at_stripe.order.placed.order_id
    )
    return {
        currency: {account: amount for account, amount in accounts.items() if amount}
        for currency, accounts in found.items()
        if any(accounts.values())
    }


async def must_be_all_heard(at_stripe: AtStripe, *but: str) -> Report:
    """Reconciliation lists nothing more, except what only support can settle."""
    report = await reconciled(at_stripe)
    assert sorted(set(kinds(report))) == sorted(but)
    return report


def has_chargeback(status: str) -> Callable[[OrderView], bool]:
    return lambda view: [it.status.value for it in view.chargebacks] == [status]


# Chargebacks.


@how
@pytest.mark.parametrize("owner", [awaits_shipment, is_shipped])
async def test_a_chargebacks_last_word_counts(
    at_stripe: AtStripe, owner: Paid, heard: Heard
) -> None:
    """Cases 57 and 99: won, then lost, of more than before, then won."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await owner(at_stripe)
        dispute = await front.dispute(payment_id, 1000)
        for status, amount, taken in (("won", 1000, 0), ("lost", 1700, 1700), ("won", 1700, 0)):
            front.end_dispute(dispute, status, amount)
            await heard(at_stripe)
            view = await order_becomes(at_stripe, has_chargeback(status))
            assert view.amount_charged_back == eur(taken)
        await must_be_all_heard(at_stripe)

    (chargeback,) = view.chargebacks
    assert chargeback.chargeback_id == dispute


@how
@pytest.mark.parametrize("owner", [awaits_shipment, is_shipped])
async def test_each_chargeback_counts_by_its_id(
    at_stripe: AtStripe, owner: Paid, heard: Heard
) -> None:
    """Case 58: 10.00 and 7.00 are 17.00."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await owner(at_stripe)
        await front.dispute(payment_id, 1000)
        await front.dispute(payment_id, 700)
        await heard(at_stripe)

        view = await order_becomes(at_stripe, lambda it: len(it.chargebacks) == 2)
        await must_be_all_heard(at_stripe)

    assert view.amount_charged_back == eur(1700)


@how
@pytest.mark.parametrize("owner", [awaits_shipment, is_shipped])
async def test_what_cannot_be_matched_is_set_aside(
    at_stripe: AtStripe, owner: Paid, heard: Heard
) -> None:
    """Case 59: 25.33 of 24.90, something in another currency, and nothing; support says who bears it."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await owner(at_stripe)
        await front.dispute(payment_id, 2533)
        await front.dispute(payment_id, 0)
        await front.dispute(payment_id, 2690, currency="usd")
        await heard(at_stripe)

        view = await order_becomes(at_stripe, lambda it: len(it.chargebacks) == 3)
        report = await must_be_all_heard(at_stripe, "unmatched_money")

    assert view.amount_charged_back == eur(2490)
    assert {str(it) for it in view.unmatched} == {"0.43 EUR", "26.90 USD"}
    assert {it.found.partition(",")[0] for it in report.findings} == {"0.43 EUR", "26.90 USD"}


@how
async def test_a_stray_payments_chargebacks_count_by_their_last_word(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Cases 57, 58, 67: after its refund has come; its payer has some of it twice, and the books say so."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await is_stray(at_stripe)
        await front.settle(f"stray-{payment_id}-refund")
        await by_webhooks(at_stripe)
        await stray_becomes(at_stripe, payment_id, lambda it: it.held == 0)
        first, second = [await front.dispute(payment_id, it) for it in (1000, 700)]
        front.end_dispute(second, "lost")
        front.end_dispute(first, "won")
        await heard(at_stripe)
        await stray_becomes(at_stripe, payment_id, lambda it: it.held == -700)
        front.end_dispute(first, "lost")
        await heard(at_stripe)

        await stray_becomes(at_stripe, payment_id, lambda it: it.held == -1700)
        await must_be_all_heard(at_stripe)

    assert await books(at_stripe, f"stray/{payment_id}") == {"EUR": {"cash": -1700, "stray": 1700}}


@how
async def test_one_award_is_paid_once_whatever_the_bank_claims(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Case 64: 20.00 awarded and under way, a chargeback of everything is opened, and won."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await awaits_shipment(at_stripe)
        await at_stripe.order.signal("cancel_request", reason="changed_mind", complaint=True)
        await at_stripe.order.until(Status.CANCELLATION_REQUESTED)
        award = {"amount": 2000, "currency": "EUR"}
        await at_stripe.order.signal("dispute_decision", decision="partial_refund", money=award)
        await until(lambda: front.refunds_of(f"{at_stripe.order.placed.order_id}-refund-1"))
        dispute = await front.dispute(payment_id, 2490)
        await heard(at_stripe)
        await order_becomes(at_stripe, has_chargeback("opened"))
        front.end_dispute(dispute, "won")
        await heard(at_stripe)
        await order_becomes(at_stripe, has_chargeback("won"))
        for refund in await front.refunds():
            if refund["status"] == "pending":
                await front.settle(refund["id"])
        await heard(at_stripe)

        view = await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(2000))
        await must_be_all_heard(at_stripe)

    paid = [it["amount"] for it in await front.refunds() if it["status"] == "succeeded"]
    assert sum(paid) == 2000
    assert view.amount_owed_to_seller.amount == 490


@how
async def test_a_refund_that_could_not_be_stopped_is_booked(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Case 67: Stripe pays it, although a chargeback of everything was to stop it."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await awaits_shipment(at_stripe)
        refund_id = await is_canceled(at_stripe)
        await front.dispute(payment_id)
        await heard(at_stripe)
        await order_becomes(at_stripe, lambda it: it.refund is not None and it.refund.stopping)
        await front.settle(refund_id)
        await heard(at_stripe)

        view = await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(2490))
        await must_be_all_heard(at_stripe)

    assert view.amount_charged_back == eur(2490)
    assert await books(at_stripe) == {"EUR": {"cash": -2490, "seller": 2490}}


# Refunds.


@how
async def test_a_refund_that_comes_back_while_the_bank_decides_is_booked_back(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Case 56: succeeded, and days later failed; its process runs, as the bank decides of a part."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await awaits_shipment(at_stripe)
        refund_id = await is_canceled(at_stripe)
        await front.settle(refund_id)
        await by_webhooks(at_stripe)
        await at_stripe.order.handle.result()
        await front.dispute(payment_id, 500)
        await by_webhooks(at_stripe)
        await order_becomes(at_stripe, has_chargeback("opened"))
        await front.fail(refund_id)
        await heard(at_stripe)

        view = await order_becomes(at_stripe, lambda it: it.earlier_refunds != [])
        await must_be_all_heard(at_stripe)

    assert view.amount_refunded == eur(0)
    assert (await books(at_stripe))["EUR"]["cash"] == 2490 - 500


@how
async def test_a_refund_that_comes_back_reopens_the_order(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Case 56: succeeded, and days later failed; its process had ended. Paid anew, it ends again."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        await awaits_shipment(at_stripe)
        refund_id = await is_canceled(at_stripe)
        await front.settle(refund_id)
        await by_webhooks(at_stripe)
        await at_stripe.order.handle.result()
        await front.fail(refund_id, "expired_or_canceled_card")
        await heard(at_stripe)

        returned = await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(0))
        assert await orders.is_running(at_stripe.order.client, returned.order_id)
        assert await books(at_stripe) == {"EUR": {"cash": 2490, "refunds": -2490}}
        await must_be_all_heard(at_stripe)
        await front.settle(refund_id)
        await heard(at_stripe)
        view = await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(2490))
        await must_be_all_heard(at_stripe)

    assert returned.refund
    assert returned.refund.status == "failed"
    assert view.timeline[-1].what == "refund_succeeded"
    assert await books(at_stripe) == {}


@how
async def test_a_refund_of_a_stray_payment_that_comes_back_reopens_it(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Case 56."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await is_stray(at_stripe)
        refund_id = f"stray-{payment_id}-refund"
        await front.settle(refund_id)
        await by_webhooks(at_stripe)
        await stray_becomes(at_stripe, payment_id, lambda it: it.held == 0)
        await front.fail(refund_id)
        await heard(at_stripe)

        await stray_becomes(at_stripe, payment_id, lambda it: it.held == 2490)
        assert await stray_payments.is_running(at_stripe.order.client, payment_id)
        await must_be_all_heard(at_stripe)
        await front.settle(refund_id)
        await heard(at_stripe)
        await stray_becomes(at_stripe, payment_id, lambda it: it.held == 0)
        await must_be_all_heard(at_stripe)

    assert await books(at_stripe, f"stray/{payment_id}") == {}


@how
async def test_a_refund_by_hand_leaves_the_rest_to_go_back(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """Case 61: 5.00 by hand, then canceled: 19.90 goes back."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await awaits_shipment(at_stripe)
        await front.settle(await front.refund_by_hand(payment_id, 500))
        await heard(at_stripe)
        await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(500))
        refund_id = await is_canceled(at_stripe)
        await front.settle(refund_id)
        await heard(at_stripe)

        view = await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(2490))
        await must_be_all_heard(at_stripe)

    assert view.refund
    assert view.refund.money == eur(1990)
    assert await books(at_stripe) == {}


@how
async def test_an_order_refunded_by_hand_closes(at_stripe: AtStripe, heard: Heard) -> None:
    """Case 61: all of it; nothing is refunded again."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await awaits_shipment(at_stripe)
        await front.settle(await front.refund_by_hand(payment_id))
        await heard(at_stripe)

        view = await order_becomes(at_stripe, lambda it: it.close_reason is not None)
        await must_be_all_heard(at_stripe)

    assert view.close_reason is CloseReason.REFUNDED_OUTSIDE
    assert len(await front.refunds()) == 1
    assert await books(at_stripe) == {}


@how
async def test_a_refund_by_hand_of_an_order_that_has_ended_counts(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """R24: the seller owes it; it fails, and is the seller's again."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await is_shipped(at_stripe)
        outside = await front.refund_by_hand(payment_id, 500)
        await heard(at_stripe)
        view = await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(500))
        assert view.amount_owed_to_seller.amount == 1990
        await front.fail(outside)
        await heard(at_stripe)

        view = await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(0))
        await must_be_all_heard(at_stripe)

    assert view.amount_owed_to_seller.amount == 2490


@how
async def test_a_refund_by_hand_of_a_stray_payment_counts(
    at_stripe: AtStripe, heard: Heard
) -> None:
    """R24, R17: what we could not send back somebody has sent by hand."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        payment_id = await is_stray(at_stripe)
        await front.fail(f"stray-{payment_id}-refund")
        await by_webhooks(at_stripe)
        await front.settle(await front.refund_by_hand(payment_id))
        await heard(at_stripe)

        await stray_becomes(at_stripe, payment_id, lambda it: it.held == 0)
        await must_be_all_heard(at_stripe)

    assert await books(at_stripe, f"stray/{payment_id}") == {}


async def test_a_second_refund_under_an_id_of_ours_is_one_by_hand(at_stripe: AtStripe) -> None:
    """R24: somebody copied our metadata; what becomes of it says nothing of ours."""
    front = at_stripe.peer.front
    async with at_stripe.order.working():
        await awaits_shipment(at_stripe)
        front.starts_as = "failed"
        refund_id = await is_canceled(at_stripe)
        (ours,) = await front.refunds_of(refund_id)
        front.starts_as = "pending"
        make = at_stripe.provider._stripe.refunds.create_async
        copied: RefundCreateParams = {"charge": ours["charge"], "metadata": ours["metadata"]}
        copy = (await make(copied)).id
        await front.settle(copy)
        # Stripe's instants are whole seconds.
        front._states[copy]["created"] = ours["created"] + 1
        await by_webhooks(at_stripe)

        view = await order_becomes(at_stripe, lambda it: it.amount_refunded == eur(2490))
        await must_be_all_heard(at_stripe)

    assert [it.provider_refund_id for it in view.outside_refunds] == [copy]
