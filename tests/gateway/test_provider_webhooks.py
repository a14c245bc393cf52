"""Stripe's webhooks over HTTP (cases 13-15, 49): signed by Stripe, now, as they are; or refused."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx
import pytest_asyncio

from database.connection import Database
from testing.stripe.front import DECLINED, VISA
from testing.stripe.peer import Peer
from testing.stripe.webhooks import signature
from tests.gateway.conftest import HttpStory, serving
from tests.gateway.problem import must_be_problem

SECRET = "whsec_peer"
PATH = "/v1/webhooks/stripe"


@asynccontextmanager
async def _gateway(order: HttpStory, **changes: Any) -> AsyncIterator[HttpStory]:
    database = await Database.open(order.system.database_url)
    given: dict[str, Any] = {"payment_provider": "stripe", "stripe_api_key": "sk_test_unbuy"}
    try:
        async with (
            serving(order.system.server.client, database, **(given | changes)) as address,
            httpx.AsyncClient(base_url=address, verify=False, timeout=20) as http,
        ):
            yield HttpStory(http, order.system)
    finally:
        await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop(order: HttpStory, peer: Peer) -> AsyncIterator[HttpStory]:
    """A order whose money Stripe holds, with an order; what Stripe has to tell goes to its gateway."""
    secrets = {"stripe_webhook_secrets": SECRET, "stripe_api_base": peer.url}
    async with _gateway(order, **secrets) as shop:
        peer.front.webhooks.to = f"{str(shop.http.base_url).rstrip('/')}{PATH}"
        # An event's id is Stripe's alone; the database outlives the test.
        peer.front.webhooks._numbers = count(shop.number * 1000)
        await shop.place()
        yield shop


async def _charge(shop: HttpStory, peer: Peer, method: str = VISA, key: str = "1") -> str:
    """The buyer pays at Stripe's; the charge's id."""
    form = {
        **{"amount": "2490", "currency": "eur", "payment_method": method, "confirm": "true"},
        "metadata[unbuy_order_id]": shop.order_id,
    }
    headers = {"Authorization": "Bearer sk_test_unbuy", "Idempotency-Key": shop.order_id + key}
    answer = await shop.http.post(f"{peer.url}/v1/payment_intents", data=form, headers=headers)
    intent = answer.json()
    return str(intent["error"]["charge"] if "error" in intent else intent["latest_charge"])


async def _send(shop: HttpStory, body: bytes, signed: str | None) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    if signed is not None:
        headers["Stripe-Signature"] = signed
    return await shop.http.post(PATH, content=body, headers=headers)


async def _order(shop: HttpStory) -> dict[str, Any]:
    view: dict[str, Any] = (await shop.buyer.get(shop.path)).json()
    return view


def _payments(view: dict[str, Any]) -> int:
    return sum(entry["what"] == "payment_received" for entry in view["timeline"])


async def test_an_event_signed_by_stripe_is_accepted(shop: HttpStory, peer: Peer) -> None:
    """Case 49, and R5: the order is paid."""
    charge = await _charge(shop, peer)

    assert await peer.front.webhooks.deliver() == [200]

    view = await _order(shop)
    assert view["status"] == "payment_review"
    assert view["payment"]["payment_id"] == charge


async def test_an_event_with_a_wrong_or_old_signature_is_refused(
    shop: HttpStory, peer: Peer
) -> None:
    """Case 49: unsigned, by somebody else, altered, old, from the future; the order hears nothing of it."""
    await _charge(shop, peer)
    (body,) = peer.front.webhooks.waiting
    right = signature(body, SECRET)
    altered = body.replace(b"2490", b"9999")
    refused = {
        "unsigned": (body, None),
        "empty": (body, ""),
        "by another": (body, signature(body, "whsec_another")),
        "by no secret": (body, signature(body, "")),
        "altered": (altered, right),
        "with white space": (body + b"\n", right),
        "old": (body, signature(body, SECRET, time.time() - 301)),
        "from the future": (body, signature(body, SECRET, time.time() + 330)),
        "another time": (body, right.replace("t=", "t=1")),
        "another scheme": (body, right.replace("v1=", "v0=")),
        "no time": (body, right.partition(",")[2]),
        "nonsense": (body, "t=x,v1=y"),
        "time without end": (body, f"t={'9' * 5000},v1=y"),
        "other letters": (body, "t=1,v1=\u00e4"),
    }

    for why, (sent, signed) in refused.items():
        headers = {} if signed is None else {b"Stripe-Signature": signed.encode("latin-1")}
        answer = await shop.http.post(PATH, content=sent, headers=headers)
        assert SECRET not in answer.text, why
        must_be_problem(answer, 401)

    assert (await _order(shop))["status"] == "awaiting_payment"


async def test_a_signed_malformed_event_is_refused_in_a_sentence(shop: HttpStory) -> None:
    """Case 51: also Stripe's secret opens no way to an error of ours."""
    for body in (
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"id": "evt_1"}',
        b"[" * 100_000,
        b'{"id": "evt_1", "type": 9}',
        b'{"id": "evt_1", "type": ' + b"9" * 5000 + b"}",
        b'{"id": "evt_\\u0000", "type": "refund.updated", "data": {"object": {"id": "re_1"}}}',
    ):
        # What is no text is nothing that Stripe could have signed.
        status = 401 if body == b"\xff" else 422
        must_be_problem(await _send(shop, body, signature(body, SECRET)), status)
    large = b" " * (256 * 1024 + 1)
    must_be_problem(await _send(shop, large, signature(large, SECRET)), 413)


