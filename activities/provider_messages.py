"""What a provider has on record, as messages to the workflow concerned (R1a, R5, R6, R15, R23, R24).

``said_at`` is an instant before the provider was asked.
"""

from collections.abc import Iterable
from datetime import datetime

from activities.provider_records import ProviderChargeback, ProviderPayment, ProviderRefund
from orders import keys
from orders.messages import (
    ChargebackReported,
    OutsideRefundReported,
    PaymentDeclined,
    PaymentPending,
    PaymentReceived,
    RefundUpdate,
)


def payment_message(
    payment: ProviderPayment, said_at: datetime
) -> PaymentReceived | PaymentPending | PaymentDeclined:
    """R1a, R5, R6: a payment that has come in, is under way, or has failed."""
    match payment.status:
        case "succeeded":
            return PaymentReceived(
                payment_id=payment.payment_id,
                money=payment.money,
                method=payment.method,
                paid_at=payment.at,
            )
        case "pending":
            return PaymentPending(
                payment_id=payment.payment_id,
                money=payment.money,
                method=payment.method,
                expected_by=payment.expected_by,
                said_at=said_at,
            )
        case "failed":
            return PaymentDeclined(
                payment_id=payment.payment_id, reason=payment.reason, said_at=said_at
            )


def is_own(refund: ProviderRefund) -> bool:
    """Whether a workflow of ours requested this refund, by its id."""
    parts = keys.read_refund_id(refund.refund_id or "", refund.payment_id)
    return parts is not None and parts.order_id in (None, refund.order_id)


def first_of_each_id(refunds: Iterable[ProviderRefund]) -> list[ProviderRefund]:
    """These refunds, of which only the first by an id of ours keeps it: another one nobody requested."""
    seen: set[str] = set()
    named = []
    for refund in sorted(refunds, key=lambda it: (it.at, it.provider_id)):
        is_first = refund.refund_id not in seen
        named.append(refund if is_first else refund.model_copy(update={"refund_id": None}))
        if refund.refund_id:
            seen.add(refund.refund_id)
    return named


def own_refund_message(refund: ProviderRefund, said_at: datetime) -> RefundUpdate:
    """R15: a refund that a workflow of ours requested."""
    return RefundUpdate(
        refund_id=refund.refund_id or "",
        status=refund.status,
        reason=refund.reason,
        act_by=refund.act_by,
        said_at=said_at,
    )


def outside_refund_message(refund: ProviderRefund, said_at: datetime) -> OutsideRefundReported:
    """R24: a refund as one that no workflow requested."""
    return OutsideRefundReported(
        payment_id=refund.payment_id,
        provider_refund_id=refund.provider_id,
        money=refund.money,
        status=refund.status,
        reason=refund.reason,
        said_at=said_at,
    )


def chargeback_message(chargeback: ProviderChargeback, said_at: datetime) -> ChargebackReported:
    """R23: a chargeback."""
    return ChargebackReported(
        payment_id=chargeback.payment_id,
        chargeback_id=chargeback.chargeback_id,
        money=chargeback.money,
        status=chargeback.status,
        reason=chargeback.reason,
        said_at=said_at,
    )
