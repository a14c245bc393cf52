"""S3 for tests: moto's server as a process of its own, on loopback."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from demo.waiting import until
from deploy.ports import LOOPBACK, free_port

BUCKET = "proofs"


@asynccontextmanager
async def s3_peer() -> AsyncIterator[str]:
    """Start it with one empty bucket, and end it with the context; the endpoint's address."""
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)),
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=endpoint) as client:

            async def made() -> bool:
                assert process.returncode is None, "moto ended by itself"
                return await _made(client)

            await until(made)
        yield endpoint
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)


async def _made(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.put(f"/{BUCKET}")).is_success
    except httpx.TransportError:
        return False
