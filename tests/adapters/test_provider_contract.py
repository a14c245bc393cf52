"""What every payment provider keeps, ours and Stripe alike (R14, R15, R23; cases 18, 19)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import httpx
import pytest
import pytest_asyncio
from pydantic_extra_types.currency_code import Currency

from activities.refunds import (
    PaymentProvider,
    ProviderRefusal,
    RefundQuestion,
    RefundRequest,
    RefundState,
)
from adapters.local.provider import LocalProvider
from adapters.stripe.provider import StripeProvider
from database.connection import Database
from orders.messages import RefundStatus
from orders.values import Money
from testing.stripe.peer import API_KEY, Peer
from tests.fakes import FakeProvider

Result = TypeVar("Result")

START = datetime(2026, 1, 1, tzinfo=UTC)
PENDING = RefundState(status=RefundStatus.PENDING)
SUCCEEDED = RefundState(status=RefundStatus.SUCCEEDED)


class Bank(Protocol):
    """A provider, and the world's hand on it."""

    @property
    def provider(self) -> PaymentProvider: ...

    async def takes(self, number: int, money: Money) -> str:
        """A payment comes in; its id."""

    async def settles(self, asked: RefundRequest) -> None:
        """The refund is paid out."""

    async def fails(self, asked: RefundRequest) -> None:
        """The refund cannot be paid out."""

    async def refunds_by_hand(self, payment_id: str, money: Money) -> None:
        """Somebody refunds a part of a payment in the provider's dashboard."""

    async def made(self) -> int:
        """How many refunds there are."""

    def lets_stop(self) -> None:
        """Refunds to come can be stopped."""


class LocalBank:
    def __init__(self, database: Database) -> None:
        self.provider = LocalProvider(database)

    async def takes(self, number: int, money: Money) -> str:
        return f"p-{number}"

    async def settles(self, asked: RefundRequest) -> None:
        await self.provider.settle(asked.refund_id)

    async def fails(self, asked: RefundRequest) -> None:
        await self.provider.fail(asked.refund_id, "expired_card")

    async def refunds_by_hand(self, payment_id: str, money: Money) -> None:
        await self.provider.refund_by_hand(payment_id, money)

    async def made(self) -> int:
        return len([it async for it in self.provider.refunds(START)])

    def lets_stop(self) -> None:
        pass


class FakeBank:
    def __init__(self) -> None:
        self.provider = FakeProvider()

    async def takes(self, number: int, money: Money) -> str:
        return f"p-{number}"

    async def settles(self, asked: RefundRequest) -> None:
        self.provider.settles(asked.refund_id)

    async def fails(self, asked: RefundRequest) -> None:
        self.provider.fails(asked.refund_id, "expired_card")

    async def refunds_by_hand(self, payment_id: str, money: Money) -> None:
        self.provider.refund_by_hand(payment_id, money)

    async def made(self) -> int:
        return len(self.provider.refunds) + len(self.provider.by_hand)

    def lets_stop(self) -> None:
        pass


class StripeBank:
    def __init__(self, peer: Peer) -> None:
        self.provider = StripeProvider(API_KEY, peer.url, httpx.Timeout(5.0))
        self._front = peer.front
        self._checkout = peer.checkout

    async def takes(self, number: int, money: Money) -> str:
        return await self._checkout.pay(f"A-{number}", money)

    async def settles(self, asked: RefundRequest) -> None:
        await self._front.settle(asked.refund_id)

    async def fails(self, asked: RefundRequest) -> None:
        await self._front.fail(asked.refund_id, "expired_card")

    async def refunds_by_hand(self, payment_id: str, money: Money) -> None:
        await self._front.refund_by_hand(payment_id, money.amount)

    async def made(self) -> int:
        return len(await self._front.refunds())

    def lets_stop(self) -> None:
        self._front.starts_as = "requires_action"


@pytest_asyncio.fixture(loop_scope="session", params=["local", "fake", "stripe"])
async def bank(
    request: pytest.FixtureRequest, database: Database, peer: Peer
) -> AsyncIterator[Bank]:
    match request.param:
        case "local":
            yield LocalBank(database)
        case "fake":
            yield FakeBank()
        case _:
            stripe = StripeBank(peer)
            yield stripe
            await stripe.provider.close()


def euros(amount: int) -> Money:
    return Money(amount=amount, currency=Currency("EUR"))


async def paid(bank: Bank, amount: int = 2490, number: int = 1, **other: Any) -> RefundRequest:
    """A payment has come in, and this asks for all of it."""
    money = euros(amount)
    payment_id = await bank.takes(number, money)
    fields = {
        "refund_id": f"A-{number}-refund-1",
        "payment_id": payment_id,
        "money": money,
        "paid": money,
        "method": "card",
        "process": f"order-A-{number}",
        "asked_at": START,
    }
    return RefundRequest.model_validate(fields | other)


def but(asked: RefundRequest, **other: Any) -> RefundRequest:
    return asked.model_copy(update=other)


def about(asked: RefundRequest) -> RefundQuestion:
    return RefundQuestion(
        refund_id=asked.refund_id, payment_id=asked.payment_id, at=START + timedelta(hours=1)
    )


