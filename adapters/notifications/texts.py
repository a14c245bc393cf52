"""What people are told of orders (R21): each notification's subject, and its text for each role that gets it.

Placeholders are explained in ``adapters.notifications.render``.
"""

from dataclasses import dataclass
from typing import Final

from i18n.catalogues import N_
from orders.messages import Role
from orders.notifications import NotificationKind


@dataclass(frozen=True, kw_only=True)
class Texts:
    """A notification's subject, in a few words which order and what, and its text by role; None: not told."""

    subject: str
    buyer: str | None = None
    seller: str | None = None
    support: str | None = None

    @property
    def by_role(self) -> dict[Role, str]:
        """The text of each role that is told."""
        texts = {Role.BUYER: self.buyer, Role.SELLER: self.seller, Role.SUPPORT: self.support}
        return {role: text for role, text in texts.items() if text}


ORDER_TEXTS: Final[dict[str, Texts]] = {
    NotificationKind.ORDER_PLACED: Texts(
        subject=N_("Order {order} is placed"),
        buyer=N_(
            "Order {order} has been placed. Please pay {amount_due} by {pay_by}. If you do not pay by then,"
            " the order closes and you owe nothing."
        ),
        seller=N_(
            "You have a new order, {order}, for {amount_due}. The buyer has until {pay_by} to pay. Please "
            "do not ship before it is paid."
        ),
    ),
    NotificationKind.SELLER_MESSAGE: Texts(
        subject=N_("Message from the seller: order {order}"),
        buyer=N_("The seller writes about order {order}: “{text}”{offer}"),
        support=N_("The seller writes in the dispute about order {order}: “{text}”"),
    ),
    NotificationKind.BUYER_MESSAGE: Texts(
        subject=N_("Message from the buyer: order {order}"),
        seller=N_("The buyer writes about order {order}: “{text}”"),
        support=N_("The buyer writes in the dispute about order {order}: “{text}”"),
    ),
    NotificationKind.SUPPORT_MESSAGE: Texts(
        subject=N_("Message from support: order {order}"),
        buyer=N_(
            "Our support team writes to you and the seller in the dispute about order {order}: “{text}” "
            "You can answer on the order's page."
        ),
        seller=N_(
            "Our support team writes to you and the buyer in the dispute about order {order}: “{text}” "
            "You can answer on the order's page."
        ),
    ),
    NotificationKind.OFFER_ACCEPTED: Texts(
        subject=N_("Order {order}: your offer was accepted"),
        seller=N_(
            "The buyer has accepted your offer for order {order}. The amount due is now {amount_due}."
        ),
    ),
    NotificationKind.OFFER_DECLINED: Texts(
        subject=N_("Order {order}: your offer was declined"),
        seller=N_(
            "The buyer has declined your offer{sum} for order {order}. You can make another."
        ),
    ),
    NotificationKind.PAYMENT_REMINDER: Texts(
        subject=N_("Reminder: order {order} awaits your payment"),
        buyer=N_(
            "Order {order} is still awaiting your payment{of_money}. You can pay until {due_by}; after that"
            " the order closes and you owe nothing."
        ),
    ),
    NotificationKind.PAYMENT_PENDING: Texts(
        subject=N_("The payment for order {order} is on its way"),
        buyer=N_(
            "Your payment of {money} for order {order} is on its way ({method}).{expected} There is nothing"
            " for you to do; we will let you know when it arrives."
        ),
        seller=N_(
            "A payment of {money} for order {order} is on its way.{expected} Please do not ship before it "
            "has arrived and been checked."
        ),
    ),
    NotificationKind.PAYMENT_RECEIVED: Texts(
        subject=N_("The payment for order {order} has arrived"),
        buyer=N_(
            "Your payment{of_money} for order {order} has arrived and is being checked until "
            "{review_ends_at}. After that you can ask to cancel the order."
        ),
        seller=N_(
            "A payment{of_money} for order {order} has arrived and is being checked until {review_ends_at}."
            " Please do not ship before then."
        ),
    ),
    NotificationKind.PAYMENT_DECLINED: Texts(
        subject=N_("The payment for order {order} was turned down"),
        buyer=N_(
            "Your payment for order {order} was declined.{why} You can pay{due} again until {pay_by}."
        ),
        seller=N_(
            "The payment for order {order} was declined. The buyer can pay{due} again until {pay_by}. "
            "Please do not ship before it is paid."
        ),
    ),
    NotificationKind.PAYMENT_DECLINED_LATE: Texts(
        subject=N_("The payment for order {order} was turned down"),
        buyer=N_("Your payment for order {order} was declined.{why} The time to pay has ended."),
        seller=N_(
            "The payment for order {order} was declined, and the time to pay has ended. Please do not ship "
            "it."
        ),
    ),
    NotificationKind.PAYMENT_ACCEPTED: Texts(
        subject=N_("The payment for order {order} is accepted"),
        buyer=N_(
            "Your payment{of_money} for order {order} has been accepted, and the seller can ship it. Until "
            "it ships you can ask to cancel."
        ),
        seller=N_(
            "The payment{of_money} for order {order} has been accepted. Please ship it now and enter the "
            "tracking number."
        ),
    ),
    NotificationKind.PAYMENT_REVERSED: Texts(
        subject=N_("The payment for order {order} has failed after all"),
        buyer=N_(
            "Your payment{of_money} for order {order} could not be collected after all.{why} If the order "
            "has not shipped, it closes and you owe nothing. If you still want the goods, please order them"
            " again."
        ),
        seller=N_(
            "The payment{of_money} for order {order} has failed after all, and its money has been taken "
            "back.{why} Please do not ship: an order that has not shipped closes, and you owe nothing. If "
            "it has shipped, the amount is taken off what you are owed."
        ),
        support=N_(
            "Order {order}: the payment{of_money} failed after its check, and its money has been taken "
            "back.{why} It is not refunded as well. Please look into it if the order has shipped."
        ),
    ),
    NotificationKind.PAYMENT_CONTRADICTS: Texts(
        subject=N_("Order {order}: contradictory payment reports"),
        support=N_(
            "Order {order}: the provider's report of payment {payment_id} of {money} contradicts an earlier"
            " one. Please find out whether the money arrived."
        ),
    ),
    NotificationKind.UNPAID_COMPLAINT: Texts(
        subject=N_("Order {order}: a complaint about the seller"),
        support=N_(
            "Order {order}: the buyer cancelled it before paying ({reason}) and complains about the "
            "seller.{words}"
        ),
    ),
    NotificationKind.SHIPMENT_REMINDER: Texts(
        subject=N_("Reminder: please ship order {order}"),
        seller=N_(
            "The time to ship order {order} ends on {due_by}. Please enter a tracking number, or send a "
            "photo or a scan of the postal receipt, before then; otherwise the order closes and the buyer "
            "is refunded{sum}."
        ),
    ),
    NotificationKind.SHIPMENT_EXTENDED: Texts(
        subject=N_("Order {order}: more time to ship"),
        seller=N_("The buyer gives you {days} more to ship order {order}, until {ship_by}."),
    ),
    NotificationKind.CANCELLATION_REQUESTED: Texts(
        subject=N_("Order {order}: cancellation requested"),
        buyer=N_(
            "Your request to cancel order {order} has been sent. The seller has until {due_by} to answer; "
            "without an answer the order closes and you get your money back{sum}."
        ),
        seller=N_(
            "The buyer asks to cancel order {order} ({reason}). Please answer by {due_by}: accept, refuse, "
            "or say that it has already shipped. Without an answer the order closes and the buyer is "
            "refunded{sum}."
        ),
    ),
    NotificationKind.CANCELLATION_REQUESTED_AFTER_PROOF: Texts(
        subject=N_("Order {order}: cancellation requested"),
        buyer=N_(
            "Your request to cancel order {order} has been sent. The seller had already sent proof of "
            "shipment, which is now being checked: if it is good, the order counts as shipped. Until "
            "{due_by} the seller can also agree to cancel, and you get your money back{sum}."
        ),
        seller=N_(
            "The buyer asks to cancel order {order} ({reason}). The proof of shipment that you sent counts "
            "as your answer and is being checked. Until {due_by} you can add better proof, or accept the "
            "cancellation."
        ),
    ),
    NotificationKind.SELLER_REMINDER: Texts(
        subject=N_("Your answer is needed: cancellation of order {order}"),
        seller=N_(
            "The request to cancel order {order} still needs your answer. Please answer it, or prove the "
            "shipment, by {due_by}."
        ),
    ),
    NotificationKind.CANCELLATION_WITHDRAWN: Texts(
        subject=N_("Cancellation request withdrawn: order {order}"),
        buyer=N_(
            "You have withdrawn your request to cancel order {order}. It is awaiting shipment again."
        ),
        seller=N_(
            "The buyer has withdrawn the request to cancel order {order}. It is awaiting shipment again."
        ),
    ),
    NotificationKind.CANCELLATION_REFUSED: Texts(
        subject=N_("The seller has refused to cancel order {order}"),
        buyer=N_("The seller has refused to cancel order {order}."),
    ),
    NotificationKind.SHIPMENT_CLAIMED: Texts(
        subject=N_("Order {order}: the seller says it has shipped"),
        buyer=N_(
            "The seller says that order {order} has already shipped, and has until {due_by} to prove it."
        ),
    ),
    NotificationKind.PROOF_REQUESTED: Texts(
        subject=N_("Proof of shipment needed: order {order}"),
        seller=N_(
            "You say that order {order} has already shipped. Please prove it by {due_by} with a tracking "
            "number, a photo or a scan of the postal receipt."
        ),
    ),
    NotificationKind.TRACKING_INVALID: Texts(
        subject=N_("Order {order}: the tracking number could not be verified"),
        seller=N_(
            "We could not verify the tracking number {number} for order {order}.{why} Please check it and "
            "send the right one, or a photo or a scan of the postal receipt{by}."
        ),
    ),
    NotificationKind.PROOF_TO_REVIEW: Texts(
        subject=N_("Order {order}: proof of shipment to review"),
        support=N_(
            "Order {order}: the seller has sent proof of shipment ({kind}{of_number}).{why}{other_order} "
            "Please review it."
        ),
    ),
    NotificationKind.PROOF_REMINDER: Texts(
        subject=N_("Order {order}: proof of shipment awaiting your review"),
        support=N_(
            "Order {order}: the seller's proof of shipment is still waiting for your review."
        ),
    ),
    NotificationKind.PROOF_REJECTED: Texts(
        subject=N_("Order {order}: proof of shipment rejected"),
        seller=N_(
            "Support did not accept your proof that order {order} has shipped.{why} Please send a tracking "
            "number, another photo or a scan of the postal receipt{by}."
        ),
    ),
    NotificationKind.ORDER_SHIPPED: Texts(
        subject=N_("Order {order} has shipped"),
        buyer=N_("Order {order} has shipped.{carried}{tracked}{request_ended}{dispute_goes_on}"),
        seller=N_(
            "The shipment of order {order} is confirmed. Thank "
            "you.{carried}{tracked}{request_ended}{dispute_goes_on}"
        ),
    ),
    NotificationKind.CANCELLATION_ENDED: Texts(
        subject=N_("Order {order} will not be cancelled"),
        buyer=N_(
            "Your request to cancel order {order} has ended: {reason}. Support will decide the open "
            "dispute."
        ),
        seller=N_(
            "The request to cancel order {order} has ended without a cancellation: {reason}."
        ),
    ),
    NotificationKind.DISPUTE_OFFERED: Texts(
        subject=N_("You can open a dispute about order {order}"),
        buyer=N_(
            "You can open a dispute about order {order}: {reason}. You open it on the order's page."
        ),
    ),
    NotificationKind.DISPUTE_OPENED: Texts(
        subject=N_("Dispute opened: order {order}"),
        buyer=N_(
            "A dispute about order {order} has been opened{sum}: {reason}. Our support team will look into "
            "it and decide it{by}."
        ),
        seller=N_(
            "A dispute about order {order} has been opened{sum}: {reason}. Our support team will look into "
            "it and decide it{by}; until then you can send proof of shipment or offer a settlement."
        ),
        support=N_(
            "Order {order}: a dispute has been opened{sum}: {reason}. Please decide it{by}."
        ),
    ),
    NotificationKind.EVIDENCE_GIVEN: Texts(
        subject=N_("Order {order}: evidence of the buyer"),
        seller=N_(
            "The buyer has added a photo or document to the dispute about order {order}.{words} You can see "
            "it on the order's page."
        ),
        support=N_(
            "The buyer has added a photo or document to the dispute about order {order}.{words} You can see "
            "it on the order's page."
        ),
    ),
    NotificationKind.SETTLEMENT_OFFERED: Texts(
        subject=N_("Order {order}: settlement offered"),
        buyer=N_(
            "The seller offers to refund {money} to settle the dispute about order {order}. If you accept, "
            "the dispute ends; otherwise support decides."
        ),
    ),
    NotificationKind.DISPUTE_REMINDER: Texts(
        subject=N_("Dispute awaiting your decision: order {order}"),
        support=N_(
            "Order {order}: the dispute is still undecided. If it is not decided by {due_by}, the buyer is "
            "refunded in full{sum}."
        ),
    ),
    NotificationKind.DISPUTE_REMINDER_SHIPPED: Texts(
        subject=N_("Dispute awaiting your decision: order {order}"),
        support=N_(
            "Order {order}: the dispute is still undecided. If it is not decided by {due_by}, the "
            "money{sum} goes to the seller, as the shipment is proved."
        ),
    ),
    NotificationKind.DISPUTE_RESOLVED: Texts(
        subject=N_("Dispute resolved: order {order}"),
        buyer=N_(
            "The dispute about order {order} has been resolved: {outcome}.{refund}{goes_on}{why}"
        ),
        seller=N_(
            "The dispute about order {order} has been resolved: {outcome}.{refund}{goes_on}{why}"
        ),
        support=N_("Order {order}: the dispute has been resolved: {outcome}.{refund}{goes_on}"),
    ),
    NotificationKind.ORDER_CLOSED: Texts(
        subject=N_("Order {order} is closed"),
        buyer=N_("Order {order} is closed: {reason}.{refund}{free}"),
        seller=N_("Order {order} is closed: {reason}.{refund}"),
    ),
    NotificationKind.REFUND_STARTED: Texts(
        subject=N_("The refund for order {order} is on its way"),
        buyer=N_(
            "Your refund of {money} for order {order} is on its way to the payment method you used "
            "({method}). It will arrive by {due_by}."
        ),
    ),
    NotificationKind.REFUND_SUCCEEDED: Texts(
        subject=N_("The refund for order {order} has been paid"),
        buyer=N_("Your refund of {money} for order {order} has been paid."),
        seller=N_("The buyer has received the refund of {money} for order {order}."),
    ),
    NotificationKind.REFUND_REQUIRES_ACTION: Texts(
        subject=N_("The refund for order {order} is waiting for details"),
        buyer=N_(
            "Before your refund{of_money} for order {order} can be paid, the payment provider needs "
            "something from you, such as your bank details. Please look for its e-mail and answer "
            "it{until}. Your money is not lost."
        ),
        support=N_(
            "Order {order}: the refund{of_money} waits for the buyer, from whom the provider needs "
            "something, such as bank details{until}.{why} Please wait and do not pay another way: the buyer "
            "would have the money twice."
        ),
    ),
    NotificationKind.REFUND_FAILED: Texts(
        subject=N_("The refund for order {order} has not arrived yet"),
        buyer=N_(
            "Your refund{of_money} for order {order} has not arrived yet.{why} Our support team is taking "
            "care of it; your money is not lost."
        ),
        support=N_(
            "Order {order}: the refund{of_money} has failed.{why} Please make sure that the buyer gets the "
            "money."
        ),
    ),
    NotificationKind.REFUND_RETURNED: Texts(
        subject=N_("The refund for order {order} has come back"),
        buyer=N_(
            "Your refund{of_money} for order {order} was reported as paid, but it has come back.{why} Our "
            "support team will send it to you another way; your money is not lost."
        ),
        support=N_(
            "Order {order}: the refund{of_money} was reported as paid, but it has come back.{why} Please "
            "send the money to the buyer another way, and say so on the order's page."
        ),
    ),
    NotificationKind.REFUND_OVERDUE: Texts(
        subject=N_("The refund for order {order} is late"),
        buyer=N_(
            "Your refund{of_money} for order {order} should have arrived by now. We are sorry for the "
            "delay; our support team is taking care of it."
        ),
        support=N_(
            "Order {order}: the refund{of_money} is overdue: its two weeks have passed. Please make sure "
            "that the buyer gets the money."
        ),
    ),
    NotificationKind.REFUND_STOPPED: Texts(
        subject=N_("The refund for order {order} is on hold"),
        buyer=N_(
            "Your refund of {money} for order {order} is on hold because the same money is already going "
            "back to you another way. If that fails, the refund resumes."
        ),
    ),
    NotificationKind.REFUND_AFTER_CHARGEBACK: Texts(
        subject=N_("Order {order}: paid back twice"),
        support=N_(
            "Order {order}: refund {refund_id}{sum} was paid although the buyer had already got the "
            "same money back another way. Please look into it."
        ),
    ),
    NotificationKind.OUTSIDE_REFUND: Texts(
        subject=N_("Order {order}: money sent back by the payment provider"),
        buyer=N_(
            "The payment provider has sent {money} of your payment for order {order} back to you.{why} "
            "There is nothing for you to do; anything else that is due to you will be refunded as well."
        ),
        seller=N_(
            "The payment provider has sent {money} of the payment for order {order} back to the buyer.{why}"
            " If nothing of the payment is left before you ship, the order closes: please see the order's "
            "page before you ship."
        ),
        support=N_(
            "Order {order}: the provider has refunded {money} without our asking "
            "({provider_refund_id}).{why} It counts towards what the buyer gets back. Please look into it "
            "if none of us did it."
        ),
    ),
    NotificationKind.OUTSIDE_REFUND_FAILED: Texts(
        subject=N_("Order {order}: money sent back by the provider did not arrive"),
        buyer=N_(
            "The {money} that the payment provider was sending back to you for order {order} did not "
            "arrive.{why} Your money is not lost; whatever is due to you will be refunded."
        ),
        support=N_(
            "Order {order}: the refund of {money} that the provider made without our asking "
            "({provider_refund_id}) has failed.{why} It no longer counts; what is due to the buyer is "
            "refunded. Please see on the order's page whether anything is left to do."
        ),
    ),
    NotificationKind.CHARGEBACK_OPENED: Texts(
        subject=N_("Order {order}: chargeback"),
        seller=N_(
            "The buyer's bank has opened a chargeback{of_money} on the payment for order {order}, which may"
            " be about a part of it only. Please do not ship while it is open. We will let you know how it "
            "ends."
        ),
        support=N_(
            "Order {order}: the buyer's bank has opened a chargeback{of_money}. The same money is not "
            "refunded while it is open."
        ),
    ),
    NotificationKind.CHARGEBACK_REMINDER: Texts(
        subject=N_("Order {order}: the bank has not decided the chargeback yet"),
        support=N_(
            "Order {order}: the bank has not decided the chargeback{of_money} yet. Please find out from the"
            " payment provider what it still needs."
        ),
    ),
    NotificationKind.CHARGEBACK_WON: Texts(
        subject=N_("The chargeback on order {order} has been won"),
        seller=N_(
            "You have won the chargeback{of_money} on order {order}; the bank has returned the money."
        ),
        support=N_(
            "Order {order}: the chargeback{of_money} ended in the seller's favour; the bank has returned "
            "the money."
        ),
    ),
    NotificationKind.CHARGEBACK_LOST: Texts(
        subject=N_("The chargeback on order {order} has been lost"),
        seller=N_(
            "The chargeback{of_money} on order {order} ended in the buyer's favour: the money stays with "
            "the buyer."
        ),
        support=N_("Order {order}: the chargeback{of_money} ended in the buyer's favour."),
    ),
    NotificationKind.UNMATCHED_MONEY: Texts(
        subject=N_("Order {order}: money that cannot be matched"),
        support=N_(
            "Order {order}: what the provider took does not match what was paid; the difference is "
            "{amounts}. Please say on the order's page who bears it."
        ),
    ),
}
