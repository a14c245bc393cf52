"""Where a request's body ends, and in what it is encoded (cases 96, 116), on a real connection."""

import asyncio
import gzip

import httpx
import pytest

from tests.gateway.conftest import HttpStory, token
from tests.gateway.problem import must_be_problem

_NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def _statuses(order: HttpStory, request: bytes) -> list[int]:
    """The status of each answer to these bytes, until the gateway hangs up."""
    url = httpx.URL(order.http.base_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    async with asyncio.timeout(20):
        answers = await reader.read()
    writer.close()
    return [int(it[:3]) for it in answers.split(b"HTTP/1.1 ")[1:]]


def _head(order: HttpStory, *lines: str) -> bytes:
    signed = f"Authorization: Bearer {token('buyer', order.buyer.id)}"
    head = ("POST /v1/orders HTTP/1.1", "Host: x", signed, "Content-Type: application/json")
    return "\r\n".join((*head, *lines, "", "")).encode()


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (("Content-Length: 60", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
        (("Transfer-Encoding: chunked", "Content-Length: 0"), b"2\r\n{}\r\n0\r\n\r\n"),
        (("X-A: b\nTransfer-Encoding: chunked", "Content-Length: 5"), b"0\r\n\r\n"),
        (("X-A: b\rTransfer-Encoding: chunked", "Content-Length: 5"), b"0\r\n\r\n"),
        (("Content-Length: 2", "Content-Length: 3"), b"{}"),
        (("Content-Length: 2, 3",), b"{}"),
        (("Content-Length: +2",), b"{}"),
        (("Content-Length: 0x2",), b"{}"),
        (("Content-Length : 2",), b"{}"),
        (("Transfer-Encoding : chunked",), b"0\r\n\r\n"),
        (("Transfer-Encoding: xchunked",), b"0\r\n\r\n"),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
        (("Transfer-Encoding: chunked",), b"2;a\n{}\r\n0\r\n\r\n"),
        (("Transfer-Encoding: chunked",), b"2\n{}\n0\n\n"),
        (("Transfer-Encoding: chunked",), b"-2\r\n{}\r\n0\r\n\r\n"),
        (("Host: y", "Content-Length: 2"), b"{}"),
        (("X A: b", "Content-Length: 2"), b"{}"),
        (("X-A", "Content-Length: 2"), b"{}"),
    ],
)
async def test_an_ambiguous_request_is_refused_and_the_connection_ends(
    order: HttpStory, lines: tuple[str, ...], body: bytes
) -> None:
    """Case 116: what follows it is not read as a request."""
    assert await _statuses(order, _head(order, *lines) + body + _NEXT) == [400]


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (("Content-Length: 2", "Content-Length: 2"), b"{}"),
        (("X-A: b", "  Transfer-Encoding: chunked", "Content-Length: 2"), b"{}"),
        (("Transfer-Encoding:", " chunked"), b"2\r\n{}\r\n0\r\n\r\n"),
        (("Transfer-Encoding: chunked",), b"2;a=b\r\n{}\r\n0\r\nContent-Length: 60\r\n\r\n"),
        (("Transfer_Encoding: chunked", "Content-Length: 2"), b"{}"),
        (("Expect: 100-continue", "Content-Length: 2", "Content-Encoding: identity"), b"{}"),
    ],
)
async def test_an_odd_request_ends_where_its_one_length_says(
    order: HttpStory, lines: tuple[str, ...], body: bytes
) -> None:
    """Case 116: RFC 9112 allows these, and the next request is the next one."""
    statuses = await _statuses(order, _head(order, *lines) + body + _NEXT)

    assert [it for it in statuses if it != 100] == [422, 200]


@pytest.mark.parametrize(
    "target", [b"http://evil.example/healthz", b"*", b"evil.example:443", b"healthz"]
)
async def test_a_target_that_is_no_path_is_not_found(order: HttpStory, target: bytes) -> None:
    head = b"GET " + target + b" HTTP/1.1\r\nHost: evil.example\r\n\r\n"

    assert await _statuses(order, head + _NEXT) == [404, 200]


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "identity, gzip", "GZIP"])
async def test_an_encoded_body_is_refused(order: HttpStory, coding: str) -> None:
    """Case 96: whatever the route, also where nobody says who they are."""
    for path in ("/v1/orders", f"{order.path}/proofs", "/v1/webhooks/stripe", "/sign-in"):
        answer = await order.buyer.post(
            path, content=gzip.compress(b"{}"), headers={"Content-Encoding": coding}
        )
        must_be_problem(answer, 415)
        assert answer.headers["accept-encoding"] == "identity"
