"""Webhooks over real HTTP: signed as the standard has it, sent once a call, and only where they may go."""

import asyncio
import base64
import hashlib
import hmac
import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import WebhookVerificationError

from activities.webhooks import EndpointGone, Webhook, WebhookNotDelivered
from adapters.webhooks.sender import AT_ONCE, WebhookSender
from deploy.ports import LOOPBACK, free_port
from orders.messages import Role
from orders.order import Order
from orders.timeline import Event
from orders.view import view
from testing.webhook_receiver import SECRET, Receiver, receiver, sender_to
from tests.adapters.webhooks.test_public_addresses import resolved
from tests.orders.builders import place

NEXT_SECRET = "whsec_" + base64.b64encode(b"the secret of next year...").decode()
NAME = "hooks.example"

PLACED_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)

WEBHOOK = Webhook.of(view(Order.new(place(), PLACED_AT)))


@pytest_asyncio.fixture(loop_scope="session")
async def shop() -> AsyncIterator[Receiver]:
    async with receiver() as serving:
        yield serving


async def post(sender: WebhookSender) -> None:
    """Send the webhook to the sender's only endpoint."""
    (endpoint,) = sender.endpoints
    await sender.post(endpoint, WEBHOOK)


async def test_a_receiver_verifies_what_it_got_with_the_standards_library(shop: Receiver) -> None:
    await post(sender_to(shop.url))

    (got,) = shop.got
    body = got.verified()
    assert body["type"] == "order.changed"
    assert body["data"]["changes"][-1]["at"] == body["timestamp"]
    assert body["data"]["order_id"] == WEBHOOK.order_id
    assert got.id == WEBHOOK.id
    assert got.headers["content-type"] == "application/json"
    age = datetime.now(UTC).timestamp() - int(got.headers["webhook-timestamp"])
    assert -1 <= age < 60


async def test_the_signature_is_the_one_of_the_specification(shop: Receiver) -> None:
    """Without any library: base64 of HMAC-SHA256 of id, timestamp and body."""
    await post(sender_to(shop.url))

    (got,) = shop.got
    signed = f"{got.id}.{got.headers['webhook-timestamp']}.".encode() + got.body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"


async def test_both_secrets_are_valid_during_rotation(shop: Receiver) -> None:
    await post(sender_to(shop.url, secrets=(SECRET, NEXT_SECRET)))
    await post(sender_to(shop.url, secrets=(NEXT_SECRET,)))

    both, after = shop.got
    assert both.verified(SECRET) == both.verified(NEXT_SECRET) == after.verified(NEXT_SECRET)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        after.verified(SECRET)


def test_a_webhook_carries_no_personal_data() -> None:
    """Case 54: neither who bought nor what they wrote."""
    order = Order.new(place(), PLACED_AT)
    order.happened(PLACED_AT, Event.BUYER_MESSAGE, Role.BUYER, text="canary")
    told = Webhook.of(view(order))

    assert "buyer_message" in told.body
    for private in ("canary", order.placed.buyer.id, order.placed.buyer.name):
        assert private not in told.body


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_counts_as_delivered(shop: Receiver, status: int) -> None:
    shop.status = status

    await post(sender_to(shop.url))

    assert len(shop.got) == 1


@pytest.mark.parametrize("status", [304, 400, 401, 404, 422, 429, 500, 503])
async def test_any_other_answer_is_retried(shop: Receiver, status: int) -> None:
    shop.status = status

    with pytest.raises(WebhookNotDelivered, match=f"answered {status}") as raised:
        await post(sender_to(shop.url))
    assert not raised.value.non_retryable
    assert len(shop.got) == 1


async def test_an_endpoint_that_answers_gone_fails_for_good(shop: Receiver) -> None:
    shop.status = 410

    with pytest.raises(EndpointGone, match="take it out of ORDER_WEBHOOK_URLS"):
        await post(sender_to(shop.url))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(shop: Receiver, status: int) -> None:
    """Case 50: it could lead into our own network."""
    async with receiver() as inside:
        shop.status, shop.headers = status, {"location": inside.url}

        with pytest.raises(WebhookNotDelivered, match=f"answered {status}"):
            await post(sender_to(shop.url))

    assert inside.got == []


