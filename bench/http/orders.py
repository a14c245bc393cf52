"""Orders for generated requests: for each message one that accepts it, and a body that fits it."""

import json
import random
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final, NamedTuple

import httpx
from pydantic import ValidationError

from gateway.access import Role
from gateway.openapi import EXAMPLES
from orders.messages import MESSAGES
from orders.policy import Policy
from orders.status import Status
from orders.values import MAX_AMOUNT
from testing.pictures import PHOTO

Json = dict[str, Any]

BUYER: Final = EXAMPLES["PlaceOrder"]["buyer"]["id"]
SELLER: Final = EXAMPLES["PlaceOrder"]["seller"]["id"]
PARTIES: Final = {
    Role.BUYER: BUYER,
    Role.SELLER: SELLER,
    Role.SUPPORT: "support-1",
    Role.PROVIDER: "provider-1",
}

# So that the total of 100 lines of a million each, and shipping, is within bounds.
_MOST: Final = MAX_AMOUNT // (101 * 1_000_000)
_PATIENCE = 30.0
_BLINK = 0.05
_PRICE: Final = EXAMPLES["payment"]["money"]

_LONG: Final[Json] = {}
# Long enough to see the response, too short to wait for.
_SHORT: Final[Json] = {"payment_review": "PT0.1S", "dispute_on_failed_proof": "offer"}
_OPENING: Final[Json] = {"payment_review": "PT0.1S"}


class Recipe(NamedTuple):
    """How an order reaches the status that accepts a message: its policy, and the messages on the way."""

    policy: Json = _LONG
    steps: tuple[tuple[str, Json], ...] = ()


_PAID = ("payment", EXAMPLES["payment"])
_CANCEL = ("cancel_request", EXAMPLES["cancel_request"])
_REFUSE = ("seller_reply", {"decision": "refuse"})
_OFFER = ("seller_message", EXAMPLES["seller_message"])
_DISPUTED = (_PAID, _CANCEL, _REFUSE)
_PROOF: Final[tuple[str, Json]] = ("proofs", {"kind": "photo"})
_EVIDENCE: Final[tuple[str, Json]] = ("evidence", {"note": "The parcel as it came."})
UPLOADS: Final = {"proofs": Role.SELLER, "evidence": Role.BUYER}
"""Who uploads files, by the last segment of the path."""
# More than was paid.
_UNMATCHED = (
    "chargeback",
    EXAMPLES["chargeback"] | {"money": _PRICE | {"amount": _PRICE["amount"] + 1}},
)

RECIPES: Final[dict[str, Recipe]] = {
    "payment": Recipe(),
    "payment_pending": Recipe(),
    "payment_declined": Recipe(_LONG, (_PAID,)),
    "cancel_request": Recipe(_SHORT, (_PAID,)),
    "cancel_withdrawal": Recipe(_SHORT, (_PAID, _CANCEL)),
    "seller_reply": Recipe(_SHORT, (_PAID, _CANCEL)),
    "tracking_number": Recipe(_SHORT, (_PAID,)),
    "shipment_proof": Recipe(_SHORT, (_PAID, _PROOF)),
    "proofs": Recipe(_SHORT, (_PAID,)),
    "proof_review": Recipe(_SHORT, (_PAID, _CANCEL, _PROOF)),
    "seller_message": Recipe(),
    "buyer_message": Recipe(),
    "support_message": Recipe(_OPENING, _DISPUTED),
    "offer_acceptance": Recipe(_LONG, (_OFFER,)),
    "offer_decline": Recipe(_LONG, (_OFFER,)),
    "dispute_request": Recipe(_SHORT, (_PAID, _CANCEL, _REFUSE)),
    "dispute_evidence": Recipe(_OPENING, (*_DISPUTED, _EVIDENCE)),
    "evidence": Recipe(_OPENING, _DISPUTED),
    "dispute_withdrawal": Recipe(_OPENING, _DISPUTED),
    "settlement_offer": Recipe(_OPENING, _DISPUTED),
    "settlement_acceptance": Recipe(
        _OPENING, (*_DISPUTED, ("settlement_offer", EXAMPLES["settlement_offer"]))
    ),
    "shipment_extension": Recipe(_SHORT, (_PAID,)),
    "chargeback": Recipe(_SHORT, (_PAID,)),
    "outside_refund": Recipe(_SHORT, (_PAID,)),
    "unmatched_resolution": Recipe(_SHORT, (_PAID, _UNMATCHED)),
    "dispute_decision": Recipe(_OPENING, _DISPUTED),
    "refund_update": Recipe(_SHORT, (_PAID, _CANCEL, ("seller_reply", {"decision": "accept"}))),
    "reorder": Recipe(_LONG, (_CANCEL,)),
}
"""For each message, for uploads, and for adding to the cart again."""


