"""The provider's news: payments, refunds and chargebacks (R5, R6, R7, R14, R15, R23)."""

from datetime import datetime

from orders import messages as m
from orders.chargebacks import (
    chargeback_step,
    contradiction,
    note_chargeback,
    taken_by_bank,
)
from orders.closing import (
    close,
    lapse_offers,
    must_be_stopped,
    refund_news,
    settle_money,
)
from orders.errors import RefusalCode
from orders.lifecycle import Problem, enter
from orders.messages import Role
from orders.order import (
    CloseReason,
    DisputeOutcome,
    Order,
    Payment,
    Refund,
    Shipment,
    Status,
)
from orders.sentences import sentence

# Of a buyer who tries one card after the other; a payment can't be mistaken for one that is forgotten.
_MOST_DECLINED = 200


def on_payment(order: Order, message: m.PaymentReceived, at: datetime) -> None:
    """R5: exactly what is due has come in; it is checked for a day."""
    order.payment = Payment(
        payment_id=message.payment_id,
        money=message.money,
        method=message.method,
        status="in_review",
        paid_at=message.paid_at,
        received_at=at,
        review_ends_at=at + order.policy.payment_review,
    )
    order.amount_paid = message.money
    amount = message.money.amount
    order.post(at, f"payment/{message.payment_id}", cash=amount, held=-amount)
    enter(order, message.name, Status.PAYMENT_REVIEW, at)
    order.happened(
        at,
        "payment_received",
        Role.PROVIDER,
        payment_id=message.payment_id,
        money=message.money.model_dump(mode="json"),
    )
    order.tell(
        at,
        "payment_received",
        Role.BUYER,
        Role.SELLER,
        review_ends_at=order.payment.review_ends_at.isoformat(),
    )


def payment_problem(order: Order, message: m.PaymentReceived) -> Problem:
    """R5: a payment counts when amount and currency are exactly what is due."""
    if message.money == order.amount_due:
        return None
    return (
        RefusalCode.WRONG_AMOUNT,
        sentence(
            "Due is exactly {due}, but {came} came; it goes back in full.",
            due=order.amount_due,
            came=message.money,
        ),
    )


def contradicts(order: Order, message: m.PaymentReceived) -> bool:
    """Whether the provider said before that this payment was declined, or of another amount."""
    payment = order.payment
    is_ours = payment is not None and payment.payment_id == message.payment_id
    return message.payment_id in order.declined_unseen or (
        is_ours and payment is not None and payment.money != message.money
    )


def on_payment_declined(order: Order, message: m.PaymentDeclined, at: datetime) -> None:
    """R6: the provider turned a payment down; the 20 days go on from where they started."""
    order.declined_payments = [*order.declined_payments, message.payment_id][-_MOST_DECLINED:]
    payment = order.payment
    order.happened(
        at,
        "payment_declined",
        Role.PROVIDER,
        payment_id=message.payment_id,
        reason=message.reason,
    )
    if payment is None or payment.payment_id != message.payment_id:
        order.declined_unseen = [*order.declined_unseen, message.payment_id][-_MOST_DECLINED:]
        return
    amount = payment.money.amount - order.amount_charged_back.amount
    order.post(at, f"payment-declined/{message.payment_id}", held=amount, cash=-amount)
    payment.status = "declined"
    payment.declined_reason = message.reason
    payment.decided_at = at
    payment.chargeback = None
    order.amount_paid = order.amount_paid.of(0)
    order.amount_charged_back = order.amount_charged_back.of(0)
    enter(order, message.name, Status.AWAITING_PAYMENT, at)
    if at < order.pay_by:
        order.tell(
            at,
            "payment_declined",
            Role.BUYER,
            Role.SELLER,
            reason=message.reason,
            pay_by=order.pay_by.isoformat(),
        )
    else:
        order.tell(at, "payment_declined_late", Role.BUYER, Role.SELLER, reason=message.reason)


