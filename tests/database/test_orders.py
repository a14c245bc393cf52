"""The contract of ``OrderStore`` and ``Outbox``, on SQLite, on PostgreSQL and for the fakes."""

from datetime import timedelta

import pytest

from activities.orders import OrderExists
from orders.handlers import receive
from orders.messages import ChargebackReported, Role
from orders.notifications import NotificationKind
from orders.reopening import reopened
from orders.view import view
from tests.database.samples import START, changed, pay, placed, posting, snapshot
from tests.database.stores import Stores


def chargeback(status: str, amount: int = 2490) -> ChargebackReported:
    return ChargebackReported.model_validate(
        {"payment_id": "p-1", "money": {"amount": amount, "currency": "EUR"}, "status": status}
    )


async def test_a_recorded_order_reads_back_as_it_was(stores: Stores) -> None:
    order = placed()
    pay(order)

    await stores.orders.record(snapshot(order))

    assert await stores.orders.find("A-1") == view(order)
    assert await stores.orders.find("A-2") is None
    assert await stores.ledger.balances("A-1") == {"cash": 2490, "held": -2490}
    assert await stores.ledger.balances("A-2") == {}


async def test_recording_a_snapshot_again_changes_nothing(stores: Stores) -> None:
    order = placed()
    pay(order)
    await stores.orders.record(snapshot(order))
    messages = await stores.outbox.undelivered("A-1")

    await stores.orders.record(snapshot(order))

    assert await stores.orders.find("A-1") == view(order)
    assert await stores.ledger.balances("A-1") == {"cash": 2490, "held": -2490}
    assert await stores.outbox.undelivered("A-1") == messages
    assert len(messages) == 4


async def test_an_older_revision_adds_its_notifications_and_changes_nothing_else(
    stores: Stores,
) -> None:
    order = placed()
    early = snapshot(order)
    pay(order)
    order.notifications.clear()
    await stores.orders.record(snapshot(order))

    await stores.orders.record(changed(early, postings=(posting("late", 5),)))

    assert await stores.orders.find("A-1") == view(order)
    assert await stores.ledger.balances("A-1") == {"cash": 2490, "held": -2490}
    messages = await stores.outbox.undelivered("A-1")
    assert [it.what for it in messages] == ["order_placed"] * 2


async def test_an_equal_revision_replaces_the_view(stores: Stores) -> None:
    order, other = placed(), placed(amount=99)
    await stores.orders.record(snapshot(order))

    await stores.orders.record(changed(snapshot(other), revision=order.revision))

    assert await stores.orders.find("A-1") == view(other)


async def test_a_newer_revision_corrects_the_ledger(stores: Stores) -> None:
    """Case 24: a workflow task that was discarded had recorded what never happened."""
    order = placed()
    pay(order)
    await stores.orders.record(changed(snapshot(order), postings=(posting("phantom", 700),)))

    await stores.orders.record(snapshot(order))

    balances = await stores.ledger.balances("A-1")
    assert (balances["cash"], balances["held"]) == (2490, -2490)


async def test_another_workflow_under_the_same_id_is_refused(stores: Stores) -> None:
    order = placed()
    await stores.orders.record(snapshot(order))

    with pytest.raises(OrderExists, match="A-1 exists already"):
        await stores.orders.record(changed(snapshot(placed(amount=99)), first_run_id="run-2"))

    assert await stores.orders.find("A-1") == view(order)


async def test_an_order_that_is_reopened_books_only_what_is_new(stores: Stores) -> None:
    """R23: what its first run booked stays, also when a task of the second run was discarded."""
    order = placed()
    pay(order)
    order.notifications.clear()
    await stores.orders.record(snapshot(order))
    at = START + timedelta(days=90)
    again = reopened(view(order), at)
    discarded = reopened(view(order), at)
    receive(discarded, chargeback("opened", 100), at)
    receive(again, chargeback("opened"), at)

    await stores.orders.record(
        changed(snapshot(discarded), revision=10, first_run_id="run-2", reopened=True)
    )
    await stores.orders.record(
        changed(snapshot(again), revision=11, first_run_id="run-2", reopened=True)
    )

    found = await stores.orders.find("A-1")
    assert found
    assert found.amount_charged_back.amount == 2490
    assert await stores.ledger.balances("A-1") == {"cash": 0, "held": 0}
    messages = await stores.outbox.undelivered("A-1")
    assert {(it.to, it.what) for it in messages} == {
        (Role.SELLER, "chargeback_opened"),
        (Role.SUPPORT, "chargeback_opened"),
    }


async def test_messages_wait_in_order_until_they_are_delivered(stores: Stores) -> None:
    order = placed()
    for number in range(12):
        order.notify(START, NotificationKind.BUYER_MESSAGE, Role.SELLER, text=str(number))
    await stores.orders.record(snapshot(order))
    waiting = await stores.outbox.undelivered("A-1")

    for message in waiting[:3]:
        await stores.outbox.mark_delivered(message.key)
        await stores.outbox.mark_delivered(message.key)

    assert [it.details.get("text") for it in waiting[2:]] == [str(n) for n in range(12)]
    assert await stores.outbox.undelivered("A-1") == waiting[3:]


async def test_a_delivered_message_that_is_recorded_again_stays_delivered(stores: Stores) -> None:
    order = placed()
    await stores.orders.record(snapshot(order))
    for message in await stores.outbox.undelivered("A-1"):
        await stores.outbox.mark_delivered(message.key)

    await stores.orders.record(snapshot(order))

    assert await stores.outbox.undelivered("A-1") == []


async def test_messages_are_addressed_to_the_party_of_their_role(stores: Stores) -> None:
    order = placed()
    order.notify(START, NotificationKind.PROOF_TO_REVIEW, kind="photo")
    await stores.orders.record(snapshot(order))

    parties = {it.to: it.party for it in await stores.outbox.undelivered("A-1")}

    assert parties == {
        Role.BUYER: order.placed.buyer,
        Role.SELLER: order.placed.seller,
        Role.SUPPORT: None,
    }
