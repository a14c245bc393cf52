"""The peer is as strict as Stripe: what it lets pass would prove nothing."""

import asyncio
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from activities.provider_events import EventSubject, SubjectKind
from adapters.stripe.events import read_event
from deploy.ports import LOOPBACK, free_port
from orders.values import Money
from testing.stripe import peer as stripe_stand_in
from testing.stripe.checkout import CheckoutUnavailable
from testing.stripe.faults import Faults, InjectedFault
from testing.stripe.front import DECLINED, VISA
from testing.stripe.peer import Peer
from testing.stripe.webhooks import StripeWebhooks

KEY = {"Authorization": "Bearer sk_test_1"}


@pytest_asyncio.fixture(loop_scope="session")
async def client(peer: Peer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(peer.url, headers=KEY) as session:
        yield session


async def post(
    client: aiohttp.ClientSession, path: str, key: str | None = None, **form: Any
) -> tuple[int, dict[str, Any], str | None]:
    headers = {"Idempotency-Key": key} if key else {}
    async with client.post(path, data=form, headers=headers) as answer:
        return answer.status, await answer.json(), answer.headers.get("Idempotent-Replayed")


async def pay(client: aiohttp.ClientSession, order_id: str = "A-1", method: str = VISA) -> str:
    form = {"amount": "2490", "currency": "eur", "payment_method": method, "confirm": "true"}
    _, intent, _ = await post(
        client,
        "/v1/payment_intents",
        f"pay-{order_id}",
        **form | {"metadata[unbuy_order_id]": order_id},
    )
    charge = intent["error"]["charge"] if "error" in intent else intent["latest_charge"]
    return str(charge)


def of_ours(charge: str, refund_id: str = "A-1-refund-1", **more: str) -> dict[str, str]:
    metadata = {"metadata[refund_id]": refund_id, "metadata[process]": "order-A-1"}
    return {"charge": charge} | metadata | more


async def test_no_other_server_can_take_its_port_while_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Case 119: one that did answered in its place, and a set-up failed."""
    start, tried = stripe_stand_in._gunicorn, []

    async def gunicorn(listening: socket.socket) -> Process:
        with pytest.raises(OSError, match="in use"):
            socket.create_server(listening.getsockname())
        tried.append(listening)
        return await start(listening)

    monkeypatch.setattr(stripe_stand_in, "_gunicorn", gunicorn)
    async with stripe_stand_in.stripe_peer() as peer:
        assert await peer.front.charges() == []

    assert tried


async def test_a_key_replays_its_answer_and_refuses_another_body(
    client: aiohttp.ClientSession,
) -> None:
    charge = await pay(client)

    first = await post(client, "/v1/refunds", "k", charge=charge, amount="100")
    again = await post(client, "/v1/refunds", "k", charge=charge, amount="100")
    other = await post(client, "/v1/refunds", "k", charge=charge, amount="101")

    assert (first[0], first[2]) == (200, None)
    assert again == (200, first[1], "true")
    assert (other[0], other[1]["error"]["type"]) == (400, "idempotency_error")


async def test_a_key_is_locked_while_its_request_runs(
    client: aiohttp.ClientSession,
) -> None:
    charge = await pay(client)

    answers = await asyncio.gather(
        *(post(client, "/v1/refunds", "k", charge=charge, amount="100") for _ in range(5))
    )

    assert 409 in [status for status, _, _ in answers]
    assert len({body["id"] for status, body, _ in answers if status == 200}) == 1


async def test_refunds_do_not_exceed_the_charge(client: aiohttp.ClientSession) -> None:
    charge = await pay(client)
    form = {"charge": charge}

    parts = await asyncio.gather(
        *(post(client, "/v1/refunds", f"k{n}", **form, amount="1000") for n in range(5))
    )
    _, rest, _ = await post(client, "/v1/refunds", "rest", **form, amount="490")
    _, more, _ = await post(client, "/v1/refunds", "more", **form, amount="1")

    assert sorted(status for status, _, _ in parts) == [200, 200, 400, 400, 400]
    assert rest["amount"] == 490
    assert more["error"]["code"] == "charge_already_refunded"


async def test_a_stored_failure_is_replayed_whether_the_refund_was_made_or_not(
    peer: Peer, client: aiohttp.ClientSession
) -> None:
    """Case 21."""
    charge = await pay(client)

    for fault, there in ((InjectedFault.STORED_UNDONE, 0), (InjectedFault.STORED_DONE, 1)):
        peer.front.faults.plan(fault)
        for replayed in (None, "true"):
            answer = await post(client, "/v1/refunds", fault, charge=charge, amount="100")
            assert (answer[0], answer[2]) == (500, replayed)
        assert len(await peer.front.refunds()) == there


async def test_only_a_refund_that_waits_for_the_buyer_can_be_canceled(
    peer: Peer, client: aiohttp.ClientSession
) -> None:
    charge = await pay(client)
    _, pending, _ = await post(client, "/v1/refunds", "a", charge=charge, amount="100")
    peer.front.starts_as = "requires_action"
    _, waiting, _ = await post(client, "/v1/refunds", "b", charge=charge, amount="100")

    refused, _, _ = await post(client, f"/v1/refunds/{pending['id']}/cancel")
    _, canceled, _ = await post(client, f"/v1/refunds/{waiting['id']}/cancel")

    assert refused == 400
    assert canceled["status"] == "canceled"


async def test_a_secret_key_is_required(peer: Peer) -> None:
    async with aiohttp.ClientSession() as nobody, nobody.get(f"{peer.url}/v1/refunds") as answer:
        assert answer.status == 401


async def test_its_events_can_be_read(peer: Peer, client: aiohttp.ClientSession) -> None:
    """R5, R6, R15, R23, R24: a life of events, as our webhook gets them."""
    read: list[EventSubject | None] = []

    async def webhook(body: bytes, signed: str) -> int:
        secret = SecretStr(peer.front.webhooks.secret)
        read.append(read_event(body, signed, [secret], datetime.now(UTC)).subject)
        return 200

    peer.front.webhooks.to = webhook
    charge = await pay(client)
    declined = await pay(client, "A-2", DECLINED)
    _, refund, _ = await post(client, "/v1/refunds", "k", **of_ours(charge))
    await peer.front.fail("A-1-refund-1")
    await peer.front.settle("A-1-refund-1")
    await peer.front.fail("A-1-refund-1")
    outside = await peer.front.refund_by_hand(charge, 500)
    dispute = await peer.front.dispute(charge)
    peer.front.end_dispute(dispute, "won")
    peer.front.end_dispute(dispute, "lost")

    assert await peer.front.webhooks.deliver() == [200] * 13
    assert [(it.kind, it.id) for it in read if it] == [
        (SubjectKind.PAYMENT, charge),
        (SubjectKind.PAYMENT, declined),
        *[(SubjectKind.REFUND, refund["id"])] * 4,
        (SubjectKind.REFUND, outside),
        (SubjectKind.REFUNDS_OF_PAYMENT, charge),
        *[(SubjectKind.CHARGEBACK, dispute)] * 5,
    ]


async def test_events_get_lost_come_twice_and_overtake_each_other(peer: Peer) -> None:
    def sent(seed: int) -> StripeWebhooks:
        office = StripeWebhooks(drop=0.2, repeat=0.3, shuffle=True, seed=seed)
        for number in range(50):
            office.put("charge.succeeded", {"id": f"ch_{number}"})
        return office

    office, same, other = sent(1), sent(1), sent(2)

    assert len(office.sent) == 50
    assert 0 < len(office.lost) < 25
    assert len(office.waiting) > len(set(office.waiting)) == 50 - len(office.lost)
    assert [len(it.lost) for it in (office, same)] == [len(office.lost)] * 2
    assert [len(it) for it in (office.waiting, other.waiting)] != [len(office.waiting)] * 2


async def test_an_event_that_a_webhook_refuses_is_sent_again(peer: Peer) -> None:
    statuses = [503, 200]

    async def webhook(request: web.Request) -> web.Response:
        assert request.headers["Stripe-Signature"].startswith("t=")
        return web.Response(status=statuses.pop(0))

    app = web.Application()
    app.router.add_post("/hook", webhook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, LOOPBACK, port).start()
    office = StripeWebhooks(to=f"http://{LOOPBACK}:{port}/hook")
    office.put("charge.succeeded", {"id": "ch_1"})

    answers = [await office.deliver() for _ in range(3)]
    await runner.cleanup()
    office.put("charge.succeeded", {"id": "ch_2"})

    assert answers == [[503], [200], []]
    assert await office.deliver() == [503]


def test_the_same_seed_gives_the_same_faults() -> None:
    def run(seed: int) -> list[InjectedFault | None]:
        faults = Faults(rate=0.5, seed=seed)
        return [faults.next(makes_something=True) for _ in range(50)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert set(run(1)) == {None, *InjectedFault}


async def test_checkout_charges_once_by_its_attempt_and_says_what_was_declined(peer: Peer) -> None:
    """R5, R6: a payment's id is that of the charge."""
    money = Money.model_validate({"amount": 2490, "currency": "EUR"})
    peer.front.faults.plan(InjectedFault.LOST_ANSWER)

    with pytest.raises(CheckoutUnavailable):
        await peer.checkout.pay("A-1", money)
    first = await peer.checkout.pay("A-1", money)
    again = await peer.checkout.pay("A-1", money)
    second = await peer.checkout.pay("A-1", money, attempt=2)
    declined = await peer.checkout.pay("A-2", money, DECLINED)

    assert first == again
    assert {it["id"]: it["status"] for it in await peer.front.charges()} == {
        first: "succeeded",
        second: "succeeded",
        declined: "failed",
    }
