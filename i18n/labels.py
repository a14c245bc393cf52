"""What the contract's keys are called: each status, reason, action and event, for people.

``label`` is what stands alone: on a button, in a table, in a timeline. ``phrase`` is what stands within a
sentence, after "because" or a colon. A key of a later version reads as its own words.
"""

from typing import Final

from i18n.catalogues import N_, NC_, translator
from orders.messages import Role
from orders.refusals import CLOSED_PHRASES
from orders.schedule import COMING_PHRASES

LABELS: Final[dict[str, dict[str, str]]] = {
    "status": {
        "awaiting_payment": NC_("status", "Awaiting payment"),
        "payment_review": NC_("status", "Payment is being checked"),
        "awaiting_shipment": NC_("status", "Awaiting shipment"),
        "cancellation_requested": NC_("status", "Cancellation requested"),
        "proof_requested": NC_("status", "Proof of shipment requested"),
        "disputed": NC_("status", "In dispute"),
        "shipped": NC_("status", "Shipped"),
        "closed": NC_("status", "Closed"),
    },
    # what an order in a list asks of its reader
    "ask": {
        "reply": NC_("ask", "Answer the cancellation request"),
        "prove_shipment": NC_("ask", "Prove that you have shipped it"),
        "ship": NC_("ask", "Ship it"),
        "pay": NC_("ask", "Pay for it"),
        "act_on_refund": NC_("ask", "The payment provider needs something from you to refund it"),
        "consider_settlement": NC_("ask", "Answer the seller's settlement offer"),
        "consider_dispute": NC_("ask", "You can open a dispute"),
    },
    "close_reason": {
        "payment_expired": NC_("close_reason", "Not paid in time"),
        "buyer_canceled_unpaid": NC_("close_reason", "Cancelled by the buyer before paying"),
        "seller_accepted": NC_("close_reason", "Cancelled with the seller's consent"),
        "seller_no_response": NC_(
            "close_reason", "Cancelled because the seller did not answer in time"
        ),
        "shipment_expired": NC_("close_reason", "Not shipped in time"),
        "dispute_full_refund": NC_("close_reason", "Dispute: full refund"),
        "dispute_partial_refund": NC_("close_reason", "Dispute: partial refund"),
        "dispute_no_refund": NC_("close_reason", "Dispute: no refund"),
        "dispute_settled": NC_("close_reason", "Dispute: settled"),
        "charged_back": NC_("close_reason", "Payment taken back by the buyer's bank"),
        "payment_reversed": NC_("close_reason", "Payment failed after its check"),
        "refunded_outside": NC_("close_reason", "Sent back by the payment provider"),
    },
    "cancel_reason": {
        "changed_mind": NC_("cancel_reason", "Changed my mind"),
        "order_mistake": NC_("cancel_reason", "Ordered by mistake"),
        "duplicate_order": NC_("cancel_reason", "Ordered twice"),
        "found_cheaper_price": NC_("cancel_reason", "Found it cheaper"),
        "poor_quality_expected": NC_("cancel_reason", "Doubts about the quality"),
        "distrust_seller": NC_("cancel_reason", "No trust in the seller"),
        "wont_arrive_in_time": NC_("cancel_reason", "It will not arrive in time"),
        "address_issues": NC_("cancel_reason", "Problem with the address"),
        "seller_unreachable": NC_("cancel_reason", "Seller cannot be reached"),
        "out_of_stock": NC_("cancel_reason", "Out of stock"),
        "other": NC_("cancel_reason", "Another reason"),
    },
    "cancellation_status": {
        "requested": NC_("cancellation_status", "Awaiting the seller's answer"),
        "shipment_claimed": NC_("cancellation_status", "The seller says it has already shipped"),
        "accepted": NC_("cancellation_status", "Accepted"),
        "no_response": NC_("cancellation_status", "The seller did not answer"),
        "refused": NC_("cancellation_status", "Refused"),
        "withdrawn": NC_("cancellation_status", "Withdrawn"),
        "ended_by_shipment": NC_("cancellation_status", "Ended by shipment"),
        "ended_by_dispute": NC_("cancellation_status", "Ended by the dispute"),
        "ended_by_chargeback": NC_("cancellation_status", "Ended by the chargeback"),
        "ended_by_payment": NC_("cancellation_status", "Ended because the payment went back"),
        "by_itself": NC_("cancellation_status", "Cancelled automatically"),
    },
    "fault": {
        "buyer": NC_("fault", "Buyer"),
        "seller": NC_("fault", "Seller"),
        "none": NC_("fault", "Nobody"),
    },
    "seller_decision": {
        "accept": NC_("seller_decision", "Agree to cancel"),
        "refuse": NC_("seller_decision", "Refuse to cancel"),
        "already_shipped": NC_("seller_decision", "It has already shipped"),
    },
    "payment_status": {
        "in_review": NC_("payment_status", "Being checked"),
        "accepted": NC_("payment_status", "Accepted"),
        "declined": NC_("payment_status", "Declined"),
        "charged_back": NC_("payment_status", "Taken back by the bank"),
        "pending": NC_("payment_status", "On its way"),
        "reversed": NC_("payment_status", "Failed after its check"),
    },
    "chargeback_status": {
        "opened": NC_("chargeback_status", "Opened"),
        "won": NC_("chargeback_status", "Won by the seller"),
        "lost": NC_("chargeback_status", "Lost by the seller"),
    },
    "borne_by": {
        "seller": NC_("borne_by", "The seller"),
        "marketplace": NC_("borne_by", "The marketplace"),
    },
    "shipment_status": {
        "awaited": NC_("shipment_status", "Awaiting shipment"),
        "claimed": NC_("shipment_status", "Claimed by the seller"),
        "under_verification": NC_("shipment_status", "Proof is being verified"),
        "shipped": NC_("shipment_status", "Shipped"),
        "expired": NC_("shipment_status", "Not shipped"),
    },
    "tracking_status": {
        "verifying": NC_("tracking_status", "Being verified"),
        "valid": NC_("tracking_status", "Verified"),
        "invalid": NC_("tracking_status", "Not valid"),
        "under_review": NC_("tracking_status", "Awaiting review by support"),
        "accepted": NC_("tracking_status", "Accepted"),
        "rejected": NC_("tracking_status", "Rejected"),
        "lapsed": NC_("tracking_status", "No longer needed"),
    },
    "proof_status": {
        "under_review": NC_("proof_status", "Awaiting review by support"),
        "accepted": NC_("proof_status", "Accepted"),
        "rejected": NC_("proof_status", "Rejected"),
        "lapsed": NC_("proof_status", "No longer needed"),
    },
    "proof_kind": {
        "photo": NC_("proof_kind", "Photo"),
        "postal_receipt": NC_("proof_kind", "Scan of the postal receipt"),
    },
    "dispute_status": {
        "open": NC_("dispute_status", "Open"),
        "under_review": NC_("dispute_status", "Under review"),
        "resolved": NC_("dispute_status", "Resolved"),
    },
    "dispute_reason": {
        "seller_complaint": NC_("dispute_reason", "Complaint about the seller"),
        "seller_refused": NC_("dispute_reason", "The seller refused to cancel"),
        "no_proof": NC_("dispute_reason", "No proof of shipment in time"),
        "invalid_tracking": NC_("dispute_reason", "Wrong tracking number"),
        "proof_rejected": NC_("dispute_reason", "Proof of shipment rejected"),
        "buyer_request": NC_("dispute_reason", "At the buyer's request"),
    },
    "dispute_outcome": {
        "resolved_buyer_favour": NC_("dispute_outcome", "In the buyer's favour"),
        "resolved_seller_favour": NC_("dispute_outcome", "In the seller's favour"),
        "resolved_with_payout": NC_("dispute_outcome", "Partial refund"),
        "settled": NC_("dispute_outcome", "Settled by seller and buyer"),
        "withdrawn": NC_("dispute_outcome", "Withdrawn by the buyer"),
        "settled_by_cancellation": NC_("dispute_outcome", "Ended by the cancellation"),
    },
    "dispute_decision": {
        "full_refund": NC_("dispute_decision", "Full refund"),
        "partial_refund": NC_("dispute_decision", "Partial refund"),
        "no_refund": NC_("dispute_decision", "No refund"),
    },
    "refund_status": {
        "pending": NC_("refund_status", "On its way"),
        "requires_action": NC_("refund_status", "Needs action by the buyer"),
        "succeeded": NC_("refund_status", "Paid"),
        "failed": NC_("refund_status", "Failed"),
        "canceled": NC_("refund_status", "Stopped"),
    },
    "offer_kind": {
        "discount": NC_("offer_kind", "Discount"),
        "bonus": NC_("offer_kind", "Bonus"),
        "settlement": NC_("offer_kind", "Settlement"),
    },
    "offer_status": {
        "open": NC_("offer_status", "Waiting for an answer"),
        "accepted": NC_("offer_status", "Accepted"),
        "declined": NC_("offer_status", "Declined"),
        "lapsed": NC_("offer_status", "Expired"),
    },
    "topic": {
        "payment_question": NC_("topic", "Question about the payment"),
        "shipping_advice": NC_("topic", "Advice on shipping"),
        "payment_advice": NC_("topic", "Advice on payment"),
        "discount": NC_("topic", "Discount"),
        "bonus": NC_("topic", "Bonus"),
        "other": NC_("topic", "Other"),
    },
    "role": {
        "buyer": NC_("role", "Buyer"),
        "seller": NC_("role", "Seller"),
        "support": NC_("role", "Support"),
        "provider": NC_("role", "Payment provider"),
        "system": NC_("role", "System"),
    },
    "action": {
        "pay_now": NC_("action", "Pay now"),
        "reorder": NC_("action", "Add to cart again"),
        "payment": NC_("action", "Payment"),
        "payment_pending": NC_("action", "Payment on its way"),
        "payment_declined": NC_("action", "Declined payment"),
        "cancel_request": NC_("action", "Cancel the order"),
        "cancel_withdrawal": NC_("action", "Withdraw the request"),
        "seller_reply": NC_("action", "Answer the cancellation request"),
        "tracking_number": NC_("action", "Enter a tracking number"),
        "shipment_proof": NC_("action", "Send proof of shipment"),
        "proof_review": NC_("action", "Review the proof of shipment"),
        "seller_message": NC_("action", "Write to the buyer"),
        "buyer_message": NC_("action", "Write to the seller"),
        "support_message": NC_("action", "Write to buyer and seller"),
        "offer_acceptance": NC_("action", "Accept the offer"),
        "offer_decline": NC_("action", "Decline the offer"),
        "dispute_request": NC_("action", "Open a dispute"),
        "dispute_evidence": NC_("action", "Add a photo or document"),
        "dispute_withdrawal": NC_("action", "Withdraw the dispute"),
        "settlement_offer": NC_("action", "Offer a settlement"),
        "settlement_acceptance": NC_("action", "Accept the settlement"),
        "shipment_extension": NC_("action", "Give the seller more time"),
        "chargeback": NC_("action", "Chargeback"),
        "outside_refund": NC_("action", "Refund by the payment provider"),
        "unmatched_resolution": NC_("action", "Say who bears the unmatched money"),
        "dispute_decision": NC_("action", "Decide the dispute"),
        "refund_update": NC_("action", "Update the refund"),
    },
    "event": {
        "placed": NC_("event", "Order placed"),
        "payment_received": NC_("event", "Payment received"),
        "payment_pending": NC_("event", "Payment on its way"),
        "payment_declined": NC_("event", "Payment declined"),
        "payment_reversed": NC_("event", "Payment failed after it had come in"),
        "payment_accepted": NC_("event", "Payment accepted"),
        "payment_sent_back": NC_("event", "Payment that could not be accepted sent back"),
        "payment_reminder": NC_("event", "Buyer reminded to pay"),
        "seller_message": NC_("event", "Message from the seller"),
        "buyer_message": NC_("event", "Message from the buyer"),
        "support_message": NC_("event", "Message from support"),
        "offer_accepted": NC_("event", "Offer accepted"),
        "offer_declined": NC_("event", "Offer declined"),
        "cancellation_requested": NC_("event", "Cancellation requested"),
        "cancellation_withdrawn": NC_("event", "Cancellation request withdrawn"),
        "cancellation_ended": NC_("event", "Cancellation request ended"),
        "seller_replied": NC_("event", "The seller answered"),
        "seller_reminder": NC_("event", "Seller reminded to answer"),
        "proof_requested": NC_("event", "Proof of shipment requested"),
        "proof_given": NC_("event", "Proof of shipment sent"),
        "proof_reminder": NC_("event", "Support reminded of the proof of shipment"),
        "proof_accepted": NC_("event", "Proof of shipment accepted"),
        "proof_rejected": NC_("event", "Proof of shipment rejected"),
        "tracking_given": NC_("event", "Tracking number entered"),
        "tracking_valid": NC_("event", "Tracking number verified"),
        "tracking_invalid": NC_("event", "Tracking number not valid"),
        "tracking_unknown": NC_("event", "Tracking number needs a review by support"),
        "shipment_extended": NC_("event", "Time to ship extended"),
        "shipment_reminder": NC_("event", "Seller reminded to ship"),
        "shipped": NC_("event", "Shipped"),
        "dispute_offered": NC_("event", "Dispute offered"),
        "dispute_opened": NC_("event", "Dispute opened"),
        "evidence_given": NC_("event", "Evidence of the buyer"),
        "dispute_reminder": NC_("event", "Support reminded of the dispute"),
        "dispute_withdrawn": NC_("event", "Dispute withdrawn"),
        "dispute_decided": NC_("event", "Dispute decided"),
        "dispute_resolved": NC_("event", "Dispute resolved"),
        "settlement_offered": NC_("event", "Settlement offered"),
        "settlement_accepted": NC_("event", "Settlement accepted"),
        "closed": NC_("event", "Order closed"),
        "refund_started": NC_("event", "Refund started"),
        "refund_pending": NC_("event", "Refund on its way"),
        "refund_requires_action": NC_("event", "Refund needs action by the buyer"),
        "refund_succeeded": NC_("event", "Refund paid"),
        "refund_failed": NC_("event", "Refund failed"),
        "refund_canceled": NC_("event", "Refund stopped"),
        "refund_overdue": NC_("event", "Refund overdue"),
        "refund_returned": NC_("event", "Refund came back"),
        "outside_refund": NC_("event", "Money sent back by the payment provider"),
        "outside_refund_failed": NC_("event", "Money sent back by the provider did not arrive"),
        "unmatched_resolved": NC_("event", "Decided who bears the unmatched money"),
        "chargeback_opened": NC_("event", "Chargeback opened"),
        "chargeback_won": NC_("event", "Chargeback won by the seller"),
        "chargeback_lost": NC_("event", "Chargeback lost by the seller"),
        "chargeback_reminder": NC_("event", "Support reminded of the chargeback"),
        "stray_received": NC_("event", "Stray payment received"),
    },
    "refusal_code": {
        "payment_review_in_progress": NC_("refusal_code", "The payment is being checked"),
        "order_shipped": NC_("refusal_code", "The order has shipped"),
        "order_closed": NC_("refusal_code", "The order is closed"),
        "cancellation_exists": NC_("refusal_code", "Cancellation is already requested"),
        "dispute_exists": NC_("refusal_code", "There is already a dispute"),
        "already_answered": NC_("refusal_code", "Already answered"),
        "wrong_amount": NC_("refusal_code", "Wrong amount"),
        "unknown_offer": NC_("refusal_code", "No such offer"),
        "unknown_refund": NC_("refusal_code", "No such refund"),
        "unknown_proof": NC_("refusal_code", "No such file"),
        "too_many_messages": NC_("refusal_code", "Too many messages"),
        "not_in_this_status": NC_("refusal_code", "Not possible in this status"),
        "unknown_order": NC_("refusal_code", "No such order"),
    },
    "finding": {
        "payment_missing": NC_("finding", "Payment missing"),
        "payment_pending_missing": NC_("finding", "Payment under way missing"),
        "payment_failure_missing": NC_("finding", "Payment failure missing"),
        "payment_taken_twice": NC_("finding", "Payment taken twice"),
        "refund_news_missing": NC_("finding", "Refund update missing"),
        "refund_not_at_provider": NC_("finding", "Refund not at provider"),
        "outside_refund_missing": NC_("finding", "Outside refund missing"),
        "refund_amount": NC_("finding", "Refund amount"),
        "refund_taken_back": NC_("finding", "Refund reversed"),
        "chargeback_missing": NC_("finding", "Chargeback missing"),
        "ledger_differs_from_order": NC_("finding", "Ledger differs from order"),
        "order_differs_from_its_process": NC_("finding", "Order differs from its workflow"),
        "process_gone": NC_("finding", "Workflow missing"),
        "stray_money_left": NC_("finding", "Stray payment left"),
        "unmatched_money": NC_("finding", "Unmatched money"),
        "ledger_out_of_balance": NC_("finding", "Ledger out of balance"),
    },
}

