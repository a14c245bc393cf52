"""Who may do what (cases 47, 48): every address of the gateway for everybody, by a table of its own."""

from typing import Any, cast

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from client import orders
from database.connection import Database
from demo.waiting import until
from gateway.access import Caller, Role, view_for
from gateway.app import build_app
from gateway.openapi import EXAMPLES
from gateway.services import Services
from orders.view import OrderView
from tests.gateway.conftest import HttpStory, Person, serving
from tests.gateway.problem import must_be_problem
from tests.orders.builders import DUE, START, Story, chargeback

TAKEN = 0
"""The gateway lets it through; what the order says to it is another matter."""

CALLERS = ("nobody", "buyer A", "buyer B", "seller A", "seller B", "support", "provider")

ALL = (TAKEN,) * 7
PEOPLE = (401, TAKEN, 404, TAKEN, 404, TAKEN, 403)
BUYER = (401, TAKEN, 404, 403, 403, 403, 403)
SELLER = (401, 403, 403, TAKEN, 404, 403, 403)
SUPPORT = (401, 403, 403, 403, 403, TAKEN, 403)
PROVIDER = (401, 403, 403, 403, 403, 403, TAKEN)

ORDER = "/v1/orders/{order_id}"
STRAY = "/v1/stray-payments/{payment_id}"
EXPECTED: dict[str, tuple[int, ...]] = {
    "POST /v1/orders": (401, TAKEN, 403, 403, 403, TAKEN, 403),
    "GET /v1/orders": (401, TAKEN, TAKEN, TAKEN, TAKEN, TAKEN, 403),
    f"GET {ORDER}": PEOPLE,
    f"GET {ORDER}/events": PEOPLE,
    f"POST {ORDER}/proofs": SELLER,
    # There is none yet; tests/gateway/test_proof_uploads.py has one.
    f"GET {ORDER}/proofs/{{sha256}}": (401, 404, 404, 404, 404, 404, 403),
    f"POST {ORDER}/reorder": (401, TAKEN, 404, 403, 403, TAKEN, 403),
    f"POST {ORDER}/payment": PROVIDER,
    f"POST {ORDER}/payment-declined": PROVIDER,
    f"POST {ORDER}/cancel-request": BUYER,
    f"POST {ORDER}/cancel-withdrawal": BUYER,
    f"POST {ORDER}/seller-reply": SELLER,
    f"POST {ORDER}/tracking-number": SELLER,
    f"POST {ORDER}/shipment-proof": SELLER,
    f"POST {ORDER}/proof-review": SUPPORT,
    f"POST {ORDER}/seller-message": SELLER,
    f"POST {ORDER}/buyer-message": BUYER,
    f"POST {ORDER}/support-message": SUPPORT,
    f"POST {ORDER}/offer-acceptance": BUYER,
    f"POST {ORDER}/offer-decline": BUYER,
    f"POST {ORDER}/dispute-request": BUYER,
    f"POST {ORDER}/dispute-evidence": BUYER,
    f"POST {ORDER}/evidence": BUYER,
    f"POST {ORDER}/dispute-withdrawal": BUYER,
    f"POST {ORDER}/settlement-offer": SELLER,
    f"POST {ORDER}/settlement-acceptance": BUYER,
    f"POST {ORDER}/shipment-extension": BUYER,
    f"POST {ORDER}/payment-pending": PROVIDER,
    f"POST {ORDER}/chargeback": PROVIDER,
    f"POST {ORDER}/outside-refund": PROVIDER,
    f"POST {ORDER}/unmatched-resolution": SUPPORT,
    f"POST {ORDER}/dispute-decision": SUPPORT,
    f"POST {ORDER}/refund-update": (401, 403, 403, 403, 403, TAKEN, TAKEN),
    # There is no such payment; tests/gateway/test_stray_payments.py has one.
    f"GET {STRAY}": (401, 403, 403, 403, 403, 404, 403),
    f"POST {STRAY}/payment-declined": (401, 403, 403, 403, 403, 403, 404),
    f"POST {STRAY}/chargeback": (401, 403, 403, 403, 403, 403, 404),
    f"POST {STRAY}/outside-refund": (401, 403, 403, 403, 403, 403, 404),
    f"POST {STRAY}/unmatched-resolution": (401, 403, 403, 403, 403, 404, 403),
    f"POST {STRAY}/refund-update": (401, 403, 403, 403, 403, 404, 404),
    # By signature, and here none is set up.
    "POST /v1/webhooks/{provider}": (404,) * 7,
    "GET /healthz": ALL,
    "GET /readyz": ALL,
    "GET /metrics": ALL,
    "GET /openapi.json": ALL,
    "GET /docs": ALL,
    "GET /docs/start.js": ALL,
    "GET /docs/style.css": ALL,
    "GET /docs/ui": ALL,
}


