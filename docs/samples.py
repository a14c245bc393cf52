"""A sample of every notification (R21): each event, for each recipient, in each language."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from activities.notifications import OrderSummary, OutboxMessage, SummaryLine
from adapters.notifications.render import TEXTS, NotificationRenderer
from i18n.catalogues import LOCALES, Locale
from orders.messages import Role
from orders.place_order import Party
from orders.sentences import sentence
from orders.values import Money

_AT: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_LATER: Final = "2026-03-16T12:00:00+00:00"
_MONEY: Final = {"amount": 2490, "currency": "PLN"}
_PART: Final = {"amount": 1000, "currency": "PLN"}

# As the rules for tracking numbers have it.
_CARRIER: Final = sentence("postal service ({country})", country="Poland")

_NAMES: Final = {
    Role.BUYER: {"en": "Anna Smith", "pl": "Anna Kowalska"},
    Role.SELLER: {"en": "Cable Shop", "pl": "Sklep z kablami"},
}

# What a notification has to say, by the name of the detail; people's own words in their language.
_DETAILS: Final[dict[str, Any]] = {
    "amount_due": _MONEY,
    "amounts": [_MONEY],
    "carrier": _CARRIER,
    "due_by": _LATER,
    "expected_by": _LATER,
    "act_by": _LATER,
    "money": _MONEY,
    "paid": _MONEY,
    "method": "card",
    "number": "RR473124829PL",
    "pay_by": _LATER,
    "payment_id": "pay-17",
    "provider_refund_id": "refund-17",
    "refund_id": "A-1042-refund-1",
    "review_ends_at": "2026-03-03T12:00:00+00:00",
    "ship_by": _LATER,
    "twice": {"amount": 0, "currency": "PLN"},
    "days": 7,
    "kind": "tracking_number",
    "other_order_id": "A-1017",
    "outcome": "resolved_buyer_favour",
}
_TITLES: Final = {"en": "USB-C cable, 2 m", "pl": "Kabel USB-C, 2 m"}
_WORDS: Final = {
    "en": "Is anything unclear about the shipping?",
    "pl": "Czy coś jest niejasne w sprawie wysyłki?",
}
# The codes that a reason is, by what is told; elsewhere somebody gives it in words.
_REASONS: Final = {
    "cancellation_requested": "changed_mind",
    "cancellation_requested_after_proof": "changed_mind",
    "unpaid_complaint": "seller_unreachable",
    "cancellation_ended": "no_proof",
    "dispute_offered": "no_proof",
    "dispute_opened": "seller_refused",
    "order_closed": "seller_no_response",
}
_EXPLAINED: Final = {"en": "The account is closed.", "pl": "Rachunek jest zamknięty."}


# What one step tells one person together, in its order, with the reasons that go with each other.
_MOMENTS: Final[tuple[tuple[Role, dict[str, dict[str, Any]]], ...]] = (
    (
        Role.BUYER,
        {"cancellation_requested": {}, "dispute_opened": {"reason": "seller_complaint"}},
    ),
    (Role.BUYER, {"cancellation_refused": {}, "dispute_opened": {}}),
    (
        Role.BUYER,
        {
            "dispute_resolved": {"reason": "", "outcome": "resolved_with_payout", "money": _PART},
            "order_closed": {"reason": "dispute_partial_refund"},
            "refund_started": {"money": _PART},
        },
    ),
    (Role.BUYER, {"order_closed": {}, "refund_started": {}}),
    (
        Role.SELLER,
        {"proof_rejected": {"due_by": None}, "dispute_opened": {"reason": "proof_rejected"}},
    ),
    (
        Role.SELLER,
        {
            "dispute_resolved": {"reason": ""},
            "order_closed": {"reason": "dispute_full_refund"},
        },
    ),
)


@dataclass(frozen=True)
class Sample:
    """What one person is told of one moment, and who puts it into words."""

    messages: tuple[OutboxMessage, ...]
    locale: Locale

    @property
    def renderer(self) -> NotificationRenderer:
        """As in an installation where support reads this language, by the clock of Warsaw."""
        return NotificationRenderer(self.locale, ZoneInfo("Europe/Warsaw"))

    @property
    def name(self) -> str:
        """The events, the reader and the language."""
        first = self.messages[0]
        return f"{' + '.join(it.what for it in self.messages)}, {first.to.value}, {self.locale}"


def samples() -> Iterator[Sample]:
    """Every event by itself, in the order of an order's life, then what is told together."""
    for what, texts in TEXTS.items():
        for to in texts.by_role:
            for locale in LOCALES:
                yield Sample((_message(what, to, locale),), locale)
    for to, moment in _MOMENTS:
        for locale in LOCALES:
            told = (_message(what, to, locale, **more) for what, more in moment.items())
            yield Sample(tuple(told), locale)


def _message(what: str, to: Role, locale: Locale, **more: Any) -> OutboxMessage:
    name = _NAMES.get(to, {}).get(locale)
    summary = OrderSummary(
        lines=(SummaryLine(title=_TITLES[locale], quantity=2),),
        buyer=_NAMES[Role.BUYER][locale],
        seller=_NAMES[Role.SELLER][locale],
        total=Money.model_validate(_MONEY),
    )
    reason = _REASONS.get(what, "" if to is Role.SUPPORT else _EXPLAINED[locale])
    return OutboxMessage(
        key=f"A-1042:{what}:1:{to}",
        order_id="A-1042",
        to=to,
        party=Party(id=f"{to}-7", name=name, locale=locale) if name else None,
        what=what,
        at=_AT,
        details=_DETAILS | {"reason": reason, "text": _WORDS[locale]} | more,
        summary=None if what.startswith("stray_") else summary,
    )
