"""The OpenAPI document beyond what FastAPI derives: bodies, examples, problems.

It is OpenAPI 3.1 in a form that client generators support: nothing beside a ``$ref``, which most of them
ignore, and no rule numbers in texts.
"""

import copy
import re
from inspect import cleandoc
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from gateway.access import SET_BY_TOKEN
from gateway.problems import MEDIA_TYPE, PROBLEM_TYPES, ProblemDetails
from orders.messages import MESSAGES
from orders.place_order import PlaceOrder
from orders.values import MessageId

_REFERENCES: Final = "#/components/schemas/{model}"
# In docstrings: at the beginning, and in brackets at the end of a sentence.
_RULE = r"(?:R[0-9]+[a-z]?|cases? [0-9]+)"
_RULES: Final = re.compile(rf"^{_RULE}(?:, {_RULE})*: | \({_RULE}(?:[,;] {_RULE})*\)")

ABOUT: Final = """
Orders of a marketplace from placed to the last cent: paid, checked, cancelled, proved, disputed, refunded.

Press **Authorize** and paste a token (`python starter.py token buyer buyer-7` makes one for local use).
Every message of an order is a request of its own; each answers with the order's new view, whose `actions`
say what each role can do now, what not, why, and from when. What cannot be done now is a `409` that says the
same. `Idempotency-Key` makes it safe to send anything again.

To cancel an order as its buyer: place it (`POST /v1/orders`), have it paid (`payment`, with a provider's
token), wait for the check to end (policy `payment_review`), then send `cancel-request`.
"""

_MONEY: Final = {"amount": 2490, "currency": "EUR"}
_PLACED: Final = {
    "order_id": "A-1001",
    "buyer": {"id": "buyer-7", "name": "Anna", "locale": "pl", "notify": []},
    "seller": {"id": "seller-3", "name": "Shop 3", "locale": "en", "notify": []},
    "lines": [
        {
            "sku": "CAB-2",
            "title": "USB-C cable",
            "quantity": 2,
            "unit_price": {"amount": 1245, "currency": "EUR"},
        }
    ],
    "shipping_price": {"amount": 0, "currency": "EUR"},
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "PlaceOrder": _PLACED,
    "Reorder": {
        "order_id": "A-1002",
        "prices": {"CAB-2": {"amount": 1345, "currency": "EUR"}},
        "shipping_price": {"amount": 0, "currency": "EUR"},
    },
    "payment": {
        "payment_id": "pay-1",
        "money": _MONEY,
        "method": "card",
        "paid_at": "2026-11-25T12:00:00Z",
    },
    "payment_pending": {
        "payment_id": "pay-1",
        "money": _MONEY,
        "method": "sepa_debit",
        "expected_by": "2026-12-02T12:00:00Z",
    },
    "payment_declined": {"payment_id": "pay-1", "reason": "insufficient_funds"},
    "cancel_request": {"reason": "changed_mind", "note": "I ordered two.", "complaint": False},
    "cancel_withdrawal": {},
    "seller_reply": {"decision": "already_shipped", "tracking_number": "RR123456785PL"},
    "tracking_number": {"number": "RR123456785PL", "carrier": "Poczta Polska"},
    "shipment_proof": {
        "kind": "photo",
        "reference": "order-A-1001/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "media_type": "image/jpeg",
        "size": 48213,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    "proof_review": {"accepted": True, "note": "The receipt names this order's address."},
    "seller_message": {
        "topic": "discount",
        "text": "Would 2 EUR off help?",
        "discount": {"amount": 200, "currency": "EUR"},
    },
    "buyer_message": {"text": "Does the cable charge a laptop?"},
    "support_message": {"text": "Please send a photo of what has arrived."},
    "offer_acceptance": {"offer_id": "offer-1"},
    "offer_decline": {"offer_id": "offer-1"},
    "dispute_request": {"note": "The tracking number is another parcel's."},
    "dispute_evidence": {
        "reference": "order-A-1001/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "media_type": "image/jpeg",
        "size": 48213,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "note": "The parcel as it came: empty.",
    },
    "dispute_withdrawal": {"note": "We have agreed."},
    "settlement_offer": {"money": {"amount": 1245, "currency": "EUR"}, "note": "Half of it back."},
    "settlement_acceptance": {"offer_id": "offer-1"},
    "shipment_extension": {"days": 7},
    "chargeback": {
        "payment_id": "pay-1",
        "chargeback_id": "chargeback-1",
        "money": _MONEY,
        "status": "opened",
        "reason": "fraudulent",
    },
    "outside_refund": {
        "payment_id": "pay-1",
        "provider_refund_id": "refund-1",
        "money": {"amount": 1245, "currency": "EUR"},
        "status": "succeeded",
        "reason": "requested_by_customer",
    },
    "unmatched_resolution": {
        "borne_by": "marketplace",
        "note": "The bank's fee for a chargeback in another currency.",
    },
    "dispute_decision": {
        "decision": "partial_refund",
        "money": {"amount": 1245, "currency": "EUR"},
        "note": "Half of the goods came.",
    },
    "refund_update": {"refund_id": "A-1001-refund-1", "status": "succeeded"},
}

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": " ".join(
            it.explanation for it in PROBLEM_TYPES.values() if it.status == status
        ),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCES.format(model="ProblemDetails")}}},
    }
    for status in (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503)
}
"""Problems that any route may respond with."""


