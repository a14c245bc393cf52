"""What an order asks of its buyer or its seller, and by when: read off its view, for lists."""

from collections.abc import Iterator
from enum import StrEnum

from orders.chargebacks import open_chargeback
from orders.lifecycle import Deadline
from orders.messages import RefundStatus, Role
from orders.offers import OfferKind
from orders.status import Status
from orders.support_queue import Need, waits_for_support
from orders.timeline import Event
from orders.values import Frozen, Instant
from orders.view import OrderView


class Ask(StrEnum):
    """What a buyer or a seller has to do about an order."""

    REPLY = "reply"
    PROVE_SHIPMENT = "prove_shipment"
    SHIP = "ship"
    PAY = "pay"
    ACT_ON_REFUND = "act_on_refund"
    CONSIDER_SETTLEMENT = "consider_settlement"
    CONSIDER_DISPUTE = "consider_dispute"

    @classmethod
    def answers(cls) -> frozenset["Ask"]:
        """Those that somebody waits for: all but the ordinary course of an order, paying and shipping."""
        return frozenset(cls) - {cls.PAY, cls.SHIP}


class PendingAsk(Frozen):
    """What is asked, and until when, if there is an end to it."""

    ask: Ask
    due_by: Instant | None


def asked_of(view: OrderView, role: Role) -> PendingAsk | None:
    """The most pressing thing that an order asks of its buyer or seller."""
    if view.terminated:
        return None
    asks = _of_buyer(view) if role is Role.BUYER else _of_seller(view)
    return next(asks, None)


def _of_seller(view: OrderView) -> Iterator[PendingAsk]:
    waiting = waits_for_support(view)
    if waiting and waiting.need is Need.PROOF:
        return
    match view.status:
        case Status.CANCELLATION_REQUESTED:
            yield PendingAsk(ask=Ask.REPLY, due_by=_end(view, Deadline.SELLER_NO_RESPONSE))
        case Status.PROOF_REQUESTED:
            yield PendingAsk(ask=Ask.PROVE_SHIPMENT, due_by=_end(view, Deadline.NO_PROOF))
        # R23: while a chargeback is open the seller is told not to ship.
        case Status.AWAITING_SHIPMENT if open_chargeback(view) is None:
            yield PendingAsk(ask=Ask.SHIP, due_by=_end(view, Deadline.SHIPMENT_EXPIRED))
        case _:
            pass


def _of_buyer(view: OrderView) -> Iterator[PendingAsk]:
    refund = view.refund
    if refund and refund.status is RefundStatus.REQUIRES_ACTION:
        yield PendingAsk(ask=Ask.ACT_ON_REFUND, due_by=refund.act_by)
    if any(it.is_open and it.kind is OfferKind.SETTLEMENT for it in view.offers):
        ends = _end(view, Deadline.DISPUTE_EXPIRED, Deadline.DISPUTE_EXPIRED_SHIPPED)
        yield PendingAsk(ask=Ask.CONSIDER_SETTLEMENT, due_by=ends)
    if _is_offered_a_dispute(view):
        yield PendingAsk(ask=Ask.CONSIDER_DISPUTE, due_by=_end(view, Deadline.SHIPMENT_EXPIRED))
    # R1a: nobody whose payment is under way is to pay.
    if view.status is Status.AWAITING_PAYMENT and view.payment is None:
        yield PendingAsk(ask=Ask.PAY, due_by=_end(view, Deadline.PAYMENT_EXPIRED))


def _is_offered_a_dispute(view: OrderView) -> bool:
    """R12: whether there is ground for one that the policy leaves to the buyer."""
    takes_one = any(
        it.action == "dispute_request" and it.available for it in view.actions.get(Role.BUYER, ())
    )
    asked_anew = (Event.CANCELLATION_REQUESTED, Event.DISPUTE_OFFERED, Event.DISPUTE_OPENED)
    last = next((it.what for it in reversed(view.timeline) if it.what in asked_anew), None)
    return takes_one and last == Event.DISPUTE_OFFERED


def _end(view: OrderView, *deadlines: Deadline) -> Instant | None:
    return next((due.at for due in view.next if due.what in deadlines), None)