PHRASES: Final[dict[str, str]] = {
    # why an order closed
    **{reason.value: text for reason, text in CLOSED_PHRASES.items()},
    # why the buyer wants to cancel
    "changed_mind": N_("changed their mind"),
    "order_mistake": N_("ordered by mistake"),
    "duplicate_order": N_("ordered twice"),
    "found_cheaper_price": N_("found it cheaper"),
    "poor_quality_expected": N_("expects poor quality"),
    "distrust_seller": N_("does not trust the seller"),
    "wont_arrive_in_time": N_("it will not arrive in time"),
    "address_issues": N_("a problem with the address"),
    "seller_unreachable": N_("could not reach the seller"),
    "out_of_stock": N_("out of stock"),
    "other": N_("another reason"),
    # what a dispute is about
    "seller_complaint": N_("the buyer complains about the seller"),
    "seller_refused": N_("the seller refused to cancel"),
    "no_proof": N_("the seller did not prove the shipment in time"),
    "invalid_tracking": N_("the tracking number could not be verified"),
    "proof_rejected": N_("the proof of shipment was not accepted"),
    "buyer_request": N_("the buyer asked for it"),
    # how a dispute ended
    "resolved_buyer_favour": N_("in the buyer's favour"),
    "resolved_seller_favour": N_("in the seller's favour"),
    "resolved_with_payout": N_("the buyer is refunded in part"),
    "settled": N_("seller and buyer settled it"),
    "withdrawn": N_("the buyer withdrew it"),
    "settled_by_cancellation": N_("the order was cancelled"),
    # what kind of proof
    "photo": N_("a photo"),
    "postal_receipt": N_("a scan of the postal receipt"),
    "tracking_number": N_("a tracking number"),
}
"""Codes of the contract as they read within a sentence; none of two kinds has the same name."""

