"""The subjects of messages to people (R21): in a few words which order and what."""

from typing import Final

from activities.notifications import OutboxMessage
from i18n.catalogues import LOCALES, N_, Locale, translator

SUBJECTS: Final = {
    "order_placed": N_("Order {order} is placed"),
    "payment_reminder": N_("Reminder: order {order} awaits your payment"),
    "payment_pending": N_("The payment for order {order} is on its way"),
    "payment_received": N_("The payment for order {order} has arrived"),
    "payment_declined": N_("The payment for order {order} was turned down"),
    "payment_declined_late": N_("The payment for order {order} was turned down"),
    "payment_reversed": N_("The payment for order {order} has failed after all"),
    "payment_accepted": N_("The payment for order {order} is accepted"),
    "payment_contradicts": N_("Order {order}: contradictory payment reports"),
    "cancellation_requested": N_("Order {order}: cancellation requested"),
    "cancellation_requested_after_proof": N_("Order {order}: cancellation requested"),
    "unpaid_complaint": N_("Order {order}: a complaint about the seller"),
    "cancellation_withdrawn": N_("Cancellation request withdrawn: order {order}"),
    "cancellation_refused": N_("The seller has refused to cancel order {order}"),
    "cancellation_ended": N_("Order {order} will not be cancelled"),
    "seller_reminder": N_("Your answer is needed: cancellation of order {order}"),
    "shipment_reminder": N_("Reminder: please ship order {order}"),
    "shipment_claimed": N_("Order {order}: the seller says it has shipped"),
    "shipment_extended": N_("Order {order}: more time to ship"),
    "proof_requested": N_("Proof of shipment needed: order {order}"),
    "proof_to_review": N_("Order {order}: proof of shipment to review"),
    "proof_reminder": N_("Order {order}: proof of shipment awaiting your review"),
    "proof_rejected": N_("Order {order}: proof of shipment rejected"),
    "tracking_invalid": N_("Order {order}: the tracking number could not be verified"),
    "dispute_offered": N_("You can open a dispute about order {order}"),
    "dispute_opened": N_("Dispute opened: order {order}"),
    "dispute_reminder": N_("Dispute awaiting your decision: order {order}"),
    "dispute_reminder_shipped": N_("Dispute awaiting your decision: order {order}"),
    "dispute_resolved": N_("Dispute resolved: order {order}"),
    "settlement_offered": N_("Order {order}: settlement offered"),
    "seller_message": N_("Message from the seller: order {order}"),
    "buyer_message": N_("Message from the buyer: order {order}"),
    "offer_accepted": N_("Order {order}: your offer was accepted"),
    "order_shipped": N_("Order {order} has shipped"),
    "order_closed": N_("Order {order} is closed"),
    "refund_started": N_("The refund for order {order} is on its way"),
    "refund_succeeded": N_("The refund for order {order} has been paid"),
    "refund_failed": N_("The refund for order {order} has not arrived yet"),
    "refund_requires_action": N_("The refund for order {order} waits for the buyer"),
    "refund_returned": N_("The refund for order {order} has come back"),
    "refund_overdue": N_("The refund for order {order} is late"),
    "refund_stopped": N_("The refund for order {order} is on hold"),
    "refund_after_chargeback": N_("Order {order}: paid back twice"),
    "outside_refund": N_("Order {order}: money sent back by the payment provider"),
    "outside_refund_failed": N_("Order {order}: money sent back by the provider did not arrive"),
    "unmatched_money": N_("Order {order}: money that cannot be matched"),
    "chargeback_opened": N_("Order {order}: chargeback"),
    "chargeback_reminder": N_("Order {order}: the bank has not decided the chargeback yet"),
    "chargeback_won": N_("Order {order}: chargeback won by the seller"),
    "chargeback_lost": N_("Order {order}: chargeback won by the buyer"),
    "stray_refund_started": N_("We are returning your payment"),
    "stray_refund_succeeded": N_("Your payment has been returned"),
    "stray_refund_failed": N_("A payment could not be returned yet"),
    "stray_refund_requires_action": N_("The return of a payment waits for its payer"),
    "stray_refund_returned": N_("The return of a payment has come back"),
    "stray_payment_reversed": N_("Stray payment: failed after all"),
    "stray_outside_refund": N_("A payment was sent back by the payment provider"),
    "stray_outside_refund_failed": N_("Money sent back by the payment provider did not arrive"),
    "stray_unmatched_money": N_("Stray payment: money that cannot be matched"),
    "stray_refund_overdue": N_("The return of a payment is late"),
    "stray_refund_stopped": N_("The return of a payment is on hold"),
    "stray_refund_restarted": N_("We are returning the rest of your payment"),
    "stray_refund_after_chargeback": N_("Stray payment: paid back twice"),
    "stray_chargeback_opened": N_("Stray payment: chargeback"),
    "stray_chargeback_reminder": N_("Stray payment: the bank has not decided the chargeback yet"),
    "stray_chargeback_won": N_("Stray payment: chargeback won"),
    "stray_chargeback_lost": N_("Stray payment: chargeback lost"),
}
"""By what a message tells."""

_UNKNOWN: Final = N_("Update on order {order}")


def locale_of(message: OutboxMessage) -> Locale:
    """The language that the message's reader reads; support and unknown payers read English."""
    return message.party.locale if message.party else LOCALES[0]


def subject(message: OutboxMessage) -> str:
    """The message's subject."""
    text = SUBJECTS.get(message.what, _UNKNOWN)
    return translator(locale_of(message)).gettext(text).format(order=message.order_id)
