"""Stripe's webhooks: verified, and parsed into provider events (R5, R6, R15, R23; cases 13-15, 49).

EventError
├── NoSecret      no signing secret is configured, so that nothing can be trusted
├── NotSigned     the signature is missing, wrong or too old
├── EventTooLarge the body is larger than any event
└── Unreadable    signed by Stripe, but not as its documentation describes

The same event may come twice, and events come in any order (docs.stripe.com/webhooks): what they say of a
refund or a chargeback may be out of date. Messages carry the event's id as ``message_id``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final

from pydantic import BaseModel, Field, SecretStr, ValidationError

from activities.provider_events import (
    ChargebackEvent,
    EventData,
    PaymentDeclinedEvent,
    PaymentEvent,
    ProviderEvent,
    RefundEvent,
)
from activities.refunds import ProviderRefusal
from adapters.stripe.codes import (
    REFUND_ID,
    WORKFLOW_ID,
    chargeback_status,
    in_utc,
    our_order,
    refund_status,
    word,
)
from adapters.stripe.money import from_stripe
from orders.messages import ChargebackReported, PaymentDeclined, PaymentReceived, RefundUpdate

TOLERANCE: Final = timedelta(seconds=300)
"""The greatest age of a signature, and difference between clocks."""

LARGEST: Final = 1024 * 1024
"""Bytes of a body."""


class EventError(Exception):
    """A rejected webhook; the text contains neither secrets nor anything from the body."""


class NoSecret(EventError):
    """No signing secret is configured; every webhook is rejected."""


class NotSigned(EventError):
    """The signature is missing, wrong or too old."""


class EventTooLarge(EventError):
    """More than ``LARGEST``."""


class Unreadable(EventError):
    """Signed, but not as Stripe's documentation describes."""


def read_event(
    body: bytes, signature: str | None, secrets: Sequence[SecretStr], now: datetime
) -> ProviderEvent:
    """Parse a webhook's body, signed (``Stripe-Signature``) with one of the secrets within ``TOLERANCE``.

    Several secrets are valid while one is being rotated. Raises EventError.
    """
    if len(body) > LARGEST:
        raise EventTooLarge("This is larger than any event of Stripe's.")
    _must_be_signed(body, signature, secrets, now)
    try:
        event = _Event.model_validate_json(body)
        return ProviderEvent(
            event_id=event.id,
            digest=sha256(body).hexdigest(),
            at=in_utc(event.created),
            data=_data(event, body),
        )
    except ValidationError as error:
        fields = {".".join(map(str, problem["loc"])) or "body" for problem in error.errors()}
        named = ", ".join(sorted(fields)[:5])[:200]
        raise Unreadable(f"This event is not what Stripe's documentation says: {named}.") from None
    except (ProviderRefusal, OverflowError, ValueError):
        raise Unreadable("This event names an amount or an instant that there is not.") from None


def _must_be_signed(
    body: bytes, signature: str | None, secrets: Sequence[SecretStr], now: datetime
) -> None:
    keys = [key for secret in secrets if (key := secret.get_secret_value().strip())]
    if not keys:
        raise NoSecret("No signing secret is set: no webhook is taken.")
    if not signature:
        raise NotSigned("The header Stripe-Signature is missing.")
    # The SDK's constant-time comparison accepts ASCII only.
    if not signature.isascii() or not any(_is_by(body, signature, key) for key in keys):
        raise NotSigned("The signature does not belong to this body.")
    if abs(now - _signed_at(signature)) > TOLERANCE:
        raise NotSigned("The signature is too old, or a clock is wrong.")


def _is_by(body: bytes, signature: str, secret: str) -> bool:
    import stripe  # an extra, installed only where Stripe is configured

    try:
        # Without the SDK's tolerance, which uses the machine's clock and accepts future timestamps.
        stripe.WebhookSignature.verify_header(body, signature, secret)
    except (stripe.SignatureVerificationError, UnicodeError):
        return False
    return True


