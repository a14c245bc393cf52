"""A little OpenID Connect issuer on this machine, as strict as a real one about who asks it for what.

Whoever is sent here has signed in as ``account`` already. A test may spoil what it says.
"""

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

Claims = dict[str, Any]

CLIENT_ID = "unbuy-pages"


@dataclass(frozen=True)
class Key:
    """A key pair of the issuer's."""

    private: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    id: str = field(default_factory=lambda: token_urlsafe(8))

    def sign(self, claims: Claims) -> str:
        """A token with these claims."""
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.id})

    def published(self) -> dict[str, Any]:
        """Its public half, for the key set."""
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(
            self.private.public_key(), as_dict=True
        )
        return public | {"kid": self.id, "use": "sig", "alg": "RS256"}


KEY = Key()
"""Making one takes a while."""


class LittleIssuer:
    """What it knows, and what it was asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.redirect_uris: list[str] = []
        self.reset()

    def reset(self) -> None:
        """As a test finds it."""
        self.key = KEY
        self.secret: str | None = None
        self.account: Claims = {"sub": "anna-7", "role": "buyer"}
        self.stepped_up: Claims = {}
        self.says_no: str | None = None
        self.sign: Callable[[Claims], str] = lambda claims: self.key.sign(claims)
        self.fails: Callable[[], Response] | None = None
        self.asked: list[dict[str, str]] = []
        self.gives_refresh_tokens = True
        self.refreshes_id_tokens = True
        self.has_locked_out = False
        self.refreshed = 0
        self._refresh_tokens: set[str] = set()
        self._codes: dict[str, dict[str, str]] = {}

    def app(self) -> Starlette:
        """It, to be served."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discover),
                Route("/keys", self._publish),
                Route("/authorize", self._authorize),
                Route("/token", self._redeem, methods=["POST"]),
            ]
        )

    async def _discover(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize?realm=shop",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
            }
        )

    async def _publish(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.key.published()]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        if asked.get("client_id") != CLIENT_ID:
            return PlainTextResponse("unknown client", 400)
        if asked.get("redirect_uri") not in self.redirect_uris:
            return PlainTextResponse("unknown redirect_uri", 400)
        assert asked["realm"] == "shop"
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        if "acr_values" in asked or "max_age" in asked:
            self.account |= self.stepped_up
        answer = {"state": asked["state"]}
        if self.says_no:
            answer |= {"error": self.says_no, "error_description": "<b>Call +1 900</b>"}
        else:
            answer["code"] = token_urlsafe(16)
            self._codes[answer["code"]] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    async def _redeem(self, request: Request) -> Response:
        if self.fails:
            return self.fails()
        form = dict(parse_qsl((await request.body()).decode()))
        if not self._is_client(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        if form["grant_type"] == "refresh_token":
            return self._refresh(form["refresh_token"])
        begun = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest())
        if (
            begun is None
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != begun["redirect_uri"]
            or challenge.decode().rstrip("=") != begun["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return self._tokens({"nonce": begun["nonce"]})

    def _refresh(self, token: str) -> Response:
        """Each refresh token counts once."""
        if self.has_locked_out or token not in self._refresh_tokens:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self._refresh_tokens.discard(token)
        self.refreshed += 1
        return self._tokens({}, with_id_token=self.refreshes_id_tokens)

    def _tokens(self, more: Claims, *, with_id_token: bool = True) -> Response:
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT_ID, "iat": now, "exp": now + 60}
        tokens = {"access_token": "for nobody", "token_type": "Bearer"}
        if with_id_token:
            tokens["id_token"] = self.sign(claims | more | self.account)
        if self.gives_refresh_tokens:
            tokens["refresh_token"] = token_urlsafe(16)
            self._refresh_tokens.add(tokens["refresh_token"])
        return JSONResponse(tokens, headers={"Cache-Control": "no-store"})

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        given = request.headers.get("authorization")
        if self.secret is None:
            return given is None and form.get("client_id") == CLIENT_ID
        name, _, secret = (
            base64.b64decode((given or "").removeprefix("Basic ")).decode().partition(":")
        )
        return (unquote_plus(name), unquote_plus(secret)) == (CLIENT_ID, self.secret)


@asynccontextmanager
async def little_issuer() -> AsyncIterator[LittleIssuer]:
    """One on a port of its own, over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        issuer = LittleIssuer(f"http://127.0.0.1:{listening.getsockname()[1]}")
        config = uvicorn.Config(issuer.app(), access_log=False, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield issuer
        finally:
            server.should_exit = True
            await task