def _routes() -> set[str]:
    app = build_app(cast(Services, None))._app
    found = set()
    for route in iter_route_contexts(app.routes):  # type: ignore[attr-defined]
        methods = set(route.methods or {"GET"}) - {"HEAD"}
        found |= {f"{method} {route.path}" for method in methods}
    return found


def test_every_route_is_in_the_access_table() -> None:
    """Case 47: an address that is new needs a row here."""
    assert _routes() == set(EXPECTED)


def _callers(order: HttpStory) -> dict[str, Person | None]:
    return {
        "nobody": None,
        "buyer A": order.buyer,
        "buyer B": order.person("buyer", "buyer-b"),
        "seller A": order.seller,
        "seller B": order.person("seller", "seller-b"),
        "support": order.support,
        "provider": order.provider,
    }


def _body(order: HttpStory, path: str) -> Any:
    """What the order could well take from whoever may send it."""
    if path == "/v1/orders":
        return order.body(order_id=f"{order.order_id}-other")
    name = path.rpartition("/")[2].replace("-", "_")
    return EXAMPLES.get("Reorder" if name == "reorder" else name, {})


async def _status(order: HttpStory, caller: Person | None, route: str) -> int:
    method, _, path = route.partition(" ")
    named = {"order_id": order.order_id, "payment_id": "no-such-payment"}
    address = path.format(**named, provider="stripe", sha256="0" * 64)
    if path == "/docs/ui":
        address += "/swagger-ui.css"
    headers = caller._headers({}) if caller else {}
    body = _body(order, path) if method == "POST" else None
    async with order.http.stream(method, address, headers=headers, json=body) as answer:
        if answer.status_code < 400:
            return TAKEN  # what is left of it may never end
        await answer.aread()
    must_be_problem(answer, answer.status_code)
    return TAKEN if answer.status_code in (409, 415, 422) else answer.status_code


async def test_every_role_gets_what_the_table_says_and_a_refusal_leaves_no_trace(
    order: HttpStory,
) -> None:
    """Cases 47 and 48: no token is 401, the wrong role 403, another's order 404; none of them an event."""
    await order.place()
    await order.pay()
    before = await order.settled_events()
    callers = _callers(order)
    refused: dict[tuple[str, str], int] = {}
    taken: dict[tuple[str, str], int] = {}
    for route, statuses in EXPECTED.items():
        for name, expected in zip(CALLERS, statuses, strict=True):
            (refused if expected else taken)[route, name] = expected

    async def others(asked: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
        return {
            (route, name): status
            for (route, name), expected in asked.items()
            if (status := await _status(order, callers[name], route)) != expected
        }

    assert await others(refused) == {}
    assert await order.events() == before
    assert (await _view(order)).refused == []
    assert await others(taken) == {}


async def _view(order: HttpStory) -> OrderView:
    return await orders.show(order.system.server.client, order.order_id)


async def test_someone_elses_order_answers_like_an_unknown_one(order: HttpStory) -> None:
    """Case 47: nobody can find out which orders there are."""
    await order.place()
    stranger = order.person("buyer", "buyer-b")
    said = {"text": "Hello?"}

    for path in ("", "/buyer-message", "/reorder"):
        answers = []
        for order_id in (order.order_id, "N-1"):
            address = f"/v1/orders/{order_id}{path}"
            answer = await (stranger.post(address, said) if path else stranger.get(address))
            problem = must_be_problem(answer, 404)
            answers.append(problem["detail"].replace(order_id, "it"))

        assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"buyer": {"id": "buyer-b", "name": "B", "locale": "en", "notify": []}}, 403),
        ({"policy": {"payment_review": "PT1S"}}, 403),
        ({"policy": {"refund_window": "P3650D"}}, 403),
        ({"seller": {"id": "s", "name": "S", "locale": "en", "notify": ["json://x"]}}, 403),
        ({"status": "closed"}, 422),
        ({"placed_at": "2020-01-01T00:00:00Z"}, 422),
        ({"amount_paid": {"amount": 2490, "currency": "EUR"}}, 422),
        ({"message_id": "m-1"}, 422),
    ],
    ids=lambda it: "-".join(it) if isinstance(it, dict) else "",
)
async def test_a_buyer_cannot_set_fields_of_others(
    order: HttpStory, strict: HttpStory, change: dict[str, Any], status: int
) -> None:
    """Case 48."""
    refused = await strict.buyer.post("/v1/orders", strict.body(**change))

    must_be_problem(refused, status)
    must_be_problem(await strict.support.get(strict.path), 404)


