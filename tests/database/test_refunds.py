import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from activities.refunds import ProviderRefusal, RefundRequest, RefundState
from database.connection import Database
from database.refunds import SqlRefundRegister
from database.tables import refunds
from orders.messages import RefundStatus
from orders.values import MAX_AMOUNT
from tests.database.samples import START


@pytest.fixture
def register(database: Database) -> SqlRefundRegister:
    return SqlRefundRegister(database)


def request(
    amount: int = 2490, paid: int = 2490, currency: str = "EUR", **other: Any
) -> RefundRequest:
    return RefundRequest.model_validate(
        {
            "refund_id": "A-1-refund-1",
            "payment_id": "p-1",
            "money": {"amount": amount, "currency": currency},
            "paid": {"amount": paid, "currency": currency},
            "method": "card",
            "process": "order-A-1",
            "asked_at": START,
            **other,
        }
    )


async def entered(database: Database) -> tuple[int, int]:
    """The number of refunds, and their sum."""
    query = select(func.count(), func.sum(refunds.c.amount))
    async with database.reading() as connection:
        number, total = (await connection.execute(query)).one()
    return number, int(total or 0)


async def becomes(register: SqlRefundRegister, refund_id: str, status: RefundStatus) -> None:
    await register.update(refund_id, RefundState(status=status, reason="The card is closed."))


async def test_entering_the_same_refund_again_changes_nothing(
    database: Database, register: SqlRefundRegister
) -> None:
    for _ in range(3):
        await register.add(request())

    assert await entered(database) == (1, 2490)


async def test_a_refund_can_be_entered_again_in_any_state(
    database: Database, register: SqlRefundRegister
) -> None:
    """A worker that died asks the provider again, by the same key."""
    await register.add(request())
    for status in RefundStatus:
        await becomes(register, "A-1-refund-1", status)
        await register.add(request())

    assert await entered(database) == (1, 2490)


@pytest.mark.parametrize("other", [request(2489), request(payment_id="p-2")])
async def test_the_same_id_for_another_refund_is_refused(
    database: Database, register: SqlRefundRegister, other: RefundRequest
) -> None:
    await register.add(request())

    with pytest.raises(ProviderRefusal, match="A-1-refund-1 was asked for before"):
        await register.add(other)

    assert await entered(database) == (1, 2490)


async def test_the_same_id_in_another_currency_is_refused(
    register: SqlRefundRegister,
) -> None:
    await register.add(request())

    with pytest.raises(ProviderRefusal):
        await register.add(request(currency="PLN"))


@pytest.mark.parametrize(
    ("paid", "currency", "sentence"),
    [
        (2490, "PLN", "A-1-refund-2 of 0.01 PLN would send back more than came in by payment p-1"),
        (500, "JPY", "A-1-refund-2 of 1 JPY would"),
        (1250, "KWD", "A-1-refund-2 of 0.001 KWD would"),
        (MAX_AMOUNT, "EUR", "A-1-refund-2 of 0.01 EUR would"),
    ],
)
async def test_refunds_add_up_to_the_payment_and_no_further(
    database: Database, register: SqlRefundRegister, paid: int, currency: str, sentence: str
) -> None:
    await register.add(request(paid, paid, currency))

    with pytest.raises(ProviderRefusal, match=sentence) as refusal:
        await register.add(request(1, paid, currency, refund_id="A-1-refund-2"))

    assert refusal.value.non_retryable
    assert await entered(database) == (1, paid)


async def test_the_largest_amount_can_be_refunded_in_parts(
    database: Database, register: SqlRefundRegister
) -> None:
    half = MAX_AMOUNT // 2
    await register.add(request(half, MAX_AMOUNT, refund_id="a"))
    await register.add(request(half, MAX_AMOUNT, refund_id="b"))
    with pytest.raises(ProviderRefusal):
        await register.add(request(MAX_AMOUNT, MAX_AMOUNT, refund_id="c"))
    await register.add(request(1, MAX_AMOUNT, refund_id="d"))

    assert await entered(database) == (3, MAX_AMOUNT)


async def test_the_first_request_fixes_the_amount_of_the_payment(
    register: SqlRefundRegister,
) -> None:
    await register.add(request(1))

    with pytest.raises(ProviderRefusal):
        await register.add(request(9999, 9999, refund_id="A-2-refund-1"))


@pytest.mark.parametrize("status", [RefundStatus.FAILED, RefundStatus.CANCELED])
async def test_a_failed_refund_makes_room_for_another(
    register: SqlRefundRegister, status: RefundStatus
) -> None:
    await register.add(request())
    await becomes(register, "A-1-refund-1", status)

    await register.add(request(refund_id="A-1-refund-2"))

    with pytest.raises(ProviderRefusal):
        await register.add(request(1, refund_id="A-1-refund-3"))


async def test_refunds_that_the_order_knows_to_have_failed_make_room(
    database: Database, register: SqlRefundRegister
) -> None:
    """R23: by a webhook, say, of which the register knows nothing; what was paid stays paid."""
    await register.add(request())
    second = request(refund_id="A-1-refund-2", given_up=("A-1-refund-1",))
    await register.add(second)
    assert await entered(database) == (2, 2 * 2490)

    await becomes(register, "A-1-refund-2", RefundStatus.SUCCEEDED)
    with pytest.raises(ProviderRefusal):
        await register.add(request(refund_id="A-1-refund-3", given_up=("A-1-refund-2",)))


async def test_a_failed_refund_that_succeeds_after_all_leaves_no_room(
    database: Database, register: SqlRefundRegister
) -> None:
    """R23: what the provider reports is a fact, even that too much was refunded."""
    await register.add(request(MAX_AMOUNT, MAX_AMOUNT))
    await becomes(register, "A-1-refund-1", RefundStatus.CANCELED)
    await register.add(request(MAX_AMOUNT, MAX_AMOUNT, refund_id="A-1-refund-2"))

    await becomes(register, "A-1-refund-1", RefundStatus.SUCCEEDED)

    with pytest.raises(ProviderRefusal):
        await register.add(request(1, MAX_AMOUNT, refund_id="A-1-refund-3"))


async def test_twenty_refunds_at_once_do_not_exceed_the_payment(
    database: Database, other: Database, register: SqlRefundRegister
) -> None:
    """Case 18."""
    registers = (register, SqlRefundRegister(other))

    answers = await asyncio.gather(
        *(registers[n % 2].add(request(249, refund_id=f"A-1-refund-{n}")) for n in range(20)),
        return_exceptions=True,
    )

    assert await entered(database) == (10, 2490)
    assert [type(answer) for answer in answers if answer is not None] == [ProviderRefusal] * 10
