"""What an issuer says of who somebody is: ID tokens, keys and accounts."""

import base64
import json
import time
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from demo.system import DemoSystem
from gateway.access import Role
from gateway.tokens import SecretTokens
from tests.gateway.conftest import token
from tests.gateway.sign_in.conftest import (
    HOUR,
    SESSION_SECRET,
    Shop,
    browser_at,
    must_be_refused,
    shop_of,
)
from tests.gateway.sign_in_issuer import CLIENT_ID, KEY, Claims, Key, little_issuer


def _unsigned(claims: Claims) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": KEY.id})


def _signed_with_the_public_key(claims: Claims) -> str:
    """HS256 whose secret is what everybody knows."""
    known = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return by_hand(claims, known, {"alg": "HS256", "kid": KEY.id})


def by_hand(claims: Claims, secret: bytes, header: dict[str, str]) -> str:
    signing = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    parts = [
        base64.urlsafe_b64encode(json.dumps(it).encode()).rstrip(b"=") for it in (header, claims)
    ]
    signature = base64.urlsafe_b64encode(signing.sign(b".".join(parts), secret)).rstrip(b"=")
    return b".".join([*parts, signature]).decode()


def but(**changes: Any) -> Any:
    """An ID token like the right one, but for these claims; None leaves one out."""
    return lambda claims: KEY.sign(
        {name: it for name, it in (claims | changes).items() if it is not None}
    )


@pytest.mark.parametrize(
    "sign",
    [
        but(aud="unbuy"),
        but(aud=["unbuy", "another"]),
        but(aud=None),
        but(azp="another-client"),
        but(iss="https://another.example"),
        but(iss=None),
        but(exp=int(time.time()) - 3600),
        but(exp=None),
        but(exp=1e400),
        but(nbf=int(time.time()) + 3600),
        but(sub=None),
        but(sub={"id": 7}),
        but(nonce="another"),
        but(nonce=None),
        but(nonce=["another"]),
        _unsigned,
        _signed_with_the_public_key,
        Key(id=KEY.id).sign,
        Key().sign,
        lambda claims: KEY.sign(claims)[:-8] + "AAAAAAAA",
        lambda claims: "",
        lambda claims: "no.token",
    ],
    ids=[
        *("audience", "audiences", "no audience", "client", "issuer", "no issuer"),
        *("expired", "no expiry", "infinite", "not yet", "no sub", "odd sub"),
        *("nonce", "no nonce", "odd nonce", "none", "public key", "forged", "unknown key"),
        *("altered", "empty", "rubbish"),
    ],
)
async def test_an_id_token_of_another_sign_in_is_refused(shop: Shop, sign: Any) -> None:
    shop.issuer.sign = sign

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, 401, "answer is not valid here")
    assert not await shop.is_in()


@pytest.mark.parametrize(
    "role", ["provider", "admin", "", None, ["buyer", "seller"], {"buyer": True}, "Buyer"]
)
async def test_an_account_without_a_role_is_refused_with_a_reason(shop: Shop, role: Any) -> None:
    """Case 48: the provider's among them, which would see every order."""
    shop.issuer.account["role"] = role

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, 403, "ask the operators")
    assert not await shop.is_in()


async def test_an_account_with_an_invalid_party_id_is_refused_with_a_reason(shop: Shop) -> None:
    shop.issuer.account["sub"] = "Anna\nKowalska"

    must_be_refused(await shop.browser.get(await shop.begin()), 403, "ask the operators")


async def test_with_an_issuer_pages_accept_no_pasted_token(shop: Shop) -> None:
    """Neither one signed with the secret of sessions, nor one for the API."""
    own = SecretTokens(SESSION_SECRET).issue(Role.BUYER, "anna-7", HOUR)
    now = int(time.time())
    api = KEY.sign(
        {"iss": shop.issuer.address, "aud": "unbuy", "exp": now + 60, "sub": "a", "role": "buyer"}
    )
    for given in (own, api, token("buyer", "anna-7")):
        linked = await shop.browser.get("/sign-in", params={"token": given})
        posted = await shop.browser.post("/sign-in", data={"token": given})

        assert (linked.status_code, posted.status_code) == (404, 404)
        assert not await shop.is_in()
    asked = await shop.browser.get("/v1/orders", headers={"Authorization": f"Bearer {own}"})
    assert asked.status_code == 401
    asked = await shop.browser.get("/v1/orders", headers={"Authorization": f"Bearer {api}"})
    assert asked.status_code == 200


async def test_the_api_refuses_an_id_token(shop: Shop) -> None:
    claims = {"iss": shop.issuer.address, "aud": CLIENT_ID, "exp": int(time.time()) + 60}
    given = KEY.sign(claims | shop.issuer.account)

    answer = await shop.browser.get("/v1/orders", headers={"Authorization": f"Bearer {given}"})

    assert answer.status_code == 401


async def test_a_rotated_key_is_accepted(
    system: DemoSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are fetched anew when one is unknown, at most every half minute: here one has gone by."""
    async with (
        little_issuer() as issuer,
        shop_of(system, issuer) as address,
        browser_at(address) as browser,
    ):
        shop = Shop(issuer, address, browser)
        await browser.get(await shop.begin())
        assert await shop.is_in()
        browser.cookies.clear()
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 31)
        monkeypatch.setattr("gateway.issuer.time", later)
        issuer.key = Key()

        await browser.get(await shop.begin())
        assert await shop.is_in()

        browser.cookies.clear()
        issuer.sign = KEY.sign
        must_be_refused(await browser.get(await shop.begin()), 401, "answer is not valid here")