def accept_payment(order: Order, at: datetime) -> None:
    """R7: the check is over; the order awaits shipment."""
    if order.payment is None:
        raise AssertionError("a payment in review is there")
    order.payment.status = "accepted"
    order.payment.decided_at = at
    window = order.policy.shipment_window
    # From the check's end, not from when a worker saw it: deadlines don't depend on outages.
    checked = order.payment.review_ends_at
    order.shipment = Shipment(ship_by=checked + window if window else None)
    lapse_offers(order, "discount", "bonus")
    enter(order, "payment_accepted", Status.AWAITING_SHIPMENT, at)
    order.happened(at, "payment_accepted", Role.SYSTEM)
    order.tell(at, "payment_accepted", Role.BUYER)
    if not order.open_chargeback:
        order.tell(at, "payment_accepted", Role.SELLER)


def on_refund_update(order: Order, message: m.RefundUpdate, at: datetime) -> None:
    """R15: news of a refund."""
    refund = find_refund(order, message.refund_id)
    if refund:
        refund_news(order, refund, message.status, message.reason, at)


def refund_update_problem(order: Order, message: m.RefundUpdate) -> Problem:
    """The refund must be this order's."""
    if find_refund(order, message.refund_id):
        return None
    return (
        RefusalCode.UNKNOWN_REFUND,
        sentence("This order has no refund {refund_id}.", refund_id=message.refund_id),
    )


def find_refund(order: Order, refund_id: str) -> Refund | None:
    """A refund of this order by its id, also one that was stopped."""
    return next((refund for refund in order.refunds if refund.refund_id == refund_id), None)


def on_chargeback(order: Order, message: m.ChargebackReported, at: datetime) -> None:
    """R23: the buyer's bank took money back, or the case ended."""
    payment = order.payment
    if payment is None:
        raise AssertionError("lifecycle lets only a paid order be charged back")
    taken = taken_by_bank(payment, message)
    money = message.money.model_dump(mode="json")
    for what in note_chargeback(payment, message, at):
        order.happened(at, what, Role.PROVIDER, money=money)
        order.tell(at, what, Role.SUPPORT, Role.SELLER)
    if taken:
        _take_charged_back(order, taken, at)
    if order.refund and must_be_stopped(order.refund, message, taken):
        order.refund.stopping = True
    if message.status == "lost" and payment.status == "in_review":
        payment.status = "charged_back"
        payment.decided_at = at
    all_of_it = order.amount_charged_back == order.amount_paid
    if message.status == "lost" and all_of_it and order.is_open:
        close(
            order,
            at,
            message.name,
            CloseReason.CHARGED_BACK,
            Role.PROVIDER,
            outcome=DisputeOutcome.BUYER_FAVOUR,
        )
    elif message.status != "opened":
        settle_money(order, at)


def chargeback_problem(payment: Payment | None, message: m.ChargebackReported) -> Problem:
    """It must be about this payment of the order, not more than was paid, and not decided yet."""
    if payment is None or payment.payment_id != message.payment_id:
        return (
            RefusalCode.NOT_IN_THIS_STATUS,
            sentence("Payment {payment_id} is not this order's.", payment_id=message.payment_id),
        )
    if payment.status == "declined":
        return (
            RefusalCode.NOT_IN_THIS_STATUS,
            sentence(
                "Payment {payment_id} was declined; no money of it was taken.",
                payment_id=message.payment_id,
            ),
        )
    return contradiction(payment, message)


def _take_charged_back(order: Order, amount: int, at: datetime) -> None:
    # What is taken comes out of what is held, then off the seller's; what is given back goes the other way.
    if amount > 0:
        held = min(amount, -order.books.of("held"))
    else:
        held = amount + min(-amount, max(order.books.of("seller"), 0))
    legs = {"held": held, "seller": amount - held, "cash": -amount}
    payment_id = order.payment.payment_id if order.payment else ""
    order.post(at, chargeback_step(payment_id, order.count("chargeback posting")), **legs)
    order.amount_charged_back = order.amount_charged_back.of(
        order.amount_charged_back.amount + amount
    )
