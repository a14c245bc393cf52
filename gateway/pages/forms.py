"""Forms for the messages of the contract: the fields, and the message that they become.

The fields are defined here once; templates render them, and the contract's models validate the input.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from i18n.catalogues import N_, NC_
from orders.messages import CancelReason, Role
from orders.status import Status
from orders.support_queue import Need, waits_for_support
from orders.tracking_numbers import MOST_PASTED
from orders.view import Action, OrderView

Kind = Literal["text", "long", "choice", "yes", "yes_or_no", "money", "number", "file", "hidden"]

_SETTLED_BY_SUPPORT: Final = ("succeeded", "pending", "failed", "canceled")


@dataclass(frozen=True, slots=True)
class Field:
    """An input field. ``labels``: the kind of label of its choices.

    ``only_with``: the choice of another field without which this one has no meaning.
    """

    name: str
    kind: Kind
    title: str
    choices: tuple[str, ...] = ()
    labels: str = ""
    most: int = 1000
    required: bool = False
    hint: str = ""
    only_with: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A message's fields, and the text once it is accepted; ``send`` is on the button that sends it.

    ``grave``: it cannot be undone, and needs confirmation.
    """

    done: str
    fields: tuple[Field, ...] = ()
    grave: bool = False
    hint: str = ""
    send: str = ""


_NOTE = Field("note", "long", N_("Note"))


def _file(title: str) -> Field:
    hint = N_("JPEG, PNG or PDF, up to 10 MB.")
    return Field("file", "file", title, required=True, hint=hint)


FORMS: Final[dict[str, Form]] = {
    "cancel_request": Form(
        N_("Request sent. The seller has been notified."),
        (
            Field(
                "reason",
                "choice",
                N_("Why?"),
                tuple(CancelReason),
                "cancel_reason",
                required=True,
            ),
            _NOTE,
            Field(
                "complaint",
                "yes",
                N_("I also want to complain about this seller"),
                hint=N_("A complaint opens a dispute at once, in addition to the cancellation."),
            ),
        ),
        hint=N_("Cancelling is free of charge."),
        send=N_("Continue"),
    ),
    "cancel_withdrawal": Form(
        N_("Request withdrawn; the order goes ahead."),
        hint=N_("The order goes ahead and awaits shipment again."),
        send=N_("Yes, withdraw it"),
    ),
    "seller_reply": Form(
        N_("Answer sent to the buyer."),
        (
            Field(
                "decision",
                "choice",
                N_("Your answer"),
                ("accept", "refuse", "already_shipped"),
                "seller_decision",
                required=True,
            ),
            Field(
                "tracking_number",
                "text",
                N_("Tracking number"),
                most=MOST_PASTED,
                hint=N_("If you have it: it is the quickest proof."),
                only_with="already_shipped",
            ),
            _NOTE,
        ),
        send=N_("Send the answer"),
    ),
    "tracking_number": Form(
        N_("The tracking number is being verified."),
        (
            Field("number", "text", N_("Tracking number"), most=MOST_PASTED, required=True),
            Field("carrier", "text", N_("Carrier"), most=200),
        ),
        send=N_("Send the number"),
    ),
    "shipment_proof": Form(
        N_("Proof received; support will review it."),
        (
            Field(
                "kind",
                "choice",
                N_("Type of proof"),
                ("photo", "postal_receipt"),
                "proof_kind",
                required=True,
            ),
            _file(N_("Photo or scan")),
        ),
        send=N_("Send the file"),
    ),
    "proof_review": Form(
        N_("Decision saved; buyer and seller are notified."),
        (Field("accepted", "yes_or_no", N_("Does it prove the shipment?"), required=True), _NOTE),
        grave=True,
        send=N_("Continue"),
    ),
    "seller_message": Form(
        N_("Message sent."),
        (
            Field(
                "topic",
                "choice",
                N_("What is it about?"),
                (
                    "payment_question",
                    "shipping_advice",
                    "payment_advice",
                    "discount",
                    "bonus",
                    "other",
                ),
                "topic",
                required=True,
            ),
            Field("text", "long", N_("Message"), required=True),
            Field(
                "discount",
                "money",
                N_("Discount"),
                only_with="discount",
            ),
            Field(
                "bonus",
                "text",
                N_("Bonus"),
                most=200,
                hint=N_("What you add for free."),
                only_with="bonus",
            ),
        ),
        send=N_("Send the message"),
    ),
    "buyer_message": Form(
        N_("Message sent."),
        (Field("text", "long", N_("Message"), required=True),),
        send=N_("Send the message"),
    ),
    "support_message": Form(
        N_("Message sent."),
        (Field("text", "long", N_("Message"), required=True),),
        hint=N_("Both read it and are notified."),
        send=N_("Send the message"),
    ),
    "offer_acceptance": Form(
        N_("Offer accepted."), (Field("offer_id", "hidden", "", required=True),)
    ),
    "offer_decline": Form(
        N_("Offer declined."), (Field("offer_id", "hidden", "", required=True),), grave=True
    ),
    "dispute_request": Form(
        N_("Dispute opened; support will look into it."),
        (_NOTE,),
        hint=N_("Support will look into it and decide about the money."),
        send=N_("Open the dispute"),
    ),
    "dispute_evidence": Form(
        N_("Your evidence has arrived; seller and support can see it."),
        (
            Field("note", "long", N_("What does it show?")),
            _file(N_("Photo or document")),
        ),
        send=N_("Send the file"),
    ),
    "dispute_withdrawal": Form(N_("Dispute withdrawn."), (_NOTE,), grave=True, send=N_("Continue")),
    "settlement_offer": Form(
        N_("Offer sent to the buyer."),
        (Field("money", "money", N_("Refund to the buyer"), required=True), _NOTE),
        send=N_("Send the offer"),
    ),
    "settlement_acceptance": Form(
        N_("Settlement accepted."), (Field("offer_id", "hidden", "", required=True),), grave=True
    ),
    "shipment_extension": Form(
        N_("The seller has more time to ship."),
        (Field("days", "number", N_("How many more days?"), most=60, required=True),),
        send=N_("Give more time"),
    ),
    "dispute_decision": Form(
        N_("Decision saved; seller and buyer are notified."),
        (
            Field(
                "decision",
                "choice",
                N_("Decision"),
                ("full_refund", "partial_refund", "no_refund"),
                "dispute_decision",
                required=True,
            ),
            Field(
                "money",
                "money",
                N_("Refund to the buyer"),
                only_with="partial_refund",
            ),
            _NOTE,
        ),
        grave=True,
        send=N_("Continue"),
    ),
    "unmatched_resolution": Form(
        N_("Decision saved."),
        (
            Field(
                "borne_by",
                "choice",
                N_("Who bears it?"),
                ("seller", "marketplace"),
                "borne_by",
                required=True,
                hint=N_("The seller can bear only money in the order's currency."),
            ),
            Field("note", "long", N_("Why?"), required=True),
        ),
        grave=True,
        send=N_("Continue"),
    ),
    "refund_update": Form(
        N_("Refund updated."),
        (
            Field("refund_id", "hidden", "", required=True),
            Field(
                "status",
                "choice",
                N_("Refund status"),
                _SETTLED_BY_SUPPORT,
                "refund_status",
                required=True,
            ),
            Field(
                "reason",
                "long",
                N_("Reason"),
                hint=N_("The buyer reads it if the money has not arrived."),
            ),
            Field("note", "long", N_("How do you know?")),
        ),
        grave=True,
        send=N_("Continue"),
    ),
}
"""A form for each message that a person sends."""


