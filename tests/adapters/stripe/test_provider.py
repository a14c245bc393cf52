"""Stripe as it may behave: whatever goes wrong with a request, the money goes back once (cases 18-23)."""

import asyncio
import itertools
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import stripe
from pydantic import SecretStr
from pydantic_extra_types.currency_code import Currency
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, DefaultPayloadConverter

from activities.refunds import ProviderRefusal, RefundQuestion, RefundRequest, RefundState
from adapters.stripe import provider as stripe_provider
from adapters.stripe.provider import ProviderUnavailable, StripeProvider
from orders.messages import RefundStatus
from orders.values import Money
from testing.stripe.faults import Faults, InjectedFault
from testing.stripe.front import DECLINED
from testing.stripe.peer import API_KEY, Peer
from tests.adapters.test_provider_contract import persistently

EUR = Currency("EUR")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PENDING = RefundState(status=RefundStatus.PENDING)


@pytest_asyncio.fixture(loop_scope="session")
async def provider(peer: Peer) -> AsyncIterator[StripeProvider]:
    # Shorter than the front's slow answers, longer than its quick ones.
    opened = StripeProvider(API_KEY, peer.url, httpx.Timeout(2.5))
    yield opened
    await opened.close()


async def paid(
    peer: Peer, number: int = 1, amount: int = 2490, currency: Currency = EUR
) -> RefundRequest:
    """A payment has come in, and this asks for all of it."""
    money = Money(amount=amount, currency=currency)
    payment_id = await persistently(lambda: peer.checkout.pay(f"A-{number}", money))
    return RefundRequest(
        refund_id=f"A-{number}-refund-1",
        payment_id=payment_id,
        money=money,
        paid=money,
        method="card",
        workflow_id=f"order-A-{number}",
        asked_at=LONG_AGO,
    )


def about(asked: RefundRequest) -> RefundQuestion:
    return RefundQuestion(refund_id=asked.refund_id, payment_id=asked.payment_id, at=asked.asked_at)


def made(peer: Peer) -> int:
    """How often a refund was sent."""
    return peer.front.asked.count(("POST", "/v1/refunds"))


async def test_a_payment_of_nine_digits_is_refunded(peer: Peer, provider: StripeProvider) -> None:
    """Case 62: 1,500,000.00 IDR, about 90 EUR."""
    asked = await paid(peer, amount=150_000_000, currency=Currency("IDR"))

    assert await provider.refund(asked) == PENDING

    (refund,) = await peer.front.refunds()
    assert (refund["amount"], refund["currency"]) == (150_000_000, "idr")


async def test_a_refund_whose_id_is_too_long_for_a_key_is_made_once(
    peer: Peer, provider: StripeProvider
) -> None:
    """R17, case 20: a stray refund's id is made of its payment's, which has up to 255 characters."""
    asked = (await paid(peer)).model_copy(update={"refund_id": f"stray-{'p' * 255}-refund"})
    peer.front.faults.plan(InjectedFault.LOST_ANSWER)

    with pytest.raises(ProviderUnavailable):
        await provider.refund(asked)

    assert await provider.refund(asked) == PENDING
    assert len(await peer.front.refunds()) == 1


@pytest.mark.parametrize("fault", InjectedFault)
async def test_whatever_fails_one_refund_is_made(
    peer: Peer, provider: StripeProvider, fault: InjectedFault
) -> None:
    """R14: an unknown outcome is looked up before anything is sent again (cases 19-21)."""
    asked = await paid(peer)
    peer.front.faults.plan(fault)

    with pytest.raises(ProviderUnavailable):
        await provider.refund(asked)
    state = await persistently(lambda: provider.refund(asked))

    assert state == PENDING
    assert peer.front.faults.suffered == {fault: 1}
    (refund,) = await peer.front.refunds()
    assert refund["amount"] == 2490
    assert refund["metadata"] == {"refund_id": "A-1-refund-1", "process": "order-A-1"}