def _signed_at(signature: str) -> datetime:
    # The first, as in the SDK: any other one was not signed.
    first = next(part for part in signature.split(",") if part.startswith("t="))
    try:
        return in_utc(int(first.removeprefix("t=")))
    except (OverflowError, ValueError):
        raise NotSigned("The signature names an instant that there is not.") from None


class _Named(BaseModel):
    """A Stripe object, with only the fields that are used."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]


class _Method(BaseModel):
    type: str


class _Charge(_Named):
    amount: int
    amount_captured: int
    currency: str
    created: int
    metadata: dict[str, str] | None = None
    payment_method_details: _Method | None = None
    failure_code: str | None = None


class _Refund(_Named):
    status: str | None = None
    charge: str | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None


class _ChargeOfDispute(_Named):
    metadata: dict[str, str] | None = None


class _Dispute(_Named):
    amount: int
    currency: str
    status: str
    reason: str
    charge: str | _ChargeOfDispute


class _Charged(BaseModel):
    object: _Charge


class _Refunded(BaseModel):
    object: _Refund


class _Disputed(BaseModel):
    object: _Dispute


class _Event(_Named):
    type: str
    created: int


class _OfCharge(_Event):
    data: _Charged


class _OfRefund(_Event):
    data: _Refunded


class _OfDispute(_Event):
    data: _Disputed


def _data(event: _Event, body: bytes) -> EventData | None:
    match event.type:
        case "charge.succeeded":
            return _paid(event.id, _OfCharge.model_validate_json(body).data.object)
        case "charge.failed":
            return _declined(event.id, _OfCharge.model_validate_json(body).data.object)
        case "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated":
            return _refunded(event.id, _OfRefund.model_validate_json(body).data.object)
        case (
            "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.closed"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated"
        ):
            return _disputed(event.id, _OfDispute.model_validate_json(body).data.object)
        case _:
            return None


def _paid(event_id: str, charge: _Charge) -> PaymentEvent | None:
    order_id = our_order(charge.metadata)
    if order_id is None or charge.amount_captured == 0:  # for no order, or only authorised
        return None
    method = charge.payment_method_details
    return PaymentEvent(
        order_id=order_id,
        message=PaymentReceived(
            message_id=event_id,
            payment_id=charge.id,
            money=from_stripe(charge.amount_captured, charge.currency),
            method=method.type if method else "unknown",
            paid_at=in_utc(charge.created),
        ),
    )


def _declined(event_id: str, charge: _Charge) -> PaymentDeclinedEvent | None:
    order_id = our_order(charge.metadata)
    if order_id is None:
        return None
    return PaymentDeclinedEvent(
        order_id=order_id,
        message=PaymentDeclined(
            message_id=event_id, payment_id=charge.id, reason=word(charge.failure_code)
        ),
    )


def _refunded(event_id: str, refund: _Refund) -> RefundEvent | None:
    metadata = refund.metadata or {}
    if REFUND_ID not in metadata:
        return None
    return RefundEvent(
        workflow_id=metadata.get(WORKFLOW_ID),
        payment_id=refund.charge,
        message=RefundUpdate(
            message_id=event_id,
            refund_id=metadata[REFUND_ID],
            status=refund_status(refund.status),
            reason=word(refund.failure_reason),
        ),
    )


def _disputed(event_id: str, dispute: _Dispute) -> ChargebackEvent | None:
    status = chargeback_status(dispute.status)
    charge = dispute.charge
    order_id = None if isinstance(charge, str) else our_order(charge.metadata)
    if status is None or (order_id is None and not isinstance(charge, str)):
        return None
    return ChargebackEvent(
        chargeback_id=dispute.id,
        order_id=order_id,
        message=ChargebackReported(
            message_id=event_id,
            payment_id=charge if isinstance(charge, str) else charge.id,
            money=from_stripe(dispute.amount, dispute.currency),
            status=status,
            reason=word(dispute.reason),
        ),
    )