def offered_fields(action: Action) -> tuple[Field, ...]:
    """The fields of a form with the choices that the order takes now, without those that need another one."""
    fields = []
    for field in FORMS[action.action].fields:
        taken = action.choices.get(field.name, field.choices)
        fields.append(replace(field, choices=tuple(it for it in field.choices if it in taken)))
    offered = {choice for field in fields for choice in field.choices}
    return tuple(it for it in fields if not it.only_with or it.only_with in offered)


OFFERS: Final = {
    "offer_acceptance": ("discount", "bonus"),
    "settlement_acceptance": ("settlement",),
    "offer_decline": ("discount", "bonus", "settlement"),
}
"""The kinds of offers that each message answers; each open offer has a button."""

CONVERSATION: Final = frozenset({"buyer_message", "seller_message", "support_message"})
"""Those that somebody writes to the others, below what was said before."""

YES: Final = NC_("answer", "Yes")
NO: Final = NC_("answer", "No")


_NEEDED: Final = {
    Need.TERMINATED: set(),
    Need.REFUND_FAILED: {"refund_update"},
    Need.REFUND_OVERDUE: {"refund_update"},
    Need.UNMATCHED: {"unmatched_resolution"},
    Need.PROOF: {"proof_review"},
    Need.DISPUTE: {"dispute_decision"},
}
_SELLERS_TURN: Final = {
    Status.AWAITING_SHIPMENT: {"tracking_number"},
    Status.CANCELLATION_REQUESTED: {"seller_reply"},
    Status.PROOF_REQUESTED: {"tracking_number", "shipment_proof"},
}


def messages_awaited_from(role: Role, view: OrderView) -> Set[str]:
    """The messages that an order awaits from this role, of those it may send."""
    entry = waits_for_support(view)
    if role is Role.SUPPORT:
        return _NEEDED[entry.need] if entry else set()
    is_judged = entry is not None and entry.need is Need.PROOF
    if role is Role.SELLER and not is_judged:
        return _SELLERS_TURN.get(view.status, set())
    return set()


def open_offers(name: str, view: OrderView) -> Iterable[Any]:
    """The open offers that this message would answer."""
    return [it for it in view.offers if it.status == "open" and it.kind in OFFERS.get(name, ())]
