import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from activities.refunds import ProviderRefusal, RefundQuestion, RefundRequest, RefundState
from adapters.local.provider import LocalProvider
from database.connection import Database
from database.tables import provider_refunds
from orders.messages import RefundStatus
from orders.values import MAX_AMOUNT

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)

PENDING = RefundState(status=RefundStatus.PENDING)
SUCCEEDED = RefundState(status=RefundStatus.SUCCEEDED)
FAILED = RefundState(status=RefundStatus.FAILED, reason="The card is closed.")


@pytest.fixture
def provider(database: Database) -> LocalProvider:
    return LocalProvider(database)


def request(amount: int = 2490, currency: str = "EUR", **other: Any) -> RefundRequest:
    return RefundRequest.model_validate(
        {
            "refund_id": "A-1-refund-1",
            "payment_id": "p-1",
            "money": {"amount": amount, "currency": currency},
            "paid": {"amount": amount, "currency": currency},
            "method": "card",
            "process": "order-A-1",
            "asked_at": START,
            **other,
        }
    )


def after(passed: timedelta, refund_id: str = "A-1-refund-1") -> RefundQuestion:
    return RefundQuestion(refund_id=refund_id, payment_id="p-1", at=START + passed)


async def test_a_refund_is_pending_and_settles_after_its_days(provider: LocalProvider) -> None:
    assert await provider.refund(request()) == PENDING
    assert await provider.refund_state(after(3 * DAY - timedelta(minutes=2))) == PENDING
    assert await provider.refund_state(after(3 * DAY)) == SUCCEEDED
    assert await provider.refund(request()) == SUCCEEDED


async def test_refunds_settle_after_the_configured_time(database: Database) -> None:
    provider = LocalProvider(database, settles_after=timedelta(0))

    assert await provider.refund(request()) == SUCCEEDED


async def test_twenty_requests_at_once_by_one_id_are_one_refund(
    url: str, database: Database
) -> None:
    other = await Database.open(url)
    providers = (LocalProvider(database), LocalProvider(other))

    states = await asyncio.gather(
        *(providers[number % 2].refund(request()) for number in range(20))
    )
    async with database.reading() as connection:
        rows = await connection.execute(select(func.count()).select_from(provider_refunds))
    await other.close()

    assert states == [PENDING] * 20
    assert rows.scalar_one() == 1


@pytest.mark.parametrize(
    "other",
    [
        request(amount=2491),
        request(currency="PLN"),
        request(payment_id="p-2"),
        request(method="blik"),
    ],
)
async def test_the_same_id_for_another_refund_is_refused_for_good(
    provider: LocalProvider, other: RefundRequest
) -> None:
    await provider.refund(request())

    with pytest.raises(ProviderRefusal, match=r"A-1-refund-1 was asked for before") as refusal:
        await provider.refund(other)

    assert refusal.value.non_retryable
    assert refusal.value.type == "ProviderRefusal"
    assert await provider.refund(request()) == PENDING


async def test_the_largest_amount_is_refunded(provider: LocalProvider) -> None:
    assert await provider.refund(request(amount=MAX_AMOUNT)) == PENDING
    assert await provider.refund(request(amount=MAX_AMOUNT)) == PENDING


async def test_a_refund_that_nobody_asked_for_is_unknown(provider: LocalProvider) -> None:
    assert await provider.refund_state(after(DAY)) is None
    assert await provider.stop_refund(after(DAY)) is None
    with pytest.raises(LookupError):
        await provider.settle("A-1-refund-1")


async def test_refunds_fail_when_another_process_has_asked_for_it(
    url: str, provider: LocalProvider
) -> None:
    other = await Database.open(url)
    await LocalProvider(other).fail_refunds_of("p-1", "The card expired.")
    await LocalProvider(other).fail_refunds_of("p-1", FAILED.reason)
    await other.close()

    assert await provider.refund(request()) == FAILED
    assert await provider.refund_state(after(20 * DAY)) == FAILED
    assert await provider.refund(request(refund_id="B", payment_id="fail-p")) == PENDING


async def test_a_pending_refund_fails_too_but_a_settled_one_stays(
    provider: LocalProvider,
) -> None:
    both = {"amount": 2 * 2490, "currency": "EUR"}
    await provider.refund(request(paid=both))
    await provider.refund(request(refund_id="B", paid=both))
    await provider.refund_state(after(3 * DAY, "B"))

    await provider.fail_refunds_of("p-1", FAILED.reason)

    assert await provider.refund_state(after(3 * DAY)) == FAILED
    assert await provider.refund_state(after(3 * DAY, "B")) == SUCCEEDED


async def test_a_failed_refund_can_be_made_to_succeed(provider: LocalProvider) -> None:
    await provider.fail_refunds_of("p-1", FAILED.reason)
    await provider.refund(request())

    await provider.settle("A-1-refund-1")

    assert await provider.refund_state(after(DAY)) == SUCCEEDED


async def test_a_pending_refund_can_be_stopped(provider: LocalProvider) -> None:
    await provider.refund(request())

    stopped = await provider.stop_refund(after(DAY))

    assert stopped is not None
    assert stopped.status is RefundStatus.CANCELED
    assert await provider.refund_state(after(20 * DAY)) == stopped
    assert await provider.stop_refund(after(20 * DAY)) == stopped


async def test_a_refund_that_has_settled_cannot_be_stopped(provider: LocalProvider) -> None:
    await provider.refund(request())

    assert await provider.stop_refund(after(3 * DAY)) == SUCCEEDED
