"""Bearer tokens: which of them count, whom they name, and what becomes of them while keys come and go."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pydantic import SecretStr

from database.connection import Database
from demo.waiting import until
from gateway.access import Role
from gateway.issuer import Issuer as OurIssuer
from gateway.issuer import IssuersKeys
from gateway.problems import ServiceUnavailable, Unauthorized
from gateway.tokens import IssuersTokens, SecretTokens
from gateway.wiring import build_tokens, check_issuer
from i18n.sentences import localize
from orders.place_order import Party
from runtime.temporal import CannotServe
from tests.gateway.conftest import SECRET, HttpStory, serving, settings
from tests.gateway.problem import must_be_problem
from tests.gateway.token_issuer import Issuer, claims, ec_key, issuer, pem, rsa_key

NOTHING = timedelta(0)
LONG = timedelta(hours=1)


def _by_hand(header: dict[str, Any], payload: str, secret: bytes) -> str:
    """A token that no library would make."""
    parts = [json.dumps(header).encode(), payload.encode()]
    signing = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.new(secret, signing, sha256).digest()
    return f"{signing.decode()}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _local(**changes: Any) -> str:
    return jwt.encode(claims(**changes), SECRET.get_secret_value(), "HS256")


def _raw(payload: str, alg: str = "HS256") -> str:
    return _by_hand({"alg": alg, "typ": "JWT"}, payload, SECRET.get_secret_value().encode())


NOW = datetime.now(UTC)
BAD = {
    "expired": _local(exp=NOW - timedelta(minutes=1)),
    "no exp": _local(exp=None),
    "exp in words": _local(exp="tomorrow"),
    "exp as text": _raw('{"sub":"buyer-7","role":"buyer","exp":"9999999999"}'),
    "exp is a list": _raw('{"sub":"buyer-7","role":"buyer","exp":[9999999999]}'),
    "exp without end": _raw('{"sub":"buyer-7","role":"buyer","exp":1e400}'),
    "exp is no number": _raw('{"sub":"buyer-7","role":"buyer","exp":NaN}'),
    "exp beyond the system's calendar": _raw(
        '{"sub":"buyer-7","role":"buyer","exp":1000000000000000000}'
    ),
    "exp beyond all calendars": _raw('{"sub":"buyer-7","role":"buyer","exp":1e30}'),
    "exp of a thousand digits": _raw(f'{{"sub":"buyer-7","role":"buyer","exp":{"9" * 1000}}}'),
    "exp of five thousand digits": _raw(f'{{"sub":"b","role":"buyer","exp":{"9" * 5000}}}'),
    "not yet": _local(nbf=NOW + timedelta(hours=1)),
    "from the future": _local(iat=NOW + timedelta(hours=1)),
    "another secret": jwt.encode(claims(), "another secret, also of 32 or more", "HS256"),
    "no signature": jwt.encode(claims(), "", "none"),
    "signature cut off": _local().rpartition(".")[0] + ".",
    "another algorithm": jwt.encode(claims(), SECRET.get_secret_value() * 2, "HS512"),
    "alg in small letters": _raw('{"sub":"b","role":"buyer","exp":9999999999}', alg="hs256"),
    "for somebody else": _local(aud="another service"),
    "no role": _local(role=None),
    "unknown role": _local(role="admin"),
    "our own role": _local(role="system"),
    "role in capitals": _local(role="BUYER"),
    "list of roles": _local(role=["buyer", "support"]),
    "role as an object": _local(role={"buyer": True}),
    "no sub": _local(sub=None),
    "empty sub": _local(sub=""),
    "sub is a number": _raw('{"sub":7,"role":"buyer","exp":9999999999}'),
    "sub too long": _local(sub="b" * 65),
    "sub with a line end": _local(sub="buyer-7\n"),
    "sub with NUL": _local(sub="buyer-7\0"),
    "sub with a space": _local(sub="buyer 7"),
    "sub in other letters": _local(sub="büyer"),
    "sub with a quote": _local(sub="buyer'--"),
    "payload is a list": _raw("[]"),
    "payload nests": _raw("[" * 100_000),
    "header nests": base64.urlsafe_b64encode(b"[" * 20_000).decode().rstrip("=") + ".e30.eA",
    "header with much that must be known": _by_hand(
        {"alg": "HS256", "crit": ["But theirs have  to  characters, and this one has " * 75]},
        "{}",
        SECRET.get_secret_value().encode(),
    ),
    "no token at all": "token",
    "dots": "...",
    "letters of no base64": "ä.ö.ü",
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
async def test_an_invalid_token_is_refused(token: str) -> None:
    """Case 47: whatever is wrong with it, it is refused with a sentence, and never fails."""
    with pytest.raises(Unauthorized) as refused:
        await SecretTokens(SECRET).caller(token)

    assert refused.value.detail.endswith(".")


@pytest.mark.parametrize("sub", ["buyer-7", "auth0|5f7c", "anna+shop@example.com", "a:b.c_d"])
async def test_a_good_token_names_its_party(sub: str) -> None:
    caller = await SecretTokens(SECRET).caller(_local(sub=sub))

    assert (caller.id, caller.role.value) == (sub, "buyer")


async def test_a_secret_is_replaced_without_refusing_anybodys_token() -> None:
    """Two count at a time; what is issued is signed with the one that stays."""
    new = SecretStr("the next secret of this test run, as long")
    both = SecretTokens(new, SECRET)
    issued = both.issue(Role.BUYER, "anna", timedelta(hours=1))

    for good in (_local(sub="anna"), issued):
        assert (await both.caller(good)).id == "anna"
    assert (await SecretTokens(new).caller(issued)).id == "anna"
    with pytest.raises(Unauthorized):
        await SecretTokens(SECRET).caller(issued)
    for bad in BAD.values():
        with pytest.raises(Unauthorized):
            await SecretTokens(new, SECRET).caller(bad)


async def test_invalid_tokens_get_a_401(order: HttpStory) -> None:
    """Case 47: each a problem that says how to sign in."""
    for header in (
        *(f"Bearer {it}" for it in BAD.values() if it.isascii() and len(it) < 10_000),
        "Bearer",
        "Basic YTpi",
        f"Token {_local()}",
        _local(),
        "",
    ):
        answer = await order.http.get("/v1/orders", headers={"Authorization": header})
        must_be_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("locale", ["en", "pl"])
@pytest.mark.parametrize("crit", ["theirs have  to  characters, ", "Field required", "{x}"])
async def test_an_unknown_header_of_a_token_is_a_401_at_once(
    order: HttpStory, crit: str, locale: str
) -> None:
    """Case 76: it is repeated by the library that reads tokens, and only so much of it by us."""
    header = {"alg": "HS256", "crit": [crit * (3700 // len(crit))]}
    token = _by_hand(header, "{}", SECRET.get_secret_value().encode())
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": locale}

    began = time.process_time()
    answer = await order.http.get("/v1/orders", headers=headers)

    # Of work: how long it takes depends on who else has some.
    assert time.process_time() - began < 1
    assert len(must_be_problem(answer, 401)["detail"]) < 300
    assert answer.headers["content-language"] == locale


async def test_a_token_is_accepted_in_its_header_only(order: HttpStory) -> None:
    for query in ("access_token", "token"):
        must_be_problem(await order.http.get(f"/v1/orders?{query}={_local()}"), 401)
    cookies = {"Cookie": f"token={_local()}; access_token={_local()}"}
    must_be_problem(await order.http.get("/v1/orders", headers=cookies), 401)


# An issuer's.


@pytest_asyncio.fixture(loop_scope="session")
async def signer() -> AsyncIterator[Issuer]:
    found = issuer()
    async with found.up():
        yield found


PAGES: dict[str, Any] = {
    "public_url": "http://127.0.0.1",
    "session_secret": SecretStr("keeps people signed in, 32 or more"),
    "oidc_client_id": "unbuy-pages",
}
"""What the pages need where an issuer is set."""


def _tokens(of: Issuer, fresh: timedelta = LONG, cooldown: timedelta = LONG) -> IssuersTokens:
    return IssuersTokens(OurIssuer(of.url, IssuersKeys(of.url, fresh, cooldown)), "unbuy", "role")


async def test_an_issuers_tokens_are_accepted_with_rsa_and_ec_keys(signer: Issuer) -> None:
    tokens = _tokens(signer)

    for kid in ("rsa-1", "ec-1"):
        assert (await tokens.caller(signer.token(kid))).id == "buyer-7"
    assert signer.fetches == 1


async def test_a_token_that_the_issuer_did_not_sign_for_us_is_refused(signer: Issuer) -> None:
    """Case 47: not by another key, not for others, and not by what is public."""
    public = pem(rsa_key())
    for_us = json.dumps(
        {"sub": "b", "role": "buyer", "iss": signer.url, "aud": "unbuy", "exp": 9999999999}
    )
    refused = {
        "another key": signer.token("rsa-1", rsa_key(1)),
        "a key of the other kind": signer.token("rsa-1", ec_key()),
        "another audience": signer.token("rsa-1", aud="another"),
        "no audience": signer.token("rsa-1", aud=None),
        "another issuer": signer.token("rsa-1", iss="https://evil.example"),
        "no issuer": signer.token("rsa-1", iss=None),
        "expired": signer.token("rsa-1", exp=NOW - timedelta(minutes=1)),
        "no exp": signer.token("rsa-1", exp=None),
        "for signing out": signer.token("rsa-1", typ="logout+jwt"),
        "an event": signer.token("rsa-1", typ="secevent+jwt"),
        "a proof of a key": signer.token("rsa-1", typ="dpop+jwt"),
        "no kid, and another key": jwt.encode(
            claims(iss=signer.url, aud="unbuy"), rsa_key(1), "RS256"
        ),
        "the public key as a secret": _by_hand({"alg": "HS256", "kid": "rsa-1"}, for_us, public),
        "our own secret": _local(iss=signer.url, aud="unbuy"),
        "no signature": jwt.encode(claims(), "", "none", headers={"kid": "rsa-1"}),
        "kid is a list": _by_hand({"alg": "RS256", "kid": ["rsa-1"]}, for_us, public),
        "a key that it brings along": jwt.encode(
            claims(iss=signer.url, aud="unbuy"),
            rsa_key(1),
            "RS256",
            headers={"kid": "own", "jku": "http://127.0.0.1:9/keys", "jwk": {"kty": "RSA"}},
        ),
    }
    tokens = _tokens(signer)

    for token in refused.values():
        with pytest.raises(Unauthorized):
            await tokens.caller(token)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", ""])
async def test_an_access_token_may_say_that_it_is_one(signer: Issuer, typ: str) -> None:
    """As RFC 9068 has it, and as issuers had it before."""
    assert (await _tokens(signer).caller(signer.token("rsa-1", typ=typ))).id == "buyer-7"


SIGNERS: dict[str, Any] = {
    **{name: rsa_key() for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
    "ES256": ec_key(),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def _jwk(algorithm: str, **more: str) -> dict[str, Any]:
    """The public key of this algorithm, as an issuer publishes it."""
    published = jwt.get_algorithm_by_name(algorithm).to_jwk(
        SIGNERS[algorithm].public_key(), as_dict=True
    )
    return {**published, **more}


def _signed(signer: Issuer, algorithm: str, **headers: str) -> str:
    us = claims(iss=signer.url, aud="unbuy")
    return jwt.encode(us, SIGNERS[algorithm], algorithm, headers=headers)


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_key_that_names_no_algorithm_counts_for_those_of_its_type(
    signer: Issuer, algorithm: str
) -> None:
    """Case 95: by its id and, where no other key fits, without one; beside a key for encryption."""
    signer.keys = {}
    signer.more = [_jwk(algorithm, kid="one"), _jwk(algorithm, kid="enc", use="enc")]
    tokens = _tokens(signer)

    for token in (_signed(signer, algorithm, kid="one"), _signed(signer, algorithm)):
        assert (await tokens.caller(token)).id == "buyer-7"
    for kid in ("enc", "two"):
        with pytest.raises(Unauthorized):
            await tokens.caller(_signed(signer, algorithm, kid=kid))


async def test_a_key_that_names_its_algorithm_counts_for_no_other(signer: Issuer) -> None:
    """Case 95."""
    signer.keys = {}
    signer.more = [_jwk("RS256", kid="one", alg="PS256")]
    tokens = _tokens(signer)

    await tokens.caller(_signed(signer, "PS256", kid="one"))
    for algorithm in ("RS256", "PS384"):
        with pytest.raises(Unauthorized):
            await tokens.caller(_signed(signer, algorithm, kid="one"))


async def test_a_token_without_a_key_id_is_refused_where_several_keys_fit(signer: Issuer) -> None:
    """Case 95: each is tried by its id only."""
    signer.keys = {}
    signer.more = [_jwk("RS256", kid="one"), _jwk("ES256", kid="two"), _jwk("ES256", kid="three")]
    tokens = _tokens(signer)

    await tokens.caller(_signed(signer, "RS512"))
    with pytest.raises(Unauthorized):
        await tokens.caller(_signed(signer, "ES256"))


@pytest.mark.parametrize(
    ("claim", "changes", "role"),
    [
        ("roles", {"roles": ["offline_access", "seller"]}, "seller"),
        ("realm_access.roles", {"realm_access": {"roles": ["x", "support", "support"]}}, "support"),
        ("access.my.client.roles", {"access": {"my.client": {"roles": ["buyer"]}}}, "buyer"),
        ("https://shop.example/role", {"https://shop.example/role": "seller"}, "seller"),
        ("a.b", {"a": {"b": "seller"}, "a.b": "buyer"}, "buyer"),
        ("roles", {"roles": []}, None),
        ("roles", {"roles": ["buyer", "seller"]}, None),
        ("roles", {"roles": [["buyer"], {"buyer": 1}, None]}, None),
        ("roles.0", {"roles": ["buyer"]}, None),
        ("realm_access.roles", {"realm_access": "buyer"}, None),
        (".", {"": "buyer"}, None),
    ],
)  # fmt: skip
async def test_a_role_is_found_in_a_list_or_by_its_path(
    signer: Issuer, claim: str, changes: dict[str, Any], role: str | None
) -> None:
    """Case 95: exactly one of ours, however many there are of others'."""
    tokens = IssuersTokens(OurIssuer(signer.url), "unbuy", claim)
    token = signer.token("rsa-1", role=None, **changes)

    if role is None:
        with pytest.raises(Unauthorized):
            await tokens.caller(token)
    else:
        assert (await tokens.caller(token)).role == role