@pytest.mark.parametrize(
    "fault", [InjectedFault.LOST_ANSWER, InjectedFault.SLOW, InjectedFault.STORED_DONE]
)
async def test_a_refund_that_was_made_is_found_when_its_key_has_expired(
    peer: Peer, provider: StripeProvider, fault: InjectedFault
) -> None:
    """Case 20: after a day Stripe would take the same key for a new refund."""
    asked = await paid(peer, amount=1000)
    part = asked.model_copy(update={"money": Money(amount=400, currency=EUR)})
    peer.front.faults.plan(fault)
    with pytest.raises(ProviderUnavailable):
        await provider.refund(part)

    peer.front.forget_keys()
    state = await persistently(lambda: provider.refund(part))

    assert state == PENDING
    assert made(peer) == 1
    assert len(await peer.front.refunds()) == 1


async def test_a_stored_failure_is_retried_under_the_next_key_when_no_refund_was_made(
    peer: Peer, provider: StripeProvider
) -> None:
    """Case 21: the lookup decides; only then the next key."""
    asked = await paid(peer)
    peer.front.faults.plan(InjectedFault.STORED_UNDONE)
    with pytest.raises(ProviderUnavailable):
        await provider.refund(asked)
    peer.front.asked.clear()

    assert await provider.refund(asked) == PENDING
    assert [what for what in peer.front.asked if what[1] == "/v1/refunds"] == [
        ("GET", "/v1/refunds"),
        ("POST", "/v1/refunds"),  # the stored failure again
        ("GET", "/v1/refunds"),
        ("POST", "/v1/refunds"),  # the second key
    ]


