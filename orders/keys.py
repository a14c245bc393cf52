"""Ids and keys that are made of others: the one place that makes and that reads them.

They are in histories, in the ledger and at the provider: what is made must stay as it is. Workflow ids are in
``workflows.ids``.
"""

import re
from typing import Final, NamedTuple

STRAY_LEDGER_PREFIX: Final = "stray/"
"""What a stray payment's postings go by begins with; no order's id can have a slash."""

PAYMENT_PREFIX: Final = "payment/"
"""What the step of a payment that an order took begins with."""

_CHARGEBACK_PREFIX: Final = "chargeback/"
_REFUND_OF_STRAY = re.compile(r"stray-(?P<payment_id>.+?)-refund(-[1-9][0-9]*)?")
_REFUND_OF_ORDER = re.compile(r"(?P<order_id>.+)-refund-(?P<number>[1-9][0-9]*)")

STRAY_RECEIVED: Final = "received"
"""The step in which a stray payment comes in."""


class RefundParts(NamedTuple):
    """What a refund's id is made of; ``order_id`` is None for a stray payment's. Its owner's first is 1."""

    order_id: str | None
    number: int


def order_refund_id(order_id: str, number: int) -> str:
    """The id of an order's refund."""
    return f"{order_id}-refund-{number}"


def stray_refund_id(payment_id: str, number: int) -> str:
    """The id of a stray payment's refund: its first has no number."""
    first = f"stray-{payment_id}-refund"
    return first if number == 1 else f"{first}-{number}"


def read_refund_id(refund_id: str, payment_id: str) -> RefundParts | None:
    """The parts of the id of a refund of this payment; None for one that is not ours."""
    first = stray_refund_id(payment_id, 1)
    if refund_id == first:
        return RefundParts(None, 1)
    if refund_id.startswith(f"{first}-") and refund_id.removeprefix(f"{first}-").isdecimal():
        return RefundParts(None, int(refund_id.removeprefix(f"{first}-")))
    if found := _REFUND_OF_ORDER.fullmatch(refund_id):
        return RefundParts(found["order_id"], int(found["number"]))
    return None


def read_stray_refund_id(refund_id: str) -> str | None:
    """The stray payment whose refund has this id; None for an id of another form."""
    found = _REFUND_OF_STRAY.fullmatch(refund_id)
    return found["payment_id"] if found else None


def posting_key(ledger_id: str, step: str) -> str:
    """What makes a posting take effect once."""
    return f"{ledger_id}:{step}"


def stray_ledger_id(payment_id: str) -> str:
    """What a stray payment's postings go by, as an order's go by its id."""
    return f"{STRAY_LEDGER_PREFIX}{payment_id}"


def read_stray_ledger_id(ledger_id: str) -> str | None:
    """The stray payment whose postings go by this; None for an order's."""
    prefix, found, payment_id = ledger_id.partition(STRAY_LEDGER_PREFIX)
    return payment_id if found and not prefix else None


def payment_step(payment_id: str) -> str:
    """An order takes a payment."""
    return f"{PAYMENT_PREFIX}{payment_id}"


def payment_declined_step(payment_id: str) -> str:
    """A payment that an order had taken is declined."""
    return f"payment-declined/{payment_id}"


def payment_sent_back_step(payment_id: str) -> str:
    """A payment is sent back, with what had been taken of it before it came in."""
    return f"payment-sent-back/{payment_id}"


def chargeback_step(payment_id: str, number: int) -> str:
    """The bank takes a payment's money, or gives it back; numbered for each payment's owner."""
    return f"{_CHARGEBACK_PREFIX}{payment_id}/{number}"


def outside_refund_step(payment_id: str, number: int) -> str:
    """The provider sends a payment's money back without our asking; numbered for each payment's owner."""
    return f"outside-refund/{payment_id}/{number}"


def payment_reversed_step(payment_id: str) -> str:
    """A payment fails after its check: the provider takes its money back."""
    return f"payment-reversed/{payment_id}"


def unmatched_step(number: int) -> str:
    """Support says who bears what cannot be matched."""
    return f"unmatched-resolved-{number}"


def seller_credited_step(number: int) -> str:
    """What is held becomes the seller's."""
    return f"seller-credited-{number}"


def refund_decided_step(number: int) -> str:
    """What is held is to go back to the buyer."""
    return f"refund-{number}-decided"


def refund_settled_step(number: int, time: int = 1) -> str:
    """A refund of an order is paid, for the first time or once more after it had come back."""
    return f"refund-{number}-settled{_again(time)}"


def refund_returned_step(number: int, time: int) -> str:
    """A refund of an order that had been paid has come back."""
    return f"refund-{number}-returned{_again(time)}"


def refund_stopped_step(number: int) -> str:
    """A refund of an order is stopped; what was to go back is held again."""
    return f"refund-{number}-stopped"


def stray_returned_step(number: int, time: int = 1) -> str:
    """A refund of a stray payment is paid, for the first time or once more after it had come back."""
    return ("returned" if number == 1 else f"returned-{number}") + _again(time)


def stray_came_back_step(number: int, time: int) -> str:
    """A refund of a stray payment that had been paid has come back."""
    return f"came-back-{number}{_again(time)}"


def _again(time: int) -> str:
    return "" if time == 1 else f" ({time})"


def settled_refund_key(refund_id: str, payment_id: str) -> str | None:
    """The key of the posting that a refund of this payment makes when it is paid; None if it is not ours."""
    match read_refund_id(refund_id, payment_id):
        case RefundParts(order_id=None, number=number):
            return posting_key(stray_ledger_id(payment_id), stray_returned_step(number))
        case RefundParts(order_id=str(order_id), number=number):
            return posting_key(order_id, refund_settled_step(number))
        case _:
            return None


def dispute_id(order_id: str, number: int) -> str:
    """The id of an order's dispute."""
    return f"{order_id}-dispute-{number}"


def offer_id(number: int) -> str:
    """The id of an offer, within its order."""
    return f"offer-{number}"
