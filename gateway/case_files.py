"""An order's case file: all that is known of it, for a court or a bank to read, as JSON and as PDF."""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final

import typst

from adapters.notifications.render import NotificationRenderer
from database.outbox import OutboxEntry, RefusedDelivery
from database.support_cases import SupportNote
from i18n.catalogues import N_, Locale, translator
from i18n.formats import instant_text, money_text
from i18n.labels import LABELS, PHRASES, label, payment_method, phrase
from i18n.quoting import without_directions
from i18n.sentences import localize
from orders.messages import Role
from orders.sentences import Sentence
from orders.timeline import Event
from orders.values import Balance, Frozen, Instant, Money
from orders.view import OrderView

_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_ZERO_WIDTH_SPACE: Final = "\N{ZERO WIDTH SPACE}"
_LONG_WORD: Final = re.compile(r"\S{24,}")
_SYLLABLE: Final = re.compile(r".{1,8}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LAYOUT: Final = Path(__file__).with_name("case_file.typ")


class SentNotification(Frozen):
    """What somebody was told (R21), as they were told it, when it was delivered or given up, and where it was
    refused.
    """

    at: Instant
    to: Role
    what: str
    subject: str
    text: str
    delivered_at: Instant | None
    refused: tuple[RefusedDelivery, ...]


class CaseFile(Frozen):
    """An order as support sees it, with what people were told of it.

    ``notes`` are support's own, and only there where it asks for them.
    """

    exported_at: Instant
    exported_by: str
    order: OrderView
    notifications: tuple[SentNotification, ...]
    notes: tuple[SupportNote, ...] = ()


def sent_notifications(
    entries: Iterable[OutboxEntry], renderer: NotificationRenderer
) -> tuple[SentNotification, ...]:
    """What people were told, oldest first."""
    return tuple(
        SentNotification(
            at=it.message.at,
            to=it.message.to,
            what=it.message.what,
            subject=renderer.subject([it.message]),
            text=renderer.text_or_plain([it.message]),
            delivered_at=it.delivered_at,
            refused=it.refused,
        )
        for it in entries
    )


async def as_pdf(case: CaseFile, locale: Locale, zone: tzinfo) -> bytes:
    """To print: its texts in this language, its instants by this clock."""
    document = _Writer(case, locale, zone).document()
    for section in document["sections"]:
        section["rows"] = [[_set(text) for text in row] for row in section["rows"]]
    data = json.dumps(document)
    # Typesetting takes the processor for a while: other requests go on meanwhile.
    return await asyncio.to_thread(
        typst.compile,
        _LAYOUT.read_bytes(),
        sys_inputs={"data": data},
        ignore_system_fonts=True,
    )


def _set(text: str) -> str:
    """A text that stays within its column, as long as its words may be; a digest stays whole."""
    return _LONG_WORD.sub(_broken, without_directions(text))


def _broken(word: re.Match[str]) -> str:
    if _SHA256.fullmatch(word[0]):
        return word[0]
    return _ZERO_WIDTH_SPACE.join(_SYLLABLE.findall(word[0]))


class _Writer:
    """Puts a case into tables of texts, which the layout sets."""

    def __init__(self, case: CaseFile, locale: Locale, zone: tzinfo) -> None:
        self._case = case
        self._locale = locale
        self._zone = zone
        self._said = translator(locale).gettext

    def document(self) -> dict[str, Any]:
        """The layout's data."""
        case, order, said = self._case, self._case.order, self._said
        sections = [
            (said(N_("Order")), self._facts()),
            (said(N_("Products")), self._lines()),
            (said(N_("Money")), self._money()),
            (said(N_("Messages")), self._messages()),
            (said(N_("Evidence")), self._evidence()),
            (said(N_("What happened")), self._timeline()),
            (said(N_("Not accepted")), self._refused()),
            (said(N_("Notifications")), self._notifications()),
            (said(N_("Internal notes")), self._notes()),
        ]
        exported = said(N_("Exported on {instant} by {person}"))
        return {
            "lang": self._locale,
            "title": said(N_("Case file of order {order}")).format(order=order.order_id),
            "exported": exported.format(
                instant=self._instant(case.exported_at), person=case.exported_by
            ),
            "sections": [{"title": title, "rows": rows} for title, rows in sections if rows],
        }

    def _instant(self, at: datetime) -> str:
        return instant_text(at, self._locale, self._zone)

    def _amount(self, money: Money | Balance) -> str:
        return money_text(money, self._locale)

    def _label(self, kind: str, key: str) -> str:
        return label(kind, key, self._locale)

    def _facts(self) -> list[list[str]]:
        order, said = self._case.order, self._said
        rows = [
            [said(N_("Buyer")), f"{order.buyer.name} ({order.buyer.id})"],
            [said(N_("Seller")), f"{order.seller.name} ({order.seller.id})"],
            [said(N_("Status")), self._label("status", order.status.value)],
            [said(N_("Placed")), self._instant(order.placed_at)],
        ]
        if order.close_reason and order.closed_at:
            why = self._label("close_reason", order.close_reason.value)
            rows.append([said(N_("Closed")), f"{self._instant(order.closed_at)} · {why}"])
        if order.dispute:
            about = [self._label("dispute_reason", order.dispute.reason.value)]
            if order.dispute.outcome:
                about.append(self._label("dispute_outcome", order.dispute.outcome.value))
            rows.append([said(N_("Dispute")), " · ".join([order.dispute.dispute_id, *about])])
        return rows

    def _lines(self) -> list[list[str]]:
        order = self._case.order
        rows = [
            [f"{line.quantity} {_TIMES} {line.title}", line.sku, self._amount(line.unit_price)]
            for line in order.lines
        ]
        return [*rows, [self._said(N_("Shipping")), "", self._amount(order.shipping_price)]]

    def _money(self) -> list[list[str]]:
        order, said = self._case.order, self._said
        amounts: list[tuple[str, Money | Balance]] = [
            (said(N_("Due")), order.amount_due),
            (said(N_("Paid")), order.amount_paid),
            (said(N_("Refunded")), order.amount_refunded),
            (said(N_("Charged back")), order.amount_charged_back),
            (said(N_("Held")), order.amount_held),
            (said(N_("For the seller")), order.amount_owed_to_seller),
        ]
        rows = [[name, self._amount(money)] for name, money in amounts]
        if order.payment:
            method = payment_method(order.payment.method, self._locale)
            rows.append([said(N_("Payment")), f"{method} · {order.payment.payment_id}"])
        for refund in (*order.earlier_refunds, *([order.refund] if order.refund else ())):
            status = self._label("refund_status", refund.status.value)
            text = f"{self._amount(refund.money)} · {status} · {refund.refund_id}"
            rows.append([said(N_("Refund")), text])
        for claim in order.chargebacks:
            status = self._label("chargeback_status", claim.status.value)
            text = f"{self._amount(claim.money)} · {status} · {self._instant(claim.opened_at)}"
            rows.append([said(N_("Chargeback")), text])
        return rows

    def _messages(self) -> list[list[str]]:
        return [
            [self._instant(it.at), self._label("role", it.by.value), it.text]
            for it in self._case.order.messages
        ]

    def _evidence(self) -> list[list[str]]:
        dispute, shipment = self._case.order.dispute, self._case.order.shipment
        if shipment is None:
            return []
        numbers = [
            [
                self._instant(it.given_at),
                f"{self._said('Tracking number')} {it.number}",
                " · ".join(
                    filter(
                        None,
                        [
                            self._label("tracking_status", it.status.value),
                            localize(it.reason or "", self._locale, self._zone),
                            it.note,
                        ],
                    )
                ),
            ]
            for it in shipment.tracking
        ]
        files = [
            [
                self._instant(it.given_at),
                self._label("proof_kind", it.kind),
                " · ".join(filter(None, [self._label("proof_status", it.status.value), it.note]))
                + f"\nSHA-256 {it.sha256}",
            ]
            for it in shipment.proofs
        ]
        of_buyer = [
            [
                self._instant(it.given_at),
                self._label("event", Event.EVIDENCE_GIVEN),
                f"{it.note}\nSHA-256 {it.sha256}".strip(),
            ]
            for it in (dispute.files if dispute else [])
        ]
        return numbers + files + of_buyer

    def _timeline(self) -> list[list[str]]:
        return [
            [
                self._instant(it.at),
                " · ".join(filter(None, [self._label("role", it.by.value), it.by_id])),
                ": ".join(filter(None, [self._label("event", it.what), self._details(it.details)])),
            ]
            for it in self._case.order.timeline
        ]

    def _details(self, details: Mapping[str, Any]) -> str:
        return ", ".join(filter(None, map(self._detail, details.values())))

    def _detail(self, value: object) -> str:
        match value:
            case {"amount": int(), "currency": str()}:
                return self._amount(Balance.model_validate(value))
            case Sentence():
                return localize(value, self._locale, self._zone)
            case str() if value in PHRASES:
                return phrase(value, self._locale)
            case str():
                kinds = (kind for kind, labels in LABELS.items() if value in labels)
                return self._label(kind, value) if (kind := next(kinds, "")) else value
            case bool() | None:
                return ""
            case int():
                return str(value)
            case _:
                return ""

    def _refused(self) -> list[list[str]]:
        return [
            [
                self._instant(it.at),
                self._label("action", it.name),
                localize(it.reason, self._locale, self._zone),
            ]
            for it in self._case.order.refused
        ]

    def _notifications(self) -> list[list[str]]:
        return [
            [
                self._instant(it.at),
                self._label("role", it.to.value),
                f"{it.subject}\n{self._delivery(it)}",
            ]
            for it in self._case.notifications
        ]

    def _delivery(self, sent: SentNotification) -> str:
        refused = [
            f"{it.channel}: {localize(it.reason, self._locale, self._zone)}" for it in sent.refused
        ]
        if sent.delivered_at is None:
            return "; ".join([self._said(N_("not delivered yet")), *refused])
        return "; ".join([self._instant(sent.delivered_at), *refused])

    def _notes(self) -> list[list[str]]:
        return [[self._instant(it.at), it.by_id, it.text] for it in self._case.notes]
