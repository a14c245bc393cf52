"""The stories of the demo: every ending of an order, reached by public messages only.

Each reads forward: somebody does something, days pass. Its expected ending stands above it. Its people write
in the current language.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cli import rendering
from demo.story import OrderStory
from i18n.catalogues import N_
from i18n.current import gettext
from orders import messages as m
from orders.errors import RefusalCode
from orders.messages import CancelReason, RefundStatus
from orders.place_order import Line, Party, PlaceOrder
from orders.status import CloseReason, Status
from orders.values import Money

PRICE = 4980
"""What an order of the demo costs, in minor units: 49.80 EUR or PLN, 4980 JPY."""


@dataclass(frozen=True)
class Ending:
    """How a story must end; money in minor units, 0 by default."""

    status: Status
    close_reason: CloseReason | None = None
    paid: int = PRICE
    refunded: int = 0
    charged_back: int = 0
    to_seller: int = 0
    sent_back: int = 0
    """R17: stray payments, refunded to their payer."""


@dataclass(frozen=True)
class Scenario:
    """A story for the demo to live through: its title, what happens, how it must end, in which currency."""

    title: str
    order_id: str
    happens: Callable[[OrderStory], Awaitable[object]]
    ends: Ending
    currency: str

    def order(self) -> PlaceOrder:
        """The order that the story is about."""
        return PlaceOrder(
            order_id=self.order_id,
            buyer=Party(id="buyer-7", name="Anna", locale="pl"),
            seller=Party(id="seller-3", name="Shop 3", locale="en"),
            lines=(
                Line(sku="CAB-2", title="USB-C cable", quantity=4, unit_price=self.money(1245)),
            ),
            shipping_price=self.money(0),
        )

    def money(self, amount: int) -> Money:
        """An amount in the story's currency."""
        return Money.model_validate({"amount": amount, "currency": self.currency})


SCENARIOS: list[Scenario] = []
"""All of them, in the order of the report."""


def scenario(
    title: str, ends: Ending, currency: str = "EUR"
) -> Callable[[Callable[[OrderStory], Awaitable[object]]], Scenario]:
    """Make a function a scenario of the demo; its order is named after it."""

    def register(happens: Callable[[OrderStory], Awaitable[object]]) -> Scenario:
        made = Scenario(title, happens.__name__.replace("_", "-"), happens, ends, currency)
        SCENARIOS.append(made)
        return made

    return register


SHIPPED = Ending(Status.SHIPPED, to_seller=PRICE)


def given_back(reason: CloseReason) -> Ending:
    """R14: closed, and all the money is back with the buyer."""
    return Ending(Status.CLOSED, reason, refunded=PRICE)


@scenario(N_("Unpaid for 20 days"), Ending(Status.CLOSED, CloseReason.PAYMENT_EXPIRED, paid=0))
async def unpaid_for_20_days(order: OrderStory) -> None:
    """R1: not paying is enough to cancel."""
    await order.days_pass(20)


@scenario(
    N_("Cancelled before it was paid"),
    Ending(Status.CLOSED, CloseReason.BUYER_CANCELED_UNPAID, paid=0),
    currency="PLN",
)
async def cancelled_before_it_was_paid(order: OrderStory) -> None:
    """R2: an unpaid order is the buyer's to cancel, without the seller's consent."""
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.FOUND_CHEAPER_PRICE))


@scenario(
    N_("Messages and a discount, then paid and shipped"),
    Ending(Status.SHIPPED, paid=PRICE - 500, to_seller=PRICE - 500),
    currency="PLN",
)
async def talked_into_paying(order: OrderStory) -> None:
    """R4, R5: seller and buyer talk, and a discount changes what is due."""
    await order.days_pass(4)
    await order.send(
        m.SellerMessage(
            topic="payment_question", text=gettext("Is something keeping you from paying?")
        )
    )
    await order.send(m.BuyerMessage(text=gettext("It is cheaper elsewhere.")))
    discount = order.placed.total.of(500)
    offered = await order.send(
        m.SellerMessage(
            topic="discount",
            text=gettext("Would {money} off do?", money=rendering.money(discount)),
            discount=discount,
        )
    )
    await order.days_pass(1)
    await order.send(m.OfferAcceptance(offer_id=offered.offers[0].offer_id))
    await order.pay()
    await order.days_pass(1)
    await order.until(Status.AWAITING_SHIPMENT)
    await order.send(m.TrackingNumber(number="RR473124829PL"))