@pytest.mark.parametrize(
    ("sub", "party"),
    [
        ("auth0|5f7c", "auth0|5f7c"),
        ("o'hara", "sha256:DFfrPxLVifJpyZYyDT9vA7XXYhOhwM9q8AWVIwQbjAU"),
        ("b" * 65, None),
        ("uid=anna, ou=people", None),
        ("Zm9v/YmFy+A==", None),
        ("b" * 255, None),
    ],
)
async def test_a_subject_that_is_no_party_id_is_the_party_of_its_digest(
    signer: Issuer, sub: str, party: str | None
) -> None:
    """Case 95 (OpenID Connect Core 2): up to 255 ASCII characters."""
    caller = await _tokens(signer).caller(signer.token("rsa-1", sub=sub))

    digest = base64.urlsafe_b64encode(sha256(sub.encode()).digest()).decode().rstrip("=")
    assert caller.id == (party or f"sha256:{digest}")
    assert Party(id=caller.id, name="Anna", locale="pl", notify=()).id == caller.id


@pytest.mark.parametrize("sub", ["b" * 256, "büyer", "b\n", "", "sha256:" + "A" * 43])
async def test_what_is_no_subject_is_refused(signer: Issuer, sub: str) -> None:
    """Case 95: nor can one be called what another one's digest is."""
    with pytest.raises(Unauthorized):
        await _tokens(signer).caller(signer.token("rsa-1", sub=sub))


