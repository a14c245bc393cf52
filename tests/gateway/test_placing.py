"""Prices, ids and addresses are the marketplace's (R3): what a buyer's token places, and whom that mails."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio

from database.connection import Database
from runtime.settings import Settings
from tests.gateway.browsing import sign_in
from tests.gateway.conftest import SECRET, HttpStory, Person, serving, token
from tests.gateway.problem import must_be_problem

EUR = {"amount": 1, "currency": "EUR"}


@pytest_asyncio.fixture(loop_scope="session")
async def production(order: HttpStory, database: Database) -> AsyncIterator[HttpStory]:
    """An order where buyers place none, as it is unless the installation says otherwise."""
    async with (
        serving(
            order.system.server.client,
            database,
            buyers_place_orders=Settings.model_fields["buyers_place_orders"].default,
        ) as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):
        yield HttpStory(http, order.system)


def _again(order: HttpStory, **changes: Any) -> dict[str, Any]:
    return {
        "order_id": f"{order.order_id}-again",
        "prices": {"CAB-2": EUR},
        "shipping_price": EUR,
    } | changes


async def _placed_and_cancelled(order: HttpStory) -> None:
    assert (await order.support.post("/v1/orders", order.body())).status_code == 201
    cancelled = await order.buyer.post(f"{order.path}/cancel-request", {"reason": "other"})
    assert cancelled.json()["status"] == "closed"


async def test_a_buyer_names_no_prices(production: HttpStory) -> None:
    """R3, case 81: neither of an own order nor of another's; nothing is placed."""
    for body in (production.body(), production.body(lines=[]), {}):
        answer = await production.buyer.post("/v1/orders", body)
        assert answer.status_code in (403, 422)
    refused = await production.buyer.post("/v1/orders", production.body())

    assert "Prices are the marketplace's" in must_be_problem(refused, 403)["detail"]
    must_be_problem(await production.support.get(production.path), 404)


async def test_a_buyer_re_orders_at_no_price_of_their_own(production: HttpStory) -> None:
    """R3, case 111: support's token does, the marketplace's; for whom the order is does not change."""
    await _placed_and_cancelled(production)

    refused = await production.buyer.post(f"{production.path}/reorder", _again(production))
    placed = await production.support.post(f"{production.path}/reorder", _again(production))

    must_be_problem(refused, 403)
    assert placed.status_code == 201, placed.text
    assert placed.json()["amount_due"] == {"amount": 3, "currency": "EUR"}
    assert placed.json()["buyer"]["id"] == production.buyer.id


async def test_a_page_offers_no_new_order_that_would_be_refused(production: HttpStory) -> None:
    """R3, case 81."""
    await _placed_and_cancelled(production)
    browser = await sign_in(production.http, "buyer", production.buyer.id)

    page = await browser.http.get(f"/orders/{production.order_id}")
    posted = await browser.post(f"/orders/{production.order_id}/reorder")

    assert "Order it again on the marketplace where you ordered." in page.text
    assert "/reorder" not in page.text
    assert posted.status_code == 403


async def test_whether_an_id_is_taken_is_told_to_no_stranger(production: HttpStory) -> None:
    """Where buyers place none they cannot take an id, nor see whether there is such an order."""
    await production.support.post("/v1/orders", production.body())
    stranger = production.person("buyer", "stranger")
    buyer = {"id": "stranger", "name": "S", "locale": "en", "notify": []}

    taken, free = [
        await stranger.post("/v1/orders", production.body(buyer=buyer, order_id=order_id))
        for order_id in (production.order_id, f"{production.order_id}-free")
    ]

    assert must_be_problem(taken, 403)["detail"] == must_be_problem(free, 403)["detail"]


def _with_email(order: HttpStory, **claims: Any) -> Person:
    """The buyer, whose token has an e-mail address."""
    known = jwt.decode(token("buyer", order.buyer.id), options={"verify_signature": False})
    made = jwt.encode(known | claims, SECRET.get_secret_value(), algorithm="HS256")

    class WithEmail(Person):
        def _headers(self, options: dict[str, Any]) -> dict[str, str]:
            return {"Authorization": f"Bearer {made}"}

    return WithEmail(order.http, "buyer", order.buyer.id)


ANNA = {"email": "anna@example.org", "email_verified": True}


@pytest.mark.parametrize(
    ("notify", "claims", "status"),
    [
        ([], {}, 201),
        (["mailto:anna@example.org"], ANNA, 201),
        (["mailto://anna@EXAMPLE.org"], ANNA, 201),
        (["mailto:anna@example.org"], {}, 403),
        (["mailto:anna@example.org"], ANNA | {"email_verified": False}, 403),
        (["mailto:anna@example.org"], ANNA | {"email_verified": "true"}, 403),
        (["mailto:anna@example.org"], ANNA | {"email": ["anna@example.org"]}, 403),
        (["mailto:stranger@example.org"], ANNA, 403),
        (["mailto:anna@example.org", "mailto:stranger@example.org"], ANNA, 403),
        (["mailto:anna@example.org,stranger@example.org"], ANNA, 403),
        (["mailto:anna@example.org?cc=stranger@example.org"], ANNA, 403),
        (["mailto:"], {"email": "", "email_verified": True}, 403),
        (["slack://a/b/c"], ANNA, 403),
        ([f"mailto:stranger{n}@example.org" for n in range(10)], {}, 403),
    ],
)
async def test_an_order_of_a_buyer_mails_nobody_but_the_buyer(
    order: HttpStory, notify: list[str], claims: dict[str, Any], status: int
) -> None:
    """Cases 75 and 110: where buyers place orders at all."""
    body = order.body()
    body["buyer"]["notify"] = notify

    answer = await _with_email(order, **claims).post("/v1/orders", body)

    assert answer.status_code == status, answer.text
    if status == 403:
        must_be_problem(await order.support.get(order.path), 404)


async def test_a_buyer_places_so_many_orders_a_day(order: HttpStory, database: Database) -> None:
    """Case 110: and re-orders as many, which tell the seller of each."""
    async with (
        serving(order.system.server.client, database, buyer_orders_limit="2/day") as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):
        limited = HttpStory(http, order.system)
        await limited.place()
        await limited.buyer.post(f"{limited.path}/cancel-request", {"reason": "other"})
        again = await limited.buyer.post(f"{limited.path}/reorder", _again(limited))
        one_more = await limited.buyer.post(
            f"{limited.path}/reorder", _again(limited, order_id=f"{limited.order_id}-third")
        )
        placed = await limited.buyer.post("/v1/orders", limited.body(order_id="H-not-placed"))
        supports = await limited.support.post("/v1/orders", limited.body(order_id="H-supports"))

    assert again.status_code == 201
    for refused in (one_more, placed):
        assert "2 per 1 day" in must_be_problem(refused, 429)["detail"]
    assert supports.status_code == 201


def test_buyers_place_no_orders_by_default() -> None:
    """R3."""
    assert Settings().buyers_place_orders is False