async def test_events_of_other_business_are_accepted_and_ignored(shop: HttpStory) -> None:
    """Never 4xx, for which Stripe would come again for days: thin events, connected accounts, odd ids."""
    ours = {"id": "ch_1", "metadata": {"unbuy_order_id": shop.order_id}}
    for event in (
        {"type": "v1.billing.meter.no_meter_found", "object": "v2.core.event", "created": "2026"},
        {"type": "charge.succeeded", "account": "acct_1", "data": {"object": ours}},
        {"type": "charge.succeeded", "data": {"object": {"id": "ch_" + "1" * 250}}},
        {"type": "charge.dispute.closed", "data": {"object": {"id": "dp_of_somebody_else"}}},
        {"type": "refund.updated", "data": {"object": {"id": "re_of_somebody_else"}}},
        {"type": "customer.created", "id": "evt_\x00", "data": None},
    ):
        body = json.dumps({"id": f"evt_other_{shop.number}"} | event).encode()

        answer = await _send(shop, body, signature(body, SECRET))

        assert (answer.status_code, answer.json()) == (200, {"status": "ignored"}), event


async def test_without_a_secret_every_event_is_refused(order: HttpStory) -> None:
    """Case 49: fails closed, and says to whoever runs it what is missing."""
    body = b'{"id": "evt_1", "type": "x", "created": 1}'
    for changes in (
        {"stripe_webhook_secrets": ""},
        {"stripe_webhook_secrets": " , "},
        {"payment_provider": "local", "stripe_webhook_secrets": SECRET},
    ):
        async with _gateway(order, **changes) as shop:
            for secret in (SECRET, ""):
                answer = await _send(shop, body, signature(body, secret))
                detail = must_be_problem(answer, 404)["detail"]
                assert "UNBUY_STRIPE_WEBHOOK_SECRETS" in detail
            must_be_problem(await shop.http.post("/v1/webhooks/paypal", content=body), 404)


async def test_both_secrets_are_valid_during_rotation(order: HttpStory) -> None:
    """Case 49: rotation; a secret that is gone counts no more."""
    body = b'{"id": "evt_rotated", "type": "x", "created": 1}'
    async with _gateway(order, stripe_webhook_secrets="whsec_new, whsec_old") as shop:
        for secret in ("whsec_old", "whsec_new"):
            assert (await _send(shop, body, signature(body, secret))).status_code == 200
    async with _gateway(order, stripe_webhook_secrets="whsec_new") as shop:
        must_be_problem(await _send(shop, body, signature(body, "whsec_old")), 401)


