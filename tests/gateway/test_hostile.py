"""Hostile requests (cases 31, 32, 51): bodies, addresses and headers that nobody in good faith sends.

All come to a 4xx and a sentence, none to a 5xx, and the gateway answers afterwards.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway import bodies
from gateway.openapi import EXAMPLES
from tests.gateway.conftest import HttpStory, token
from tests.gateway.problem import must_be_problem

JSON = {"Content-Type": "application/json"}
LARGEST = 64 * 1024
HUGE = "9" * 5000


def _order(**changes: str) -> str:
    """An order as JSON text, with text in place of some values."""
    fields = {
        "order_id": '"X-1"',
        "buyer": '{"id": "buyer-x", "name": "Anna", "locale": "pl"}',
        "seller": '{"id": "seller-x", "name": "Shop", "locale": "en"}',
        "lines": '[{"sku": "C", "title": "C", "quantity": 1, "unit_price": '
        '{"amount": 1, "currency": "EUR"}}]',
        "shipping_price": '{"amount": 0, "currency": "EUR"}',
    } | changes
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


def _price(amount: str, currency: str = '"EUR"') -> str:
    return _order(shipping_price=f'{{"amount": {amount}, "currency": {currency}}}')


BODIES: dict[str, str | bytes] = {
    "nothing": "",
    "white space": " \n\t",
    "no JSON": "order",
    "two values": "{} {}",
    "cut off": _order()[:-1],
    "comment": "/* */" + _order(),
    "single quotes": "{'order_id': 'X-1'}",
    "comma at the end": _order()[:-1] + ",}",
    "null": "null",
    "true": "true",
    "a number": "7",
    "a list": f"[{_order()}]",
    "a text": json.dumps(_order()),
    "nests 100,000 lists": "[" * 100_000,
    "nests 30,000 lists": "[" * 30_000 + "]" * 30_000,
    "nests 10,000 objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "nests inside a field": _order(buyer="[" * 5000 + "]" * 5000),
    "no UTF-8": b'{"order_id": "\xff\xfe"}',
    "overlong UTF-8": b'{"order_id": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"order_id": "\xed\xa0\x80"}',
    "UTF-16": _order().encode("utf-16"),
    "byte order mark": _order().encode("utf-8-sig"),
    "raw NUL": _order(order_id='"X\0"'),
    "NUL": _order(order_id='"X\\u0000"'),
    "NUL in a name": _order(buyer='{"id": "buyer-x", "name": "A\\u0000", "locale": "pl"}'),
    "lone surrogate": _order(buyer='{"id": "buyer-x", "name": "\\ud800", "locale": "pl"}'),
    "surrogates the wrong way round": _order(order_id='"\\udc00\\ud800"'),
    "escape in a name": _order(buyer='{"id": "buyer-x", "name": "\\u001b[2J", "locale": "pl"}'),
    "a key twice": _order()[:-1] + ', "order_id": "X-2"}',
    "a key twice, inside": _price('1, "amount": 0'),
    "a key twice, once escaped": _order()[:-1] + ', "order\\u005fid": "X-2"}',
    "an unknown key": _order(status='"closed"'),
    "the key of all objects": _order(__proto__="{}"),
    "a class": _order(__class__='"x"'),
    "NaN": _price("NaN"),
    "Infinity": _price("Infinity"),
    "minus Infinity": _price("-Infinity"),
    "1e400": _price("1e400"),
    "minus 1e400": _price("-1e400"),
    "1e2": _price("1e2"),
    "0.5": _price("0.5"),
    "1.0": _price("1.0"),
    "negative": _price("-1"),
    "2^63": _price(str(2**63)),
    "2^64": _price(str(2**64)),
    "5,000 digits": _price(HUGE),
    "5,000 digits unknown": _order(x=HUGE),
    "a text as an amount": _price('"0"'),
    "true as an amount": _price("true"),
    "null as an amount": _price("null"),
    "a list as an amount": _price("[0]"),
    "no currency": _price("0", '"XXX"'),
    "currency with NUL": _price("0", '"EUR\\u0000"'),
    "a lot of them": _order(
        lines=f'[{{"sku": "C", "title": "C", "quantity": {HUGE}, "unit_price": '
        '{"amount": 1, "currency": "EUR"}}]'
    ),
    "money without end": _order(
        lines='[{"sku": "C", "title": "C", "quantity": 1000000, "unit_price": '
        f'{{"amount": {2**63 - 1}, "currency": "EUR"}}}}]'
    ),
    "too many lines": _order(lines=f"[{','.join(['{}'] * 20_000)}]"),
    "an id for a path": _order(order_id='"../../x"'),
    "an id for a log": _order(order_id='"x\\n2026 INFO"'),
    "an id too long": _order(order_id=json.dumps("x" * 65)),
    "a name too long": _order(
        buyer=json.dumps({"id": "buyer-x", "name": "A" * 60_000, "locale": "pl"})
    ),
    "a duration of months": _order(policy='{"payment_window": "P1M"}'),
    "a duration without end": _order(policy=f'{{"payment_window": "P{HUGE}D"}}'),
    "a duration of digits of elsewhere": _order(policy='{"payment_window": "P\\u0661D"}'),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_hostile_body_is_refused_in_a_sentence(order: HttpStory, body: str | bytes) -> None:
    """Case 51: placing, telling and reordering alike; a message's own fields are optional, so `{}` is one."""
    for path in ("/v1/orders", f"{order.path}/cancel-request"):
        person = order.person("buyer", "buyer-x")
        answer = await person.post(path, content=body, headers=JSON)
        must_be_problem(answer, 400, 404, 413, 422)
        assert len(answer.text) < 3000


