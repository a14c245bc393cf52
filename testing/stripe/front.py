"""A strict front before localstripe: what Stripe insists on, and what may go wrong with it.

localstripe (GPL, a process of its own) keeps the charges and refunds. It forgets idempotency keys, sends
back more than came in and has no slow refunds, no disputes and no faults: those are here.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web

from testing.stripe.faults import BEFORE, STORED, Faults, InjectedFault
from testing.stripe.webhooks import StripeWebhooks

Json = dict[str, Any]

VISA = "pm_card_visa"
"""A payment method that pays (docs.stripe.com/testing)."""
DECLINED = "pm_card_chargeCustomerFail"
"""A payment method that is declined."""
LONGEST_KEY = 255
"""Of an idempotency key (docs.stripe.com/api/idempotent_requests)."""
CARDS = {VISA: "4242424242424242", DECLINED: "4000000000000341"}
_ALL = "1000000"


@dataclass(frozen=True)
class Answer:
    """A status and a body."""

    status: int
    body: Json

    def response(self, *, replayed: bool = False) -> web.Response:
        """The answer over HTTP, marked as Stripe marks one that it gave before."""
        headers = {"Request-Id": "req_peer"} | ({"Idempotent-Replayed": "true"} if replayed else {})
        return web.json_response(self.body, status=self.status, headers=headers)


def refusal(message: str, status: int = 400, **more: str) -> Answer:
    """An error as Stripe words it."""
    return Answer(status, {"error": {"type": "invalid_request_error", "message": message} | more})


OUT_OF_ORDER = Answer(500, {"error": {"type": "api_error", "message": "Something went wrong."}})


@dataclass
class _StoredRequest:
    """A request by its idempotency key; no answer while it is under way."""

    asked: tuple[str, bytes]
    answer: Answer | None = None


@dataclass
class Front:
    """Answers as Stripe would. ``upstream`` is localstripe's address."""

    upstream: str
    faults: Faults = field(default_factory=Faults)
    webhooks: StripeWebhooks = field(default_factory=StripeWebhooks)
    starts_as: str = "pending"
    """The status of new refunds."""
    paid_as: Literal["succeeded", "pending", "authorized"] = "succeeded"
    """What becomes of payments to come that are not declined."""
    paid_by: str = "card"
    """The payment method of payments to come."""
    billing_email: str | None = None
    """What their payers give as address."""
    slow: float = 4.0
    """Seconds for which a slow answer is held back: longer than the client's patience."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of each request, in vain or not."""

    def __post_init__(self) -> None:
        self._keys: dict[str, _StoredRequest] = {}
        self._states: dict[str, Json] = {}
        self._charge_states: dict[str, Json] = {}
        self._disputes: dict[str, Json] = {}
        self._metadata: dict[str, dict[str, str]] = {}
        self._methods: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._one_refund_at_a_time = asyncio.Lock()

    # What a test or a soak does with it.

    async def refunds_of(self, refund_id: str) -> list[Json]:
        """All refunds that were made under an id of ours: one, if all is well."""
        return [it for it in await self.refunds() if it["metadata"].get("refund_id") == refund_id]

    async def refunds(self) -> list[Json]:
        """All refunds there are, as they stand."""
        return [self._refund(it) for it in await self._all("refunds")]

    async def charges(self) -> list[Json]:
        """All charges there are, as they stand."""
        return [self._charge(it) for it in await self._all("charges")]

    def disputes(self) -> list[Json]:
        """All disputes there are, as they stand."""
        return list(self._disputes.values())

    async def settle(self, refund_id: str) -> None:
        """Pay a refund out, by our id or Stripe's, also one that failed."""
        await self._turn(refund_id, "refund.updated", status="succeeded", failure_reason=None)

    async def fail(self, refund_id: str, reason: str = "expired_or_canceled_card") -> None:
        """The buyer's bank does not take it, or sends it back days later; the money is back with Stripe."""
        await self._turn(refund_id, "refund.failed", status="failed", failure_reason=reason)

    async def wait_for_buyer(self, refund_id: str) -> None:
        """The buyer has to do something first: such a refund can be stopped (R23)."""
        await self._turn(
            refund_id,
            "refund.updated",
            status="requires_action",
            failure_reason=None,
            next_action=_asked_by("buyer@example.org"),
        )

    async def refund_by_hand(self, charge_id: str, amount: int | None = None) -> str:
        """Somebody refunds a charge in the dashboard, all of it unless told otherwise; Stripe's id."""
        form = {"charge": charge_id} | ({"amount": str(amount)} if amount else {})
        async with self._one_refund_at_a_time:
            answer = await self._make_refund(form)
        if answer.status != 200:
            raise AssertionError(answer.body)
        self.webhooks.put("charge.refunded", await self._charge_by_id(charge_id))
        return str(answer.body["id"])

    async def capture(self, charge_id: str, amount: int | None = None) -> None:
        """What was authorised comes in, or a part of it, which lets the rest go."""
        charge = await self._charge_by_id(charge_id)
        taken = charge["amount"] if amount is None else amount
        await self._turn_charge(charge_id, "captured", captured=True, amount_captured=taken)
        if rest := charge["amount"] - taken:
            await self._release(charge_id, rest)

    async def expire(self, charge_id: str) -> None:
        """What was authorised was not captured in time."""
        await self._release(charge_id, (await self._charge_by_id(charge_id))["amount"])
        await self._turn_charge(charge_id, "expired", refunded=True)

    async def complete(self, charge_id: str) -> None:
        """A charge that was pending comes in."""
        amount = (await self._charge_by_id(charge_id))["amount"]
        await self._turn_charge(charge_id, "succeeded", status="succeeded", amount_captured=amount)

    async def decline(self, charge_id: str, code: str = "insufficient_funds") -> None:
        """A charge fails: one that was pending, or one that had come in."""
        await self._turn_charge(
            charge_id, "failed", status="failed", amount_captured=0, failure_code=code
        )

    async def dispute(self, charge_id: str, amount: int | None = None, **fields: Any) -> str:
        """The buyer's bank takes a charge back (all of it, unless told otherwise); the dispute's id."""
        charge = await self._charge_by_id(charge_id)
        dispute = {
            "id": f"dp_{next(self._numbers):014}",
            "object": "dispute",
            "charge": charge_id,
            "amount": charge["amount"] if amount is None else amount,
            "currency": charge["currency"],
            "status": "needs_response",
            "reason": "fraudulent",
            "created": int(time.time()),
            "metadata": {},
        } | fields
        self._disputes[dispute["id"]] = dispute
        self.webhooks.put("charge.dispute.created", dispute)
        if not dispute["status"].startswith("warning_"):
            self.webhooks.put("charge.dispute.funds_withdrawn", dispute)
        return str(dispute["id"])

    def end_dispute(self, dispute_id: str, status: str, amount: int | None = None) -> None:
        """``won`` or ``lost``, also after it was the other, or of another amount."""
        dispute = self._disputes[dispute_id]
        dispute["status"] = status
        dispute["amount"] = dispute["amount"] if amount is None else amount
        self.webhooks.put("charge.dispute.closed", dispute)
        if status == "won":
            self.webhooks.put("charge.dispute.funds_reinstated", dispute)

    def forget_keys(self) -> None:
        """A day has passed: Stripe does not remember the idempotency keys."""
        self._keys.clear()

    async def flush(self) -> None:
        """Begin anew: localstripe writes all it has at each change, and gets slow with hundreds."""
        await self._upstream("DELETE", "/_config/data")
        for kept in (
            self._keys,
            self._states,
            self._charge_states,
            self._disputes,
            self._methods,
            self._metadata,
        ):
            kept.clear()

    # What Stripe does.

    def app(self) -> web.Application:
        """To be served on the loopback interface."""
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._serve)
        app.cleanup_ctx.append(self._session)
        return app

    async def _session(self, _app: web.Application) -> Any:
        async with aiohttp.ClientSession(self.upstream) as self._client:
            yield

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append((request.method, request.path))
        fault = self.faults.next(request.method == "POST")
        if fault in BEFORE:
            return _broken(fault)
        if not request.headers.get("Authorization", "").startswith("Bearer sk_"):
            return refusal("This key is not valid.", 401).response()
        key = request.headers.get("Idempotency-Key")
        if key and len(key) > LONGEST_KEY:
            return refusal("Keys have at most 255 characters.").response()
        if request.method == "POST" and key:
            response = await self._once(key, request, body, fault)
        else:
            response = (await self._answer(request, body)).response()
        if fault is InjectedFault.SLOW:
            await asyncio.sleep(self.slow)
        if fault is InjectedFault.LOST_ANSWER and request.transport:
            request.transport.abort()
        return response

    async def _once(
        self, key: str, request: web.Request, body: bytes, fault: InjectedFault | None
    ) -> web.Response:
        asked = (request.path, body)
        kept = self._keys.get(key)
        if kept is None:
            kept = self._keys[key] = _StoredRequest(asked)
            done = fault is not InjectedFault.STORED_UNDONE
            answer = await self._answer(request, body) if done else OUT_OF_ORDER
            kept.answer = OUT_OF_ORDER if fault in STORED else answer
            return kept.answer.response()
        if kept.asked != asked:
            body_of_it = {"type": "idempotency_error", "message": "Keys can only be used once."}
            return Answer(400, {"error": body_of_it}).response()
        if kept.answer is None:
            return refusal("Another request.", 409, code="idempotency_key_in_use").response()
        return kept.answer.response(replayed=True)

    async def _answer(self, request: web.Request, body: bytes) -> Answer:
        form = dict(parse_qsl(body.decode()))
        match request.method, request.path.split("/")[2:]:
            case "POST", ["payment_intents"]:
                return await self._pay(form)
            case "POST", ["refunds"]:
                async with self._one_refund_at_a_time:
                    return await self._make_refund(form)
            case "POST", ["refunds", refund_id, "cancel"]:
                return self._cancel(await self._upstream("GET", f"/v1/refunds/{refund_id}"))
            case "GET", ["refunds" | "charges" | "disputes" as kind]:
                return await self._list(kind, request)
            case "GET", ["disputes", dispute_id] if dispute_id not in self._disputes:
                return refusal("No such dispute.", 404, code="resource_missing")
            case "GET", ["disputes", dispute_id]:
                return Answer(200, await self._expanded(self._disputes[dispute_id], request, ""))
            case "GET", ["refunds" | "charges" as kind, _]:
                answer = await self._upstream("GET", request.path)
                found = self._as_it_stands(kind, answer.body)
                return Answer(answer.status, await self._expanded(found, request, ""))
            case _:
                return await self._upstream(request.method, request.path_qs, form)

    async def _pay(self, form: dict[str, str]) -> Answer:
        # localstripe does not know the parameter; all it knows are cards.
        known = {k: v for k, v in form.items() if not k.startswith("automatic_payment_methods")}
        known["payment_method"] = await self._method(form.get("payment_method", ""))
        answer = await self._upstream("POST", "/v1/payment_intents", known)
        if answer.status == 402:
            error = answer.body["error"] | {"type": "card_error", "decline_code": "generic_decline"}
            charge_id, answer = error["charge"], Answer(402, {"error": error})
        elif answer.status == 200 and (charge := answer.body["latest_charge"]):
            charge_id = answer.body["latest_charge"] = charge["id"]
        else:
            return answer
        # Stripe copies the metadata of a PaymentIntent to its charges. Kept here: no charge is seen without.
        self._metadata[charge_id] = {
            name.removeprefix("metadata[").removesuffix("]"): it
            for name, it in form.items()
            if name.startswith("metadata[")
        }
        self._charge_states[charge_id] = {
            "payment_method_details": {"type": self.paid_by},
            "billing_details": {"email": self.billing_email},
        }
        charge = await self._charge_by_id(charge_id)
        if charge["status"] == "succeeded" and self.paid_as != "succeeded":
            taken = {"captured": False} if self.paid_as == "authorized" else {"status": "pending"}
            self._charge_states[charge_id] |= taken | {"amount_captured": 0}
            charge = await self._charge_by_id(charge_id)
        self.webhooks.put(f"charge.{charge['status']}", charge)
        if charge["status"] == "pending":
            intent = answer.body | {"status": "processing", "metadata": charge["metadata"]}
            self.webhooks.put("payment_intent.processing", intent)
        return answer

    async def _method(self, name: str) -> str:
        # By its name localstripe would make a new one at each mention, and keep them all.
        if name in CARDS and name not in self._methods:
            card = {"number": CARDS[name], "exp_month": "12", "exp_year": "2030", "cvc": "123"}
            form = {"type": "card"} | {f"card[{field}]": it for field, it in card.items()}
            self._methods[name] = (await self._upstream("POST", "/v1/payment_methods", form)).body[
                "id"
            ]
        return self._methods.get(name, name)

    async def _make_refund(self, form: dict[str, str]) -> Answer:
        found = await self._upstream("GET", f"/v1/charges/{form.get('charge')}")
        if found.status != 200:
            return found
        charge = self._charge(found.body)
        amount = int(form.get("amount") or charge["amount"])
        left = charge["amount_captured"] - await self._sent_back(charge["id"])
        if charge["disputed"]:
            return refusal("This charge is disputed.", code="charge_disputed")
        if left <= 0:
            return refusal("It has been refunded.", code="charge_already_refunded")
        if amount > left:
            return refusal("The amount is greater than the unrefunded amount.", param="amount")
        email = form.pop("instructions_email", None)
        by_email = charge["payment_method_details"]["type"] != "card"
        if by_email != (email is not None):
            return refusal(
                "Missing email." if by_email else "No email.", param="instructions_email"
            )
        made = await self._upstream("POST", "/v1/refunds", form)
        if made.status == 200:
            asked = {"status": "requires_action", "next_action": _asked_by(email)} if email else {}
            started = {"status": self.starts_as, "failure_reason": None} | asked
            self._states[made.body["id"]] = started
            self.webhooks.put("refund.created", self._refund(made.body))
        return Answer(made.status, self._as_it_stands("refunds", made.body))

    def _cancel(self, found: Answer) -> Answer:
        if found.status != 200:
            return found
        refund = self._refund(found.body)
        if refund["status"] != "requires_action":
            return refusal("This refund cannot be canceled.", code="refund_not_cancelable")
        self._states[refund["id"]]["status"] = "canceled"
        refund = self._refund(refund)
        self.webhooks.put("refund.updated", refund)
        return Answer(200, refund)

    async def _sent_back(self, charge_id: str) -> int:
        refunds = map(self._refund, await self._all("refunds", charge=charge_id))
        return sum(
            it["amount"]
            for it in refunds
            if it["status"] not in ("failed", "canceled") and it["balance_transaction"]
        )

    async def _list(self, kind: str, request: web.Request) -> Answer:
        query = request.query
        if kind == "disputes":
            found = self.disputes()
        else:
            of_charge = {"charge": query["charge"]} if "charge" in query else {}
            answer = await self._upstream_list(kind, of_charge)
            if answer.status != 200:
                return answer
            found = [self._as_it_stands(kind, it) for it in answer.body["data"]]
        since = int(query.get("created[gte]", 0))
        found = sorted(
            (it for it in found if it["created"] >= since), key=lambda it: -int(it["created"])
        )
        ids = [it["id"] for it in found]
        first = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        last = first + int(query.get("limit", 10))
        page = found[first:last]
        page = [await self._expanded(it, request, "data.") for it in page]
        return Answer(
            200,
            {
                "object": "list",
                "url": request.path,
                "data": page,
                "has_more": last < len(found),
            },
        )

    async def _expanded(self, found: Json, request: web.Request, prefix: str) -> Json:
        """With the charge in place of its id, if that was asked for."""
        if f"{prefix}charge" not in request.query.getall("expand[0]", []) or "charge" not in found:
            return found
        return found | {"charge": await self._charge_by_id(found["charge"])}

    def _as_it_stands(self, kind: str, body: Json) -> Json:
        if "error" in body:
            return body
        return self._charge(body) if kind == "charges" else self._refund(body)

    def _refund(self, refund: Json) -> Json:
        return refund | self._states.get(refund["id"], {})

    def _charge(self, charge: Json) -> Json:
        paid = charge["status"] == "succeeded" and charge["captured"]
        takes = ("needs_response", "under_review", "lost")
        shown = {name: it for name, it in charge.items() if name not in ("refunds", "refunded")}
        captured = {"amount_captured": charge["amount"] if paid else 0, "refunded": False}
        return (
            shown
            | captured
            | self._charge_states.get(charge["id"], {})
            | {
                "metadata": self._metadata.get(charge["id"], {}),
                "disputed": any(
                    it["charge"] == charge["id"] and it["status"] in takes
                    for it in self._disputes.values()
                ),
            }
        )

    async def _charge_by_id(self, charge_id: str) -> Json:
        return self._charge((await self._upstream("GET", f"/v1/charges/{charge_id}")).body)

    async def _turn_charge(self, charge_id: str, kind: str, **state: Any) -> None:
        self._charge_states.setdefault(charge_id, {}).update(state)
        self.webhooks.put(f"charge.{kind}", await self._charge_by_id(charge_id))

    async def _release(self, charge_id: str, amount: int) -> None:
        made = await self._upstream("POST", "/v1/refunds", {"charge": charge_id, "amount": amount})
        # It moves no balance: nothing had come in.
        self._states[made.body["id"]] = {"status": "succeeded", "balance_transaction": None}
        self.webhooks.put("refund.created", self._refund(made.body))
        self.webhooks.put("charge.refunded", await self._charge_by_id(charge_id))

    async def _turn(self, refund_id: str, kind: str, **state: Any) -> None:
        for refund in await self.refunds():
            if refund_id not in (refund["id"], refund["metadata"].get("refund_id")):
                continue
            if refund["status"] == "canceled":
                continue  # it was stopped, and that is final
            self._states[refund["id"]] = state
            self.webhooks.put(kind, self._refund(refund))

    async def _all(self, kind: str, **query: str) -> list[Json]:
        found: list[Json] = (await self._upstream_list(kind, query)).body["data"]
        return found

    async def _upstream_list(self, kind: str, query: dict[str, str]) -> Answer:
        return await self._upstream("GET", f"/v1/{kind}?{urlencode(query | {'limit': _ALL})}")

    async def _upstream(
        self, method: str, path: str, form: Mapping[str, object] | None = None
    ) -> Answer:
        headers = {"Authorization": "Bearer sk_test_peer"}
        async with self._client.request(method, path, data=form, headers=headers) as answer:
            text = await answer.text()
        body = json.loads(text) if text else {}
        if answer.status == 404:
            body["error"]["code"] = "resource_missing"
        return Answer(answer.status, body)


def _asked_by(email: str) -> Json:
    """What the payer is asked for, for 45 days (docs.stripe.com/payments/customer-balance/refunding)."""
    now = int(time.time())
    details = {
        "email_sent": {"email_sent_at": now, "email_sent_to": email},
        "expires_at": now + 45 * 24 * 3600,
    }
    return {"type": "display_details", "display_details": details}


def _broken(fault: InjectedFault | None) -> web.Response:
    match fault:
        case InjectedFault.TOO_MANY:
            return Answer(429, {"error": {"message": "Too many.", "code": "rate_limit"}}).response()
        case InjectedFault.HUGE_ERROR:
            return web.Response(status=500, text="Something went wrong. " * 240_000)
        case _:
            return OUT_OF_ORDER.response()
