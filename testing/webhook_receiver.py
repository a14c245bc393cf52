"""Somebody who subscribed to changes of orders: an HTTP server on loopback that keeps what it is sent."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import SecretStr
from standardwebhooks import Webhook as Verifier

from adapters.webhooks.sender import WebhookSender
from demo.waiting import until
from deploy.ports import LOOPBACK, free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

# A worker process takes its time to start on a busy machine.
_PATIENCE = 40


def sender_to(*urls: str, secrets: tuple[str, ...] = (SECRET,), **options: Any) -> WebhookSender:
    """A sender that may reach loopback."""
    return WebhookSender(
        [SecretStr(url) for url in urls],
        [SecretStr(secret) for secret in secrets],
        **({"allow_private": True} | options),
    )


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The webhook's id, the same each time that it is delivered."""
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        """What it says, without its envelope."""
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data

    def verified(self, secret: str = SECRET) -> Any:
        """Its body, if the standard's own library finds it genuine; raises otherwise."""
        return Verifier(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """``status`` is what it answers, with an ``endless`` body if told so; one that ``hangs`` answers nothing
    until it does no more.
    """

    url: str = ""
    port: int = field(default_factory=free_port)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    hangs: bool = False
    got: list[Received] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """What came, by id, in order."""
        return [it.id for it in self.got]

    async def has(self, count: int) -> list[Received]:
        """Wait until so many have come."""
        return await until(lambda: self.got, lambda got: len(got) >= count)

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Receiver"]:
        """Serve, on the same port each time."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, self.port, ssl_context=tls).start()
            self.url = f"{'https' if tls else 'http'}://{LOOPBACK}:{self.port}/orders"
            yield self
        finally:
            self.hangs = False
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Received(headers, await request.read()))
        await until(lambda: not self.hangs, within=None)
        answer = web.StreamResponse(status=self.status, headers=self.headers)
        await answer.prepare(request)
        while self.endless:
            await answer.write(b"x" * 65536)
        return answer


@asynccontextmanager
async def receiver(**answers: Any) -> AsyncIterator[Receiver]:
    """One that serves until the context is left."""
    async with Receiver(**answers).serving() as serving:
        yield serving