@pytest.mark.parametrize("host", [LOOPBACK, "localhost", "127.1", "[::ffff:127.0.0.1]"])
async def test_a_private_address_is_not_even_connected_to(shop: Receiver, host: str) -> None:
    """Case 50."""
    with pytest.raises(WebhookNotDelivered, match="is not a public address"):
        await post(sender_to(f"http://{host}:{shop.port}/", allow_private=False))

    assert shop.got == []


async def test_a_name_is_resolved_once_and_the_connection_goes_there(
    shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 50: DNS rebinding. A second answer would lead elsewhere, where nobody listens."""
    answers = [LOOPBACK]
    loop = asyncio.get_running_loop()

    async def rebinding(host: str, port: int, **asked: Any) -> Any:
        return await resolved(answers.pop())(host, port, **asked)

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    await post(sender_to(f"http://{NAME}:{shop.port}/orders?token=1"))

    (got,) = shop.got
    assert answers == []
    assert got.headers["host"] == f"{NAME}:{shop.port}"


async def test_another_address_of_a_host_is_tried_when_one_does_not_answer(
    shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved("127.0.0.2", LOOPBACK))

    await post(sender_to(f"http://{NAME}:{shop.port}/"))

    assert len(shop.got) == 1


async def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 50: SNI and certificate are those of the host, though its address is connected to."""
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved(LOOPBACK))
    certificate = tmp_path / "certificate.pem"
    key = tmp_path / "key.pem"
    _certify(NAME, certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    asked_for: list[str] = []
    tls.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with Receiver().serving(tls) as shop:
        await post(sender_to(f"https://{NAME}:{shop.port}/"))
        with pytest.raises(WebhookNotDelivered, match="cannot be reached"):
            await post(sender_to(f"https://other.example:{shop.port}/"))

    assert len(shop.got) == 1
    assert asked_for == [NAME, "other.example"]


async def test_a_timeout_is_retried(shop: Receiver) -> None:
    shop.hangs = True

    with pytest.raises(WebhookNotDelivered, match="does not answer in time"):
        await post(sender_to(shop.url, patience=timedelta(milliseconds=200)))


async def test_a_hanging_endpoint_takes_up_a_limited_number_of_connections(shop: Receiver) -> None:
    """The others, and the activities that move money, find theirs free."""
    shop.hangs = True
    async with receiver() as other:
        sender = sender_to(shop.url, other.url, patience=timedelta(seconds=30))
        slow, quick = sender.endpoints
        hanging = [asyncio.create_task(sender.post(slow, WEBHOOK)) for _ in range(AT_ONCE)]
        await shop.has(AT_ONCE)

        with pytest.raises(WebhookNotDelivered, match=f"has {AT_ONCE} webhooks to answer already"):
            await sender.post(slow, WEBHOOK)
        await sender.post(quick, WEBHOOK)
        shop.hangs = False
        await asyncio.gather(*hanging)

    await sender.post(slow, WEBHOOK)
    assert len(other.got) == 1


async def test_an_endless_answer_is_not_read(shop: Receiver) -> None:
    """Case 23."""
    shop.endless, shop.status = True, 200

    await post(sender_to(shop.url, patience=timedelta(seconds=10)))

    assert len(shop.got) == 1


async def test_errors_hide_the_secrets_of_an_address(
    shop: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Case 54: neither in an endpoint's name, nor in errors or logs, at any level."""
    url = f"{LOOPBACK}:{{port}}/canary-path?token=canary"
    urls = [f"http://canary:canary@{url.format(port=port)}" for port in (shop.port, free_port())]
    sender = sender_to(*urls, "http://canary@nowhere.invalid/canary")
    shop.status = 500
    said = [*sender.endpoints]
    with caplog.at_level(logging.INFO):
        for endpoint in sender.endpoints:
            with pytest.raises(WebhookNotDelivered) as raised:
                await sender.post(endpoint, WEBHOOK)
            said.append(str(raised.value))
            assert raised.value.__cause__ is None

    assert shop.got[0].headers["authorization"].startswith("Basic ")
    assert len(set(said)) == 6
    for text in (*said, caplog.text):
        assert "canary" not in text


async def test_an_endpoint_that_is_not_configured_here_is_retried() -> None:
    """While settings change, another worker may know it; after three days nobody does."""
    with pytest.raises(WebhookNotDelivered, match="ORDER_WEBHOOK_URLS"):
        await WebhookSender().post("hooks.example 01234567", WEBHOOK)


def _certify(name: str, certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
