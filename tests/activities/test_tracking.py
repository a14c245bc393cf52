"""Verifying a number, with a carrier service that answers, waits or is away (R11)."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import tracking
from activities.tracking import (
    LONGEST_OUTAGE,
    NOBODY_TO_ASK,
    NOT_KNOWN,
    USED_BY_ANOTHER_SELLER,
    USED_FOR_ANOTHER_BUYER,
    CarrierRecord,
    NotKnownYet,
    Tracking,
    TrackingCheck,
)
from orders.lifecycle import Verdict
from orders.tracking_numbers import TrackingVerdict
from tests.fakes import FakeRegistry, FakeRules

CHECK = TrackingCheck(
    order_id="A-1", seller_id="seller-1", buyer_id="buyer-1", number="RR 473 124 829 PL"
)
UNKNOWN = "U 473 124 829"


class Carrier:
    """Answers one thing."""

    def __init__(self, answer: CarrierRecord | Exception | None) -> None:
        self.answer = answer

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Hanging:
    """Never answers."""

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        await asyncio.Event().wait()
        raise AssertionError


async def verify(
    carriers: Carrier | Hanging | None,
    since: timedelta = timedelta(0),
    is_local: bool = False,
    registry: FakeRegistry | None = None,
    **changes: str,
) -> TrackingVerdict:
    environment = ActivityEnvironment()
    info = environment.info
    environment.info = dataclasses.replace(
        info, current_attempt_scheduled_time=info.scheduled_time + since, is_local=is_local
    )
    duty = Tracking(FakeRules(), registry or FakeRegistry(), carriers)
    check = CHECK.model_copy(update=changes)
    verdict: TrackingVerdict = await environment.run(duty.verify_tracking, check)
    return verdict


async def test_a_number_that_the_carrier_knows_is_good() -> None:
    """R11."""
    verdict = await verify(Carrier(CarrierRecord()))

    assert verdict == TrackingVerdict(verdict=Verdict.TRACKING_VALID, carrier="Post")


async def test_a_number_that_the_carrier_does_not_know_is_not() -> None:
    """R11."""
    verdict = await verify(Carrier(None))

    assert verdict == TrackingVerdict(
        verdict=Verdict.TRACKING_INVALID, carrier="Post", reason=NOT_KNOWN
    )


async def test_the_place_of_delivery_comes_with_the_verdict() -> None:
    """R11: an order knows no address; whoever knows it can compare."""
    verdict = await verify(Carrier(CarrierRecord(delivered_in="DE")))

    assert verdict.verdict is Verdict.TRACKING_VALID
    assert verdict.reason == "According to the carrier it was delivered in DE."


async def test_a_carrier_that_is_away_is_asked_again() -> None:
    with pytest.raises(ConnectionError):
        await verify(Carrier(ConnectionError()), LONGEST_OUTAGE - timedelta(seconds=1))


async def test_a_carrier_that_is_away_for_days_holds_up_nothing() -> None:
    """R11: an outage of ours, such as a key withdrawn, makes no seller lose a dispute."""
    verdict = await verify(Carrier(ConnectionError()), LONGEST_OUTAGE)

    assert verdict == TrackingVerdict(
        verdict=Verdict.TRACKING_VALID, carrier="Post", reason=NOBODY_TO_ASK
    )


async def test_a_carrier_that_hangs_counts_as_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "_PATIENCE", 0.01)

    verifying = asyncio.create_task(verify(Hanging()))
    gives_up = asyncio.create_task(verify(Hanging(), LONGEST_OUTAGE))
    await asyncio.wait({verifying, gives_up}, timeout=5)

    assert isinstance(verifying.exception(), TimeoutError)
    assert gives_up.result().reason == NOBODY_TO_ASK


@pytest.mark.parametrize("since", [timedelta(0), LONGEST_OUTAGE * 2])
async def test_a_number_that_is_not_known_yet_is_asked_for_again_however_long_it_takes(
    since: timedelta,
) -> None:
    """R11: it never becomes good by waiting."""
    with pytest.raises(ApplicationError) as raised:
        await verify(Carrier(NotKnownYet("Not yet.")), since)

    assert raised.value.type == "NotKnownYet"
    assert raised.value.next_retry_delay == timedelta(hours=1)


async def test_the_first_local_attempt_does_not_wait_an_hour() -> None:
    with pytest.raises(ApplicationError) as raised:
        await verify(Carrier(NotKnownYet("Not yet.")), is_local=True)

    assert raised.value.next_retry_delay is None


async def test_a_number_of_unknown_form_that_the_carrier_knows_is_good() -> None:
    """R11."""
    verdict = await verify(Carrier(CarrierRecord()), number=UNKNOWN)

    assert verdict == TrackingVerdict(verdict=Verdict.TRACKING_VALID)


async def test_a_number_of_unknown_form_that_no_carrier_knows_is_for_support() -> None:
    """R11, case 69: the service may have asked the wrong carrier."""
    verdict = await verify(Carrier(None), number=UNKNOWN)

    assert verdict == TrackingVerdict(verdict=Verdict.TRACKING_UNKNOWN, reason=NOT_KNOWN)


@pytest.mark.parametrize("carrier", [CarrierRecord(is_covered=False), ConnectionError()])
@pytest.mark.parametrize(
    ("number", "verdict"),
    [(CHECK.number, Verdict.TRACKING_VALID), (UNKNOWN, Verdict.TRACKING_UNKNOWN)],
)
async def test_where_nobody_can_be_asked_the_form_decides(
    carrier: CarrierRecord | Exception, number: str, verdict: Verdict
) -> None:
    """R11: the carrier is not covered, or away for two days."""
    found = await verify(Carrier(carrier), LONGEST_OUTAGE, number=number)

    assert found.verdict is verdict


async def test_a_number_of_wrong_form_is_wrong_without_asking_anybody() -> None:
    """R11."""
    verdict = await verify(Hanging(), number="SR473124829PL")

    assert verdict.verdict is Verdict.TRACKING_INVALID


@pytest.mark.parametrize("number", [CHECK.number, UNKNOWN])
async def test_one_parcel_serves_several_orders_of_a_seller_to_a_buyer(number: str) -> None:
    """R11, case 71."""
    registry = FakeRegistry()
    first = await verify(None, registry=registry, number=number)

    again = await verify(None, registry=registry, number=number)
    second = await verify(None, registry=registry, number=number, order_id="A-2")

    assert first == again == second
    assert first.verdict is not Verdict.TRACKING_INVALID


@pytest.mark.parametrize("number", [CHECK.number, UNKNOWN])
async def test_a_number_that_another_sellers_order_has_is_for_support(number: str) -> None:
    """R11, case 71: also when the stranger typed it first."""
    registry = FakeRegistry()
    await verify(None, registry=registry, number=number, order_id="A-7", seller_id="stranger")

    for buyer_id in ("buyer-1", "buyer-2"):
        verdict = await verify(None, registry=registry, number=number, buyer_id=buyer_id)

        assert verdict.verdict is Verdict.TRACKING_UNKNOWN
        assert verdict.reason == USED_BY_ANOTHER_SELLER
        assert verdict.other_order_id == "A-7"


@pytest.mark.parametrize("number", [CHECK.number, UNKNOWN])
async def test_a_number_that_the_seller_used_for_another_buyer_is_wrong(number: str) -> None:
    """R11."""
    registry = FakeRegistry()
    await verify(None, registry=registry, number=number)

    verdict = await verify(
        None, registry=registry, number=number, order_id="A-2", buyer_id="buyer-2"
    )

    assert verdict.verdict is Verdict.TRACKING_INVALID
    assert verdict.reason == USED_FOR_ANOTHER_BUYER
    assert verdict.other_order_id is None


async def test_two_spellings_of_a_number_are_one_number() -> None:
    """R11, case 70."""
    registry = FakeRegistry()
    await verify(None, registry=registry)

    verdict = await verify(
        None, registry=registry, number="BOX-RR-473124829-PL", order_id="A-2", seller_id="other"
    )

    assert verdict.other_order_id == "A-1"


async def test_a_wrong_number_is_nobodys() -> None:
    """R11: whoever mistypes a number does not take it from its owner."""
    registry = FakeRegistry()

    await verify(Carrier(None), registry=registry)

    assert not registry.used


@pytest.mark.parametrize(
    ("before", "verdict"),
    [
        ('{"valid": true, "carrier": "UPS", "reason": null}', Verdict.TRACKING_VALID),
        ('{"valid": false, "reason": "Wrong."}', Verdict.TRACKING_INVALID),
    ],
)
def test_a_verdict_of_an_earlier_version_is_read(before: str, verdict: Verdict) -> None:
    """R11: from a worker that knew two verdicts, or from a history."""
    assert TrackingVerdict.model_validate_json(before).verdict is verdict


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_crosses_json(verdict: Verdict) -> None:
    there = TrackingVerdict(verdict=verdict).model_dump_json()

    assert TrackingVerdict.model_validate_json(there).verdict is verdict


def test_a_check_of_an_earlier_version_is_read() -> None:
    """R11: it knew no parties."""
    check = TrackingCheck.model_validate_json(
        '{"order_id": "A-1", "number": "RR 1", "carrier": null}'
    )

    assert (check.seller_id, check.buyer_id) == ("", "")