MESSAGES: dict[str, dict[str, list[Any]]] = {
    "payment": {
        "paid_at": [
            "now",
            "2026-11-25",
            "2026-11-25T12:00:00",
            "0001-01-01T00:00:00+23:59",
            1e400,
            7,
        ],
        "money": [{"amount": 0, "currency": "EUR"}, 2490, None, {"amount": 1.5, "currency": "EUR"}],
        "payment_id": ["", "x" * 256, "x\n", 7, "pay/../1"],
        "method": [None, "x" * 1001, "\0"],
        "message_id": ["", "m" * 65, "m\0", 7],
    },
    "shipment_extension": {"days": [0, 61, -1, 1.5, "7", True, None, 10**30]},
    "dispute_decision": {"decision": ["refund", 1, None, ["no_refund"]]},
    "cancel_request": {"complaint": ["maybe", 7, None], "reason": ["x", None, {}]},
    "shipment_proof": {"size": [-1, "big", 2**70], "sha256": ["", "z" * 64], "media_type": ["\0"]},
}


async def test_a_message_with_a_wrong_field_is_refused_in_a_sentence(order: HttpStory) -> None:
    """Case 51: each field that is wrong is named."""
    await order.place()
    senders = {
        "payment": order.provider,
        "shipment_extension": order.buyer,
        "dispute_decision": order.support,
        "cancel_request": order.buyer,
        "shipment_proof": order.seller,
    }
    for name, fields in MESSAGES.items():
        for field, values in fields.items():
            for value in values:
                body = json.dumps(EXAMPLES[name] | {field: value})
                path = f"{order.path}/{name.replace('_', '-')}"
                answer = await senders[name].post(path, content=body, headers=JSON)
                problem = must_be_problem(answer, 400, 422)
                assert problem["status"] == 400 or field in problem["detail"], (field, value)

    assert (await order.buyer.get(order.path)).json()["status"] == "awaiting_payment"


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "ä"],
)
async def test_a_body_without_a_json_content_type_is_refused(order: HttpStory, kind: str) -> None:
    """A page of another site can make a browser send these without asking first."""
    headers = {b"Content-Type": kind.encode()} if kind else {}
    headers[b"Authorization"] = f"Bearer {token('buyer', order.buyer.id)}".encode()
    content = json.dumps(order.body()).encode()

    answer = await order.http.post("/v1/orders", content=content, headers=headers)

    assert "application/json" in must_be_problem(answer, 415)["detail"]


async def _chunks(size: int, of: int = 8192) -> AsyncIterator[bytes]:
    for start in range(0, size, of):
        yield b" " * min(of, size - start)


async def test_a_body_is_limited_while_it_is_read(order: HttpStory) -> None:
    """Cases 31 and 51: 64 KiB, also where no length is given; one byte more is 413."""
    await order.place()
    said = json.dumps({"text": "Hello"}).encode()
    path = f"{order.path}/buyer-message"

    async def padded(size: int) -> AsyncIterator[bytes]:
        async for chunk in _chunks(size - len(said)):
            yield chunk
        yield said

    fits = await order.buyer.post(path, content=padded(LARGEST), headers=JSON)
    assert fits.status_code == 200, fits.text
    for too_large in (padded(LARGEST + 1), _chunks(10_000_000), b" " * 10_000_000):
        answer = await order.buyer.post(path, content=too_large, headers=JSON)
        assert "65536 bytes" in must_be_problem(answer, 413)["detail"]
    assert len((await order.buyer.get(order.path)).json()["messages"]) == 1


