"""The subjects of letters, and what a mail says around its text (R21), in both languages.

A subject says in a few words which order and what; ``adapters.wording`` has the rest.
"""

from dataclasses import dataclass
from typing import Final

from activities.notifications import Letter


@dataclass(frozen=True)
class Frame:
    """What every mail of a language has around its text."""

    hello: str
    look: str
    """Leads to the order's page."""
    automatic: str


FRAMES: Final = {
    "en": Frame(
        hello="Hello,",
        look="See the order",
        automatic="This mail is sent automatically. Please do not answer it.",
    ),
    "pl": Frame(
        hello="Dzień dobry,",
        look="Zobacz zamówienie",
        automatic="Ta wiadomość została wysłana automatycznie. Prosimy na nią nie odpowiadać.",
    ),
}

SUBJECTS: Final = {
    "en": {
        "order_placed": "Order {order} is placed",
        "payment_reminder": "Order {order} still waits for your payment",
        "payment_received": "The payment for order {order} has arrived",
        "payment_declined": "The payment for order {order} was turned down",
        "payment_declined_late": "The payment for order {order} was turned down",
        "payment_accepted": "The payment for order {order} is accepted",
        "payment_contradicts": "Order {order}: contradictory news of a payment",
        "cancellation_requested": "Order {order}: cancellation asked for",
        "cancellation_withdrawn": "Order {order}: no longer to be canceled",
        "cancellation_refused": "The seller has refused to cancel order {order}",
        "cancellation_ended": "Order {order} is not canceled",
        "seller_reminder": "Please answer: cancellation of order {order}",
        "shipment_claimed": "Order {order}: the seller says that it is shipped",
        "shipment_extended": "Order {order}: more time to ship",
        "proof_requested": "Please prove that order {order} is shipped",
        "proof_to_review": "Order {order}: proof of the shipment to judge",
        "proof_rejected": "Order {order}: the proof of the shipment is not accepted",
        "tracking_invalid": "Order {order}: the tracking number could not be verified",
        "dispute_offered": "You can open a dispute about order {order}",
        "dispute_opened": "A dispute about order {order} is open",
        "dispute_reminder": "The dispute about order {order} is still undecided",
        "dispute_resolved": "The dispute about order {order} is over",
        "settlement_offered": "Order {order}: the seller offers a settlement",
        "seller_message": "The seller writes about order {order}",
        "buyer_message": "The buyer writes about order {order}",
        "offer_accepted": "Order {order}: your offer is accepted",
        "order_shipped": "Order {order} is shipped",
        "order_closed": "Order {order} is closed",
        "refund_started": "The refund for order {order} is on its way",
        "refund_succeeded": "The refund for order {order} is paid out",
        "refund_failed": "The refund for order {order} has not gone through yet",
        "refund_overdue": "The refund for order {order} is late",
        "refund_stopped": "The refund for order {order} is stopped",
        "refund_after_chargeback": "Order {order}: refunded and charged back",
        "chargeback_opened": "Order {order}: chargeback",
        "chargeback_reminder": "Order {order}: the chargeback is still undecided",
        "chargeback_won": "Order {order}: the chargeback was decided for the seller",
        "chargeback_lost": "Order {order}: the chargeback was decided for the buyer",
        "stray_refund_started": "A payment that no order could take goes back",
        "stray_refund_succeeded": "A payment that no order could take is back",
        "stray_refund_failed": "A payment that no order could take has not gone back yet",
        "stray_refund_overdue": "A payment that no order could take is late in going back",
    },
    "pl": {
        "order_placed": "Zamówienie {order} zostało złożone",
        "payment_reminder": "Zamówienie {order} wciąż czeka na zapłatę",
        "payment_received": "Dotarła płatność za zamówienie {order}",
        "payment_declined": "Płatność za zamówienie {order} została odrzucona",
        "payment_declined_late": "Płatność za zamówienie {order} została odrzucona",
        "payment_accepted": "Płatność za zamówienie {order} została przyjęta",
        "cancellation_requested": "Zamówienie {order}: prośba o anulowanie",
        "cancellation_withdrawn": "Zamówienie {order}: wycofana prośba o anulowanie",
        "cancellation_refused": "Sprzedawca odmówił anulowania zamówienia {order}",
        "cancellation_ended": "Zamówienie {order} nie zostało anulowane",
        "seller_reminder": "Prosimy o odpowiedź: anulowanie zamówienia {order}",
        "shipment_claimed": "Zamówienie {order}: sprzedawca twierdzi, że je wysłał",
        "shipment_extended": "Zamówienie {order}: więcej czasu na wysyłkę",
        "proof_requested": "Prosimy o dowód wysyłki zamówienia {order}",
        "proof_rejected": "Zamówienie {order}: dowód wysyłki nie został przyjęty",
        "tracking_invalid": "Zamówienie {order}: nie udało się potwierdzić numeru przesyłki",
        "dispute_offered": "Możesz otworzyć spór w sprawie zamówienia {order}",
        "dispute_opened": "Spór w sprawie zamówienia {order} jest otwarty",
        "dispute_resolved": "Spór w sprawie zamówienia {order} jest zakończony",
        "settlement_offered": "Zamówienie {order}: sprzedawca proponuje ugodę",
        "seller_message": "Sprzedawca pisze w sprawie zamówienia {order}",
        "buyer_message": "Kupujący pisze w sprawie zamówienia {order}",
        "offer_accepted": "Zamówienie {order}: Twoja propozycja została przyjęta",
        "order_shipped": "Zamówienie {order} jest wysłane",
        "order_closed": "Zamówienie {order} jest zamknięte",
        "refund_started": "Zwrot za zamówienie {order} jest w drodze",
        "refund_succeeded": "Zwrot za zamówienie {order} został wypłacony",
        "refund_failed": "Zwrot za zamówienie {order} jeszcze się nie powiódł",
        "refund_overdue": "Zwrot za zamówienie {order} się opóźnia",
        "refund_stopped": "Zwrot za zamówienie {order} został wstrzymany",
        "chargeback_opened": "Zamówienie {order}: obciążenie zwrotne (chargeback)",
        "chargeback_won": "Zamówienie {order}: chargeback zakończony na korzyść sprzedawcy",
        "chargeback_lost": "Zamówienie {order}: chargeback zakończony na korzyść kupującego",
        "stray_refund_started": "Zwracamy płatność, której nie mogło przyjąć żadne zamówienie",
        "stray_refund_succeeded": "Zwróciliśmy płatność, której nie mogło przyjąć żadne zamówienie",
        "stray_refund_failed": "Zwrot płatności bez zamówienia jeszcze się nie powiódł",
        "stray_refund_overdue": "Zwrot płatności bez zamówienia się opóźnia",
    },
}
"""By what a letter tells; support reads English only."""

_UNKNOWN: Final = {"en": "News about order {order}", "pl": "Wiadomość o zamówieniu {order}"}


def locale_of(letter: Letter) -> str:
    """The language that the letter's reader reads; support and unknown payers read English."""
    return letter.party.locale if letter.party else "en"


def subject(letter: Letter) -> str:
    """The letter's subject."""
    locale = locale_of(letter)
    text = SUBJECTS[locale].get(letter.what, _UNKNOWN[locale])
    return text.format(order=letter.order_id)