@pytest.fixture
async def strict(order: HttpStory, database: Database) -> Any:
    """A order whose buyers take the marketplace's policy."""
    async with (
        serving(order.system.server.client, database, buyers_choose_policy=False) as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):
        yield HttpStory(http, order.system)


async def test_a_message_with_other_fields_is_refused(order: HttpStory) -> None:
    """Case 48: who says it, about which order and when is not the caller's to set."""
    await order.place()
    before = await order.settled_events()

    for more in ({"by": "support"}, {"order_id": "A-1"}, {"at": "2020-01-01T00:00:00Z"}):
        answer = await order.buyer.post(f"{order.path}/buyer-message", {"text": "Hello"} | more)
        must_be_problem(answer, 422)

    assert await order.events() == before


async def _is_listed(order: HttpStory) -> None:
    """Lists are read from what is kept, a moment after the order itself says it."""
    await until(lambda: order.buyer.get("/v1/orders"), lambda answer: answer.json()["orders"])


async def test_no_query_shows_someone_elses_orders(order: HttpStory) -> None:
    """Case 47: a list has the caller's own, whatever is asked for."""
    await order.place()
    await _is_listed(order)
    stranger = order.person("buyer", f"stranger-{order.number}")

    for query in ("buyer", "buyer_id", "seller_id", "sub", "role"):
        answer = await stranger.get(f"/v1/orders?{query}={order.buyer.id}")
        assert answer.json()["orders"] == []
    for role in ("seller", "buyer"):
        other = order.person(role, order.buyer.id if role == "seller" else order.seller.id)
        assert (await other.get("/v1/orders")).json()["orders"] == []


async def test_someone_elses_cursor_shows_ones_own_orders(order: HttpStory) -> None:
    """Case 47."""
    await order.place()
    await _is_listed(order)
    stranger = order.person("buyer", f"stranger-{order.number}")
    far = "OTk5OS0wMS0wMVQwMDowMDowMCswMDowMCB6"  # 9999-01-01, order z

    assert (await order.buyer.get(f"/v1/orders?cursor={far}")).json()["orders"]
    assert (await stranger.get(f"/v1/orders?cursor={far}")).json()["orders"] == []


async def test_a_buyer_may_reorder_what_support_has_placed(order: HttpStory) -> None:
    """R3: where the seller is told of things comes from the order, and not from the buyer."""
    seller = {
        "id": order.seller.id,
        "name": "Shop",
        "locale": "en",
        "notify": ["json://shop.example"],
    }
    await order.support.post("/v1/orders", order.body(seller=seller))
    await order.buyer.post(f"{order.path}/cancel-request", {"reason": "changed_mind"})
    eur = {"amount": 1345, "currency": "EUR"}
    wanted = {
        "order_id": f"{order.order_id}-again",
        "prices": {"CAB-2": eur},
        "shipping_price": eur,
    }

    again = await order.buyer.post(f"{order.path}/reorder", wanted)

    assert again.status_code == 201, again.text
    assert "json://" not in again.text
    assert "json://" in (await order.seller.get(again.headers["location"])).text


@pytest.mark.parametrize(
    ("role", "sees"), [(Role.BUYER, True), (Role.SELLER, False), (Role.SUPPORT, True)]
)
def test_a_partys_time_zone_is_its_own(role: Role, sees: bool) -> None:
    """R21: it says where somebody lives."""
    view = Story().view
    buyer = view.buyer.model_copy(update={"time_zone": "Pacific/Chatham"})

    seen = view_for(Caller("anybody", role, START), view.model_copy(update={"buyer": buyer}))

    assert ("Chatham" in seen.model_dump_json()) is sees


