"""The contract's OrderView: what anyone may ask of an order, answered from its state."""

from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from orders.cancellations import Cancellation
from orders.chargebacks import Chargeback, moved_chargeback
from orders.choices import Choices, choices
from orders.closing import is_over
from orders.conversation import ChatMessage
from orders.disputes import Dispute
from orders.if_nothing import IfNothing
from orders.messages import MESSAGES, Role
from orders.offers import Offer
from orders.order import Order, Refused
from orders.outside_refunds import OutsideRefund
from orders.payments import Payment, PendingPayment
from orders.place_order import Line, Party, PlaceOrder
from orders.policy import Policy
from orders.refunds import Refund
from orders.refusals import refusal
from orders.schedule import ScheduledEvent, schedule
from orders.sentence_fields import Text, WithSentences
from orders.shipments import Shipment
from orders.status import CloseReason, Status
from orders.timeline import TimelineEntry
from orders.unmatched import ResolvedAmount
from orders.values import Balance, Frozen, Instant, Money

PEOPLE = (Role.BUYER, Role.SELLER, Role.SUPPORT)


class Action(WithSentences, Frozen):
    """Something a role can do, now or (``available_from``) later; ``reason`` says why not now.

    ``choices`` are by field the values that are taken now, where not every one is.
    """

    action: str
    available: bool
    available_from: Instant | None = None
    reason: Text | None = None
    choices: Choices = Field(default_factory=dict)


class OrderView(Frozen):
    """The answer to: what state is the order in, why, what happened, what comes, what can I do, where
    is the money. ``amount_held``, ``amount_owed_to_seller`` and ``amount_charged_back`` complete the
    money: paid = refunded + charged back + held + owed to the seller.
    """

    order_id: str
    buyer: Party
    seller: Party
    lines: tuple[Line, ...]
    shipping_price: Money
    policy: Policy
    rules: int = 1
    """The version of the rules that it lives by."""
    status: Status
    status_since: Instant
    close_reason: CloseReason | None
    placed_at: Instant
    closed_at: Instant | None
    amount_due: Money
    amount_paid: Money
    amount_refunded: Money
    amount_charged_back: Money
    amount_held: Money
    amount_owed_to_seller: Balance
    payment: Payment | PendingPayment | None
    cancellation: Cancellation | None
    shipment: Shipment | None
    dispute: Dispute | None
    refund: Refund | None
    earlier_refunds: list[Refund]
    chargebacks: list[Chargeback] = Field(default_factory=list)
    outside_refunds: list[OutsideRefund] = Field(default_factory=list)
    unmatched: list[Balance] = Field(default_factory=list)
    unmatched_resolutions: list[ResolvedAmount] = Field(default_factory=list)
    offers: list[Offer]
    messages: list[ChatMessage]
    timeline: list[TimelineEntry]
    refused: list[Refused]
    next: list[ScheduledEvent]
    actions: dict[Role, list[Action]]
    if_nothing: dict[Role, IfNothing] = Field(default_factory=dict)
    """What silence does, by who reads it. Added to what people are answered (``orders.if_nothing``)."""
    terminated: bool = False
    """Whether its workflow was ended from outside: nothing happens by itself any more."""

    @model_validator(mode="before")
    @classmethod
    def _as_stored_now(cls, data: Any) -> Any:
        return moved_chargeback(data)

    @property
    def payment_id(self) -> str | None:
        """The id of the payment that it took, or that is under way."""
        return self.payment.payment_id if self.payment else None


def view(order: Order) -> OrderView:
    """The order as everyone may see it, at the instant up to which it has handled time."""
    return OrderView(
        order_id=order.placed.order_id,
        buyer=order.placed.buyer,
        seller=order.placed.seller,
        lines=order.placed.lines,
        shipping_price=order.placed.shipping_price,
        policy=order.policy,
        rules=order.rules,
        status=order.status,
        status_since=order.status_since,
        close_reason=order.close_reason,
        placed_at=order.placed_at,
        closed_at=order.closed_at,
        amount_due=order.amount_due,
        amount_paid=order.amount_paid,
        amount_refunded=order.amount_refunded,
        amount_charged_back=order.amount_charged_back,
        amount_held=order.amount_paid.of(order.books.held_or_refunding),
        amount_owed_to_seller=Balance(
            amount=order.books.owed_to_seller, currency=order.amount_paid.currency
        ),
        payment=_payment(order),
        cancellation=order.cancellation,
        shipment=order.shipment,
        dispute=order.dispute,
        refund=order.refund,
        earlier_refunds=order.earlier_refunds,
        chargebacks=order.chargebacks,
        outside_refunds=order.outside_refunds,
        unmatched=order.unmatched,
        unmatched_resolutions=order.unmatched_resolutions,
        offers=order.offers,
        messages=order.messages,
        timeline=order.timeline,
        refused=order.refused,
        next=schedule(order),
        actions={role: actions(order, role) for role in PEOPLE},
    )


def _payment(order: Order) -> Payment | PendingPayment | None:
    """The payment that it took; R1a: the one under way, while there is no other."""
    if order.pending_payments and (order.payment is None or order.payment.is_declined):
        return order.pending_payments[-1]
    return order.payment


def actions(order: Order, role: Role) -> list[Action]:
    """What a buyer, a seller or support can do now, and what they can't, why, and from when."""
    listed = [_action(order, name) for name, message in MESSAGES.items() if role in message.senders]
    if role is Role.BUYER:
        # R3: paying now and adding to the cart again are the page's doing, not messages of the buyer.
        if order.status is Status.AWAITING_PAYMENT:
            listed.insert(0, Action(action="pay_now", available=True))
        if order.close_reason in CloseReason.unpaid():
            listed.insert(0, Action(action="reorder", available=True))
    return listed


def is_finished(view: OrderView) -> bool:
    """Whether the order's workflow has nothing left to do, so that what is stored is all there is."""
    return is_over(view)


def is_of(view: OrderView, placed: PlaceOrder) -> bool:
    """Whether an order was placed with these contents; discounts since then are no difference."""
    discounts = sum(
        offer.money.amount
        for offer in view.offers
        if offer.money and (offer.kind, offer.status) == ("discount", "accepted")
    )
    return (
        view.buyer == placed.buyer
        and view.seller == placed.seller
        and view.lines == placed.lines
        and view.shipping_price == placed.shipping_price
        and view.policy == placed.policy
        and view.amount_due.of(view.amount_due.amount + discounts) == placed.total
    )


def deadline(order: Order) -> datetime | None:
    """The search attribute OrderDeadline: the next instant at which something happens automatically.

    While a refund is overdue it stays at the day that was missed, so that a list of overdue orders is
    one query by this attribute.
    """
    if order.refund and order.refund.overdue and not order.refund.is_settled:
        return order.refund.due_by
    coming = schedule(order)
    return coming[0].at if coming else None


def _action(order: Order, name: str) -> Action:
    refused = refusal(order, name)
    if refused is None:
        return Action(action=name, available=True, choices=choices(order, name))
    return Action(
        action=name,
        available=False,
        available_from=refused.available_from,
        reason=refused.reason,
    )
