"""The texts of the messages (R21), one for each notice and role; see ``adapters.notifications.render``."""

from typing import Final

from i18n.catalogues import N_
from orders.messages import Role

_TO_BUYER = {
    "order_placed": N_(
        "Order {order} has been placed. Please pay {amount_due} by {pay_by}. If you do not "
        "pay by then, the order closes and you owe nothing."
    ),
    "payment_reminder": N_(
        "Order {order} is still awaiting your payment{of_money}. You can pay until {due_by}; after "
        "that the order closes and you owe nothing."
    ),
    "payment_pending": N_(
        "Your payment of {money} for order {order} is on its way ({method}).{expected} There is nothing "
        "for you to do; we will let you know when it arrives."
    ),
    "payment_received": N_(
        "Your payment{of_money} for order {order} has arrived and is being checked until "
        "{review_ends_at}. After that you can ask to cancel the order."
    ),
    "payment_declined": N_(
        "Your payment for order {order} was declined.{why} You can pay again until {pay_by}."
    ),
    "payment_declined_late": N_(
        "Your payment for order {order} was declined.{why} The time to pay has ended."
    ),
    "payment_reversed": N_(
        "Your payment{of_money} for order {order} could not be collected after all.{why} If the order has "
        "not shipped, it closes and you owe nothing. If you still want the goods, please order them again."
    ),
    "payment_accepted": N_(
        "Your payment for order {order} has been accepted, and the seller can ship it. Until "
        "it ships you can ask to cancel."
    ),
    "cancellation_requested": N_(
        "Your request to cancel order {order} has been sent. The seller has until {due_by} "
        "to answer; without an answer the order closes and you get your money back{sum}."
    ),
    "cancellation_requested_after_proof": N_(
        "Your request to cancel order {order} has been sent. The seller had already sent proof of "
        "shipment, which is now being checked: if it is good, the order counts as shipped. Until "
        "{due_by} the seller can also agree to cancel."
    ),
    "cancellation_withdrawn": N_(
        "You have withdrawn your request to cancel order {order}. It is awaiting shipment again."
    ),
    "cancellation_refused": N_("The seller has refused to cancel order {order}."),
    "shipment_claimed": N_(
        "The seller says that order {order} has already shipped, and has until {due_by} to "
        "prove it."
    ),
    "cancellation_ended": N_(
        "Your request to cancel order {order} has ended: {reason}. Support will decide the "
        "open dispute."
    ),
    "dispute_offered": N_(
        "You can open a dispute about order {order}: {reason}. You open it on the order's page."
    ),
    "dispute_opened": N_(
        "A dispute about order {order} has been opened: {reason}. Our support team will look "
        "into it."
    ),
    "dispute_resolved": N_(
        "The dispute about order {order} has been resolved: {outcome}.{refund}{goes_on}{why}"
    ),
    "settlement_offered": N_(
        "The seller offers to refund {money} to settle the dispute about order {order}. If "
        "you accept, the dispute ends; otherwise support decides."
    ),
    "seller_message": N_("The seller writes about order {order}: “{text}”{offer}"),
    "order_shipped": N_("Order {order} has shipped."),
    "order_closed": N_("Order {order} is closed: {reason}.{refund} Cancelling is free of charge."),
    "refund_started": N_(
        "Your refund of {money} for order {order} is on its way to the payment method you "
        "used ({method}). It will arrive by {due_by}."
    ),
    "refund_succeeded": N_("Your refund of {money} for order {order} has been paid."),
    "refund_failed": N_(
        "Your refund{of_money} for order {order} has not arrived yet.{why} Our support team is taking "
        "care of it; your money is not lost."
    ),
    "refund_requires_action": N_(
        "Before your refund{of_money} for order {order} can be paid, the payment provider needs something "
        "from you, such as your bank details.{why} Please look for its e-mail and answer it. Your money is "
        "not lost."
    ),
    "refund_returned": N_(
        "Your refund{of_money} for order {order} was reported as paid, but it has come back.{why} Our "
        "support team will send it to you another way; your money is not lost."
    ),
    "refund_overdue": N_(
        "Your refund{of_money} for order {order} should have arrived by now. We are sorry for the "
        "delay; our support team is taking care of it."
    ),
    "refund_stopped": N_(
        "Your refund of {money} for order {order} is on hold because the same money is already going "
        "back to you another way. If that fails, the refund resumes."
    ),
    "outside_refund": N_(
        "The payment provider has sent {money} of your payment for order {order} back to you.{why} There "
        "is nothing for you to do; anything else that is due to you will be refunded as well."
    ),
    "outside_refund_failed": N_(
        "The {money} that the payment provider was sending back to you for order {order} did not arrive."
        "{why} Your money is not lost; whatever is due to you will be refunded."
    ),
    "stray_refund_started": N_(
        "We received a payment of {money} from you that could not be matched to an order. "
        "You will get all of it back by {due_by}. Reference: {order}."
    ),
    "stray_refund_succeeded": N_(
        "Your payment of {money}, which could not be matched to an order, has been returned "
        "to you. Reference: {order}."
    ),
    "stray_refund_failed": N_(
        "We could not yet return your payment of {money}, which could not be matched to an "
        "order.{why} Our support team is taking care of it; your money is not lost. "
        "Reference: {order}."
    ),
    "stray_refund_requires_action": N_(
        "Before {money}, which you paid and which could not be matched to an order, can be returned, the "
        "payment provider needs something from you, such as your bank details.{why} Please look for its "
        "e-mail and answer it. Your money is not lost. Reference: {order}."
    ),
    "stray_refund_returned": N_(
        "We returned {money}, which you paid and which could not be matched to an order, but the money "
        "has come back to us.{why} Our support team will send it to you another way; it is not lost. "
        "Reference: {order}."
    ),
    "stray_refund_overdue": N_(
        "Your payment of {money}, which could not be matched to an order, should have been "
        "returned by now. We are sorry for the delay; our support team is taking care of it. "
        "Reference: {order}."
    ),
    "stray_refund_stopped": N_(
        "The return of {money} is on hold because the same money is already going back to you another "
        "way. If that fails, it resumes. Reference: {order}."
    ),
    "stray_refund_restarted": N_(
        "Of your payment that could not be matched to an order, {money} is still with us. You will get "
        "it back by {due_by}. Reference: {order}."
    ),
    "stray_outside_refund": N_(
        "The payment provider has sent back to you {money} of your payment that could not be matched to an "
        "order.{why} There is nothing for you to do. Reference: {order}."
    ),
    "stray_outside_refund_failed": N_(
        "The {money} that the payment provider was sending back to you, of a payment that could not be "
        "matched to an order, did not arrive.{why} Your money is not lost; we will return it. Reference: "
        "{order}."
    ),
}

