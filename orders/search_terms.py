"""The words by which people find an order: ids, names, products, tracking numbers, payments and refunds.

Of what only one party may know, such as an address, there are none.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

from orders.view import OrderView

MAX_TERM: Final = 64
"""The longest term, in characters; longer ones are found by their beginning."""

_MOST: Final = 300
# Letters that no decomposition makes plain ones of.
_PLAIN: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})


def search_terms(view: OrderView) -> frozenset[str]:
    """An order's terms, each plain (``plain_term``); of very many products the first ones' words."""
    found: dict[str, None] = {}
    for text in _texts(view):
        found.update(dict.fromkeys(terms_of(text)))
    return frozenset(list(found)[:_MOST])


def terms_of(text: str) -> list[str]:
    """A text's words as terms: small letters without accents, and nothing around them."""
    words = (_stripped(plain_term(word)) for word in text.split())
    return [word[:MAX_TERM] for word in words if word]


def joined_term(text: str) -> str:
    """A text as one term: as people paste tracking numbers, ``RR 4731 2482 9PL``."""
    return "".join(filter(str.isalnum, plain_term(text)))[:MAX_TERM]


def plain_term(text: str) -> str:
    """A text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(it for it in apart if not unicodedata.combining(it)).translate(_PLAIN)


def _stripped(word: str) -> str:
    while word and not word[0].isalnum():
        word = word[1:]
    while word and not word[-1].isalnum():
        word = word[:-1]
    return word


def _texts(view: OrderView) -> Iterator[str]:
    yield view.order_id
    for party in (view.buyer, view.seller):
        yield party.id
        yield party.name
    if view.payment_id:
        yield view.payment_id
    for refund in (view.refund, *view.earlier_refunds):
        if refund:
            yield refund.refund_id
            yield refund.payment_id
    for it in view.outside_refunds:
        yield it.provider_refund_id
    for chargeback in view.chargebacks:
        yield chargeback.chargeback_id or ""
        yield chargeback.payment_id
    if view.shipment:
        yield from (it.number for it in view.shipment.tracking)
    for line in view.lines:
        yield line.title
        yield line.sku
