"""Orders by the words that people look for."""

from sqlalchemy import ColumnElement, and_, false, or_, select

from database.tables import orders, search_terms
from orders.search_terms import joined_term, terms_of

_MOST_WORDS = 8


def matches(sought: str) -> ColumnElement[bool]:
    """Whether an order has terms that begin with all of these words, or with all of them as one."""
    words = terms_of(sought)[:_MOST_WORDS]
    if not words:
        return false()
    return or_(and_(*map(_begins_with, words)), _begins_with(joined_term(sought)))


def _begins_with(word: str) -> ColumnElement[bool]:
    term = search_terms.c.term
    # A range, which the index has, unlike LIKE.
    found = select(search_terms.c.order_id).where(term >= word, term < f"{word}\U0010ffff")
    return orders.c.order_id.in_(found)