_TO_SELLER = {
    "order_placed": N_(
        "You have a new order, {order}, for {amount_due}. The buyer has until {pay_by} to "
        "pay. Please do not ship before it is paid."
    ),
    "payment_pending": N_(
        "A payment of {money} for order {order} is on its way.{expected} Please do not ship before it has "
        "arrived and been checked."
    ),
    "payment_received": N_(
        "A payment{of_money} for order {order} has arrived and is being checked until "
        "{review_ends_at}. Please do not ship before then."
    ),
    "payment_declined": N_(
        "The payment for order {order} was declined. The buyer can pay again until {pay_by}. "
        "Please do not ship before it is paid."
    ),
    "payment_declined_late": N_(
        "The payment for order {order} was declined, and the time to pay has ended. Please "
        "do not ship it."
    ),
    "payment_reversed": N_(
        "The payment{of_money} for order {order} has failed after all, and its money has been taken back."
        "{why} Please do not ship: an order that has not shipped closes, and you owe nothing. If it has "
        "shipped, the amount is taken off what you are owed."
    ),
    "payment_accepted": N_(
        "The payment for order {order} has been accepted. Please ship it now and enter the "
        "tracking number."
    ),
    "cancellation_requested": N_(
        "The buyer asks to cancel order {order} ({reason}). Please answer by {due_by}: "
        "accept, refuse, or say that it has already shipped. Without an answer the order "
        "closes and the buyer is refunded{sum}."
    ),
    "cancellation_requested_after_proof": N_(
        "The buyer asks to cancel order {order} ({reason}). The proof of shipment that you sent counts "
        "as your answer and is being checked. Until {due_by} you can add better proof, or accept the "
        "cancellation."
    ),
    "cancellation_withdrawn": N_(
        "The buyer has withdrawn the request to cancel order {order}. It is awaiting "
        "shipment again."
    ),
    "seller_reminder": N_(
        "The request to cancel order {order} still needs your answer. Please answer it, or "
        "prove the shipment, by {due_by}."
    ),
    "shipment_reminder": N_(
        "The time to ship order {order} ends on {due_by}. Please enter a tracking number, or send a "
        "photo or a scan of the postal receipt, before then; otherwise the order closes and the buyer is "
        "refunded{sum}."
    ),
    "proof_requested": N_(
        "You say that order {order} has already shipped. Please prove it by {due_by} with a "
        "tracking number, a photo or a scan of the postal receipt."
    ),
    "tracking_invalid": N_(
        "We could not verify the tracking number {number} for order "
        "{order}.{why} Please check it and send the right one, or a photo or a scan of the postal "
        "receipt{by}."
    ),
    "proof_rejected": N_(
        "Support did not accept your proof that order {order} has shipped.{why} Please send a "
        "tracking number, another photo or a scan of the postal receipt{by}."
    ),
    "shipment_extended": N_(
        "The buyer gives you {days} more to ship order {order}, until {ship_by}."
    ),
    "buyer_message": N_("The buyer writes about order {order}: “{text}”"),
    "offer_accepted": N_(
        "The buyer has accepted your offer for order {order}. The amount due is now {amount_due}."
    ),
    "cancellation_ended": N_(
        "The request to cancel order {order} has ended without a cancellation: {reason}."
    ),
    "dispute_opened": N_(
        "A dispute about order {order} has been opened: {reason}. Our support team will look "
        "into it; you can still send proof of shipment or offer a settlement."
    ),
    "dispute_resolved": N_(
        "The dispute about order {order} has been resolved: {outcome}.{refund}{goes_on}{why}"
    ),
    "order_shipped": N_("The shipment of order {order} is confirmed. Thank you."),
    "order_closed": N_("Order {order} is closed: {reason}.{refund}"),
    "refund_succeeded": N_("The buyer has received the refund of {money} for order {order}."),
    "outside_refund": N_(
        "The payment provider has sent {money} of the payment for order {order} back to the buyer.{why} If "
        "nothing of the payment is left before you ship, the order closes: please see the order's page "
        "before you ship."
    ),
    "chargeback_opened": N_(
        "The buyer's bank has opened a chargeback{of_money} on the payment for order {order}, which may "
        "be about a part of it only. Please do not ship while it is open. We will let you know how it ends."
    ),
    "chargeback_won": N_(
        "You have won the chargeback{of_money} on order {order}; the bank has returned the money."
    ),
    "chargeback_lost": N_(
        "The chargeback{of_money} on order {order} ended in the buyer's favour: the money stays with "
        "the buyer."
    ),
}