@pytest.mark.parametrize(
    ("role", "sees"), [(Role.BUYER, False), (Role.SELLER, False), (Role.SUPPORT, True)]
)
def test_only_support_sees_which_other_order_has_a_number(role: Role, sees: bool) -> None:
    """R11, case 71."""
    story = Story().until_awaiting_shipment()
    view = story.verdict(story.send_tracking_number(), valid=None, other_order_id="A-strangers")

    seen = view_for(Caller("anybody", role, START), view).model_dump_json()

    assert ("A-strangers" in seen) is sees
    assert story.shipment.tracking[0].other_order_id == "A-strangers"


@pytest.mark.parametrize(
    ("role", "sees"), [(Role.BUYER, False), (Role.SELLER, False), (Role.SUPPORT, True)]
)
def test_what_support_knows_of_money_is_its_own(role: Role, sees: bool) -> None:
    """R25: its notes, who said it, and whom unmatched money was put down to; of refunds gone before, too."""
    story = Story().until_accepted()
    says = {"by": "support", "by_id": "mediator-1", "note": "Internal: called the bank."}
    story.send_refund_update("failed", **says)
    story.send_chargeback("opened")
    story.send_refund_update("canceled", **says)
    story.send("chargeback", **chargeback("won", DUE) | {"by_id": "provider-1"})
    story.send_refund_update("requires_action", **says)
    story.send_chargeback("lost", DUE + 100)
    borne = {"borne_by": "marketplace", "note": "Internal: an exchange rate."}
    story.send("unmatched_resolution", **borne, by_id="mediator-1")

    seen = view_for(Caller("anybody", role, START), story.view)
    said = seen.model_dump_json()

    assert len(story.order.earlier_refunds) == 1
    for internal in ("Internal", "mediator-1", "provider-1", '"marketplace"', "called"):
        assert (internal in said) is sees, internal
    assert [it.what for it in seen.timeline] == story.happened


@pytest.mark.parametrize(("role", "sees"), [("buyer", True), ("seller", False), ("support", True)])
def test_a_seller_does_not_read_what_the_buyers_bank_says_of_the_buyer(
    role: str, sees: bool
) -> None:
    """Why a payment was declined or a refund does not arrive: mails do not tell the seller either."""
    declined = Story()
    declined.pay()
    declined.send("payment_declined", payment_id="pay-1", reason="insufficient_funds")
    refunded = Story().until_cancellation_requested()
    failed = {"provider_refund_id": "re-1", "money": {"amount": 90, "currency": "EUR"}}
    refunded.send(
        "outside_refund", payment_id="pay-1", status="failed", reason="account_closed", **failed
    )
    refunded.reply("accept")
    refund_id = refunded.refund.refund_id
    refunded.send("refund_update", refund_id=refund_id, status="failed", reason="stolen_card")

    for story, reasons in (
        (declined, ["insufficient_funds"]),
        (refunded, ["account_closed", "stolen_card"]),
    ):
        seen = view_for(Caller("anybody", Role(role), START), story.view)
        said = seen.model_dump_json()
        assert [it in said for it in reasons] == [sees] * len(reasons)
        assert [it.what for it in seen.timeline] == story.happened


@pytest.mark.parametrize("role", [Role.BUYER, Role.SELLER])
def test_what_support_tells_both_parties_reaches_them(role: Role) -> None:
    """R16, R25: its reasons for a decision, and who of the two sent what."""
    story = Story().until_awaiting_shipment()
    story.send("cancel_request", reason="other", by_id="buyer-7")
    story.reply("refuse")
    story.send("dispute_decision", decision="full_refund", note="The photo is of another parcel.")

    seen = view_for(Caller("anybody", role, START), story.view)

    assert "The photo is of another parcel." in [it.details.get("note") for it in seen.timeline]
    assert "buyer-7" in {it.by_id for it in seen.timeline}


@pytest.mark.parametrize("role", Role)
def test_whoever_reads_an_order_is_told_what_silence_does(role: Role) -> None:
    """R9, R21: with the amount and the date; what it does for support is between us and the provider."""
    seen = view_for(Caller("anybody", role, START), Story().until_cancellation_requested().view)

    assert "24.90 EUR" in seen.if_nothing[Role.BUYER].text
    assert "If you do nothing by" in seen.if_nothing[Role.SELLER].text
    assert (Role.SUPPORT in seen.if_nothing) == (role not in (Role.BUYER, Role.SELLER))
