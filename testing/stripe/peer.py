"""Stripe for tests: localstripe as a process of its own, and a strict front before it, both on loopback."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from pydantic import SecretStr

from deploy.embedded import LOOPBACK, free_port
from testing.stripe.front import Front

API_KEY = SecretStr("sk_test_unbuy")


@dataclass(frozen=True)
class Peer:
    """``url`` is the address of the front, what a provider is given as ``api_base``."""

    front: Front
    url: str


@asynccontextmanager
async def stripe_peer() -> AsyncIterator[Peer]:
    """Start both, and end them with the context."""
    async with _localstripe() as upstream, _served(Front(upstream)) as peer:
        yield peer


@asynccontextmanager
async def _localstripe() -> AsyncIterator[str]:
    # Its own start-up listens on all interfaces; under gunicorn it listens where it is told to.
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gunicorn", "localstripe.server:app"),
        *("--worker-class", "aiohttp.GunicornWebWorker", "--workers", "1"),
        # One that is slow is slow: started anew it would have forgotten everything.
        *("--timeout", "0"),
        # It must not hang up while the front is about to ask: a charge would be left without its order.
        *("--keep-alive", "3600"),
        *("--bind", f"{LOOPBACK}:{port}", "--no-control-socket", "--log-level", "error"),
        env={name: it for name, it in os.environ.items() if name != "GUNICORN_CMD_ARGS"},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(30):
            while not await _listens(port):
                assert process.returncode is None, "localstripe ended by itself"
                await asyncio.sleep(0.05)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 30)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@asynccontextmanager
async def _served(front: Front) -> AsyncIterator[Peer]:
    runner = web.AppRunner(front.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, LOOPBACK, port).start()
        yield Peer(front, f"http://{LOOPBACK}:{port}")
    finally:
        await runner.cleanup()