_TO_SUPPORT = {
    "proof_to_review": N_(
        "Order {order}: the seller has sent proof of shipment ({kind}{of_number}).{why}{other_order} "
        "Please review it."
    ),
    "proof_reminder": N_(
        "Order {order}: the seller's proof of shipment is still waiting for your review."
    ),
    "unpaid_complaint": N_(
        "Order {order}: the buyer cancelled it before paying ({reason}) and complains about the "
        "seller.{words}"
    ),
    "dispute_opened": N_("Order {order}: a dispute has been opened: {reason}. Please decide it."),
    "dispute_reminder": N_(
        "Order {order}: the dispute is still undecided. If it is not decided by {due_by}, "
        "the buyer is refunded in full{sum}."
    ),
    "dispute_reminder_shipped": N_(
        "Order {order}: the dispute is still undecided. If it is not decided by {due_by}, the money{sum} "
        "goes to the seller, as the shipment is proved."
    ),
    "payment_contradicts": N_(
        "Order {order}: the provider's report of payment {payment_id} of {money} contradicts "
        "an earlier one. Please find out whether the money arrived."
    ),
    "payment_reversed": N_(
        "Order {order}: the payment{of_money} failed after its check, and its money has been taken back."
        "{why} It is not refunded as well. Please look into it if the order has shipped."
    ),
    "outside_refund": N_(
        "Order {order}: the provider has refunded {money} without our asking ({provider_refund_id}).{why} "
        "It counts towards what the buyer gets back. Please look into it if none of us did it."
    ),
    "outside_refund_failed": N_(
        "Order {order}: the refund of {money} that the provider made without our asking "
        "({provider_refund_id}) has failed.{why} It no longer counts; what is due to the buyer is refunded. "
        "Please see on the order's page whether anything is left to do."
    ),
    "unmatched_money": N_(
        "Order {order}: what the provider took does not match what was paid; the difference is {amounts}. "
        "Please say on the order's page who bears it."
    ),
    "chargeback_reminder": N_(
        "Order {order}: the bank has not decided the chargeback{of_money} yet. Please find out from "
        "the payment provider what it still needs."
    ),
    "dispute_resolved": N_(
        "Order {order}: the dispute has been resolved: {outcome}.{refund}{goes_on}"
    ),
    "refund_failed": N_(
        "Order {order}: the refund{of_money} has failed.{why} Please make sure that the buyer gets the money."
    ),
    "refund_requires_action": N_(
        "Order {order}: the refund{of_money} waits for the buyer, from whom the provider needs something, "
        "such as bank details.{why} Please wait and do not pay another way: the buyer would have the money "
        "twice."
    ),
    "refund_returned": N_(
        "Order {order}: the refund{of_money} was reported as paid, but it has come back.{why} Please send "
        "the money to the buyer another way, and say so on the order's page."
    ),
    "refund_overdue": N_(
        "Order {order}: the refund{of_money} is overdue: its two weeks have passed. Please make sure "
        "that the buyer gets the money."
    ),
    "refund_after_chargeback": N_(
        "Order {order}: refund {refund_id} was paid although the buyer had already got the same money "
        "back another way. Please look into it."
    ),
    "chargeback_opened": N_(
        "Order {order}: the buyer's bank has opened a chargeback{of_money}. The same money is not refunded "
        "while it is open."
    ),
    "chargeback_won": N_(
        "Order {order}: the chargeback{of_money} ended in the seller's favour; the bank has returned "
        "the money."
    ),
    "chargeback_lost": N_("Order {order}: the chargeback{of_money} ended in the buyer's favour."),
    "stray_refund_failed": N_(
        "{order}: the stray payment of {money} could not be returned.{why} Please make sure "
        "that its payer gets the money."
    ),
    "stray_refund_requires_action": N_(
        "{order}: the return of {money}, which belongs to no order, waits for its payer, from whom the "
        "provider needs something, such as bank details.{why} Please wait and do not pay another way: the "
        "payer would have the money twice."
    ),
    "stray_refund_returned": N_(
        "{order}: the return of {money}, which belongs to no order, was reported as paid, but the money "
        "has come back.{why} Please send it to its payer another way."
    ),
    "stray_payment_reversed": N_(
        "{order}: stray payment {payment_id} failed after it had come in, and its money has been taken "
        "back.{why} Nothing more is returned to its payer. Paid back twice: {twice}."
    ),
    "stray_outside_refund": N_(
        "{order}: the provider has refunded {money} of stray payment {payment_id} without our asking "
        "({provider_refund_id}).{why} It counts as returned to the payer. Please look into it if none of "
        "us did it."
    ),
    "stray_outside_refund_failed": N_(
        "{order}: the refund of {money} that the provider made of stray payment {payment_id} without our "
        "asking ({provider_refund_id}) has failed.{why} What is still with us is returned to the payer."
    ),
    "stray_unmatched_money": N_(
        "{order}: what the provider took of stray payment {payment_id} does not match what was paid; the "
        "difference is {amounts}. Please look into it."
    ),
    "stray_refund_overdue": N_(
        "{order}: the return of the stray payment of {money} is overdue: its two weeks have "
        "passed. Please look into it."
    ),
    "stray_chargeback_opened": N_(
        "{order}: the payer's bank has opened a chargeback of {money} on stray payment "
        "{payment_id}. The same money is not returned while it is open. Paid back twice so far: {twice}."
    ),
    "stray_chargeback_won": N_(
        "{order}: the chargeback on stray payment {payment_id} has been won. The money still "
        "with us is refunded to its payer. Paid back twice: {twice}."
    ),
    "stray_chargeback_lost": N_(
        "{order}: the chargeback on stray payment {payment_id} has been lost: the payer "
        "keeps {money}. Paid back twice: {twice}."
    ),
    "stray_chargeback_reminder": N_(
        "{order}: the bank has not decided the chargeback on stray payment {payment_id} yet; "
        "{money} of it is on hold until then."
    ),
    "stray_refund_after_chargeback": N_(
        "{order}: refund {refund_id} of stray payment {payment_id} was paid although its payer had "
        "already got the same money back another way. Please look into it."
    ),
}

