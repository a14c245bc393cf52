"""Every key that people can meet has its name, in both languages."""

import itertools
from typing import Any, get_args

import pytest

from activities.ledger_check import Finding
from i18n.catalogues import LOCALES
from i18n.labels import COMING_TO_READER, LABELS, PHRASES, coming, label, phrase
from orders.asked import Ask
from orders.cancellations import CancellationStatus, Fault
from orders.disputes import DisputeOutcome, DisputeReason, DisputeStatus
from orders.errors import RefusalCode
from orders.messages import (
    MESSAGES,
    CancelReason,
    ChargebackStatus,
    DisputeDecision,
    RefundStatus,
    Role,
    SellerMessage,
    SellerReply,
    UnmatchedResolution,
)
from orders.offers import OfferKind, OfferStatus
from orders.payments import PaymentStatus
from orders.schedule import COMING_PHRASES
from orders.shipments import ProofEvidence, ProofStatus, ShipmentStatus, TrackingStatus
from orders.status import CloseReason, Status
from orders.timeline import Event


def _choices(of: Any, field: str) -> set[str]:
    return set(get_args(of.model_fields[field].annotation))


KEYS: dict[str, set[str]] = {
    "status": set(Status),
    "ask": set(Ask),
    "close_reason": set(CloseReason),
    "cancel_reason": set(CancelReason),
    "cancellation_status": set(CancellationStatus),
    "fault": set(Fault),
    "seller_decision": _choices(SellerReply, "decision"),
    "payment_status": set(PaymentStatus),
    "chargeback_status": set(ChargebackStatus),
    "borne_by": _choices(UnmatchedResolution, "borne_by"),
    "shipment_status": set(ShipmentStatus),
    "tracking_status": set(TrackingStatus),
    "proof_status": set(ProofStatus),
    "proof_kind": _choices(ProofEvidence, "kind"),
    "dispute_status": set(DisputeStatus),
    "dispute_reason": set(DisputeReason),
    "dispute_outcome": set(DisputeOutcome),
    "dispute_decision": _choices(DisputeDecision, "decision"),
    "refund_status": set(RefundStatus),
    "offer_kind": set(OfferKind),
    "offer_status": set(OfferStatus),
    "topic": _choices(SellerMessage, "topic"),
    "role": set(Role),
    "action": {*MESSAGES, "pay_now", "reorder"},
    # A payment of an order that there is none of has a reason of its own (orders.stray_payments).
    "refusal_code": {*RefusalCode, "unknown_order"},
    "event": set(Event),
    "finding": _choices(Finding, "what"),
}


def test_every_key_of_the_contract_has_exactly_one_label() -> None:
    assert {kind: set(names) for kind, names in LABELS.items()} == KEYS


@pytest.mark.parametrize("locale", LOCALES)
def test_labels_read_as_words(locale: str) -> None:
    for kind, names in LABELS.items():
        read = [label(kind, key, locale) for key in names]
        assert all(name[0].isupper() and "_" not in name and name[-1] != "." for name in read)
        # Two choices with one name could not be told apart.
        assert len(set(read)) == len(read), kind


def test_every_scheduled_event_has_a_label() -> None:
    for what, role in itertools.product(COMING_PHRASES, COMING_TO_READER):
        assert coming(what, "pl", role) != coming(what, "en", role)
    reminded = [coming("payment_reminder", "pl", role) for role in (Role.SELLER, Role.BUYER)]
    assert reminded == ["Kupujący otrzyma przypomnienie o płatności", "Przypomnimy Ci o płatności"]
    assert all(texts.keys() <= COMING_PHRASES.keys() for texts in COMING_TO_READER.values())


def test_labels_are_those_that_shops_use() -> None:
    said = {
        ("action", "cancel_request"): "Anuluj zamówienie",
        ("action", "pay_now"): "Zapłać teraz",
        ("action", "reorder"): "Dodaj ponownie do koszyka",
        ("status", "awaiting_payment"): "Oczekuje na płatność",
        ("event", "refund_started"): "Zlecono zwrot środków",
    }

    assert {key: label(*key, "pl") for key in said} == said
    assert label("action", "reorder", "en") == "Add to cart again"


def test_a_phrase_within_a_sentence_is_translated_and_other_words_are_kept() -> None:
    assert phrase("payment_expired", "pl") == "nie zostało opłacone w terminie"
    assert phrase("payment_expired", "en") == "it was not paid in time"
    assert phrase("Anna wrote this", "pl") == "Anna wrote this"
    assert all(phrase(code, "pl") != phrase(code, "en") for code in PHRASES)


def test_a_key_of_a_later_version_reads_as_words() -> None:
    assert label("status", "from_the_future", "pl") == "From the future"
    assert coming("from_the_future", "pl", Role.BUYER) == "From the future"
    with pytest.raises(KeyError):
        label("no_such_kind", "closed", "pl")