async def test_the_next_key_is_used_only_after_searching_again(
    peer: Peer, provider: StripeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 21: what another worker has done meanwhile, under a stored failure, is found."""
    asked = await paid(peer, amount=1000)
    part = asked.model_copy(update={"money": Money(amount=400, currency=EUR)})
    peer.front.faults.plan(InjectedFault.STORED_DONE)
    with pytest.raises(ProviderUnavailable):
        await provider.refund(part)
    find, looks = provider._find, itertools.count()

    async def find_late(payment_id: str, refund_id: str) -> stripe.Refund | None:
        return await find(payment_id, refund_id) if next(looks) else None

    monkeypatch.setattr(provider, "_find", find_late)

    assert await provider.refund(part) == PENDING
    assert len(await peer.front.refunds()) == 1


async def test_only_temporal_retries(peer: Peer, provider: StripeProvider) -> None:
    asked = await paid(peer)
    peer.front.faults.plan(InjectedFault.ERROR_BEFORE)

    with pytest.raises(ProviderUnavailable):
        await provider.refund(asked)

    assert made(peer) == 1


@pytest.mark.parametrize("seed", range(3))
async def test_among_many_faults_every_refund_is_made_once(
    peer: Peer, provider: StripeProvider, seed: int
) -> None:
    """R14, cases 18-21: two ask for each refund, and half of what they send goes wrong."""
    asked = [await paid(peer, number) for number in range(8)]
    quick = tuple(set(InjectedFault) - {InjectedFault.SLOW})
    peer.front.faults = Faults(rate=0.5, reading_rate=0.3, seed=seed, kinds=quick)

    states = await asyncio.gather(
        *(persistently(lambda it=it: provider.refund(it)) for it in asked * 2)  # type: ignore[misc]
    )
    refunds = [it["metadata"]["refund_id"] for it in await peer.front.refunds()]

    assert states == [PENDING] * 16
    assert sorted(refunds) == sorted(it.refund_id for it in asked)
    assert peer.front.faults.suffered.total() > 8


async def test_a_huge_answer_never_reaches_history(peer: Peer, provider: StripeProvider) -> None:
    """Case 23: a body of 5 MB becomes a sentence."""
    asked = await paid(peer)
    peer.front.faults.plan(InjectedFault.HUGE_ERROR)

    with pytest.raises(ProviderUnavailable) as error:
        await provider.refund(asked)
    failure = Failure()
    DefaultFailureConverter().to_failure(error.value, DefaultPayloadConverter(), failure)

    assert str(error.value).endswith("now (HTTP 500).")
    assert error.value.type == "ProviderUnavailable"
    assert not error.value.non_retryable
    assert failure.ByteSize() < 10_000
    assert "Something went wrong" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    ("status", "code"),
    [("needs_response", "charge_disputed"), ("lost", "charge_disputed")],
)
async def test_a_disputed_charge_is_not_refunded(
    peer: Peer, provider: StripeProvider, status: str, code: str
) -> None:
    """R23."""
    asked = await paid(peer)
    await peer.front.dispute(asked.payment_id, status=status)

    with pytest.raises(ProviderRefusal, match=rf"the buyer's bank .*\({code}\)\.$"):
        await provider.refund(asked)

    assert await peer.front.refunds() == []


async def test_a_refund_of_a_payment_in_another_currency_is_never_sent(
    peer: Peer, provider: StripeProvider
) -> None:
    """Stripe takes an amount only: 2490 would be 24.90 of whatever came in."""
    asked = await paid(peer)
    zlotys = asked.model_copy(update={"money": Money(amount=2490, currency=Currency("PLN"))})

    with pytest.raises(ProviderRefusal, match="not made in PLN"):
        await provider.refund(zlotys)

    assert made(peer) == 0


async def test_a_payment_that_stripe_does_not_know_is_refused(
    peer: Peer, provider: StripeProvider
) -> None:
    asked = await paid(peer)
    unknown = asked.model_copy(update={"payment_id": "ch_unknown"})

    with pytest.raises(ProviderRefusal, match=r"there is no such payment \(resource_missing\)"):
        await provider.refund(unknown)

    assert await provider.refund_state(about(unknown)) is None
    assert await provider.find_payment("ch_unknown") is None


async def test_an_amount_that_stripe_cannot_take_is_refused_at_once(
    peer: Peer, provider: StripeProvider
) -> None:
    asked = await paid(peer)
    odd = asked.model_copy(update={"money": Money(amount=1234, currency=Currency("KWD"))})

    with pytest.raises(ProviderRefusal, match=r"last digit of 0, not 1\.234 KWD"):
        await provider.refund(odd)

    assert made(peer) == 0


async def test_a_wrong_api_key_is_retried(peer: Peer, provider: StripeProvider) -> None:
    """R15: the operator mends the key, and the refund goes on."""
    asked = await paid(peer)
    wrong = StripeProvider(SecretStr("rk_wrong"), peer.url)

    with pytest.raises(ProviderUnavailable, match="HTTP 401") as error:
        await wrong.refund(asked)
    await wrong.close()

    assert "rk_wrong" not in str(error.value)


async def test_an_unreachable_address_is_retried() -> None:
    nobody = StripeProvider(API_KEY, "http://127.0.0.1:9", httpx.Timeout(1.0))
    question = RefundQuestion(refund_id="A", payment_id="ch_1", at=LONG_AGO)

    with pytest.raises(ProviderUnavailable, match="no answer"):
        await nobody.refund_state(question)
    await nobody.close()


async def test_a_refund_is_found_beyond_the_first_page(
    peer: Peer, provider: StripeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_provider, "_PAGE", 2)
    asked = await paid(peer)
    parts = [
        asked.model_copy(
            update={"refund_id": f"part-{n}", "money": Money(amount=100 + n, currency=EUR)}
        )
        for n in range(7)
    ]
    for part in parts:
        await provider.refund(part)

    found = [await provider.refund_state(about(part)) for part in parts]
    listed = [it.refund_id async for it in provider.refunds(LONG_AGO)]

    assert found == [PENDING] * 7
    assert sorted(it or "" for it in listed) == [part.refund_id for part in parts]


async def test_only_a_refund_that_waits_for_the_buyer_can_be_stopped(
    peer: Peer, provider: StripeProvider
) -> None:
    """R23: one that is on its way cannot be called back; its state is what it is."""
    asked = await paid(peer)
    await provider.refund(asked)

    assert await provider.stop_refund(about(asked)) == PENDING
    assert [path for _, path in peer.front.asked if path.endswith("/cancel")] == []


async def test_a_method_that_cannot_be_refunded_by_itself_asks_the_buyer_by_email(
    peer: Peer, provider: StripeProvider
) -> None:
    """R15: the buyer is told what for, and by when."""
    peer.front.paid_by, peer.front.billing_email = "konbini", "anna@example.org"
    asked = await paid(peer)

    state = await provider.refund(asked)

    (refund,) = await peer.front.refunds()
    details = refund["next_action"]["display_details"]
    assert details["email_sent"]["email_sent_to"] == "anna@example.org"
    assert state.status is RefundStatus.REQUIRES_ACTION
    assert state.act_by == datetime.fromtimestamp(details["expires_at"], UTC)
    assert state.reason == ""
    (listed,) = [it async for it in provider.refunds(LONG_AGO)]
    assert listed.act_by == state.act_by


async def test_without_an_address_such_a_refund_is_refused(
    peer: Peer, provider: StripeProvider
) -> None:
    """R15: it is escalated; support says how else the money gets back."""
    peer.front.paid_by = "konbini"
    asked = await paid(peer)

    with pytest.raises(ProviderRefusal, match="Stripe refuses refund"):
        await provider.refund(asked)

    assert await peer.front.refunds() == []


async def test_a_payment_names_its_order_or_none_of_ours(
    peer: Peer, provider: StripeProvider
) -> None:
    money = Money(amount=2490, currency=EUR)
    ours = await provider.find_payment(await peer.checkout.pay("A-1", money))
    foreign = await provider.find_payment(await peer.checkout.pay("not/an/order", money))

    assert ours
    assert foreign
    assert (ours.order_id, ours.status, ours.money) == ("A-1", "succeeded", money)
    assert foreign.order_id is None
    assert await provider.find_payment("ch_unknown") is None


async def test_an_authorised_payment_comes_in_when_it_is_captured(
    peer: Peer, provider: StripeProvider
) -> None:
    """R1a, case 63: until then it is pending; what is let go of it then is no refund."""
    peer.front.paid_as = "authorized"
    payment_id = await peer.checkout.pay("A-1", Money(amount=2490, currency=EUR))
    before = await provider.find_payment(payment_id)

    await peer.front.capture(payment_id, 2000)
    after = await provider.find_payment(payment_id)

    assert before
    assert after
    assert (before.status, before.money.amount) == ("pending", 2490)
    assert (after.status, after.money.amount) == ("succeeded", 2000)
    assert await provider.refunds_of(payment_id) == []


async def test_an_authorised_payment_that_expires_has_failed(
    peer: Peer, provider: StripeProvider
) -> None:
    """R1a: ``charge.expired``."""
    peer.front.paid_as = "authorized"
    payment_id = await peer.checkout.pay("A-1", Money(amount=2490, currency=EUR))

    await peer.front.expire(payment_id)
    found = await provider.find_payment(payment_id)

    assert found
    assert (found.status, found.reason) == ("failed", "authorization_released")
    assert await provider.refunds_of(payment_id) == []


async def test_a_pending_payment_comes_in_or_fails_and_may_fail_later(
    peer: Peer, provider: StripeProvider
) -> None:
    """R1a, R6: a debit, and one that the buyer's bank returns."""
    peer.front.paid_as = "pending"
    payment_id = await peer.checkout.pay("A-1", Money(amount=2490, currency=EUR))
    statuses = []

    for happens in (peer.front.complete, peer.front.decline):
        found = await provider.find_payment(payment_id)
        assert found
        statuses.append(found.status)
        await happens(payment_id)
    last = await provider.find_payment(payment_id)

    assert statuses == ["pending", "succeeded"]
    assert last
    assert (last.status, last.reason) == ("failed", "insufficient_funds")


async def test_a_refund_by_hand_is_found_with_its_order(
    peer: Peer, provider: StripeProvider
) -> None:
    """R24: it has no id of ours."""
    asked = await paid(peer)
    await provider.refund(asked.model_copy(update={"money": Money(amount=490, currency=EUR)}))
    outside = await peer.front.refund_by_hand(asked.payment_id, 500)
    await peer.front.settle(outside)

    found = await provider.find_refund(outside)
    all_of_them = await provider.refunds_of(asked.payment_id)

    assert found
    assert (found.refund_id, found.order_id) == (None, "A-1")
    assert (found.payment_id, found.money.amount) == (asked.payment_id, 500)
    assert found.status is RefundStatus.SUCCEEDED
    assert {it.refund_id for it in all_of_them} == {None, asked.refund_id}
    assert await provider.find_refund("re_unknown") is None


async def test_a_chargeback_is_found_as_it_stands(peer: Peer, provider: StripeProvider) -> None:
    """R23: an inquiry takes no money."""
    asked = await paid(peer)
    dispute_id = await peer.front.dispute(asked.payment_id, 700)
    inquiry = await peer.front.dispute(asked.payment_id, status="warning_needs_response")

    for status in ("won", "lost"):
        peer.front.end_dispute(dispute_id, status)
        found = await provider.find_chargeback(dispute_id)
        assert found
        assert found.status == status

    assert found
    assert (found.order_id, found.payment_id, found.money.amount) == ("A-1", asked.payment_id, 700)
    assert await provider.find_chargeback(inquiry) is None
    assert await provider.find_chargeback("dp_unknown") is None


async def test_stripes_records_can_be_compared_with_the_ledger(
    peer: Peer, provider: StripeProvider
) -> None:
    """R17, case 24: payments, refunds and chargebacks, those of other business too."""
    asked = await paid(peer)
    money = Money(amount=500, currency=EUR)
    await peer.checkout.pay("A-2", money, DECLINED)
    foreign = await peer.checkout.pay("not/an/order", money)
    await provider.refund(asked)
    await peer.front.fail(asked.refund_id)
    await peer.front.dispute(foreign, 300)
    lost = await paid(peer, 3)
    peer.front.end_dispute(await peer.front.dispute(lost.payment_id), "lost")
    await peer.front.dispute(asked.payment_id, status="warning_needs_response")

    payments = [it async for it in provider.payments(LONG_AGO)]
    (refund,) = [it async for it in provider.refunds(LONG_AGO)]
    chargebacks = [it async for it in provider.chargebacks(LONG_AGO)]

    assert {(it.order_id, it.money.amount, it.status) for it in payments} == {
        ("A-1", 2490, "succeeded"),
        ("A-2", 500, "failed"),
        (None, 500, "succeeded"),
        ("A-3", 2490, "succeeded"),
    }
    assert (refund.refund_id, refund.order_id) == ("A-1-refund-1", "A-1")
    assert (refund.payment_id, refund.money) == (asked.payment_id, asked.money)
    assert (refund.status, refund.reason) == (RefundStatus.FAILED, "expired_or_canceled_card")
    assert refund.provider_id.startswith("re_")
    assert {(it.order_id, it.money.amount, it.status) for it in chargebacks} == {
        (None, 300, "opened"),
        ("A-3", 2490, "lost"),
    }


async def test_records_begin_at_the_requested_instant(peer: Peer, provider: StripeProvider) -> None:
    asked = await paid(peer)
    await provider.refund(asked)
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    records: list[Any] = [it async for it in provider.payments(tomorrow)]
    records += [it async for it in provider.refunds(tomorrow)]
    records += [it async for it in provider.chargebacks(tomorrow)]

    assert records == []