async def _raw(order: HttpStory, request: bytes, *, patience: float = 10) -> bytes:
    """What comes back to these very bytes, until the gateway hangs up or says nothing more."""
    url = httpx.URL(order.http.base_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    got = b""
    try:
        async with asyncio.timeout(patience):
            while chunk := await reader.read(65536):
                got += chunk
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return got


def _head(order: HttpStory, *lines: str, path: str = "/v1/orders") -> bytes:
    signed = f"Authorization: Bearer {token('buyer', order.buyer.id)}"
    head = (f"POST {path} HTTP/1.1", "Host: x", signed, *lines, "", "")
    return "\r\n".join(head).encode("latin-1")


async def test_a_wrong_content_length_gets_a_4xx(order: HttpStory) -> None:
    """Case 51: more announced than there comes, less, none that is a number, and two that differ."""
    json_ = "Content-Type: application/json"
    lies = {
        "too much": (_head(order, json_, "Content-Length: 999999999999"), b"{}", b" 413 "),
        "negative": (_head(order, json_, "Content-Length: -1"), b"{}", b" 400 "),
        "no number": (_head(order, json_, "Content-Length: many"), b"{}", b" 400 "),
        "5,000 digits": (_head(order, json_, f"Content-Length: {HUGE}"), b"{}", b" 4"),
        "two": (_head(order, json_, "Content-Length: 2", "Content-Length: 3"), b"{}", b" 400 "),
        "too little": (
            _head(order, json_, "Content-Length: 1", "Connection: close"),
            b"{}",
            b" 400 ",
        ),
        "no chunk": (_head(order, json_, "Transfer-Encoding: chunked"), b"zz\r\n{}", b" 400 "),
        "odd coding": (_head(order, json_, "Transfer-Encoding: gzip"), b"{}", b" 400 "),
    }
    for why, (head, body, status) in lies.items():
        got = await _raw(order, head + body, patience=1)
        assert status in got.partition(b"\r\n")[0], (why, got[:200])
        assert b"Traceback" not in got

    assert (await order.http.get("/healthz")).status_code == 200


async def test_a_body_that_never_arrives_times_out(
    order: HttpStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 51: 408, and the connection ends: a drop now and then does not keep it."""
    monkeypatch.setattr(bodies, "WITHIN", timedelta(milliseconds=300))
    head = _head(order, "Content-Type: application/json", "Content-Length: 100")

    got = await _raw(order, head + b"{", patience=5)

    assert got.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in got.lower()
    assert b'"detail":"The body did not arrive within' in got


async def test_a_caller_that_disconnects_leaves_nothing_behind(order: HttpStory) -> None:
    url = httpx.URL(order.http.base_url)
    for _ in range(20):
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(_head(order, "Content-Type: application/json", "Content-Length: 100") + b"{")
        await writer.drain()
        writer.transport.abort()

    assert (await order.http.get("/healthz")).status_code == 200


PATHS = [
    "/v1/orders/%00",
    "/v1/orders/A%00-1",
    "/v1/orders/%2e%2e",
    "/v1/orders/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/v1/orders/..%5c..",
    "/v1/orders/%ff%fe",
    "/v1/orders/%ed%a0%80",
    "/v1/orders/%F0%9F%92%B8",
    "/v1/orders/%0d%0aSet-Cookie:x=1",
    "/v1/orders/%20",
    "/v1/orders/A-1'%20or%20'1'='1",
    "/v1/orders/%7B%7B7*7%7D%7D",
    "/v1/orders/" + "x" * 65,
    "/v1/orders/" + "x" * 4000,
    "/v1/orders/" + "%C3%A4" * 2000,
    "/v1/orders/%",
    "/v1/orders/%zz",
    "/v1/orders/",
    "/v1/orders//events",
    "/v1//orders",
    "//v1/orders",
    "/V1/orders",
    "/v1/orders/A-1/",
    "/v1/orders/A-1/events/",
    "/v1/orders/%00/events",
    "/v1/orders/" + "x" * 4000 + "/events",
    "/docs/ui/%2e%2e/%2e%2e/app.py",
    "/docs/ui/..%2f..%2fapp.py",
    "/docs/ui/%00",
    "/docs/ui/" + "x" * 4000,
    "/docs/ui/",
    "/docs/ui",
    "/.env",
    "/metrics/%2e%2e/v1/orders",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda it: it[:48])
async def test_a_malformed_path_is_not_found(order: HttpStory, path: str) -> None:
    """Case 51: no address comes to a 5xx, to a file, or to a place that somebody else names."""
    answer = await order.support.get(path)

    must_be_problem(answer, 404)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("order_id", ["%00", "x" * 65, "x" * 4000, "%ff", "%C3%A4"])
async def test_messages_to_an_impossible_order_id_are_not_found(
    order: HttpStory, order_id: str
) -> None:
    """Case 51: not even the provider's, which may be of any order; money goes back nevertheless (R17)."""
    path = f"/v1/orders/{order_id}"

    must_be_problem(
        await order.provider.post(
            f"{path}/payment-declined",
            {"payment_id": "p", "reason": ""},
            headers={"Idempotency-Key": "k"},
        ),
        404,
    )
    paid = await order.provider.post(
        f"{path}/payment",
        {
            "payment_id": f"odd-{order.number}",
            "money": {"amount": 1, "currency": "EUR"},
            "method": "card",
            "paid_at": "2026-11-25T12:00:00Z",
        },
    )

    assert must_be_problem(paid, 404)["process"] == f"stray-payment-odd-{order.number}"


QUERIES = [
    "status=open",
    "status=",
    "status=%00",
    "status=awaiting_payment&status=%ff",
    "cursor=x",
    "cursor=%00",
    "cursor=ä",
    "cursor=" + "A" * 8000,
    "cursor=MjAyNi0xMS0yNVQxMjowMDowMCBB",  # no time zone
    "cursor=MjAyNi0xMS0yNVQxMjowMDowMCswMDowMCBBAEI",  # NUL in its order's id
    "cursor=MDAwMS0wMS0wMVQwMDowMDowMCsyMzo1OSBB",  # before all calendars
    "cursor=OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OSBB",  # after them
    "cursor=7",
    "due_before=0001-01-01T00:00:00%2B14:00",
    "due_before=9999-12-31T23:59:59-14:00",
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda it: it[:40])
async def test_a_malformed_query_is_refused_in_a_sentence(order: HttpStory, query: str) -> None:
    """Case 51."""
    must_be_problem(await order.buyer.get(f"/v1/orders?{query}"), 422)


@pytest.mark.parametrize(
    "headers",
    [
        {"Idempotency-Key": ""},
        {"Idempotency-Key": "k" * 65},
        {"Idempotency-Key": "a\tb\x7f"},
        {"Idempotency-Key": "k" * 12_000},
    ],
    ids=["empty", "long", "control", "very long"],
)
async def test_a_malformed_idempotency_key_is_refused_in_a_sentence(
    order: HttpStory, headers: dict[str, str]
) -> None:
    """Case 51."""
    await order.place()

    answer = await order.buyer.post(
        f"{order.path}/buyer-message", {"text": "Hello"}, headers=headers
    )

    assert "Idempotency-Key" in must_be_problem(answer, 422)["detail"]


@pytest.mark.parametrize(
    "last", ["", "x", "-1", "1.5", "9" * 19, HUGE, "²", "٣"], ids=lambda it: it[:8]
)
async def test_a_malformed_last_event_id_is_ignored(order: HttpStory, last: str) -> None:
    """Case 51: the stream begins with the order as it is."""
    await order.place()
    headers = {
        b"Authorization": f"Bearer {token('buyer', order.buyer.id)}".encode(),
        b"Last-Event-ID": last.encode(),
    }

    async with order.http.stream("GET", f"{order.path}/events", headers=headers) as stream:
        assert stream.status_code == 200
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                assert json.loads(line[5:])["order_id"] == order.order_id
                break


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD", "BREW"])
async def test_an_unsupported_method_gets_the_list_of_supported_ones(
    order: HttpStory, method: str
) -> None:
    answer = await order.http.request(method, "/v1/orders")

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) >= {"POST"}
    if method != "HEAD":
        must_be_problem(answer, 405)


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /v1/orders HTTP/9.9\r\n\r\n",
        b"GET /v1/orders\r\n\r\n",
        b"GET http://evil.example/v1/orders HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /v1/orders HTTP/1.1\r\n\r\n",
        b"GET /v1/orders HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n",
        b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/orders HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n",
        b"GET /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + b"a" * 100_000
        + b"\r\n\r\n",
        b"GET /v1/orders HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        b"Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ],
    ids=["tls", "version", "0.9", "proxy", "no host", "NUL", "path", "headers", "header", "socket"],
)
async def test_malformed_http_gets_a_4xx(order: HttpStory, request_: bytes) -> None:
    """Case 51: the server's own answer where there was no request to speak of."""
    got = await _raw(order, request_, patience=1)

    assert got.startswith(b"HTTP/1.1 4"), got[:200]
    assert b"Traceback" not in got
    assert (await order.http.get("/healthz")).status_code == 200


async def test_a_callers_request_id_is_kept_only_when_valid(order: HttpStory) -> None:
    kept = await order.http.get("/healthz", headers={"X-Request-ID": "request-1234"})
    assert kept.headers["x-request-id"] == "request-1234"

    for odd in ("x", "a b c d e f g", "x" * 65, "<script>alert(1)</script>", "{}[]\\\"'"):
        answer = await order.http.get("/healthz", headers={"X-Request-ID": odd})
        assert answer.headers["x-request-id"] != odd
