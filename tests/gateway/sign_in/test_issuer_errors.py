"""Issuers that refuse, answer oddly or cannot be reached."""

import socket
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

from demo.system import DemoSystem
from tests.gateway.sign_in.conftest import Shop, browser_at, must_be_refused, shop_of
from tests.gateway.sign_in_issuer import LittleIssuer


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        ("access_denied", 401, "cancelled or refused"),
        ("login_required", 503, "is not responding correctly"),
        ("<script>alert(1)</script>", 503, "is not responding correctly"),
    ],
)
async def test_an_error_of_the_issuer_is_explained_in_our_words(
    shop: Shop, error: str, status: int, sentence: str
) -> None:
    """Anybody could write the issuer's into an address."""
    shop.issuer.says_no = error

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, status, sentence)
    assert "900" not in answer.text
    assert "alert(" not in answer.text


@pytest.mark.parametrize(
    "fails",
    [
        lambda: PlainTextResponse("Bad gateway", 502),
        lambda: PlainTextResponse("<html>", 200),
        lambda: JSONResponse([], 200),
        lambda: JSONResponse({"error": ["odd"]}, 400),
        lambda: JSONResponse({"error": "server_error"}, 400),
        lambda: JSONResponse({"access_token": "x", "token_type": "Bearer"}),
        lambda: JSONResponse({"id_token": {"odd": True}}),
        lambda: RedirectResponse("http://127.0.0.1:1/"),
    ],
)
async def test_a_malformed_answer_of_the_issuer_counts_as_unavailable(
    shop: Shop, fails: Any
) -> None:
    shop.issuer.fails = fails

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, 503, "is not responding correctly")
    assert not await shop.is_in()


async def test_an_unreachable_issuer_is_reported_as_unavailable(
    shop: Shop, system: DemoSystem
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = LittleIssuer(f"http://127.0.0.1:{closed.getsockname()[1]}")
    impostor = LittleIssuer(f"{shop.issuer.address}/")
    for issuer in (nobody, impostor):
        async with shop_of(system, issuer) as address, browser_at(address) as browser:
            answer = await browser.get("/")

        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "signing keys are unavailable" in answer.text
