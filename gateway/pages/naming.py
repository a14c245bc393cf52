"""What an order's page calls things by what the order has come to, beyond the labels of single keys."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.pages.forms import FORMS, OFFERS
from i18n.catalogues import N_, Locale, translator
from i18n.labels import label
from orders.disputes import DisputeReason
from orders.timeline import Event
from orders.view import Action, OrderView

_ASK: Final = N_("Ask to cancel")
# Once it is paid, cancelling needs the seller's consent (R7).

_IN_DISPUTE: Final = {
    "buyer_message": N_("Write to the seller and support"),
    "seller_message": N_("Write to the buyer and support"),
}


def action_name(name: str, view: OrderView, locale: Locale) -> str:
    """What an action is called for this order."""
    if name == "cancel_request" and view.amount_paid.amount:
        return translator(locale).gettext(_ASK)
    if name in _IN_DISPUTE and view.dispute and view.dispute.is_open:
        return translator(locale).gettext(_IN_DISPUTE[name])
    return label("action", name, locale)


DECIDED: Final = {
    "seller_reply": "decision",
    "proof_review": "accepted",
    "dispute_decision": "decision",
    "refund_update": "status",
    "unmatched_resolution": "borne_by",
}
"""The field of a form that is what it decides."""

_PROVES: Final = N_("It proves the shipment")
_PROVES_NOT: Final = N_("It does not prove the shipment")


def decision_name(name: str, entered: Mapping[str, str], view: OrderView, locale: Locale) -> str:
    """What is about to be done, with what is decided by it."""
    title, field = action_name(name, view, locale), DECIDED.get(name, "")
    chosen = entered.get(field, "")
    if not chosen:
        return title
    if name == "proof_review":
        text = translator(locale).gettext(_PROVES if chosen == "yes" else _PROVES_NOT)
    else:
        kind = next(it.labels for it in FORMS[name].fields if it.name == field)
        text = label(kind, chosen, locale)
    return f"{title}: {text}"


def refused_alike(
    locale: Locale,
) -> Callable[[list[Action], OrderView], list[tuple[str, list[str]]]]:
    """The actions that are not possible, by why not; those about offers only where there was one."""

    def group(actions: list[Action], view: OrderView) -> list[tuple[str, list[str]]]:
        found: dict[str, list[str]] = {}
        for it in actions:
            kinds = OFFERS.get(it.action)
            if kinds is None or any(offer.kind in kinds for offer in view.offers):
                found.setdefault(it.reason or "", []).append(action_name(it.action, view, locale))
        return [*found.items()]

    return group


_UNPROVED: Final = frozenset(
    {DisputeReason.INVALID_TRACKING, DisputeReason.PROOF_REJECTED, DisputeReason.NO_PROOF}
)

_NOT_PROVED: Final = N_("Ended: the shipment was not proved")
_GROUNDS: Final = frozenset({Event.CANCELLATION_ENDED, Event.DISPUTE_OFFERED})


def cancellation_status(view: OrderView, locale: Locale) -> str:
    """Where a cancellation is; one that ended for want of proof was not refused by the seller."""
    status = str(view.cancellation.status) if view.cancellation else ""
    grounds: set[Any] = {view.dispute.reason} if view.dispute else set()
    grounds |= {it.details.get("reason") for it in view.timeline if it.what in _GROUNDS}
    if status == "refused" and grounds & _UNPROVED:
        return translator(locale).gettext(_NOT_PROVED)
    return label("cancellation_status", status, locale)


_PARTS: Final = {
    "refunded": N_("Refunded to the buyer"),
    "charged_back": N_("Taken back by the bank"),
    "held": N_("Held for the order"),
    "on_its_way": N_("On its way to the buyer"),
    "owed": N_("Still owed to the buyer"),
    "seller": N_("For the seller"),
}


def part_name(name: str, view: OrderView) -> str:
    """What a part of the money bar is called: what is held of an order that is closed is on its way back."""
    if name == "held" and view.refund and not view.refund.is_settled:
        name = "owed" if view.refund.has_failed else "on_its_way"
    return _PARTS[name]