@pytest.mark.parametrize("named", ["{}/", "{}/realms/shop", "https://evil.example"])
async def test_an_issuer_of_another_name_is_reported_at_startup(
    signer: Issuer, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Case 95: with a slash too few nobody could sign in, and nothing said why."""
    its_name = named.format(signer.url)
    signer.answers["/.well-known/openid-configuration"] = web.json_response({"issuer": its_name})
    chosen = settings(oidc_issuer=signer.url)

    with pytest.raises(CannotServe) as told:
        await check_issuer(build_tokens(chosen), chosen)

    assert f"UNBUY_OIDC_ISSUER is {signer.url}, and who is there is called {its_name}:" in str(
        told.value
    )
    assert "do litery" in localize(str(told.value), "pl")
    with pytest.raises(ServiceUnavailable):
        await _tokens(signer).caller(signer.token("rsa-1"))
    assert f"it calls itself '{its_name}'" in caplog.text


async def test_a_gateway_starts_while_its_issuer_is_away(signer: Issuer) -> None:
    for chosen in (settings(oidc_issuer=signer.url), settings(oidc_issuer=issuer().url)):
        await check_issuer(build_tokens(chosen), chosen)
    local = settings()
    await check_issuer(build_tokens(local), local)


async def test_a_published_secret_is_refused(signer: Issuer) -> None:
    """A key set with a symmetric key in it makes nobody's HS256 token count; odd entries spoil no others."""
    secret = b"a secret that was published, 32 or more"
    encoded = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    signer.more += [
        {"kty": "oct", "k": encoded, "kid": "oct-1", "alg": "HS256"},
        {"kty": "none", "kid": "x"},
        {"kty": "RSA", "kid": ["x"]},
        {"kty": "RSA", "kid": "half"},
    ]
    tokens = _tokens(signer)
    token = jwt.encode(claims(iss=signer.url, aud="unbuy"), secret, headers={"kid": "oct-1"})

    with pytest.raises(Unauthorized):
        await tokens.caller(token)
    await tokens.caller(signer.token("rsa-1"))


async def test_a_new_key_is_found_and_a_removed_one_is_refused(signer: Issuer) -> None:
    """Keys are rotated without a restart."""
    tokens = _tokens(signer, fresh=LONG, cooldown=NOTHING)
    old = signer.token("rsa-1")
    await tokens.caller(old)

    signer.keys = {"rsa-2": rsa_key(1)}
    await tokens.caller(signer.token("rsa-2"))

    with pytest.raises(Unauthorized):
        await tokens.caller(old)


async def test_a_removed_key_expires_with_the_key_cache(signer: Issuer) -> None:
    tokens = _tokens(signer, fresh=NOTHING)
    old = signer.token("rsa-1")
    await tokens.caller(old)

    del signer.keys["rsa-1"]

    with pytest.raises(Unauthorized):
        await tokens.caller(old)


async def test_made_up_key_ids_cause_no_requests_to_the_issuer(signer: Issuer) -> None:
    """An unknown ``kid`` asks the issuer once in a while, not once a request."""
    tokens = _tokens(signer)

    async def made_up(number: int) -> None:
        with pytest.raises(Unauthorized):
            await tokens.caller(signer.token(f"made-up-{number}", rsa_key(1)))

    await asyncio.gather(*(made_up(number) for number in range(50)))

    assert signer.fetches == 1


async def test_known_keys_stay_valid_while_the_issuer_is_unavailable() -> None:
    """And who has none known is told to try again; once it is back, all is well without a restart."""
    away = issuer()
    tokens = _tokens(away, fresh=NOTHING, cooldown=NOTHING)
    token = away.token("rsa-1")
    with pytest.raises(ServiceUnavailable) as told:
        await tokens.caller(token)
    assert int(told.value.headers["Retry-After"]) >= 1

    await asyncio.sleep(1)  # so long it isn't asked again after a failure
    async with away.up():
        await tokens.caller(token)

    await tokens.caller(token)
    with pytest.raises(Unauthorized):
        await tokens.caller(away.token("made-up", rsa_key(1)))


async def test_a_hanging_issuer_delays_nobody_whose_key_is_known(signer: Issuer) -> None:
    tokens = _tokens(signer, cooldown=NOTHING)
    token = signer.token("rsa-1")
    await tokens.caller(token)
    signer.hangs = asyncio.Event()
    unknown = asyncio.create_task(tokens.caller(signer.token("made-up", rsa_key(1))))
    await until(
        lambda: len(signer.asked) >= 3 and signer.asked[-1] == "/.well-known/openid-configuration"
    )

    await tokens.caller(token)

    assert not unknown.done()
    signer.hangs.set()
    with pytest.raises(Unauthorized):
        await unknown


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/keys", web.Response(text="<html>")),
        ("/keys", web.json_response([])),
        ("/keys", web.json_response({"keys": "none"})),
        ("/keys", web.json_response({"keys": ["none"]})),
        ("/keys", web.json_response({})),
        ("/keys", web.Response(status=500)),
        ("/keys", web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})),
        ("/.well-known/openid-configuration", web.Response(text="<html>")),
        ("/.well-known/openid-configuration", web.json_response([])),
        ("/.well-known/openid-configuration", web.json_response({"issuer": "https://evil"})),
        ("/.well-known/openid-configuration", web.Response(status=404)),
    ],
    ids=lambda it: it.lstrip("/.") if isinstance(it, str) else str(it.body)[:24],
)
async def test_a_malfunctioning_issuer_counts_as_unavailable(
    signer: Issuer, path: str, answer: web.Response
) -> None:
    """Whatever it answers, it fails closed and never with an error of ours."""
    signer.answers[path] = answer

    with pytest.raises(ServiceUnavailable):
        await _tokens(signer).caller(signer.token("rsa-1"))


