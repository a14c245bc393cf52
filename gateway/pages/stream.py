"""What was said and what happened, as one stream: each entry with its content and who it is of.

The timeline has the events; messages, notes, offers and proofs are found by the instant that they share with
theirs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from gateway.pages.forms import CONVERSATION
from i18n.formats import days_text, money_text
from i18n.labels import LABELS, label
from i18n.sentences import localize
from orders.conversation import ChatMessage
from orders.disputes import DisputeFile
from orders.messages import Role
from orders.offers import Offer
from orders.schedule import Reminder
from orders.shipments import ProofEvidence
from orders.timeline import Event, TimelineEntry
from orders.values import Balance
from orders.view import OrderView

_REMINDERS: Final = frozenset(Reminder)

_REASONS: Final[dict[str, tuple[str, ...]]] = {
    Event.CANCELLATION_REQUESTED: ("cancel_reason",),
    Event.CANCELLATION_ENDED: ("dispute_reason", "dispute_outcome"),
    Event.CLOSED: ("close_reason",),
    Event.DISPUTE_OFFERED: ("dispute_reason",),
    Event.DISPUTE_OPENED: ("dispute_reason",),
    Event.PAYMENT_SENT_BACK: ("refusal_code",),
    Event.STRAY_RECEIVED: ("refusal_code",),
}
"""Which kinds of label an event's reason has; any other reason is somebody's own words."""

_DECISIONS: Final[dict[str, str]] = {
    Event.SELLER_REPLIED: "seller_decision",
    Event.DISPUTE_DECIDED: "dispute_decision",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's own words."""

    text: str
    by: Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: ``facts`` are short texts such as an amount or a reason, in the reader's language."""

    at: datetime
    what: str
    by: Role
    by_id: str | None
    facts: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    message: str = ""
    offer: Offer | None = None
    proof: ProofEvidence | None = None
    file: DisputeFile | None = None

    @property
    def is_reminder(self) -> bool:
        """Whether it tells of a reminder, which changes nothing."""
        return self.what in _REMINDERS


_Item = TypeVar("_Item", ChatMessage, ProofEvidence, DisputeFile)


@dataclass(slots=True)
class _Found:
    """What is not an event of its own, until one has taken it."""

    messages: list[ChatMessage]
    proofs: list[ProofEvidence]
    files: list[DisputeFile]
    offers: dict[str, Offer]
    said: set[str] = field(default_factory=set)

    def message(self, entry: TimelineEntry) -> str:
        """What was written by this person at this instant."""
        found = _taken(self.messages, lambda it: it.by is entry.by and it.at == entry.at)
        return found.text if found else ""

    def proof(self, entry: TimelineEntry) -> ProofEvidence | None:
        """The photo or scan that was given then."""
        return _taken(self.proofs, lambda it: it.given_at == entry.at)

    def file(self, entry: TimelineEntry) -> DisputeFile | None:
        """The buyer's evidence that was given then."""
        return _taken(self.files, lambda it: it.given_at == entry.at)


def _taken(waiting: list[_Item], fits: Callable[[_Item], bool]) -> _Item | None:
    """The first that fits, which waits no longer."""
    found = next(filter(fits, waiting), None)
    if found:
        waiting.remove(found)
    return found


def stream(view: OrderView, locale: str) -> list[Entry]:
    """All that was said and happened, from the first to the last, as far as this view has it."""
    found = _Found(
        list(view.messages),
        list(view.shipment.proofs) if view.shipment else [],
        list(view.dispute.files) if view.dispute else [],
        {offer.offer_id: offer for offer in view.offers},
    )
    told = [_entry(view, each, found, locale) for each in view.timeline]
    # Of a long timeline the middle is not kept, and what was written then is.
    left = (Entry(it.at, f"{it.by}_message", it.by, None, message=it.text) for it in found.messages)
    return sorted([*told, *left], key=lambda it: it.at)


def entries(timeline: list[TimelineEntry], locale: str) -> list[Entry]:
    """The same of a timeline alone, as a stray payment has it."""
    return [
        Entry(it.at, it.what, it.by, it.by_id, _facts(it, locale), tuple(_notes(it)))
        for it in timeline
    ]


def _entry(view: OrderView, entry: TimelineEntry, found: _Found, locale: str) -> Entry:
    talks = entry.what in CONVERSATION
    quotes = [*_notes(entry), *_quotes(view, entry)]
    # A note of the request is the dispute's, too, which opens with it.
    new = tuple(it for it in quotes if it.text not in found.said)
    found.said |= {it.text for it in new}
    offer = found.offers.get(str(entry.details.get("offer_id")))
    return Entry(
        entry.at,
        entry.what,
        entry.by,
        entry.by_id,
        _facts(entry, locale),
        new,
        found.message(entry) if talks else "",
        offer,
        found.proof(entry) if entry.what == Event.PROOF_GIVEN else None,
        found.file(entry) if entry.what == Event.EVIDENCE_GIVEN else None,
    )


def _notes(entry: TimelineEntry) -> Iterator[Quote]:
    if note := entry.details.get("note"):
        yield Quote(str(note), entry.by)


def _quotes(view: OrderView, entry: TimelineEntry) -> Iterator[Quote]:
    request, dispute = view.cancellation, view.dispute
    match entry.what:
        case Event.CANCELLATION_REQUESTED if request and request.requested_at == entry.at:
            yield from _said(request.note, Role.BUYER)
        case Event.SELLER_REPLIED if request and request.answered_at == entry.at:
            yield from _said(request.answer_note, Role.SELLER)
        case Event.DISPUTE_OPENED if dispute and dispute.opened_at == entry.at:
            yield from _said(dispute.note, Role.BUYER)
        case Event.SETTLEMENT_OFFERED:
            offer_id = entry.details.get("offer_id")
            for offer in view.offers:
                if offer.offer_id == offer_id:
                    yield from _said(offer.text, Role.SELLER)
        case _:
            pass


def _said(text: str, by: Role) -> Iterator[Quote]:
    if text:
        yield Quote(text, by)


def _facts(entry: TimelineEntry, locale: str) -> tuple[str, ...]:
    parts = (_fact(entry.what, name, value, locale) for name, value in entry.details.items())
    return tuple(part for each in parts for part in each if part)


def _fact(what: str, name: str, value: Any, locale: str) -> Iterator[str]:
    match name, value:
        case _, {"amount": int(), "currency": str()}:
            yield money_text(Balance.model_validate(value), locale)
        case "amounts", list():
            for each in value:
                yield from _fact(what, "amount", each, locale)
        case "days", int():
            yield days_text(timedelta(days=value), locale)
        case "number" | "carrier", str():
            yield localize(value, locale)
        case "kind", str():
            yield label("proof_kind", value, locale) if value != "tracking_number" else ""
        case "decision", str() if what in _DECISIONS:
            yield label(_DECISIONS[what], value, locale)
        case "outcome", str():
            yield label("dispute_outcome", value, locale)
        case "topic", str() if value != "other":
            yield label("topic", value, locale)
        case "borne_by", str():
            yield label("borne_by", value, locale)
        case "reason", str():
            yield _reason(what, value, locale)
        case _:
            pass


def _reason(what: str, value: str, locale: str) -> str:
    kinds = _REASONS.get(what, ())
    kind = next((it for it in kinds if value in LABELS[it]), "")
    return label(kind, value, locale) if kind else localize(value, locale)
