"""What is said once a message is accepted, and carried to the page that follows by a cookie, once.

The cookie counts for the session and the address that it was made for: a link cannot make a page say it, and
a page that is loaded again does not repeat it.
"""

import hmac
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from gateway.pages.forms import FORMS
from gateway.pages.sessions import Session, cookie_name
from orders.sentences import Sentence, sentence
from orders.status import CloseReason, Status
from orders.view import OrderView

_COOKIE: Final = "unbuy-done"
_WITHIN: Final = 60
"""Seconds."""

PAID: Final = "pay_now"
REORDERED: Final = "reorder"

_CANCELLED: Final = sentence("Order cancelled.")
# An unpaid order needs nobody's consent (R2).
_PAYMENT_IS_CHECKED: Final = sentence("The payment has arrived and is being checked.")
_VERIFIED: Final = sentence("The tracking number is verified.")
_PLACED_AGAIN: Final = sentence("Your new order is placed; nothing is paid for it yet.")


def remember(response: Response, session: Session, address: str, name: str, secure: bool) -> None:
    """Have the next page at this address say that the message of this name is accepted."""
    value = f"{name}.{_mac(session, address, name)}"
    _set(response, value, _WITHIN, secure)


def forget(response: Response, secure: bool) -> None:
    """Have no further page say it."""
    _set(response, "", 0, secure)


def remembered(request: Request, session: Session, address: str, secure: bool) -> str:
    """The name of the message just accepted at this address; empty where there is none."""
    name, _, mac = request.cookies.get(cookie_name(_COOKIE, secure), "").partition(".")
    is_ours = hmac.compare_digest(mac.encode(), _mac(session, address, name).encode())
    return name if is_ours else ""


def _set(response: Response, value: str, seconds: int, secure: bool) -> None:
    response.set_cookie(
        cookie_name(_COOKIE, secure),
        value,
        max_age=seconds,
        httponly=True,
        secure=secure,
        samesite="lax",
        path="/",
    )


def accepted(name: str) -> Sentence | None:
    """What is said of a message of this name, whatever has come of it."""
    return Sentence(FORMS[name].done, {}) if name in FORMS else None


def done_text(name: str, view: OrderView) -> Sentence | None:
    """What is said of a message of this name, by what the order has come to since."""
    number = view.shipment.tracking[-1] if view.shipment and view.shipment.tracking else None
    match name:
        case "pay_now":
            return _PAYMENT_IS_CHECKED
        case "reorder":
            return _PLACED_AGAIN
        case "cancel_request" if view.close_reason is CloseReason.BUYER_CANCELED_UNPAID:
            return _CANCELLED
        case "tracking_number" | "seller_reply" if number and number.status == "invalid":
            return None  # the banner says what is wrong
        case "tracking_number" if view.status is Status.SHIPPED:
            return _VERIFIED
        case _:
            return accepted(name)


def _mac(session: Session, address: str, name: str) -> str:
    said = f"{address} {name}".encode()
    return hmac.new(session.form_secret.encode(), said, sha256).hexdigest()[:32]
