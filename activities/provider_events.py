"""Events of a payment provider, in provider-neutral form (R1a, R5, R6, R15, R23, R24).

An event only says what has changed: events come in any order, twice and late, and what one of them says of
its subject may be out of date. The provider is asked how that stands (``activities.provider_records``).
"""

from enum import StrEnum, auto

from orders.values import Frozen


class SubjectKind(StrEnum):
    """What an event may be about."""

    PAYMENT = auto()
    REFUND = auto()
    REFUNDS_OF_PAYMENT = auto()
    """Any of a payment's refunds; the id is the payment's."""
    CHARGEBACK = auto()


class EventSubject(Frozen):
    """What has changed, by the provider's id."""

    kind: SubjectKind
    id: str


class ProviderEvent(Frozen):
    """An event as delivered. The same ``event_id`` and ``type`` is the same event.

    ``subject`` is None for an event to ignore.
    """

    event_id: str
    type: str
    subject: EventSubject | None
