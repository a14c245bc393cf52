"""Stripe for tests: localstripe as a process of its own, and a strict front before it, both on loopback."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from deploy.ports import LOOPBACK
from testing.stripe.checkout import Checkout
from testing.stripe.front import Front

API_KEY = SecretStr("sk_test_unbuy")


@dataclass(frozen=True)
class Peer:
    """``url`` is the address of the front, what a provider is given as ``api_base``."""

    front: Front
    url: str
    checkout: Checkout


@asynccontextmanager
async def stripe_peer() -> AsyncIterator[Peer]:
    """Start both, and end them with the context."""
    async with _localstripe() as upstream, _served(Front(upstream)) as peer:
        yield peer


@asynccontextmanager
async def _localstripe() -> AsyncIterator[str]:
    # Its own start-up listens on all interfaces; under gunicorn it listens where it is told to.
    # The socket is ours from the start: between finding a free port and gunicorn's binding it another
    # server could take it, and would answer in localstripe's place.
    with socket.create_server((LOOPBACK, 0)) as listening:
        process = await _gunicorn(listening)
        port = listening.getsockname()[1]
    upstream = f"http://{LOOPBACK}:{port}"
    try:
        # Whoever asks before gunicorn is ready waits in the socket's queue.
        async with (
            aiohttp.ClientSession(upstream) as client,
            client.delete("/_config/data") as answer,
        ):
            answer.raise_for_status()
        yield upstream
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 30)


async def _gunicorn(listening: socket.socket) -> Process:
    listening.set_inheritable(True)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gunicorn", "localstripe.server:app"),
        *("--worker-class", "aiohttp.GunicornWebWorker", "--workers", "1"),
        # One that is slow is slow: started anew it would have forgotten everything.
        *("--timeout", "0"),
        # It must not hang up while the front is about to ask: a charge would be left without its order.
        *("--keep-alive", "3600"),
        *("--bind", f"fd://{listening.fileno()}", "--no-control-socket", "--log-level", "error"),
        env={name: it for name, it in os.environ.items() if name != "GUNICORN_CMD_ARGS"},
        stdout=DEVNULL,
        stderr=DEVNULL,
        pass_fds=(listening.fileno(),),
    )


@asynccontextmanager
async def _served(front: Front) -> AsyncIterator[Peer]:
    runner = web.AppRunner(front.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0).start()
        url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        checkout = Checkout(API_KEY, url)
        yield Peer(front, url, checkout)
        await checkout.close()
    finally:
        await runner.cleanup()