PAYMENT_METHODS: Final[dict[str, str]] = {
    "card": N_("card"),
    "blik": "BLIK",
    "transfer": N_("bank transfer"),
    "bank_transfer": N_("bank transfer"),
    "customer_balance": N_("bank transfer"),
    "sepa_debit": N_("SEPA direct debit"),
    "p24": "Przelewy24",
    "paypal": "PayPal",
    "apple_pay": "Apple Pay",
    "google_pay": "Google Pay",
    "revolut_pay": "Revolut Pay",
    "klarna": "Klarna",
    "link": "Link",
}
"""How it was paid, by the names that providers use."""

_TO_READER: Final[dict[Role, dict[str, str]]] = {
    Role.BUYER: {
        "buyer_canceled_unpaid": N_("you cancelled it before paying"),
        "dispute_settled": N_("you and the seller have settled the dispute"),
        "charged_back": N_("your bank took the payment back"),
        "payment_reversed": N_("your payment failed after all"),
        "refunded_outside": N_("the payment provider has sent you the money back"),
        "seller_complaint": N_("you complained about the seller"),
        "buyer_request": N_("you asked for it"),
        "resolved_buyer_favour": N_("in your favour"),
        "resolved_with_payout": N_("you are refunded in part"),
        "settled": N_("you and the seller settled it"),
        "withdrawn": N_("you withdrew it"),
    },
    Role.SELLER: {
        "seller_accepted": N_("you agreed to cancel it"),
        "seller_no_response": N_("you did not answer the cancellation request in time"),
        "dispute_settled": N_("you and the buyer have settled the dispute"),
        "seller_unreachable": N_("could not reach you"),
        "seller_complaint": N_("the buyer complains about you"),
        "seller_refused": N_("you refused to cancel"),
        "no_proof": N_("you did not prove the shipment in time"),
        "proof_rejected": N_("your proof of shipment was not accepted"),
        "resolved_seller_favour": N_("in your favour"),
        "settled": N_("you and the buyer settled it"),
    },
}
"""What is said in the second person to the party that it is about."""


