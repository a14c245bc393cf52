"""Texts that support often writes in a dispute (R16), offered beside its form."""

from typing import Final, NamedTuple

from i18n.catalogues import N_, translator
from orders.view import OrderView


class ReadyText(NamedTuple):
    """What it is for, and what it says."""

    title: str
    text: str


READY_TEXTS: Final = {
    "photos": ReadyText(
        N_("Ask the buyer for photos"),
        N_(
            "To the buyer: please add photos of what you have received, and of how it was packed, to the "
            "dispute on the order's page."
        ),
    ),
    "proof": ReadyText(
        N_("Ask the seller for proof"),
        N_(
            "To the seller: please enter the tracking number, or send a photo of the postal receipt, on the "
            "order's page."
        ),
    ),
    "settle": ReadyText(
        N_("Suggest a settlement"),
        N_(
            "Can you agree between yourselves? The seller can offer a part of the money back, and the buyer "
            "can accept or decline it. If you settle, the dispute ends without a decision of ours."
        ),
    ),
    "soon": ReadyText(
        N_("Say that you decide soon"),
        N_(
            "We have heard both of you and will decide soon. If there is anything we should still know, "
            "please write it here."
        ),
    ),
}
"""By their names in addresses."""


def ready_text(name: str, view: OrderView) -> str:
    """The text in the languages of the two who read it; empty for an unknown one."""
    found = READY_TEXTS.get(name)
    languages = dict.fromkeys((view.buyer.locale, view.seller.locale))
    return "\n\n".join(translator(it).gettext(found.text) for it in languages) if found else ""
