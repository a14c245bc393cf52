"""Stripe's webhooks: what is taken, what is refused, and what is none of our business."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from activities.provider_events import EventSubject, ProviderEvent, SubjectKind
from adapters.stripe.events import (
    LARGEST,
    EventError,
    EventTooLarge,
    NoSecret,
    NotSigned,
    Unreadable,
    read_event,
)
from testing.stripe.webhooks import signature

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "whsec_canary_one"
OTHER = "whsec_canary_two"

CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 2490,
    "amount_captured": 2490,
    "currency": "eur",
    "created": int(NOW.timestamp()) - 60,
    "metadata": {"unbuy_order_id": "A-1"},
    "payment_method_details": {"type": "card", "card": {"last4": "4242"}},
    "failure_code": None,
    "status": "succeeded",
}
REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 2490,
    "currency": "eur",
    "charge": "ch_1",
    "status": "pending",
    "metadata": {"refund_id": "A-1-refund-1", "process": "order-A-1"},
}
DISPUTE = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 1000,
    "currency": "eur",
    "charge": "ch_1",
    "status": "needs_response",
    "reason": "fraudulent",
    "metadata": {},
}


def event(kind: str | None = "charge.succeeded", what: Any = CHARGE, **fields: Any) -> bytes:
    made = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": int(NOW.timestamp()),
        "data": {"object": what},
    }
    return json.dumps(made | fields).encode()


def read(
    body: bytes, *, secret: str = SECRET, at: datetime = NOW, secrets: tuple[str, ...] = (SECRET,)
) -> ProviderEvent:
    signed = signature(body, secret, at.timestamp())
    return read_event(body, signed, [SecretStr(it) for it in secrets], NOW)


def subject(kind: str, what: Any, **fields: Any) -> EventSubject | None:
    return read(event(kind, what, **fields)).subject


# What is taken: what it is about, and nothing of what it says.


def test_an_event_has_an_id_and_a_type() -> None:
    taken = read(event())

    assert (taken.event_id, taken.type) == ("evt_1", "charge.succeeded")


@pytest.mark.parametrize("kind", ["succeeded", "captured", "pending", "failed", "expired"])
def test_an_event_of_a_charge_is_about_a_payment(kind: str) -> None:
    """R1a, R5, R6, case 63."""
    about = EventSubject(kind=SubjectKind.PAYMENT, id="ch_1")

    assert subject(f"charge.{kind}", CHARGE) == about


def test_an_intent_in_processing_is_about_its_charge() -> None:
    """R1a, case 63."""
    intent = {"id": "pi_1", "latest_charge": "ch_1", "metadata": CHARGE["metadata"]}
    about = EventSubject(kind=SubjectKind.PAYMENT, id="ch_1")

    assert subject("payment_intent.processing", intent) == about
    assert subject("payment_intent.processing", intent | {"latest_charge": None}) is None


@pytest.mark.parametrize(
    "kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"]
)
@pytest.mark.parametrize("metadata", [REFUND["metadata"], {}, None])
def test_an_event_of_a_refund_is_about_it_whoever_asked_for_it(kind: str, metadata: Any) -> None:
    """R15, R24: whose it is, its charge says."""
    about = EventSubject(kind=SubjectKind.REFUND, id="re_1")

    assert subject(kind, REFUND | {"metadata": metadata}) == about


def test_a_refunded_charge_is_about_all_its_refunds() -> None:
    """R24."""
    about = EventSubject(kind=SubjectKind.REFUNDS_OF_PAYMENT, id="ch_1")

    assert subject("charge.refunded", CHARGE) == about


@pytest.mark.parametrize(
    "kind", ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"]
)
def test_an_event_of_a_dispute_is_about_a_chargeback(kind: str) -> None:
    """R23: whose it is, its charge says."""
    about = EventSubject(kind=SubjectKind.CHARGEBACK, id="dp_1")

    assert subject(f"charge.dispute.{kind}", DISPUTE) == about


def test_an_event_is_the_same_however_it_is_rendered() -> None:
    """Case 60: ``pending_webhooks`` counts down, and two versions of the API say it differently."""
    first = read(event())
    reordered = json.dumps(dict(reversed(json.loads(event()).items()))).encode()

    assert read(event(pending_webhooks=3, api_version="2012-09-24")) == first
    assert read(event(what=CHARGE | {"amount": 1})) == first
    assert read(reordered) == first


# What is none of our business.


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("charge.succeeded", CHARGE | {"metadata": {}}),
        ("charge.succeeded", CHARGE | {"metadata": None}),
        ("charge.succeeded", CHARGE | {"metadata": {"unbuy_order_id": "not an order"}}),
        ("charge.succeeded", CHARGE | {"metadata": {"unbuy_order_id": 1}}),
        ("charge.succeeded", {"id": "ch_" + "1" * 300, "metadata": {"their": ["own"]}}),
        ("charge.failed", {"metadata": {}}),
        ("charge.refunded", CHARGE | {"metadata": {}}),
        ("payment_intent.processing", {"id": "pi_1", "latest_charge": "ch_1"}),
        ("refund.updated", {"metadata": {}}),
        ("refund.updated", REFUND | {"id": "no/id"}),
        ("charge.dispute.created", {"charge": "ch_1", "amount": 1000, "status": "lost"}),
        ("charge.succeeded", "ch_1"),
        ("charge.succeeded", None),
    ],
)
def test_events_of_other_business_of_the_account_are_ignored(kind: str, what: Any) -> None:
    """Also those that look as no charge, refund or dispute of ours could."""
    assert subject(kind, what) is None


@pytest.mark.parametrize("kind", ["charge.succeeded", "refund.updated", "charge.dispute.closed"])
def test_events_of_connected_accounts_are_ignored(kind: str) -> None:
    """Their money is not ours to refund, whatever the metadata says."""
    assert subject(kind, CHARGE, account="acct_1") is None
    assert subject(kind, CHARGE, account=None)


@pytest.mark.parametrize(
    "body",
    [
        event("payment_intent.succeeded", CHARGE),
        event("customer.created", {"whatever": 1}),
        event("customer.created", id="evt/" + "1" * 500, created="2026-01-01T00:00:00.000Z"),
        b'{"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered",'
        b' "created": "2026-01-01T12:00:00.000Z", "related_object": {"id": "mtr_1"}}',
        b'{"id": "evt_1", "object": "v2.core.event", "type": "charge.succeeded", "created": "2026"}',
    ],
)
def test_events_of_other_types_and_shapes_are_ignored(body: bytes) -> None:
    """Thin events (v2) have no data."""
    assert read(body).subject is None


@pytest.mark.parametrize("length", [64, 81, 255])
def test_ids_may_be_as_long_as_stripe_says(length: int) -> None:
    event_id, charge_id = "evt_".ljust(length, "1"), "ch_".ljust(length, "1")

    taken = read(event(what=CHARGE | {"id": charge_id}, id=event_id))

    assert taken.event_id == event_id
    assert taken.subject == EventSubject(kind=SubjectKind.PAYMENT, id=charge_id)


# What is refused (case 49).


def test_without_a_secret_every_event_is_refused() -> None:
    for secrets in ((), ("",), ("  ",)):
        with pytest.raises(NoSecret):
            read(event(), secrets=secrets)


@pytest.mark.parametrize(
    "signed",
    [
        None,
        "",
        "t=1",
        "v1=00",
        "nonsense",
        "t=x,v1=00",
        f"t={int(NOW.timestamp())},v1={'0' * 64}",
        f"t={int(NOW.timestamp())},v1=ż",
        f"t={'9' * 5000},v1=00",
    ],
)
def test_an_unsigned_event_is_refused(signed: str | None) -> None:
    with pytest.raises(NotSigned):
        read_event(event(), signed, [SecretStr(SECRET)], NOW)


def test_an_altered_body_is_refused() -> None:
    signed = signature(event(), SECRET, NOW.timestamp())
    altered = event(what=CHARGE | {"amount_captured": 1})

    with pytest.raises(NotSigned, match="does not belong to this body"):
        read_event(altered, signed, [SecretStr(SECRET)], NOW)


@pytest.mark.parametrize("seconds", [-301, 301, -86_400 * 365, 86_400 * 365])
def test_an_old_or_future_signature_is_refused(seconds: int) -> None:
    with pytest.raises(NotSigned, match="too old"):
        read(event(), at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_small_clock_skew_is_tolerated(seconds: int) -> None:
    assert read(event(), at=NOW + timedelta(seconds=seconds)).subject


def test_the_signed_timestamp_is_the_one_that_is_checked() -> None:
    old = signature(event(), SECRET, (NOW - timedelta(days=1)).timestamp())
    fresh = int(NOW.timestamp())

    for forged in (f"{old},t={fresh}", f"t={fresh},{old}"):
        with pytest.raises(NotSigned):
            read_event(event(), forged, [SecretStr(SECRET)], NOW)


def test_a_signature_by_another_secret_is_refused() -> None:
    with pytest.raises(NotSigned):
        read(event(), secret=OTHER)


def test_both_secrets_are_valid_during_rotation() -> None:
    for secret in (SECRET, OTHER):
        assert read(event(), secret=secret, secrets=(SECRET, OTHER)).subject


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(EventTooLarge):
        read_event(b"x" * (LARGEST + 1), None, [], NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"id": "evt_1"}',
        b"[" * 100_000,
        b"\xff\xfe",
        event(id="evt_" + "1" * 300),
        event(id="evt_\x00"),
        event(id=1),
        event(kind=None),
    ],
)
def test_malformed_json_is_refused(body: bytes) -> None:
    """Case 17: what is no event, or one of ours without an id."""
    with pytest.raises((Unreadable, NotSigned)):
        read(body)


@pytest.mark.parametrize("body", [event(id="canary canary"), event()])
def test_errors_hold_neither_secrets_nor_bodies(body: bytes) -> None:
    """Case 54."""
    attempts: tuple[Callable[[], ProviderEvent], ...] = (
        lambda: read(body, secret=OTHER),
        lambda: read(body, secrets=()),
        lambda: read(body, at=NOW - timedelta(days=1)),
        lambda: read(b'{"canary": "canary"}'),
    )
    for attempt in attempts:
        with pytest.raises(EventError) as error:
            attempt()
        assert "canary" not in str(error.value)
        assert str(error.value).endswith(".")
