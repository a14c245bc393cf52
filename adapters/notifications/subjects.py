"""The subjects of messages to people (R21): in a few words which order and what."""

from typing import Final

from activities.notifications import OutboxMessage
from i18n.catalogues import LOCALES, N_, Locale, translator

SUBJECTS: Final = {
    "order_placed": N_("Order {order} is placed"),
    "payment_reminder": N_("Order {order} still waits for your payment"),
    "payment_received": N_("The payment for order {order} has arrived"),
    "payment_declined": N_("The payment for order {order} was turned down"),
    "payment_declined_late": N_("The payment for order {order} was turned down"),
    "payment_accepted": N_("The payment for order {order} is accepted"),
    "payment_contradicts": N_("Order {order}: contradictory news of a payment"),
    "cancellation_requested": N_("Order {order}: cancellation asked for"),
    "cancellation_withdrawn": N_("Order {order}: no longer to be canceled"),
    "cancellation_refused": N_("The seller has refused to cancel order {order}"),
    "cancellation_ended": N_("Order {order} is not canceled"),
    "seller_reminder": N_("Please answer: cancellation of order {order}"),
    "shipment_claimed": N_("Order {order}: the seller says that it is shipped"),
    "shipment_extended": N_("Order {order}: more time to ship"),
    "proof_requested": N_("Please prove that order {order} is shipped"),
    "proof_to_review": N_("Order {order}: proof of the shipment to judge"),
    "proof_rejected": N_("Order {order}: the proof of the shipment is not accepted"),
    "tracking_invalid": N_("Order {order}: the tracking number could not be verified"),
    "dispute_offered": N_("You can open a dispute about order {order}"),
    "dispute_opened": N_("A dispute about order {order} is open"),
    "dispute_reminder": N_("The dispute about order {order} is still undecided"),
    "dispute_resolved": N_("The dispute about order {order} is over"),
    "settlement_offered": N_("Order {order}: the seller offers a settlement"),
    "seller_message": N_("The seller writes about order {order}"),
    "buyer_message": N_("The buyer writes about order {order}"),
    "offer_accepted": N_("Order {order}: your offer is accepted"),
    "order_shipped": N_("Order {order} is shipped"),
    "order_closed": N_("Order {order} is closed"),
    "refund_started": N_("The refund for order {order} is on its way"),
    "refund_succeeded": N_("The refund for order {order} is paid out"),
    "refund_failed": N_("The refund for order {order} has not gone through yet"),
    "refund_overdue": N_("The refund for order {order} is late"),
    "refund_stopped": N_("The refund for order {order} is stopped"),
    "refund_after_chargeback": N_("Order {order}: refunded and charged back"),
    "chargeback_opened": N_("Order {order}: chargeback"),
    "chargeback_reminder": N_("Order {order}: the chargeback is still undecided"),
    "chargeback_won": N_("Order {order}: the chargeback was decided for the seller"),
    "chargeback_lost": N_("Order {order}: the chargeback was decided for the buyer"),
    "stray_refund_started": N_("A payment that no order could take goes back"),
    "stray_refund_succeeded": N_("A payment that no order could take is back"),
    "stray_refund_failed": N_("A payment that no order could take has not gone back yet"),
    "stray_refund_overdue": N_("A payment that no order could take is late in going back"),
    "stray_refund_stopped": N_("The refund of a payment that no order could take is stopped"),
    "stray_refund_restarted": N_("A payment that no order could take goes back after all"),
    "stray_refund_after_chargeback": N_(
        "A payment that no order could take: refunded and charged back"
    ),
    "stray_chargeback_opened": N_("A payment that no order could take: chargeback"),
    "stray_chargeback_reminder": N_(
        "A payment that no order could take: the chargeback is still undecided"
    ),
    "stray_chargeback_won": N_("A payment that no order could take: the chargeback is won"),
    "stray_chargeback_lost": N_("A payment that no order could take: the chargeback is lost"),
}
"""By what a message tells."""

_UNKNOWN: Final = N_("News about order {order}")


def locale_of(message: OutboxMessage) -> Locale:
    """The language that the message's reader reads; support and unknown payers read English."""
    return message.party.locale if message.party else LOCALES[0]


def subject(message: OutboxMessage) -> str:
    """The message's subject."""
    text = SUBJECTS.get(message.what, _UNKNOWN)
    return translator(locale_of(message)).gettext(text).format(order=message.order_id)
