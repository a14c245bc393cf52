"""The contract of ``StrayPaymentStore`` (R17, R23), on SQLite, on PostgreSQL and for the fake."""

from datetime import timedelta

from activities.stray_payments import (
    StoredStrayPayment,
    StrayPaymentSnapshot,
    outbox_messages,
)
from orders.messages import ChargebackReported, RefundStatus
from orders.refunds import RefundReport
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.values import Money
from tests.database.samples import START
from tests.database.stores import Stores

MONEY = Money.model_validate({"amount": 500, "currency": "EUR"})
BOOKS = "stray/p-9"


def stray_payment() -> StrayPaymentState:
    payment = StrayPaymentInput(
        payment_id="p-9", money=MONEY, method="card", reason="unknown_order"
    )
    return StrayPaymentState.new(payment, START)


def refunded() -> StrayPaymentState:
    state = stray_payment()
    assert state.refund
    state.update_refund(state.refund, RefundReport(RefundStatus.SUCCEEDED, ""), START)
    return state


def chargeback(status: str, amount: int = 500) -> ChargebackReported:
    return ChargebackReported.model_validate(
        {"payment_id": "p-9", "money": MONEY.of(amount), "status": status}
    )


def snapshot(
    state: StrayPaymentState, revision: int = 1, first_run_id: str = "run-1"
) -> StrayPaymentSnapshot:
    return StrayPaymentSnapshot(
        postings=tuple(state.postings),
        messages=outbox_messages(state),
        stored=StoredStrayPayment(
            first_run_id=first_run_id, reopened=state.reopened, revision=revision, state=state
        ),
    )


async def test_a_stray_payment_is_recorded_booked_and_notified_of_once(stores: Stores) -> None:
    """R17."""
    state = stray_payment()
    for _ in range(2):
        await stores.stray_payments.record(snapshot(state))

    assert await stores.stray_payments.find("p-9") == state
    assert await stores.stray_payments.find("p-8") is None
    assert await stores.ledger.balances(BOOKS) == {"cash": 500, "stray": -500}
    messages = await stores.outbox.undelivered(BOOKS)
    assert [it.what for it in messages] == ["stray_refund_started"]


async def test_the_newest_revision_decides_what_the_ledger_says(stores: Stores) -> None:
    """R23: a workflow task that was discarded knew of more than the one that ran instead."""
    discarded, state = stray_payment(), stray_payment()
    discarded.receive(chargeback("opened", 200), START)
    state.receive(chargeback("opened", 300), START)
    await stores.stray_payments.record(snapshot(discarded, 1))
    await stores.stray_payments.record(snapshot(state, 2))
    await stores.stray_payments.record(snapshot(discarded, 1))

    assert await stores.stray_payments.find("p-9") == state
    assert await stores.ledger.balances(BOOKS) == {"cash": 200, "stray": -200}


async def test_another_workflow_of_the_same_payment_changes_nothing(stores: Stores) -> None:
    """R17: one that was started when Temporal had forgotten the first."""
    state = refunded()
    await stores.stray_payments.record(snapshot(state))

    await stores.stray_payments.record(snapshot(stray_payment(), 2, first_run_id="run-2"))

    assert await stores.stray_payments.find("p-9") == state
    assert await stores.ledger.balances(BOOKS) == {"cash": 0, "stray": 0}


async def test_the_workflow_that_is_started_again_goes_on_recording(stores: Stores) -> None:
    """R23: it is the payment's own, though not the first run."""
    state = refunded()
    await stores.stray_payments.record(snapshot(state))
    state.reopened = True
    state.receive(chargeback("opened"), START + timedelta(days=90))

    await stores.stray_payments.record(snapshot(state, 2, first_run_id="run-2"))

    assert await stores.ledger.balances(BOOKS) == {"cash": -500, "stray": 500}
    assert await stores.stray_payments.find("p-9") == state


async def test_a_snapshot_of_an_earlier_version_is_booked_and_notified_of_once(
    stores: Stores,
) -> None:
    """R17: it may have waited for the database while workers were replaced."""
    state = stray_payment()
    earlier = snapshot(state).model_copy(update={"stored": None})
    for _ in range(2):
        await stores.stray_payments.record(earlier)

    assert await stores.ledger.balances(BOOKS) == {"cash": 500, "stray": -500}
    assert len(await stores.outbox.undelivered(BOOKS)) == 1
