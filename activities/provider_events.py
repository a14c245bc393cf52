"""Events of a payment provider, in provider-neutral form (R5, R6, R15, R23)."""

from orders.messages import ChargebackReported, PaymentDeclined, PaymentReceived, RefundUpdate
from orders.values import Frozen, Instant


class PaymentEvent(Frozen):
    """R5: a payment has come in for an order."""

    order_id: str
    message: PaymentReceived


class PaymentDeclinedEvent(Frozen):
    """R6: a payment for an order was declined."""

    order_id: str
    message: PaymentDeclined


class RefundEvent(Frozen):
    """R15: a refund has changed; ``workflow_id`` requested it, None if no workflow did."""

    workflow_id: str | None
    payment_id: str | None
    message: RefundUpdate


class ChargebackEvent(Frozen):
    """R23: a chargeback was opened or decided.

    ``order_id`` is None if the event does not name it; the provider can be asked by payment id.
    """

    chargeback_id: str
    order_id: str | None
    message: ChargebackReported


EventData = PaymentEvent | PaymentDeclinedEvent | RefundEvent | ChargebackEvent


class ProviderEvent(Frozen):
    """An event as delivered. ``digest`` tells a repeat from an id reused for another body (case 14).

    ``data`` is None for an event to ignore.
    """

    event_id: str
    digest: str
    at: Instant
    data: EventData | None
