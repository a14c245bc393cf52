import pytest

from activities.notifications import OutboxMessage
from database.journal import Database, SqlJournal
from orders.messages import Role
from orders.order import Notification
from orders.view import view
from tests.database.samples import START, changed, entries, pay, placed, posting, step


async def test_a_recorded_order_reads_back_as_it_was(journal: SqlJournal) -> None:
    order = placed()
    pay(order)

    await journal.record(step(order))

    assert await journal.order("A-1") == view(order)
    assert await journal.order("A-2") is None
    assert await journal.balances("A-1") == {"cash": 2490, "held": -2490}


async def test_recording_a_step_again_changes_nothing(
    database: Database, journal: SqlJournal
) -> None:
    order = placed()
    pay(order)
    await journal.record(step(order))
    before = await entries(database)

    await journal.record(step(order))

    assert await entries(database) == before
    assert len(await journal.outbox("A-1")) == 4


async def test_an_older_revision_replaces_neither_view_nor_ledger_but_its_letters_are_kept(
    journal: SqlJournal,
) -> None:
    order = placed()
    early = step(order)
    pay(order)
    order.notices.clear()
    await journal.record(step(order))

    await journal.record(changed(early, postings=(posting("late", 5),)))

    kept = await journal.order("A-1")
    assert kept is not None
    assert kept.status == "payment_review"
    assert await journal.balances("A-1") == {"cash": 2490, "held": -2490}
    assert [entry.letter.what for entry in await journal.outbox("A-1")] == ["order_placed"] * 2


async def test_an_equal_revision_replaces_the_view(journal: SqlJournal) -> None:
    order, other = placed(), placed(amount=99)
    await journal.record(step(order))

    await journal.record(changed(step(other), revision=order.revision))

    assert await journal.order("A-1") == view(other)


async def test_a_step_is_kept_whole_or_not_at_all(journal: SqlJournal) -> None:
    order = placed()
    pay(order)
    unspeakable = Notification(
        key="A-1:9:x:buyer", to=Role.BUYER, what="x", at=START, details={"x": object()}
    )

    with pytest.raises(TypeError):
        await journal.record(changed(step(order), notices=(*order.notices, unspeakable)))

    assert await journal.order("A-1") is None
    assert await journal.balances("A-1") == {}
    assert await journal.outbox() == []


async def test_letters_wait_in_order_until_they_are_delivered(journal: SqlJournal) -> None:
    order = placed()
    for number in range(12):
        order.tell(START, "buyer_message", Role.SELLER, text=str(number))
    await journal.record(step(order))
    waiting = await journal.undelivered("A-1")

    for letter in waiting[:3]:
        await journal.delivered(letter.key)
        await journal.delivered(letter.key)

    assert [letter.details.get("text") for letter in waiting[2:]] == [str(n) for n in range(12)]
    assert await journal.undelivered("A-1") == waiting[3:]
    assert [entry.delivered_at is None for entry in await journal.outbox()] == [False] * 3 + [
        True
    ] * 11


async def test_letters_go_to_the_party_of_their_role(journal: SqlJournal) -> None:
    order = placed()
    order.tell(START, "proof_to_review", Role.SUPPORT, kind="photo")
    await journal.record(step(order))

    parties = {letter.to: letter.party for letter in await journal.undelivered("A-1")}

    assert parties == {
        Role.BUYER: order.placed.buyer,
        Role.SELLER: order.placed.seller,
        Role.SUPPORT: None,
    }


async def test_stray_money_is_booked_and_told_once(journal: SqlJournal) -> None:
    letter = OutboxMessage(
        key="stray-p-9:1:stray_refund_started:buyer",
        order_id="stray-p-9",
        to=Role.BUYER,
        party=None,
        what="stray_refund_started",
        at=START,
        details={"money": {"amount": 5, "currency": "EUR"}},
    )
    for _ in range(2):
        await journal.post(posting("received", 5, "stray", "stray-p-9"))
        await journal.tell(letter)

    assert await journal.balances("stray-p-9") == {"cash": 5, "stray": -5}
    assert await journal.undelivered("stray-p-9") == [letter]