@scenario(N_("Payment turned down, paid again, shipped"), SHIPPED)
async def paid_again(order: OrderStory) -> None:
    """R6: a payment turned down during the check leaves the rest of the 20 days."""
    await order.days_pass(2)
    declined = await order.pay()
    await order.send(
        m.PaymentDeclined(payment_id=declined, reason=gettext("The card was reported lost."))
    )
    await order.days_pass(10)
    await order.pay()
    await order.days_pass(1)
    await order.until(Status.AWAITING_SHIPMENT)
    await order.send(m.TrackingNumber(number="RB123456785GB"))


@scenario(N_("Cancel pressed during the check"), SHIPPED)
async def cancel_pressed_during_the_check(order: OrderStory) -> None:
    """R5: refused, with the instant from which it is possible; then the buyer thinks again."""
    await order.pay()
    await order.must_refuse(
        m.CancelRequest(reason=CancelReason.CHANGED_MIND), RefusalCode.PAYMENT_REVIEW_IN_PROGRESS
    )
    await order.days_pass(1)
    await order.until(Status.AWAITING_SHIPMENT)
    await order.send(m.TrackingNumber(number="1Z5R89390357567127"))


@scenario(N_("Cancelled after the check, seller confirms"), given_back(CloseReason.SELLER_ACCEPTED))
async def canceled_and_refunded(order: OrderStory) -> None:
    """R7, R9, R14: asked for, confirmed, and refunded within days."""
    await order.days_pass(2)
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await order.days_pass(2)
    await order.send(m.SellerReply(decision="accept"))
    await order.days_pass(3)


@scenario(N_("Seller silent for 14 days"), given_back(CloseReason.SELLER_NO_RESPONSE))
async def seller_silent(order: OrderStory) -> None:
    """R9: silence is consent."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.WONT_ARRIVE_IN_TIME))
    await order.days_pass(14)
    await order.until(Status.CLOSED)
    await order.days_pass(3)


@scenario(
    N_("Complaint, so a dispute beside the request"),
    given_back(CloseReason.DISPUTE_FULL_REFUND),
    currency="PLN",
)
async def complaint(order: OrderStory) -> None:
    """R8, R16: both run, and the decision, which comes first, settles the request too."""
    await order.pay()
    await order.days_pass(1)
    await order.send(
        m.CancelRequest(
            reason=CancelReason.DISTRUST_SELLER,
            complaint=True,
            note=gettext("The shop has a new name."),
        )
    )
    await order.days_pass(5)
    await order.send(m.DisputeDecision(decision="full_refund"))
    await order.days_pass(3)


@scenario(N_("“Already shipped”, with a right tracking number"), SHIPPED)
async def proved_by_number(order: OrderStory) -> None:
    """R10, R11: a number that proves right ends the cancellation."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.ORDER_MISTAKE))
    await order.days_pass(1)
    await order.send(m.SellerReply(decision="already_shipped", tracking_number="RR123456785PL"))


@scenario(
    N_("“Already shipped”, with a wrong number: dispute, partial refund"),
    Ending(
        Status.CLOSED, CloseReason.DISPUTE_PARTIAL_REFUND, refunded=3000, to_seller=PRICE - 3000
    ),
)
async def wrong_number(order: OrderStory) -> None:
    """R11, R12, R16: a wrong number opens a dispute, and support divides the money."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await order.send(m.SellerReply(decision="already_shipped", tracking_number="RR123456784PL"))
    await order.until(Status.DISPUTED)
    await order.days_pass(6)
    await order.send(
        m.DisputeDecision(decision="partial_refund", money=order.placed.total.of(3000))
    )
    await order.days_pass(3)


@scenario(N_("Photo proof, accepted by support"), SHIPPED)
async def photo_accepted(order: OrderStory) -> None:
    """R10, R11: people judge photos."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await order.days_pass(3)
    await order.send(m.SellerReply(decision="already_shipped", note=gettext("A photo follows.")))
    await order.send(
        m.ShipmentProof(
            kind="photo",
            reference="proofs/parcel.jpg",
            media_type="image/jpeg",
            size=182_044,
            sha256="9f" * 32,
        )
    )
    await order.days_pass(1)
    await order.send(m.ProofReview(accepted=True, note=gettext("Name and address can be read.")))