async def persistently(ask: Callable[[], Awaitable[Result]]) -> Result:
    """As Temporal does: until there is an answer, or a refusal."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await ask()
            except ProviderRefusal:
                raise
            except Exception:
                await asyncio.sleep(0.02)


async def test_a_refund_is_pending_until_it_settles(bank: Bank) -> None:
    asked = await paid(bank)

    assert await bank.provider.refund(asked) == PENDING
    assert await bank.provider.refund_state(about(asked)) == PENDING
    await bank.settles(asked)
    assert await bank.provider.refund_state(about(asked)) == SUCCEEDED
    assert await bank.provider.refund(asked) == SUCCEEDED


async def test_the_same_id_again_is_the_same_refund(bank: Bank) -> None:
    """R14: however often it is asked for, the money goes back once."""
    asked = await paid(bank)

    assert [await bank.provider.refund(asked) for _ in range(3)] == [PENDING] * 3
    assert await bank.made() == 1


async def test_twenty_requests_at_once_are_one_refund(bank: Bank) -> None:
    """Case 18."""
    asked = await paid(bank)

    states = await asyncio.gather(
        *(persistently(lambda: bank.provider.refund(asked)) for _ in range(20))
    )

    assert states == [PENDING] * 20
    assert await bank.made() == 1


@pytest.mark.parametrize(
    "other", [{"money": euros(2489)}, {"money": Money(amount=2490, currency=Currency("PLN"))}]
)
async def test_the_same_id_for_another_sum_is_refused(bank: Bank, other: dict[str, Any]) -> None:
    asked = await paid(bank)
    await bank.provider.refund(asked)

    with pytest.raises(ProviderRefusal):
        await bank.provider.refund(but(asked, **other))

    assert await bank.made() == 1


async def test_the_same_id_for_another_payment_is_refused(bank: Bank) -> None:
    asked = await paid(bank)
    other = await paid(bank, number=2)
    await bank.provider.refund(asked)

    with pytest.raises(ProviderRefusal):
        await bank.provider.refund(but(asked, payment_id=other.payment_id))

    assert await bank.made() == 1


async def test_partial_refunds_add_up_to_what_was_paid_and_no_more(bank: Bank) -> None:
    """R14, R16: never more goes back than came in."""
    asked = await paid(bank)
    for number, amount in enumerate((1000, 1000, 490)):
        part = but(asked, refund_id=f"part-{number}", money=euros(amount))
        assert await bank.provider.refund(part) == PENDING

    with pytest.raises(ProviderRefusal):
        await bank.provider.refund(but(asked, refund_id="part-4", money=euros(1)))

    assert await bank.made() == 3


async def test_more_than_is_left_is_refused(bank: Bank) -> None:
    asked = await paid(bank)
    await bank.provider.refund(but(asked, refund_id="part-1", money=euros(1000)))

    with pytest.raises(ProviderRefusal):
        await bank.provider.refund(but(asked, refund_id="part-2", money=euros(1491)))

    assert await bank.provider.refund_state(about(but(asked, refund_id="part-2"))) is None


async def test_a_failed_refund_leaves_its_money_for_another(bank: Bank) -> None:
    """R15: what did not arrive can be sent again, as another refund."""
    asked = await paid(bank)
    await bank.provider.refund(asked)
    await bank.fails(asked)

    again = await bank.provider.refund(but(asked, refund_id="A-1-refund-2"))

    assert again == PENDING
    assert await bank.made() == 2


async def test_a_refund_that_nobody_asked_for_is_unknown(bank: Bank) -> None:
    asked = await paid(bank)

    assert await bank.provider.refund_state(about(asked)) is None
    assert await bank.provider.stop_refund(about(asked)) is None


async def test_a_refund_that_failed_may_still_succeed(bank: Bank) -> None:
    """R15: news of a refund is taken however late it comes."""
    asked = await paid(bank)
    await bank.provider.refund(asked)
    await bank.fails(asked)

    failed = await bank.provider.refund_state(about(asked))
    await bank.settles(asked)
    late = await bank.provider.refund_state(about(asked))

    assert failed == RefundState(status=RefundStatus.FAILED, reason="expired_card")
    assert late == SUCCEEDED


async def test_a_refund_that_was_paid_may_come_back_and_go_again(bank: Bank) -> None:
    """R15: the account was closed; its money can be sent again, as another refund."""
    asked = await paid(bank)
    await bank.provider.refund(asked)
    await bank.settles(asked)
    await bank.fails(asked)

    returned = await bank.provider.refund_state(about(asked))
    again = await bank.provider.refund(but(asked, refund_id="A-1-refund-2"))

    assert returned == RefundState(status=RefundStatus.FAILED, reason="expired_card")
    assert again == PENDING
    assert await bank.made() == 2


async def test_what_was_refunded_by_hand_does_not_go_back_again(bank: Bank) -> None:
    """R24: of 24.90, 5.00 by hand leaves 19.90."""
    asked = await paid(bank)
    await bank.refunds_by_hand(asked.payment_id, euros(500))

    with pytest.raises(ProviderRefusal):
        await bank.provider.refund(asked)
    rest = but(asked, refund_id="A-1-refund-2", money=euros(1990))

    assert await bank.provider.refund(rest) == PENDING
    assert await bank.made() == 2


async def test_a_refund_under_way_can_be_stopped(bank: Bank) -> None:
    """R23: the bank has taken the same money back."""
    bank.lets_stop()
    asked = await paid(bank)
    await bank.provider.refund(asked)

    stopped = await bank.provider.stop_refund(about(asked))

    assert stopped is not None
    assert stopped.status is RefundStatus.CANCELED
    assert await bank.provider.refund_state(about(asked)) == stopped
    assert await bank.provider.stop_refund(about(asked)) == stopped


async def test_a_refund_that_is_paid_out_cannot_be_stopped(bank: Bank) -> None:
    asked = await paid(bank)
    await bank.provider.refund(asked)
    await bank.settles(asked)

    assert await bank.provider.stop_refund(about(asked)) == SUCCEEDED
