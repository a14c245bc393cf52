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
    CarrierRecord,
    NotKnownYet,
    Tracking,
    TrackingCheck,
    number_in,
)
from orders.lifecycle import Verdict
from orders.tracking_numbers import TrackingVerdict
from tests.fakes import FakeRegistry, FakeRules

CHECK = TrackingCheck(order_id="A-1", number="RR 473 124 829 PL")


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
    carriers: Carrier | Hanging, since: timedelta = timedelta(0), is_local: bool = False
) -> TrackingVerdict:
    environment = ActivityEnvironment()
    info = environment.info
    environment.info = dataclasses.replace(
        info, current_attempt_scheduled_time=info.scheduled_time + since, is_local=is_local
    )
    duty = Tracking(FakeRules(), FakeRegistry(), carriers)
    verdict: TrackingVerdict = await environment.run(duty.verify_tracking, CHECK)
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


@pytest.mark.parametrize(
    "text",
    [
        "RR473124829PL",
        " rr 473 124 829 pl\n",
        "RR-473-124-829-PL",
        "RR\N{NON-BREAKING HYPHEN}473\N{EN DASH}124\N{NO-BREAK SPACE}829\N{ZERO WIDTH SPACE}PL",
        "\N{LEFT-TO-RIGHT MARK}RR473124829PL\N{ZERO WIDTH NO-BREAK SPACE}",
        "".join(chr(ord(char) + 0xFEE0) for char in "RR473124829PL"),  # full width
        "https://emonitoring.poczta-polska.pl/?numer=RR473124829PL",
        "https://example.org/track/2026/rr473124829pl?lang=pl&step=1#history",
        "https://example.org/track?n=RR%20473%20124%20829%20PL",
        "example.org/track/RR473124829PL",
    ],
)
def test_a_number_is_found_in_what_people_paste(text: str) -> None:
    """Case 70."""
    assert number_in(text) == "RR473124829PL"


@pytest.mark.parametrize("text", ["", "-", "://", "https://example.org/", "/."])
def test_text_without_a_number_gives_none(text: str) -> None:
    assert not any(map(str.isdigit, number_in(text)))
