"""The texts of the messages (R21), one for each notice and role; see ``adapters.notifications.render``."""

from typing import Final

from i18n.catalogues import N_
from orders.messages import Role

_TO_BUYER = {
    "order_placed": N_(
        "Order {order} is placed. Please pay {amount_due} by {pay_by}. If you do "
        "not, the order closes by itself, and you owe nothing."
    ),
    "payment_reminder": N_(
        "Order {order} still waits for your payment. You can pay until {due_by}; "
        "then the order closes by itself, and you owe nothing."
    ),
    "payment_received": N_(
        "Your payment for order {order} has arrived and is being checked until "
        "{review_ends_at}. From then on you can also ask to cancel the order."
    ),
    "payment_declined": N_(
        "Your payment for order {order} was turned down.{why} You can pay again until {pay_by}."
    ),
    "payment_declined_late": N_(
        "Your payment for order {order} was turned down.{why} The time to pay is over."
    ),
    "payment_accepted": N_(
        "Your payment for order {order} is accepted, and the seller can ship it. "
        "Until it ships you can ask to cancel."
    ),
    "cancellation_requested": N_(
        "The seller knows that you want to cancel order {order}, and has "
        "until {due_by} to answer. Without an answer the order closes and you get your money back."
    ),
    "cancellation_withdrawn": N_(
        "You have withdrawn your request to cancel order {order}. The order awaits shipment again."
    ),
    "cancellation_refused": N_("The seller has refused to cancel order {order}."),
    "shipment_claimed": N_(
        "The seller says that order {order} is already shipped, and has until {due_by} to prove it."
    ),
    "cancellation_ended": N_(
        "Your request to cancel order {order} has ended: {reason}. The open dispute "
        "will be decided."
    ),
    "dispute_offered": N_("You can open a dispute about order {order}: {reason}."),
    "dispute_opened": N_(
        "A dispute about order {order} is open: {reason}. Our support will look into it."
    ),
    "dispute_resolved": N_("The dispute about order {order} is over: {outcome}.{why}"),
    "settlement_offered": N_(
        "The seller offers you {money} back to settle the dispute about order "
        "{order}. If you accept, the dispute is over; if not, support decides."
    ),
    "seller_message": N_("The seller writes about order {order}: “{text}”{offer}"),
    "order_shipped": N_("Order {order} is shipped."),
    "order_closed": N_("Order {order} is closed: {reason}. There is no fine to pay."),
    "refund_started": N_(
        "Your refund of {money} for order {order} is on its way, by the payment "
        "method you used ({method}). You will have it by {due_by}."
    ),
    "refund_succeeded": N_("Your refund of {money} for order {order} is paid out."),
    "refund_failed": N_(
        "Your refund for order {order} has not gone through yet.{why} Our support "
        "is taking care of it; your money is not lost."
    ),
    "refund_overdue": N_(
        "Your refund for order {order} should have reached you by now. We are "
        "sorry for the delay; our support is taking care of it."
    ),
    "refund_stopped": N_(
        "Your refund of {money} for order {order} is stopped, because your bank is taking "
        "the same money back for you. If the bank decides otherwise, the refund starts again."
    ),
    "stray_refund_started": N_(
        "We received a payment of {money} from you that no order could take. "
        "All of it goes back to you by {due_by}. Reference: {order}."
    ),
    "stray_refund_succeeded": N_(
        "Your payment of {money} that no order could take is back with you. Reference: {order}."
    ),
    "stray_refund_failed": N_(
        "Your payment of {money} that no order could take has not gone back to you "
        "yet.{why} Our support is taking care of it; your money is not lost. Reference: {order}."
    ),
    "stray_refund_overdue": N_(
        "Your payment of {money} that no order could take should be back with you by "
        "now. We are sorry for the delay; our support is taking care of it. Reference: {order}."
    ),
    "stray_refund_stopped": N_(
        "The refund of {money} of your payment that no order could take is stopped, because your bank is "
        "taking the same money back for you. If the bank decides otherwise, it starts again. "
        "Reference: {order}."
    ),
    "stray_refund_restarted": N_(
        "Your bank has decided on your payment that no order could take. What it has left with us of it, "
        "{money}, goes back to you by {due_by}. Reference: {order}."
    ),
}