TAGS: Final = [
    {"name": "orders", "description": "Place, list, read and watch orders."},
    {"name": "buyer", "description": "What an order's buyer says."},
    {"name": "seller", "description": "What an order's seller says, and proofs of shipment."},
    {"name": "support", "description": "What support decides."},
    {"name": "provider", "description": "What the payment provider reports."},
    {"name": "operations", "description": "For those who run it: health and measurements."},
]

DOWNLOAD: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file, as an attachment.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in ("image/jpeg", "image/png", "application/pdf")
        },
    }
}
"""Documents the download of a proof."""


def _upload(required: list[str], fields: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": [*required, "file"],
        "properties": {
            **fields,
            "file": {"type": "string", "format": "binary"},
            "message_id": TypeAdapter(MessageId).json_schema(),
        },
        "additionalProperties": False,
    }
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


UPLOAD: Final = _upload(["kind"], {"kind": {"type": "string", "enum": ["photo", "postal_receipt"]}})
"""Documents the upload of a proof."""

EVIDENCE_UPLOAD: Final = _upload([], {"note": {"type": "string", "maxLength": 1000}})
"""Documents that of evidence."""


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """Documents the body of a route that reads it itself."""
    name = getattr(model, "name", model.__name__)
    needs = any(field.is_required() for field in model.model_fields.values())
    return {
        "requestBody": {
            "required": needs,
            "content": {
                "application/json": {
                    "schema": {"$ref": _REFERENCES.format(model=model.__name__)},
                    "example": EXAMPLES[name],
                }
            },
        }
    }


def document(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Have the app's OpenAPI document name these bodies, and bearer tokens."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=ABOUT,
                routes=app.routes,
                tags=TAGS,
                license_info={"name": "MIT", "identifier": "MIT"},
            )
            models: tuple[type[BaseModel], ...] = (
                PlaceOrder,
                ProblemDetails,
                *MESSAGES.values(),
                *bodies,
            )
            _, schema = models_json_schema(
                [(model, "validation") for model in models], ref_template=_REFERENCES
            )
            components = made.setdefault("components", {})
            # These replace FastAPI's, which turns limits into floats: 2**63 - 1 would be inexact.
            schemas = components["schemas"] = components.get("schemas", {}) | schema["$defs"]
            for message in MESSAGES.values():
                for name in SET_BY_TOKEN:
                    schemas[message.__name__]["properties"].pop(name, None)
            positive = schemas["PositiveMoney"] = copy.deepcopy(schemas["Money"])
            positive["title"] = "PositiveMoney"
            positive["properties"]["amount"]["minimum"] = 1
            components["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            }
            for path, operations in made["paths"].items():
                for operation in operations.values():
                    if path.startswith("/v1/") and "/webhooks/" not in path:
                        operation["security"] = [{"token": []}]
            app.openapi_schema = _portable(made)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _portable(node: Any) -> Any:
    """The same schema in a form that client generators support."""
    match node:
        case {"$ref": str(), "properties": {"amount": {"minimum": 1}}}:
            return {"$ref": _REFERENCES.format(model="PositiveMoney")}
        case {"$ref": str(reference), "default": dict()}:
            # Of fields with defaults of their own.
            return {"$ref": reference}
        case {"$ref": str(reference), **more} if more:
            return {"allOf": [{"$ref": reference}], **_portable(more)}
        case {"itemSchema": _, **more}:
            # FastAPI's for events, from OpenAPI 3.2: no generator supports it yet.
            return {**more, "schema": {}}
        case dict():
            return {name: _described(name, it) for name, it in node.items()}
        case list():
            return [_portable(it) for it in node]
        case _:
            return node


def _described(name: str, node: Any) -> Any:
    if name != "description" or not isinstance(node, str):
        return _portable(node)
    return _RULES.sub("", cleandoc(node)).replace("``", "`")
