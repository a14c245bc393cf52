"""Case 52: support reads in Temporal's web UI what is encrypted; nobody else does, and no other site."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator

import httpx
import pytest
from google.protobuf.json_format import MessageToJson
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext

from database.connection import Database
from demo.system import DemoSystem
from deploy.embedded import temporal_executable
from runtime.encryption import data_converter
from tests.gateway.conftest import HttpStory, Person, serving, token
from tests.runtime.test_encryption import KEY, OLD_KEY

UI = "https://temporal.example"
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'"Anna"')


@pytest.fixture
async def http(system: DemoSystem, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Of a gateway that encrypts."""
    config = system.server.client.config()
    config["data_converter"] = data_converter([SecretStr(KEY)])
    async with (
        serving(Client(**config), database, cors_origins=(UI,)) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        yield client


async def _sealed(key: str = KEY) -> str:
    of_order = WorkflowSerializationContext(namespace="default", workflow_id="order-A-1")
    codec = data_converter([SecretStr(key)]).with_context(of_order).payload_codec
    assert codec
    return MessageToJson(Payloads(payloads=await codec.encode([PLAIN])))


async def _decode(http: httpx.AsyncClient, role: str, body: str) -> httpx.Response:
    return await Person(http, role, f"{role}-1").post("/temporal/decode", content=body)


async def test_support_reads_what_is_encrypted(http: httpx.AsyncClient) -> None:
    answer = await _decode(http, "support", await _sealed())

    assert answer.status_code == 200
    assert answer.text == MessageToJson(Payloads(payloads=[PLAIN]))


async def test_temporals_command_line_shows_it_to_support(
    http: httpx.AsyncClient, system: DemoSystem
) -> None:
    config = system.server.client.config()
    config["data_converter"] = data_converter([SecretStr(KEY)])
    await Client(**config).start_workflow("Unserved", "Anna", id="unserved", task_queue="unserved")
    show = [*("workflow", "show", "--workflow-id", "unserved", "--output", "json")]
    show += ["--address", system.server.address]
    codec = ("--codec-endpoint", f"{http.base_url}/temporal")
    auth = ("--codec-auth", f"Bearer {token('support', 'support-1')}")

    shown = b64encode(PLAIN.data).decode()
    assert shown in await _temporal(*show, *codec, *auth)
    assert shown not in await _temporal(*show)


async def _temporal(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(temporal_executable()), *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@pytest.mark.parametrize("role", ["buyer", "seller", "provider"])
async def test_nobody_else_does(http: httpx.AsyncClient, role: str) -> None:
    body = await _sealed()

    assert (await _decode(http, role, body)).status_code == 403
    assert (await http.post("/temporal/decode", content=body)).status_code == 401


async def test_what_cannot_be_read_is_said(http: httpx.AsyncClient) -> None:
    lost = await _decode(http, "support", await _sealed(OLD_KEY))
    odd = [
        await _decode(http, "support", it)
        for it in ("", '{"payload": []}', '{"payloads": 1}', "\0")
    ]

    assert lost.status_code == 422
    assert "UNBUY_ENCRYPTION_KEYS" in lost.json()["detail"]
    assert [it.status_code for it in odd] == [400] * len(odd)


@pytest.mark.parametrize(("origin", "allowed"), [(UI, True), ("https://evil.example", False)])
async def test_only_scripts_of_named_origins_ask(
    http: httpx.AsyncClient, origin: str, allowed: bool
) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-namespace",
    }
    answer = await http.options("/temporal/decode", headers=asked)

    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
    assert answer.is_success is allowed


async def test_without_keys_there_is_none(order: HttpStory) -> None:
    assert (await order.support.post("/temporal/decode", content="{}")).status_code == 404
