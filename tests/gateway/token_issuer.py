"""An OpenID Connect issuer on loopback: discovery, keys that come and go, and tokens that it signs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from deploy.ports import LOOPBACK, free_port

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(_number: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(_number: int = 0) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Key) -> bytes:
    """The public key as anybody can have it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims(**changes: Any) -> dict[str, Any]:
    """A buyer's for an hour; what is None is left out."""
    now = datetime.now(UTC)
    usual = {"sub": "buyer-7", "role": "buyer", "exp": now + timedelta(hours=1)}
    return {name: it for name, it in (usual | changes).items() if it is not None}


@dataclass
class Issuer:
    """What is published at ``url``; ``asked`` are the paths of the requests."""

    url: str
    keys: dict[str, Key] = field(default_factory=dict)
    more: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, web.Response] = field(default_factory=dict)
    """Instead of the right answer, by path."""
    hangs: asyncio.Event | None = None

    def token(self, kid: str, key: Key | None = None, typ: str = "JWT", **changes: Any) -> str:
        """A token signed with a key of its own, or with another one in its name."""
        key = key or self.keys[kid]
        usual = {"iss": self.url, "aud": "unbuy"}
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(
            claims(**(usual | changes)), key, algorithm, headers={"kid": kid, "typ": typ}
        )

    @property
    def fetches(self) -> int:
        """How often its keys were asked for."""
        return self.asked.count("/keys")

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if self.hangs:
            await self.hangs.wait()
        if request.path in self.answers:
            wrong = self.answers[request.path]
            return web.Response(status=wrong.status, body=wrong.body, headers=wrong.headers)
        if request.path == "/keys":
            return web.json_response({"keys": [*self.more, *self._published()]})
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    def _published(self) -> list[dict[str, Any]]:
        return [
            json.loads(
                RSAAlgorithm.to_jwk(key.public_key())
                if isinstance(key, rsa.RSAPrivateKey)
                else ECAlgorithm.to_jwk(key.public_key())
            )
            | {"kid": kid, "use": "sig"}
            for kid, key in self.keys.items()
        ]

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """There to be asked, until the context is left."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self.serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            port = int(self.url.rpartition(":")[2])
            await web.TCPSite(runner, LOOPBACK, port).start()
            yield
        finally:
            await runner.cleanup()


def issuer() -> Issuer:
    """One that nobody can ask yet."""
    return Issuer(f"http://{LOOPBACK}:{free_port()}", {"rsa-1": rsa_key(), "ec-1": ec_key()})