_TO_SELLER = {
    "order_placed": N_(
        "You have a new order, {order}, for {amount_due}. The buyer has until "
        "{pay_by} to pay. Please do not ship it before it is paid."
    ),
    "payment_received": N_(
        "A payment for order {order} has arrived and is being checked until "
        "{review_ends_at}. Please do not ship it before then."
    ),
    "payment_declined": N_(
        "The payment for order {order} was turned down. The buyer can pay again "
        "until {pay_by}. Please do not ship it before it is paid."
    ),
    "payment_declined_late": N_(
        "The payment for order {order} was turned down, and the time to pay is "
        "over. Please do not ship it."
    ),
    "payment_accepted": N_(
        "The payment for order {order} is accepted. Please ship it now, and give "
        "us the tracking number."
    ),
    "cancellation_requested": N_(
        "The buyer wants to cancel order {order} ({reason}). Please answer "
        "by {due_by}: accept, refuse, or say that it is already shipped. Without an answer the order "
        "closes and the buyer gets the money back."
    ),
    "cancellation_withdrawn": N_(
        "The buyer no longer wants to cancel order {order}. It awaits shipment again."
    ),
    "seller_reminder": N_(
        "The request to cancel order {order} still waits for you. Please answer "
        "it, or prove the shipment, by {due_by}."
    ),
    "proof_requested": N_(
        "You say that order {order} is already shipped. Please prove it by "
        "{due_by}, with a tracking number, a photo or a scan of the postal receipt."
    ),
    "tracking_invalid": N_(
        "We could not verify the tracking number {number} for order "
        "{order}.{why} Please check it and send the right one, or a photo or a scan of the postal "
        "receipt."
    ),
    "proof_rejected": N_("Support did not accept your proof that order {order} is shipped.{why}"),
    "shipment_extended": N_(
        "The buyer gives you {days} more to ship order {order}: until {ship_by}."
    ),
    "buyer_message": N_("The buyer writes about order {order}: “{text}”"),
    "offer_accepted": N_(
        "The buyer has accepted your offer for order {order}. The amount due is {amount_due}."
    ),
    "cancellation_ended": N_(
        "The request to cancel order {order} has ended without a cancellation: {reason}."
    ),
    "dispute_opened": N_(
        "A dispute about order {order} is open: {reason}. Our support will look "
        "into it; you can still send proof of the shipment or offer a settlement."
    ),
    "dispute_resolved": N_("The dispute about order {order} is over: {outcome}.{why}"),
    "order_shipped": N_("Order {order} counts as shipped. Thank you."),
    "order_closed": N_("Order {order} is closed: {reason}."),
    "refund_succeeded": N_("The buyer has {money} for order {order} back."),
    "chargeback_opened": N_(
        "The buyer's bank has taken back the payment for order {order} (a "
        "chargeback). We will tell you how it ends."
    ),
    "chargeback_won": N_("The chargeback of order {order} ended in your favour."),
    "chargeback_lost": N_(
        "The chargeback of order {order} ended in the buyer's favour: the money "
        "stays with the buyer."
    ),
}

_TO_SUPPORT = {
    "proof_to_review": N_(
        "Order {order}: the seller has sent proof of the shipment ({kind}). Please judge it."
    ),
    "dispute_opened": N_("Order {order}: a dispute is open: {reason}. Please decide it."),
    "dispute_reminder": N_(
        "Order {order}: the dispute is still undecided. After {due_by} it ends with a full refund."
    ),
    "payment_contradicts": N_(
        "Order {order}: the provider's news of payment {payment_id} of {money} "
        "contradicts what it said of it before. Please find out whether the money came in."
    ),
    "chargeback_reminder": N_(
        "Order {order}: the bank has not decided the chargeback yet, and what is held "
        "of the payment waits for it."
    ),
    "dispute_resolved": N_("Order {order}: the dispute is over: {outcome}."),
    "refund_failed": N_(
        "Order {order}: the refund has not gone through.{why} Please see to it that "
        "the buyer gets the money."
    ),
    "refund_overdue": N_(
        "Order {order}: the refund is not settled although its 2 weeks are over. "
        "Please see to it that the buyer gets the money."
    ),
    "refund_after_chargeback": N_(
        "Order {order}: the refund {refund_id} was paid although the "
        "buyer's bank has taken the money back too. Please look into it."
    ),
    "chargeback_opened": N_(
        "Order {order}: the buyer's bank has taken back the payment (a "
        "chargeback). Until it ends nothing is refunded."
    ),
    "chargeback_won": N_(
        "Order {order}: the chargeback ended in the seller's favour; the money is back."
    ),
    "chargeback_lost": N_("Order {order}: the chargeback ended in the buyer's favour."),
    "stray_refund_failed": N_(
        "{order}: the payment of {money} that no order could take has not "
        "gone back yet.{why} Please see to it that its payer gets the money."
    ),
    "stray_refund_overdue": N_(
        "{order}: the payment of {money} that no order could take is not "
        "back with its payer although 2 weeks are over. Please see to it."
    ),
    "stray_chargeback_opened": N_(
        "{order}: the payer's bank has taken back {money} of payment {payment_id}, which no order could "
        "take (a chargeback). Until it ends nothing is refunded. Paid back twice by now: {twice}."
    ),
    "stray_chargeback_won": N_(
        "{order}: the chargeback of payment {payment_id}, which no order could take, is won. What is "
        "here of it goes back to its payer by a refund. Paid back twice: {twice}."
    ),
    "stray_chargeback_lost": N_(
        "{order}: the chargeback of payment {payment_id}, which no order could take, is lost: the payer "
        "keeps {money}. Paid back twice: {twice}."
    ),
    "stray_chargeback_reminder": N_(
        "{order}: the bank has not decided the chargeback of payment {payment_id} yet, which no order "
        "could take, and {money} of it waits for that."
    ),
    "stray_refund_after_chargeback": N_(
        "{order}: the refund {refund_id} of payment {payment_id}, which no order could take, was paid "
        "although it had been stopped for a chargeback. Please look into it."
    ),
}

TEXTS: Final = {
    **{(what, Role.BUYER): text for what, text in _TO_BUYER.items()},
    **{(what, Role.SELLER): text for what, text in _TO_SELLER.items()},
    **{(what, Role.SUPPORT): text for what, text in _TO_SUPPORT.items()},
}

WHY: Final = N_(" The reason given: “{reason}”.")
OFFER: Final = N_(" You can accept the offer on the order's page.")
UNKNOWN: Final = N_("There is news about order {order}. Please look at the order's page.")
"""For a notice that this version has no text for."""
