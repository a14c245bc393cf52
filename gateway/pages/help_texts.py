"""What the help pages say to buyers, sellers and mediators, with policy's durations in it.

A duration stands where "14 days" can stand after "have" or "for": other languages decline it.
"""

from typing import Final, NamedTuple

from i18n.catalogues import N_
from orders.messages import Role


class Topic(NamedTuple):
    """A heading, and paragraphs with policy's fields in braces."""

    title: str
    paragraphs: tuple[str, ...]


HELP: Final[dict[Role, tuple[Topic, ...]]] = {
    Role.BUYER: (
        Topic(
            N_("Before you pay"),
            (
                N_(
                    "You have {payment_window} to pay. If you do not pay, the order closes by itself, and "
                    "it costs you nothing. You can also cancel it at once."
                ),
                N_(
                    "Until then you and the seller can write to each other, and the seller can offer you a "
                    "discount or something extra. A transfer that is under way may take {payment_grace} "
                    "longer."
                ),
            ),
        ),
        Topic(
            N_("After you have paid"),
            (
                N_(
                    "Every payment is checked for {payment_review}. During the check you cannot ask to "
                    "cancel; the order's page says from when you can."
                ),
                N_(
                    "Then the seller has {shipment_window} to ship. If nothing has shipped by then, the "
                    "order closes by itself and you get all your money back. If you want to wait longer, "
                    "you can give the seller more time."
                ),
            ),
        ),
        Topic(
            N_("If you want to cancel"),
            (
                N_(
                    "As long as the order has not shipped you can ask to cancel it. That is free of charge. "
                    "The seller has {seller_reply_window} to answer: if they agree, or do not answer, the "
                    "order closes and you get your money back."
                ),
                N_(
                    "If the seller says that it has shipped, they must prove it within the same time. If "
                    "they refuse or cannot prove it, there is ground for a dispute. You can withdraw a "
                    "request that has not been answered."
                ),
            ),
        ),
        Topic(
            N_("If there is a dispute"),
            (
                N_(
                    "Support hears both sides and decides: you get all your money back, a part of it, or "
                    "nothing. It has {dispute_window} to decide. If it does not, you get all your money "
                    "back, unless the shipment is proved: then the money is the seller's."
                ),
                N_(
                    "On the order's page you write to the seller and to support, and add photos and "
                    "documents of your own."
                ),
                N_(
                    "You and the seller may also settle: the seller offers an amount and you accept it. "
                    "That, and withdrawing a dispute, cannot be undone."
                ),
            ),
        ),
        Topic(
            N_("When your money comes back"),
            (
                N_(
                    "Money goes back the way you paid. For that we have {refund_window} from the day the "
                    "order closes. If a refund fails or is late, support takes care of it: your money is "
                    "not lost."
                ),
            ),
        ),
    ),
    Role.SELLER: (
        Topic(
            N_("Before the buyer pays"),
            (
                N_(
                    "The buyer has {payment_window} to pay. You can ask why they wait, give advice, and "
                    "offer a discount or something extra. If they do not pay, the order closes by itself."
                ),
                N_(
                    "Do not ship before the payment is checked. The check takes {payment_review}; you are "
                    "told when it ends."
                ),
            ),
        ),
        Topic(
            N_("Shipping"),
            (
                N_(
                    "From the end of the check you have {shipment_window} to ship. Enter the tracking "
                    "number, or send a photo or a scan of the postal receipt. Without any the order closes "
                    "by itself, and the buyer gets the money back."
                ),
                N_("Once the shipment is proved, the money is yours, unless there is a dispute."),
            ),
        ),
        Topic(
            N_("If the buyer asks to cancel"),
            (
                N_(
                    "You have {seller_reply_window} to answer. If you do not answer, the order closes and "
                    "the buyer gets the money back."
                ),
                N_(
                    "You can agree, refuse, or say that it has shipped. If it has, prove it within the same "
                    "time: a number that is wrong, or none, is ground for a dispute. Until it has shipped "
                    "you can still agree to cancel."
                ),
            ),
        ),
        Topic(
            N_("If there is a dispute"),
            (
                N_(
                    "Support hears both sides and decides. It has {dispute_window} to decide. If it does "
                    "not, the buyer gets all the money back, unless the shipment is proved: then the money "
                    "is yours. Until then you can add proof, offer the buyer a settlement, or agree to "
                    "cancel."
                ),
                N_(
                    "On the order's page you write to the buyer and to support, and see the buyer's photos "
                    "and documents."
                ),
            ),
        ),
        Topic(
            N_("If the buyer's bank takes the money back"),
            (
                N_(
                    "The order's page says so first. Do not ship until the bank has decided. What the bank "
                    "has taken is not refunded a second time; if it decides for you, the money is yours "
                    "again."
                ),
            ),
        ),
    ),
    Role.SUPPORT: (
        Topic(
            N_("What waits for you"),
            (
                N_(
                    "The support queue has refunds that failed or are late, money that no payment accounts "
                    "for, proofs to review, and disputes to decide. Each says since when it waits, and what "
                    "happens by when if nobody does anything."
                ),
                N_(
                    "Take an order before you work on it, so that others see it. Your notes are for support "
                    "alone; neither buyer nor seller sees them."
                ),
            ),
        ),
        Topic(
            N_("Reviewing a proof of shipment"),
            (
                N_(
                    "Accept it if it shows that these goods went to this buyer. Accepted proof ends a "
                    "request to cancel; rejected proof is ground for a dispute. A proof that nobody reviews "
                    "holds the order for {dispute_window}."
                ),
                N_(
                    "A number that another seller's order has used is yours to judge: look at both."
                ),
            ),
        ),
        Topic(
            N_("Deciding a dispute"),
            (
                N_(
                    "Read both sides on the page of the case, which also says what each decision gives to "
                    "whom. You have {dispute_window}, and are reminded. After that an undecided dispute "
                    "ends by itself: with proof of shipment for the seller, else for the buyer."
                ),
                N_(
                    "On the order's page you write to buyer and seller at once, if you like with a "
                    "ready-made text; what either of them writes is told to you as well."
                ),
                N_(
                    "“No refund” for goods that have not shipped turns the claim down: the order awaits "
                    "shipment again. A decision cannot be undone."
                ),
            ),
        ),
        Topic(
            N_("Refunds that do not arrive"),
            (
                N_(
                    "A refund that fails is not tried again by itself. Find out from the payment provider "
                    "or the buyer's bank what became of the money, pay it another way if need be, and "
                    "record that with how you know. While the provider waits for the buyer, wait as well: "
                    "do not pay twice."
                ),
            ),
        ),
        Topic(
            N_("In Temporal's web UI"),
            (
                N_(
                    "Look there, and act here. “Request Cancellation” does not cancel an order; "
                    "“Terminate” stops its process without any ending, so never use it."
                ),
            ),
        ),
    ),
}
"""By reader."""
