"""Stripe's webhooks: verified, and parsed into provider events (cases 13-15, 49).

EventError
├── NoSecret      no signing secret is configured, so that nothing can be trusted
├── NotSigned     the signature is missing, wrong or too old
├── EventTooLarge the body is larger than any event
└── Unreadable    signed, but no event

Nothing is read but what an event is about, so it may be of any version of Stripe's API. What is not about a
charge, refund or dispute of this account, or about a charge for no order, is ignored, whatever it looks like.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError

from activities.provider_events import EventSubject, ProviderEvent, SubjectKind
from adapters.stripe.codes import in_utc, our_order

TOLERANCE: Final = timedelta(seconds=300)
"""The greatest age of a signature, and difference between clocks."""

LARGEST: Final = 256 * 1024
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
    """Signed, but no event."""


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
    except ValidationError:
        raise Unreadable("This is not an event of Stripe's.") from None
    # An event of a connected account is about its own money, which we could not refund.
    subject = None if event.account else _subject(event)
    if subject and not _ID.fullmatch(event.id):
        raise Unreadable("This event has no id.")
    return ProviderEvent(event_id=event.id, type=event.type, subject=subject)


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


_ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}")
"""What Stripe's ids look like (docs.stripe.com/upgrades: at most 255 characters)."""

_INTENT_PROCESSING: Final = "payment_intent.processing"
_KINDS: Final = {
    "charge.succeeded": SubjectKind.PAYMENT,
    "charge.captured": SubjectKind.PAYMENT,
    "charge.pending": SubjectKind.PAYMENT,
    "charge.failed": SubjectKind.PAYMENT,
    "charge.expired": SubjectKind.PAYMENT,
    _INTENT_PROCESSING: SubjectKind.PAYMENT,
    "charge.refunded": SubjectKind.REFUNDS_OF_PAYMENT,
    "charge.refund.updated": SubjectKind.REFUND,
    "refund.created": SubjectKind.REFUND,
    "refund.updated": SubjectKind.REFUND,
    "refund.failed": SubjectKind.REFUND,
    "charge.dispute.created": SubjectKind.CHARGEBACK,
    "charge.dispute.updated": SubjectKind.CHARGEBACK,
    "charge.dispute.closed": SubjectKind.CHARGEBACK,
    "charge.dispute.funds_withdrawn": SubjectKind.CHARGEBACK,
    "charge.dispute.funds_reinstated": SubjectKind.CHARGEBACK,
}
"""What the events that we take are about."""


class _Event(BaseModel):
    """An event, with only the fields that are used."""

    id: str
    type: str
    account: Any = None
    data: Any = None


def _subject(event: _Event) -> EventSubject | None:
    kind = _KINDS.get(event.type)
    about = event.data.get("object") if isinstance(event.data, Mapping) else None
    if kind is None or not isinstance(about, Mapping):
        return None
    # Charges say whose they are; of refunds and disputes the provider is asked.
    of_charge = kind in (SubjectKind.PAYMENT, SubjectKind.REFUNDS_OF_PAYMENT)
    if of_charge and our_order(about.get("metadata")) is None:
        return None
    subject_id = about.get("latest_charge" if event.type == _INTENT_PROCESSING else "id")
    if not isinstance(subject_id, str) or not _ID.fullmatch(subject_id):
        return None
    return EventSubject(kind=kind, id=subject_id)