class Orders:
    """Places orders over HTTP, and reuses those that still fit."""

    def __init__(
        self, http: httpx.Client, token: Callable[[Role], str], chance: random.Random
    ) -> None:
        self._http = http
        self._token = token
        self._chance = chance
        self._numbers = count(1)
        self._known: dict[str, Json] = {}
        self._order_ids: dict[str, list[str]] = {name: [] for name in RECIPES}

    def any(self) -> str:
        """The id of an order in any status."""
        if not self._known:
            self.for_message("payment")
        return self._chance.choice(list(self._known))

    def for_message(self, name: str) -> Json:
        """The current view of an order that accepts this message."""
        order_ids = self._order_ids[name]
        while order_ids:
            view = self._read(order_ids[-1])
            if takes(view, name):
                return view
            order_ids.pop()
        view = self._cook(RECIPES[name])
        if name not in UPLOADS:  # always a new order, where no message id has been used
            order_ids.append(view["order_id"])
        return view

    def cursor(self) -> str | None:
        """The cursor of the second page of a list; None while all orders are on the first."""
        page = self._http.get("/v1/orders", headers=self._headers(Role.BUYER)).json()
        cursor: str | None = page["next_cursor"]
        return cursor

    def new_id(self) -> str:
        """An unused order id."""
        return f"S-{next(self._numbers)}"

    def _cook(self, recipe: Recipe) -> Json:
        order_id = self.new_id()
        placed = EXAMPLES["PlaceOrder"] | {"order_id": order_id, "policy": recipe.policy}
        view = self._post("/v1/orders", Role.SUPPORT, placed)
        for name, body in recipe.steps:
            body = body | ({"payment_id": f"pay-{order_id}"} if "payment_id" in body else {})
            view = (
                self._upload(order_id, name, body)
                if name in UPLOADS
                else self._tell(order_id, name, body)
            )
            if name == "payment" and recipe.policy:
                view = self._checked(order_id)
        self._known[order_id] = view
        return view

    def _checked(self, order_id: str) -> Json:
        give_up = time.monotonic() + _PATIENCE
        while (view := self._read(order_id))["status"] == "payment_review":
            assert time.monotonic() < give_up, f"the payment of {order_id} is checked for too long"
            time.sleep(_BLINK)
        return view

    def _tell(self, order_id: str, name: str, body: Json) -> Json:
        path = f"/v1/orders/{order_id}/{name.replace('_', '-')}"
        return self._post(path, MESSAGES[name].senders[0], body)

    def _upload(self, order_id: str, name: str, form: Json) -> Json:
        return _view(
            self._http.post(
                f"/v1/orders/{order_id}/{name}",
                data=form,
                files={"file": PHOTO},
                headers=self._headers(UPLOADS[name]),
            )
        )

    def _read(self, order_id: str) -> Json:
        return _view(self._http.get(f"/v1/orders/{order_id}", headers=self._headers(Role.SUPPORT)))

    def _post(self, path: str, role: Role, body: Json) -> Json:
        return _view(self._http.post(path, json=body, headers=self._headers(role)))

    def _headers(self, role: Role) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token(role)}"}


