"""What people are told, in words (R21): friendly texts in the reader's language and by the reader's clock.

The texts are templates in ``adapters.notifications.texts``, translated by the catalogues. They take the
message's details by name, written out, and ``{order}``; the names in ``CLAUSES``, ``{why}``, ``{offer}``,
``{refund}`` and ``{free}`` are whole clauses, empty where there is nothing to say: a message that an earlier
version wrote may lack their detail.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from activities.notifications import OutboxMessage
from adapters.notifications.stray_payment_texts import STRAY_PAYMENT_TEXTS
from adapters.notifications.texts import ORDER_TEXTS
from adapters.tracking.links import tracking_link
from i18n.catalogues import LOCALES, N_, Locale, translator
from i18n.formats import days_text, instant_text, money_text
from i18n.labels import payment_method, phrase
from i18n.negotiation import zone_of
from i18n.quoting import within_quotes
from i18n.sentences import localize
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.sentences import Sentence
from orders.status import CloseReason
from orders.values import Balance

TEXTS: Final = ORDER_TEXTS | STRAY_PAYMENT_TEXTS
"""Every notification's, by its kind, in the order of an order's life."""

# A notification of a later version.
_UNKNOWN_SUBJECT: Final = N_("Update on order {order}")
_UNKNOWN: Final = N_("There is an update on order {order}. Please see the order's page.")

CLAUSES: Final = {
    "by": (N_(" by {due_by}"), "due_by"),
    "carried": (N_(" Carrier: {carrier}."), "carrier"),
    "dispute_goes_on": (N_(" The dispute goes on until it is decided."), "disputed"),
    "due": (" {amount_due}", "amount_due"),
    "expected": (N_(" It should arrive by {expected_by}."), "expected_by"),
    "goes_on": (N_(" The order is awaiting shipment again."), "awaits_shipment"),
    "of_money": (N_(" of {money}"), "money"),
    "of_number": (" {number}", "number"),
    "other_order": (N_(" Order {other_order_id} has the same number."), "other_order_id"),
    "request_ended": (N_(" That ends the request to cancel it."), "ended_request"),
    "sum": (" ({money})", "money"),
    "tracked": (N_(" The tracking number is {number}."), "number"),
    "until": (N_(" by {act_by}"), "act_by"),
    "words": (N_(" They write: “{note}”"), "note"),
}
"""Clauses, each with the detail that it needs."""

_WHY: Final = N_(" Reason given: “{reason}”")
_OFFER: Final = N_(" You can accept the offer on the order's page.")
_DISCOUNT: Final = N_(
    " The offer: {money} off, so that you would pay {amount_due}. You can accept it on the order's page."
)
_YOU_GET: Final = N_(" You get {money} back.")
_YOU_GET_OF: Final = N_(" You get {money} back of the {paid} that you paid.")
_BUYER_GETS: Final = N_(" The buyer gets {money} back.")
_BUYER_GETS_OF: Final = N_(" The buyer gets {money} back of the {paid} that was paid.")
_FREE: Final = N_(" Cancelling is free of charge.")
# Where the end of a dispute, which is told along with it, says why.
_CLOSED_BY_DISPUTE: Final = N_("That closes order {order}.")

_BY_DISPUTE: Final = frozenset(it for it in CloseReason if it.startswith("dispute_"))
_BY_CANCELLATION: Final = frozenset(
    {
        CloseReason.BUYER_CANCELED_UNPAID,
        CloseReason.SELLER_ACCEPTED,
        CloseReason.SELLER_NO_RESPONSE,
        CloseReason.SHIPMENT_EXPIRED,
    }
)

# The details that may be codes; what people write is never taken for one.
_CODES: Final = ("reason", "outcome", "kind")


@dataclass(frozen=True)
class NotificationRenderer:
    """Puts into words what one person is told of one moment.

    ``locale`` and ``zone`` are support's, and those of a party that has none of its own.
    """

    locale: Locale = LOCALES[0]
    zone: tzinfo = UTC

    def locale_of(self, message: OutboxMessage) -> Locale:
        """The language that the message's reader reads."""
        return message.party.locale if message.party else self.locale

    def subject(self, messages: Sequence[OutboxMessage]) -> str:
        """In a few words which order and what: of the first event, which led to the others."""
        first = messages[0]
        text = TEXTS[first.what].subject if first.what in TEXTS else _UNKNOWN_SUBJECT
        return translator(self.locale_of(first)).gettext(text).format(order=first.order_id)

    def text(self, messages: Sequence[OutboxMessage]) -> str:
        """All of it, in paragraphs."""
        parts = self.paragraphs(messages)
        if link := self.tracking_link(messages):
            follow = translator(self.locale_of(messages[0])).gettext("Follow the parcel")
            parts.append(f"{follow}: {link}")
        return "\n\n".join(parts)

    def plain(self, messages: Sequence[OutboxMessage]) -> tuple[str, str]:
        """Subject and text of what cannot be written out: of the order's id, and of nobody's words."""
        first = messages[0]
        said = translator(self.locale_of(first)).gettext
        return (
            said(_UNKNOWN_SUBJECT).format(order=first.order_id),
            said(_UNKNOWN).format(order=first.order_id),
        )

    def text_or_plain(self, messages: Sequence[OutboxMessage]) -> str:
        """The text as it is sent: plain where ``text`` fails, for whatever reason."""
        try:
            return self.text(messages)
        except Exception:
            return self.plain(messages)[1]

    def paragraphs(self, messages: Sequence[OutboxMessage]) -> list[str]:
        """A short paragraph for each event, which names the order. What one says is not said again."""
        told = {it.what for it in messages}
        return [self._paragraph(it, told) for it in messages]

    def tracking_link(self, messages: Sequence[OutboxMessage]) -> str | None:
        """The carrier's page for the parcel of an order that has shipped, where one is known."""
        for it in messages:
            if it.what == NotificationKind.ORDER_SHIPPED and (number := it.details.get("number")):
                return tracking_link(it.details.get("carrier"), number)
        return None

    def _paragraph(self, message: OutboxMessage, told: Collection[str]) -> str:
        words = translator(self.locale_of(message))
        details = {name: self._written(name, it, message) for name, it in message.details.items()}
        said = {name for name, value in message.details.items() if value is not None}

        def clause(text: str) -> str:
            return words.gettext(text).format_map(details) if text else ""

        return words.gettext(_text(message, told)).format_map(
            {
                "order": message.order_id,
                "why": self._why(message),
                "offer": clause(_offer(said)),
                "refund": clause(_refund(message, said, told)),
                "free": clause(_FREE if message.details.get("reason") in _BY_CANCELLATION else ""),
                **{
                    name: clause(text if needed in said else "")
                    for name, (text, needed) in CLAUSES.items()
                },
                **details,
            }
        )

    def _written(self, name: str, value: Any, message: OutboxMessage) -> str:
        locale = self.locale_of(message)
        match value:
            case Sentence():
                return localize(value, locale)
            case None:
                return "\N{EM DASH}"
            case {"amount": _, "currency": _}:
                return money_text(Balance.model_validate(value), locale)
            case list():
                return ", ".join(self._written(name, each, message) for each in value)
            case int() if name == "days":
                return days_text(timedelta(days=value), locale)
            case str() if name.endswith(("_by", "_at")):
                named = message.party.time_zone if message.party else None
                zone = zone_of(named, default=self.zone)
                return instant_text(datetime.fromisoformat(value), locale, zone)
            case str() if name == "method":
                return payment_method(value, locale)
            case str() if name in _CODES:
                return phrase(value, locale, message.to)
            case _:
                return within_quotes(str(value))

    def _why(self, message: OutboxMessage) -> str:
        locale = self.locale_of(message)
        reason = message.details.get("reason") or message.details.get("note")
        if not reason:
            return ""
        if isinstance(reason, Sentence):
            return f" {localize(reason, locale)}"
        return translator(locale).gettext(_WHY).format(reason=within_quotes(reason))


def _text(message: OutboxMessage, told: Collection[str]) -> str:
    if (
        message.what == NotificationKind.ORDER_CLOSED
        and NotificationKind.DISPUTE_RESOLVED in told
        and message.details.get("reason") in _BY_DISPUTE
    ):
        return _CLOSED_BY_DISPUTE
    texts = TEXTS.get(message.what)
    return (texts and texts.by_role.get(message.to)) or _UNKNOWN


def _offer(said: Collection[str]) -> str:
    if "offer_id" not in said:
        return ""
    return _DISCOUNT if {"money", "amount_due"} <= set(said) else _OFFER


def _refund(message: OutboxMessage, said: Collection[str], told: Collection[str]) -> str:
    """How much goes back; of a closing only where nothing that is told along with it says so."""
    is_said = {NotificationKind.REFUND_STARTED, NotificationKind.DISPUTE_RESOLVED} & set(told)
    if "money" not in said or (message.what == NotificationKind.ORDER_CLOSED and is_said):
        return ""
    is_part = "paid" in said and message.details["paid"] != message.details["money"]
    if message.to is Role.BUYER:
        return _YOU_GET_OF if is_part else _YOU_GET
    return _BUYER_GETS_OF if is_part else _BUYER_GETS