TEXTS: Final = {
    **{(what, Role.BUYER): text for what, text in _TO_BUYER.items()},
    **{(what, Role.SELLER): text for what, text in _TO_SELLER.items()},
    **{(what, Role.SUPPORT): text for what, text in _TO_SUPPORT.items()},
}

WHY: Final = N_(" Reason given: “{reason}”")
OFFER: Final = N_(" You can accept the offer on the order's page.")
DISCOUNT: Final = N_(
    " The offer: {money} off, so that you would pay {amount_due}. You can accept it on the order's page."
)
REFUND: Final = {
    Role.BUYER: N_(" You get {money} back."),
    Role.SELLER: N_(" The buyer gets {money} back."),
    Role.SUPPORT: N_(" The buyer gets {money} back."),
}
GOES_ON: Final = N_(" The order is awaiting shipment again.")
WORDS: Final = N_(" They write: “{note}”")
OF_MONEY: Final = N_(" of {money}")
EXPECTED: Final = N_(" It should arrive by {expected_by}.")
BY: Final = N_(" by {due_by}")
SUM: Final = " ({money})"
OF_NUMBER: Final = " {number}"
OTHER_ORDER: Final = N_(" Order {other_order_id} has the same number.")
UNKNOWN: Final = N_("There is an update on order {order}. Please see the order's page.")
"""For a notice that this version has no text for."""
