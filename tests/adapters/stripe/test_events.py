"""Stripe's webhooks: what is taken, what is refused, and what is none of our business."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic_extra_types.currency_code import Currency

from activities.provider_events import (
    ChargebackEvent,
    PaymentDeclinedEvent,
    PaymentEvent,
    ProviderEvent,
    RefundEvent,
)
from adapters.stripe.events import (
    LARGEST,
    EventError,
    EventTooLarge,
    NoSecret,
    NotSigned,
    Unreadable,
    read_event,
)
from orders.messages import (
    ChargebackReported,
    PaymentDeclined,
    PaymentReceived,
    RefundStatus,
    RefundUpdate,
)
from orders.values import Money
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


def event(kind: str = "charge.succeeded", what: Any = CHARGE, **fields: Any) -> bytes:
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


def data(kind: str, what: dict[str, Any], **but: Any) -> Any:
    return read(event(kind, what | but)).data


# What is taken.


def test_a_payment_is_for_its_order() -> None:
    """R5: what counts is what was taken, and the charge is the payment."""
    taken = read(event())

    assert taken.event_id == "evt_1"
    assert taken.at == NOW
    assert taken.data == PaymentEvent(
        order_id="A-1",
        message=PaymentReceived(
            message_id="evt_1",
            payment_id="ch_1",
            money=Money(amount=2490, currency=Currency("EUR")),
            method="card",
            paid_at=NOW - timedelta(minutes=1),
        ),
    )


def test_only_what_was_captured_is_paid() -> None:
    part = data("charge.succeeded", CHARGE, amount_captured=1000)

    assert part.message.money.amount == 1000
    assert data("charge.succeeded", CHARGE, amount_captured=0) is None


def test_a_failed_charge_is_a_declined_payment() -> None:
    """R6."""
    assert data(
        "charge.failed", CHARGE, amount_captured=0, failure_code="card_declined"
    ) == PaymentDeclinedEvent(
        order_id="A-1",
        message=PaymentDeclined(message_id="evt_1", payment_id="ch_1", reason="card_declined"),
    )


@pytest.mark.parametrize(
    "kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"]
)
@pytest.mark.parametrize("status", [*RefundStatus, None])
def test_an_event_of_a_refund_goes_to_the_workflow_that_asked_for_it(
    kind: str, status: str | None
) -> None:
    """R15."""
    assert data(kind, REFUND, status=status, failure_reason="lost_or_stolen_card") == RefundEvent(
        workflow_id="order-A-1",
        payment_id="ch_1",
        message=RefundUpdate(
            message_id="evt_1",
            refund_id="A-1-refund-1",
            status=RefundStatus(status or "pending"),
            reason="lost_or_stolen_card",
        ),
    )


@pytest.mark.parametrize("kind", ["created", "updated", "closed", "funds_withdrawn"])
@pytest.mark.parametrize(
    ("status", "ours"),
    [("needs_response", "opened"), ("under_review", "opened"), ("won", "won"), ("lost", "lost")],
)
def test_a_dispute_at_the_bank_is_a_chargeback(kind: str, status: str, ours: Any) -> None:
    """R23: whose order it is, the event may not say."""
    assert data(f"charge.dispute.{kind}", DISPUTE, status=status) == ChargebackEvent(
        chargeback_id="dp_1",
        order_id=None,
        message=ChargebackReported(
            message_id="evt_1",
            payment_id="ch_1",
            money=Money(amount=1000, currency=Currency("EUR")),
            status=ours,
            reason="fraudulent",
        ),
    )


def test_a_dispute_with_its_charge_says_whose_order_it_is() -> None:
    taken = data("charge.dispute.funds_reinstated", DISPUTE, status="won", charge=CHARGE)

    assert (taken.order_id, taken.message.payment_id) == ("A-1", "ch_1")


def test_a_redelivery_has_the_same_fingerprint_and_another_body_does_not() -> None:
    """Cases 13, 14: the digest tells a repeat from a body that was altered under the same id."""
    first, again = read(event()), read(event(), at=NOW - timedelta(seconds=200))
    altered = read(event(what=CHARGE | {"amount_captured": 1}))

    assert first == again
    assert altered.event_id == first.event_id
    assert altered.digest != first.digest


# What is none of our business.


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("charge.succeeded", CHARGE | {"metadata": {}}),
        ("charge.succeeded", CHARGE | {"metadata": None}),
        ("charge.succeeded", CHARGE | {"metadata": {"unbuy_order_id": "not an order"}}),
        ("charge.failed", CHARGE | {"metadata": {}}),
        ("refund.updated", REFUND | {"metadata": {"unbuy_order_id": "A-1"}}),
        ("refund.updated", REFUND | {"metadata": None, "charge": None, "status": None}),
        ("charge.dispute.created", DISPUTE | {"charge": CHARGE | {"metadata": {}}}),
    ],
)
def test_events_of_other_business_of_the_account_are_ignored(
    kind: str, what: dict[str, Any]
) -> None:
    assert read(event(kind, what)).data is None


@pytest.mark.parametrize(
    "status", ["warning_needs_response", "warning_under_review", "warning_closed", "prevented"]
)
def test_an_inquiry_moves_no_money(status: str) -> None:
    """R23."""
    assert data("charge.dispute.created", DISPUTE, status=status) is None


@pytest.mark.parametrize(
    "kind", ["charge.refunded", "payment_intent.succeeded", "customer.created", "charge.captured"]
)
def test_other_event_types_are_accepted_and_ignored(kind: str) -> None:
    assert read(event(kind, {"whatever": 1})).data is None


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
    assert read(event(), at=NOW + timedelta(seconds=seconds)).data


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
        assert read(event(), secret=secret, secrets=(SECRET, OTHER)).data


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
        event(id="evt_" + "x" * 100),
        event(created=10**30),
        event(what="ch_1"),
        event(what=CHARGE | {"amount_captured": -1}),
        event(what=CHARGE | {"amount_captured": 10**30}),
        event(what=CHARGE | {"amount_captured": "much"}),
        event(what=CHARGE | {"currency": "xxx"}),
        event(what=CHARGE | {"currency": "isk", "amount_captured": 50}),
        event("refund.updated", REFUND | {"status": "unheard_of"}),
        event("refund.updated", REFUND | {"metadata": {"refund_id": ""}}),
        event("charge.dispute.closed", DISPUTE | {"amount": 0}),
    ],
)
def test_malformed_json_is_refused(body: bytes) -> None:
    """Case 17: nothing that is no money of ours gets in."""
    with pytest.raises((Unreadable, NotSigned)):
        read(body)


@pytest.mark.parametrize("body", [event(what=CHARGE | {"currency": "canary"}), event()])
def test_errors_hold_neither_secrets_nor_bodies(body: bytes) -> None:
    """Case 54."""
    attempts: tuple[Callable[[], ProviderEvent], ...] = (
        lambda: read(body, secret=OTHER),
        lambda: read(body, secrets=()),
        lambda: read(body, at=NOW - timedelta(days=1)),
        lambda: read(event(what={"canary": "canary"})),
    )
    for attempt in attempts:
        with pytest.raises(EventError) as error:
            attempt()
        assert "canary" not in str(error.value)
        assert str(error.value).endswith(".")
