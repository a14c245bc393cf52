"""What is explored: orders whose people act, orders whose money moves, and stray payments.

Each is explored until there are no new states. All of it at once is too much for that: where people act, what
the provider says of the money is tried once in every state, and leads no further; where the money moves, so
is what people send.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from orders.messages import MESSAGES
from orders.order import Order
from orders.policy import OnFailedProof, Policy
from tests.explore.order_model import OrderModel, Situation
from tests.explore.search import Model
from tests.explore.small_data import DUE, PART, SHA, START, Bounds, takes_payments
from tests.explore.stray_payment_model import StrayPaymentModel


def _policy(**changes: Any) -> Policy:
    """The default's windows, and of everything that is done several times one."""
    one_each: dict[str, Any] = {
        "payment_reminders": (timedelta(days=1),),
        "seller_reminders": (timedelta(days=7),),
        "shipment_reminders": (timedelta(days=7),),
        "refund_checks": (timedelta(days=3),),
        "dispute_reminder": timedelta(days=40),
    }
    return Policy(**(one_each | changes))


POLICIES: Final = {
    "default": _policy(),
    "offer": _policy(dispute_on_failed_proof=OnFailedProof.OFFER),
    "short": _policy(
        dispute_on_failed_proof=OnFailedProof.OFFER,
        dispute_window=timedelta(days=3),
        dispute_reminder=timedelta(days=2),
    ),
    "endless": _policy(shipment_window=None),
}
FEW_CHECKS: Final = _policy(refund_checks=())

_OF_MONEY: Final = frozenset({"chargeback", "outside_refund", "unmatched_resolution"})
_BY_PROVIDER: Final = frozenset({*_OF_MONEY, "payment_declined", "refund_update"})

PAYMENT: Final[tuple[str, dict[str, Any]]] = (
    "payment",
    {"payment_id": "pay-1", "money": DUE, "method": "card", "paid_at": START},
)
PAID: Final[Situation] = (PAYMENT, None)
_REQUESTED: Final[Situation] = (*PAID, ("cancel_request", {"reason": "changed_mind"}))
_DISPUTED: Final[Situation] = (*_REQUESTED, ("seller_reply", {"decision": "refuse"}))
_PHOTO: Final = {
    "kind": "photo",
    "reference": "1",
    "media_type": "image/jpeg",
    "size": 1,
    "sha256": SHA,
}
_PROOF: Final[Situation] = (("shipment_proof", _PHOTO), ("proof_review", {"accepted": True}))
_OPEN: Final[dict[str, Situation]] = {
    "awaiting shipment": PAID,
    "cancellation requested": _REQUESTED,
    "proof requested": (*_REQUESTED, ("seller_reply", {"decision": "already_shipped"})),
    "disputed": _DISPUTED,
}
ENDED: Final[dict[str, Situation]] = {
    "shipped": (*PAID, *_PROOF),
    "closed with all of it to the buyer": (*_REQUESTED, ("seller_reply", {"decision": "accept"})),
    "closed with a part of it to the buyer": (
        *_DISPUTED,
        ("dispute_decision", {"decision": "partial_refund", "money": PART}),
    ),
    "closed with nothing to the buyer": (
        *_DISPUTED,
        *_PROOF,
        ("dispute_decision", {"decision": "no_refund"}),
    ),
}

_CHARGEBACK: Final = {
    "payment_id": "pay-1",
    "chargeback_id": "dp_1",
    "money": PART,
    "status": "opened",
}
_CLOSED_MEANWHILE: Final[Situation] = (
    *PAID,
    ("chargeback", _CHARGEBACK),
    ("cancel_request", {"reason": "changed_mind"}),
    ("seller_reply", {"decision": "accept"}),
)
"""The rest of the money is on its way back while the bank decides."""
_OF_ANOTHER: Final[Situation] = (
    PAYMENT,
    ("payment_declined", {"payment_id": "pay-1", "reason": "No"}),
    ("chargeback", _CHARGEBACK),
    ("payment", {**PAYMENT[1], "payment_id": "pay-2"}),
)
"""The bank decides about a payment that was declined, and another one is the order's."""


def _is_paid(order: Order) -> bool:
    return order.amount_paid.amount > 0 and not takes_payments(order)


def models(which: str = "") -> list[Model[Any, Any]]:
    """The models of this name; all of them, without one."""
    people = [
        OrderModel(f"people, {name}", policy, followed=MESSAGES.keys() - _OF_MONEY)
        for name, policy in POLICIES.items()
    ]
    policy, few = FEW_CHECKS, Bounds(refunds=1, words=False)
    money = [
        # What is said of money that is to come.
        OrderModel(
            "money to come",
            policy,
            replace(few, before_shipment=1),
            followed=_BY_PROVIDER | {"payment", "payment_pending"},
            is_past=_is_paid,
        ),
        OrderModel(
            "money, open",
            policy,
            replace(few, facts=2),
            [*_OPEN.values()],
            followed=_BY_PROVIDER,
            is_past=lambda order: not order.is_open,
        ),
        OrderModel(
            "money, ended",
            policy,
            few,
            [*ENDED.values(), _CLOSED_MEANWHILE],
            followed=_BY_PROVIDER,
        ),
        OrderModel(
            "money, two facts",
            policy,
            replace(few, facts=2),
            [*ENDED.values()],
            followed=_BY_PROVIDER - {"payment_declined"},
        ),
        OrderModel(
            "money, of another payment",
            policy,
            replace(few, facts=2),
            [(*_OF_ANOTHER, *situation[1:]) for situation in (PAID, *ENDED.values())],
            followed={"chargeback", "refund_update"},
            is_past=lambda order: any(
                it.payment_id == order.payment_id for it in order.chargebacks
            ),
        ),
        # Until support has said who bears it.
        OrderModel(
            "money, beyond",
            policy,
            replace(few, beyond=True),
            [ENDED["closed with a part of it to the buyer"]],
            followed=_BY_PROVIDER - {"outside_refund"},
            is_past=lambda order: bool(order.unmatched_resolutions),
        ),
    ]
    explored: list[Model[Any, Any]] = [*people, *money, StrayPaymentModel()]
    return [it for it in explored if which in it.name]