def takes(view: Json, name: str) -> bool:
    """Whether an order accepts a message now, if its contents fit."""
    match name:
        case "proofs":
            return takes(view, "shipment_proof")
        case "evidence":
            return takes(view, "dispute_evidence")
        case "payment" | "payment_pending":
            return bool(view["status"] == "awaiting_payment")
        case "payment_declined":
            return bool(view["status"] == "payment_review")
        case "chargeback" | "outside_refund":
            return bool(view["payment"] and view["payment"]["status"] == "accepted") and (
                view["status"] not in Status.ended()
            )
        case _:
            return any(
                action["available"]
                for actions in view["actions"].values()
                for action in actions
                if action["action"] == name
            )


def fitting(view: Json, name: str, body: Json, new_id: str) -> Json:
    """The body with the ids and amounts of this order; all else is unchanged."""
    match name:
        case "payment":
            return body | {"money": view["amount_due"]}
        case "payment_declined":
            return body | {"payment_id": view["payment"]["payment_id"]}
        case "chargeback" | "outside_refund":
            payment = view["payment"]
            return body | {"payment_id": payment["payment_id"], "money": payment["money"]}
        case "offer_acceptance" | "offer_decline" | "settlement_acceptance":
            return body | {"offer_id": view["offers"][-1]["offer_id"]}
        case "settlement_offer":
            return body | {"money": EXAMPLES["settlement_offer"]["money"]}
        case "shipment_proof" | "dispute_evidence":
            is_proof = name == "shipment_proof"
            there = (view["shipment"]["proofs"] if is_proof else view["dispute"]["files"])[-1]
            return body | {
                field: there[field] for field in ("reference", "media_type", "size", "sha256")
            }
        case "refund_update":
            return body | {"refund_id": view["refund"]["refund_id"]}
        case "dispute_decision" if body.get("money"):
            return body | {"money": EXAMPLES["dispute_decision"]["money"]}
        case "seller_message" if body.get("discount"):
            return body | {"discount": {"amount": 1, "currency": _PRICE["currency"]}}
        case "reorder":
            return EXAMPLES["Reorder"] | {"order_id": new_id}
        case _:
            return body


def adding_up(placed: Json) -> Json:
    """The order in one currency, with total and durations within bounds, which JSON Schema cannot express."""
    shipping = placed["shipping_price"]
    lines = [
        line | {"unit_price": _within_bounds(line["unit_price"], shipping["currency"])}
        for line in placed["lines"]
    ]
    shipping = _within_bounds(shipping, shipping["currency"])
    if not shipping["amount"] and not any(line["unit_price"]["amount"] for line in lines):
        shipping["amount"] = 1
    policy = {"policy": _within_reason(placed["policy"])} if "policy" in placed else {}
    return placed | policy | {"lines": lines, "shipping_price": shipping}


def whole(value: Any) -> Any:
    """JSON with 2.0 written as 2: only to JSON Schema is 2.0 an integer."""
    match value:
        case dict():
            return {name: whole(it) for name, it in value.items()}
        case list():
            return [whole(it) for it in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _within_bounds(money: Json, currency: str) -> Json:
    return {"amount": min(money["amount"], _MOST), "currency": currency}


def _within_reason(policy: Json) -> Json:
    try:
        wrong = {*Policy.model_validate_json(json.dumps(policy)).too_short()}
    except ValidationError as error:
        wrong = {"dispute_window", "dispute_reminder"}
        for problem in error.errors():
            if "10 years" in problem["msg"] or problem["type"] == "time_delta_parsing":
                wrong.add(str(problem["loc"][0]))
    return {name: it for name, it in policy.items() if name not in wrong}


def _view(answer: httpx.Response) -> Json:
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    view: Json = answer.json()
    return view