COMING_TO_READER: Final[dict[Role, dict[str, str]]] = {
    Role.BUYER: {
        "payment_reminder": N_("you are reminded to pay"),
        "shipment_expired": N_(
            "if it has not shipped by then, the order closes and you get your money back"
        ),
        "seller_no_response": N_(
            "if the seller has not answered by then, the order closes and you get your money back"
        ),
        "dispute_expired": N_("if support has not decided by then, you get all your money back"),
        "refund_overdue": N_("the refund becomes overdue: you and support are notified"),
    },
    Role.SELLER: {
        "shipment_reminder": N_("you are reminded to ship"),
        "shipment_expired": N_(
            "if you have not shipped it by then, the order closes and the buyer is refunded"
        ),
        "seller_reminder": N_("you are reminded to answer"),
        "seller_no_response": N_(
            "if you have not answered by then, the order closes and the buyer is refunded"
        ),
        "no_proof": N_(
            "if you have not proved the shipment by then, there is ground for a dispute"
        ),
        "dispute_expired_shipped": N_(
            "if support has not decided by then, the money goes to you, as the shipment is proved"
        ),
    },
    Role.SUPPORT: {
        "proof_reminder": N_("you are reminded of the proof of shipment"),
        "dispute_reminder": N_("you are reminded of the dispute"),
        "dispute_expired": N_("if you have not decided by then, the buyer is refunded in full"),
        "dispute_expired_shipped": N_(
            "if you have not decided by then, the money goes to the seller, as the shipment is proved"
        ),
        "chargeback_reminder": N_("you are reminded of the open chargeback"),
        "refund_overdue": N_("the refund becomes overdue: you and the buyer are notified"),
    },
}
"""What happens next, said to whom it is about."""


def coming(key: str, locale: str, reader: Role) -> str:
    """What the view says to happen next, to this reader."""
    text = COMING_TO_READER.get(reader, {}).get(key) or COMING_PHRASES.get(key)
    said = translator(locale).gettext(text) if text else key.replace("_", " ")
    return f"{said[:1].upper()}{said[1:]}"


def label(kind: str, key: str, locale: str) -> str:
    """What a key of this kind is called. Raises KeyError for a kind that there is not."""
    text = LABELS[kind].get(key)
    if text is None:
        return key.replace("_", " ").capitalize()
    return str(translator(locale).pgettext(kind, text))


def phrase(code: str, locale: str, reader: Role | None = None) -> str:
    """A code as it reads within a sentence to this reader; any other text as it is."""
    theirs = _TO_READER.get(reader, {}) if reader else {}
    text = theirs.get(code, PHRASES.get(code))
    return code if text is None else translator(locale).gettext(text)


def payment_method(name: str, locale: str) -> str:
    """A payment method as it reads within a sentence; one without a label as the provider names it."""
    text = PAYMENT_METHODS.get(name)
    return name if text is None else translator(locale).gettext(text)