@pytest.mark.parametrize("where", ["file:///etc/passwd", "nowhere", "", None, 7])
async def test_keys_are_fetched_over_http_only(signer: Issuer, where: Any) -> None:
    about = web.json_response({"issuer": signer.url, "jwks_uri": where})
    signer.answers["/.well-known/openid-configuration"] = about

    with pytest.raises(ServiceUnavailable):
        await _tokens(signer).caller(signer.token("rsa-1"))


async def test_with_an_issuer_tokens_of_the_shared_secret_are_refused(
    order: HttpStory, database: Database, signer: Issuer
) -> None:
    """Over HTTP: an issuer's token counts, one by our secret is 401."""
    async with (
        serving(order.system.server.client, database, oidc_issuer=signer.url, **PAGES) as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):

        async def status(token: str) -> httpx.Response:
            return await http.get("/v1/orders", headers={"Authorization": f"Bearer {token}"})

        assert (await status(signer.token("ec-1"))).status_code == 200
        must_be_problem(await status(_local()), 401)


async def test_without_the_issuer_callers_are_told_to_retry(
    order: HttpStory, database: Database
) -> None:
    """Over HTTP: 503 with Retry-After; what needs no token works."""
    away = issuer()
    async with (
        serving(order.system.server.client, database, oidc_issuer=away.url, **PAGES) as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):
        token = {"Authorization": f"Bearer {away.token('rsa-1')}"}
        must_be_problem(await http.get("/v1/orders", headers=token), 503)
        assert (await http.get("/healthz")).status_code == 200