async def test_the_same_event_twenty_times_at_once_counts_once(shop: HttpStory, peer: Peer) -> None:
    """Case 13: all 2xx, one payment."""
    await _charge(shop, peer)
    (body,) = peer.front.webhooks.waiting
    signed = signature(body, SECRET)

    answers = await asyncio.gather(*(_send(shop, body, signed) for _ in range(20)))

    assert {it.status_code for it in answers} == {200}
    assert {it.json()["status"] for it in answers} <= {"accepted", "duplicate"}
    view = await _order(shop)
    assert _payments(view) == 1
    assert view["amount_paid"]["amount"] == 2490
    assert view["refused"] == []
    assert (await _send(shop, body, signed)).json() == {"status": "duplicate"}


async def test_a_known_event_id_with_another_type_is_refused(shop: HttpStory, peer: Peer) -> None:
    """Case 14: also when it is signed."""
    await _charge(shop, peer)
    (body,) = peer.front.webhooks.waiting
    assert await peer.front.webhooks.deliver() == [200]
    other = body.replace(b"charge.succeeded", b"charge.failed")

    problem = must_be_problem(await _send(shop, other, signature(other, SECRET)), 409)

    assert json.loads(body)["id"] in problem["detail"]
    assert _payments(await _order(shop)) == 1


async def test_an_event_counts_as_seen_only_when_it_has_been_taken(
    shop: HttpStory, peer: Peer
) -> None:
    """Case 60: what was answered with 503 comes again, in another rendering; after that it is a repeat."""
    await _charge(shop, peer)
    (body,) = peer.front.webhooks.waiting
    event = json.loads(body)
    renderings = [
        json.dumps(event | {"pending_webhooks": number, "api_version": f"20{number}"}).encode()
        for number in range(10, 13)
    ]

    peer.front.faults.reading_rate = 1.0
    away = await _send(shop, renderings[0], signature(renderings[0], SECRET))
    peer.front.faults.reading_rate = 0.0
    taken, again = [await _send(shop, it, signature(it, SECRET)) for it in renderings[1:]]

    must_be_problem(away, 503)
    assert taken.json() == {"status": "accepted"}
    assert again.json() == {"status": "duplicate"}
    assert _payments(await _order(shop)) == 1


async def test_events_in_any_order_give_the_same_result(shop: HttpStory, peer: Peer) -> None:
    """Case 15: a chargeback brings its payment along, a decline of another card changes nothing."""
    await _charge(shop, peer, DECLINED, "declined")
    charge = await _charge(shop, peer)
    await peer.front.dispute(charge)
    peer.front.webhooks.waiting.reverse()

    assert await peer.front.webhooks.deliver() == [200] * 4

    view = await _order(shop)
    assert view["amount_charged_back"]["amount"] == 2490
    whats = [entry["what"] for entry in view["timeline"]]
    assert (whats.count("payment_received"), whats.count("chargeback_opened")) == (1, 1)
    assert view["refused"] == []


async def test_what_stripe_could_not_pay_is_refused_before_it_is_decided(
    order: HttpStory,
) -> None:
    """R4, case 62: 409 with the sentence; the order hears nothing of it."""
    price = {"amount": 24_900, "currency": "KWD"}
    line = {"sku": "CAB-2", "title": "USB-C cable", "quantity": 1, "unit_price": price}
    offer = {"topic": "discount", "text": "Yours?", "discount": {**price, "amount": 505}}
    async with _gateway(order) as shop:
        await shop.place(lines=[line], shipping_price={**price, "amount": 0})

        refused = await shop.seller.post(f"{shop.path}/seller-message", offer)

        problem = must_be_problem(refused, 409)
        assert problem["code"] == "wrong_amount"
        assert "last digit of 0, not 24.395 KWD" in problem["detail"]
        assert (await _order(shop))["messages"] == []