@scenario(N_("Cancellation withdrawn, then shipped"), SHIPPED)
async def withdrawn(order: OrderStory) -> None:
    """R18, R20a: the buyer takes the request back and gives the seller more time."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.WONT_ARRIVE_IN_TIME))
    await order.days_pass(2)
    await order.send(m.CancelWithdrawal())
    await order.send(m.ShipmentExtension(days=10))
    await order.days_pass(35)
    await order.until(Status.AWAITING_SHIPMENT)
    await order.send(m.TrackingNumber(number="986578788855", carrier="FedEx"))


@scenario(
    N_("Refund fails, is overdue, escalated, then settled"), given_back(CloseReason.SELLER_ACCEPTED)
)
async def refund_overdue(order: OrderStory) -> None:
    """R15: nothing is dropped because it took too long."""
    payment = await order.pay()
    await order.driver.fail_refunds_of(payment, gettext("The card was closed."))
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.ADDRESS_ISSUES))
    closed = await order.send(m.SellerReply(decision="accept"))
    await order.days_pass(20)
    if closed.refund:
        await order.driver.settle_refund(closed.refund.refund_id)
        await order.send(
            m.RefundUpdate(
                refund_id=closed.refund.refund_id,
                status=RefundStatus.SUCCEEDED,
                reason=gettext("Paid to the buyer's account instead."),
            )
        )


@scenario(
    N_("Payment that arrives after closing"),
    Ending(Status.CLOSED, CloseReason.PAYMENT_EXPIRED, paid=0, sent_back=PRICE),
)
async def paid_too_late(order: OrderStory) -> None:
    """R17: a stray payment is refunded by a separate workflow."""
    due = order.placed.total
    await order.days_pass(20)
    await order.must_end()
    payment = await order.send_stray_payment(due)
    await order.until_sent_back(payment)


@scenario(
    N_("Paid twice: the second payment goes back"),
    Ending(Status.SHIPPED, to_seller=PRICE, sent_back=PRICE),
    currency="JPY",
)
async def paid_twice(order: OrderStory) -> None:
    """R17: the order lives on with its first payment."""
    await order.pay()
    second = await order.send_stray_payment()
    await order.until_sent_back(second)
    await order.days_pass(1)
    await order.until(Status.AWAITING_SHIPMENT)
    await order.send(m.TrackingNumber(number="3318810025", carrier="DHL"))


@scenario(
    N_("Not shipped within 30 days"), given_back(CloseReason.SHIPMENT_EXPIRED), currency="JPY"
)
async def never_shipped(order: OrderStory) -> None:
    """R20: a paid order does not wait for ever."""
    await order.pay()
    await order.days_pass(1)
    await order.until(Status.AWAITING_SHIPMENT)
    await order.days_pass(30)
    await order.until(Status.CLOSED)
    await order.days_pass(3)


@scenario(
    N_("Seller refuses: dispute, decided for the seller"),
    Ending(Status.CLOSED, CloseReason.DISPUTE_NO_REFUND, to_seller=PRICE),
)
async def decided_for_the_seller(order: OrderStory) -> None:
    """R13, R16a: a refusal is ground for a dispute; goods that shipped may leave the seller the money."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await order.send(m.SellerReply(decision="refuse", note=gettext("It was made to measure.")))
    await order.days_pass(2)
    await order.send(m.TrackingNumber(number="RL123456785PL"))
    await order.until(lambda view: bool(view.shipment and view.shipment.is_shipped))
    await order.send(
        m.DisputeDecision(decision="no_refund", note=gettext("It was made to measure."))
    )


