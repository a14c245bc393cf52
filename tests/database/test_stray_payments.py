"""What is kept of stray money (R17, R23): once, the newest, by its own process, and what comes afterwards."""

from datetime import timedelta
from typing import cast

import pytest
from temporalio.client import Client

from activities.chargebacks import Chargebacks, LateChargeback
from activities.notifications import Notifications
from activities.stray_payments import (
    StoredStrayPayment,
    StrayPayments,
    StrayPaymentSnapshot,
    letters_of,
)
from database.audit import SqlAudit
from database.connection import Database
from database.journal import SqlJournal
from orders.messages import ChargebackReported, RefundStatus
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.values import Money
from tests.database.samples import START, posting
from tests.fakes import FakeChannel, FakeStrays

MONEY = Money.model_validate({"amount": 500, "currency": "EUR"})
BOOKS = "stray/p-9"


def stray() -> StrayPaymentState:
    payment = StrayPaymentInput(
        payment_id="p-9", money=MONEY, method="card", reason="unknown_order"
    )
    return StrayPaymentState.new(payment, START)


def news(status: str, amount: int = 500) -> ChargebackReported:
    return ChargebackReported.model_validate(
        {"payment_id": "p-9", "money": MONEY.of(amount), "status": status}
    )


async def keep(
    journal: SqlJournal, money: StrayPaymentState, revision: int = 1, process: str = "run-1"
) -> None:
    kept = StoredStrayPayment(process=process, revision=revision, stray=money)
    await journal.record_stray(kept, letters_of(money))


async def test_it_is_kept_booked_and_told_once(journal: SqlJournal) -> None:
    """R17."""
    money = stray()
    for _ in range(2):
        await keep(journal, money)

    assert await journal.stray("p-9") == money
    assert await journal.stray("p-8") is None
    assert await journal.balances(BOOKS) == {"cash": 500, "stray": -500}
    assert [it.what for it in await journal.undelivered(BOOKS)] == ["stray_refund_started"]


async def test_the_ledger_says_what_the_newest_step_does(journal: SqlJournal) -> None:
    """R23: a task that was thrown away had heard of more than the one that was run instead."""
    thrown_away, money = stray(), stray()
    thrown_away.charged_back(news("opened", 200), START)
    money.charged_back(news("opened", 300), START)
    await keep(journal, thrown_away, 1)
    await keep(journal, money, 2)
    await keep(journal, thrown_away, 1)

    assert await journal.stray("p-9") == money
    assert await journal.balances(BOOKS) == {"cash": 200, "stray": -200}


async def test_another_process_of_the_same_payment_changes_nothing(journal: SqlJournal) -> None:
    """R17: one that was started when Temporal had forgotten the first."""
    money = stray()
    assert money.refund
    money.news(money.refund, RefundStatus.SUCCEEDED, "", START)
    await keep(journal, money)

    await keep(journal, stray(), 2, process="run-2")

    assert await journal.stray("p-9") == money
    assert await journal.balances(BOOKS) == {"cash": 0, "stray": 0}


@pytest.mark.parametrize(("end", "owed"), [("won", 0), ("lost", 500)])
async def test_what_the_bank_takes_after_the_end_is_booked_and_told(
    journal: SqlJournal, end: str, owed: int
) -> None:
    """R23: each step once, however often it is tried."""
    money = stray()
    assert money.refund
    money.news(money.refund, RefundStatus.SUCCEEDED, "", START)
    await keep(journal, money)
    channel = FakeChannel()
    chargebacks = Chargebacks(journal, Notifications(journal, channel))

    for days, status in enumerate(("opened", "opened", end, end, "opened")):
        late = LateChargeback(order_id=None, news=news(status), at=START + timedelta(days=days))
        await chargebacks.take_late(late)

    assert await journal.balances(BOOKS) == {"cash": -owed, "stray": owed}
    told = [it.what for it in channel.sent if "chargeback" in it.what]
    assert told == ["stray_chargeback_opened", f"stray_chargeback_{end}"]
    kept = await journal.stray("p-9")
    assert kept
    assert kept.chargeback
    assert kept.chargeback.status == end
    assert kept.notices == []


async def test_a_payment_that_is_booked_in_two_places_is_found(
    journal: SqlJournal, database: Database
) -> None:
    """R17: by reconciliation."""
    audit = SqlAudit(database)
    await keep(journal, stray())
    await journal.post(posting("payment/p-8", 5, order_id="A-1"))
    await journal.post(posting("payment/p-8", 5, order_id="A-2"))
    await journal.post(posting("payment/p-7", 5, order_id="A-1"))
    await journal.post(posting("payment-declined/p-7", 5, order_id="A-2"))
    once = await audit.taken_twice()
    await journal.post(posting("payment/p-9", 5, order_id="A-3"))

    found = await audit.taken_twice()

    assert [it[:3] for it in once] == [("p-8", "A-1", "A-2")]
    assert sorted(it[:3] for it in found) == [("p-8", "A-1", "A-2"), ("p-9", "A-3", BOOKS)]
    assert {it.since for it in found} == {START}


async def test_a_step_of_an_earlier_version_is_booked_and_told(journal: SqlJournal) -> None:
    """R17: it may have waited for the database while workers were replaced."""
    money = stray()
    step = StrayPaymentSnapshot(postings=tuple(money.postings), letters=letters_of(money))
    strays = StrayPayments(
        FakeStrays(cast(Client, None)), journal, Notifications(journal, FakeChannel())
    )
    for _ in range(2):
        await strays.record_stray(step)

    assert await journal.balances(BOOKS) == {"cash": 500, "stray": -500}
    assert len(await journal.outbox(BOOKS)) == 1
