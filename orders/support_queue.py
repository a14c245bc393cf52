"""What waits for support, and since when (R11, R15, R16): read off an order's view."""

from datetime import datetime
from enum import StrEnum

from orders.lifecycle import Deadline
from orders.messages import RefundStatus
from orders.values import Frozen, Instant
from orders.view import OrderView


class Need(StrEnum):
    """What support has to do about an order."""

    TERMINATED = "terminated"
    REFUND_FAILED = "refund_failed"
    REFUND_OVERDUE = "refund_overdue"
    UNMATCHED = "unmatched"
    PROOF = "proof"
    DISPUTE = "dispute"


class Waiting(Frozen):
    """Something that only support can move, since an instant; at ``due_by`` it is settled without support."""

    need: Need
    since: Instant
    due_by: Instant | None = None


def waits_for_support(view: OrderView) -> Waiting | None:
    """The most pressing thing that an order needs of support: money first, then proofs, then disputes.

    Before all that its workflow is started again, as nothing happens without it.
    """
    if view.terminated:
        return Waiting(need=Need.TERMINATED, since=view.timeline[-1].at)
    refund = view.refund
    if refund and not refund.is_settled:
        if refund.status in (RefundStatus.FAILED, RefundStatus.CANCELED):
            since = refund.asked_at or refund.requested_at
            return Waiting(need=Need.REFUND_FAILED, since=since, due_by=refund.due_by)
        if refund.overdue:
            return Waiting(need=Need.REFUND_OVERDUE, since=refund.due_by)
    if view.unmatched:
        return Waiting(need=Need.UNMATCHED, since=_last_moved(view))
    if view.closed_at is None and view.shipment and (unseen := view.shipment.under_review):
        return Waiting(need=Need.PROOF, since=unseen[0].given_at, due_by=_end(view))
    if view.dispute and view.dispute.is_open:
        return Waiting(need=Need.DISPUTE, since=view.dispute.opened_at, due_by=_end(view))
    return None


_ENDS = frozenset(
    {
        Deadline.DISPUTE_EXPIRED,
        Deadline.DISPUTE_EXPIRED_SHIPPED,
        Deadline.NO_PROOF,
        Deadline.SHIPMENT_EXPIRED,
    }
)


def _end(view: OrderView) -> datetime | None:
    """When a proof or a dispute is settled without support."""
    return next((due.at for due in view.next if due.what in _ENDS), None)


def _last_moved(view: OrderView) -> datetime:
    """When the provider last took or gave back money without our asking.

    What it took of a payment goes with that when it is sent back (R17); what support has said of it stays.
    """
    chargebacks = (it.ended_at or it.opened_at for it in view.chargebacks)
    outside_refunds = (it.changed_at for it in view.outside_refunds)
    resolutions = (it.at for it in view.unmatched_resolutions)
    return max([*chargebacks, *outside_refunds, *resolutions])