@scenario(
    N_("Seller refuses: dispute, turned down, then not shipped within 30 days"),
    given_back(CloseReason.SHIPMENT_EXPIRED),
)
async def turned_down(order: OrderStory) -> None:
    """R16a, R20: goods that did not ship are to be shipped, in the time that is left."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await order.send(m.SellerReply(decision="refuse"))
    await order.days_pass(5)
    await order.send(m.DisputeDecision(decision="no_refund"))
    await order.until(Status.AWAITING_SHIPMENT)
    await order.days_pass(25)
    await order.until(Status.CLOSED)
    await order.days_pass(3)


@scenario(
    N_("Dispute that nobody decides for 60 days, with the shipment proved"),
    Ending(Status.CLOSED, CloseReason.DISPUTE_NO_REFUND, to_seller=PRICE),
)
async def mediator_silent(order: OrderStory) -> None:
    """R16a, R16b: a mediator's silence does not hold the money for ever."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await order.send(m.SellerReply(decision="refuse"))
    await order.days_pass(2)
    await order.send(m.TrackingNumber(number="RM123456785PL"))
    await order.until(lambda view: bool(view.shipment and view.shipment.is_shipped))
    await order.days_pass(58)
    await order.until(Status.CLOSED)


@scenario(
    N_("Dispute that seller and buyer settle"),
    Ending(Status.CLOSED, CloseReason.DISPUTE_SETTLED, refunded=2490, to_seller=PRICE - 2490),
    currency="PLN",
)
async def settled(order: OrderStory) -> None:
    """R16b: the seller offers an amount, and the buyer accepts it."""
    await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.POOR_QUALITY_EXPECTED))
    await order.send(m.SellerReply(decision="refuse"))
    await order.days_pass(2)
    half = order.placed.total.of(2490)
    offered = await order.send(m.SettlementOffer(money=half, note=gettext("Half of it back?")))
    await order.send(m.SettlementAcceptance(offer_id=offered.offers[0].offer_id))
    await order.days_pass(3)


@scenario(
    N_("Chargeback, lost: the bank took the money back"),
    Ending(Status.CLOSED, CloseReason.CHARGED_BACK, charged_back=PRICE),
)
async def charged_back(order: OrderStory) -> None:
    """R23: what the bank took back isn't refunded."""
    payment = await order.pay()
    await order.days_pass(1)
    taken = order.placed.total
    await order.send(
        m.ChargebackReported(
            payment_id=payment, money=taken, status=m.ChargebackStatus.OPENED, reason="fraudulent"
        )
    )
    await order.days_pass(20)
    await order.send(
        m.ChargebackReported(payment_id=payment, money=taken, status=m.ChargebackStatus.LOST)
    )


@scenario(
    N_("Debit that fails after its check: the order closes"),
    Ending(Status.CLOSED, CloseReason.PAYMENT_REVERSED, charged_back=PRICE),
)
async def debit_returned(order: OrderStory) -> None:
    """R6: like a lost chargeback of all of it."""
    payment = await order.pay()
    await order.days_pass(1)
    await order.until(Status.AWAITING_SHIPMENT)
    await order.days_pass(3)
    await order.send(
        m.PaymentDeclined(payment_id=payment, reason=gettext("There was no money on the account."))
    )


@scenario(
    N_("Refunded by hand at the payment provider, before shipping"),
    given_back(CloseReason.REFUNDED_OUTSIDE),
    currency="PLN",
)
async def refunded_by_hand(order: OrderStory) -> None:
    """R24: booked as it is, and not refunded again."""
    payment = await order.pay()
    await order.days_pass(1)
    await order.until(Status.AWAITING_SHIPMENT)
    await order.send(
        m.OutsideRefundReported(
            payment_id=payment,
            provider_refund_id="refund-by-hand",
            money=order.placed.total,
            status=RefundStatus.SUCCEEDED,
        )
    )


@scenario(
    N_("Chargeback while a refund is under way: paid back once"),
    Ending(Status.CLOSED, CloseReason.SELLER_ACCEPTED, charged_back=PRICE),
)
async def charged_back_instead_of_refunded(order: OrderStory) -> None:
    """R23: the refund is stopped, so that the same money never leaves twice."""
    payment = await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.OUT_OF_STOCK))
    await order.send(m.SellerReply(decision="accept"))
    await order.days_pass(1)
    taken = order.placed.total
    await order.send(
        m.ChargebackReported(payment_id=payment, money=taken, status=m.ChargebackStatus.OPENED)
    )
    await order.days_pass(10)
    await order.send(
        m.ChargebackReported(payment_id=payment, money=taken, status=m.ChargebackStatus.LOST)
    )
