"""``python worker.py`` as an operator meets it: it says when it serves and why it cannot."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import insert, select
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from cli.app import run_command
from client import orders
from database.connection import Database
from database.tables import requests
from demo.waiting import until
from deploy.embedded import EmbeddedServer, embedded_server
from deploy.ports import free_port
from orders.status import Status
from tests.orders.builders import place
from workflows import ids

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def worker(
    folder: Path, address: str, *arguments: str, **environment: str
) -> AsyncIterator[Process]:
    """A worker process, ended with the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "worker.py",
        *arguments,
        cwd=ROOT,
        env=os.environ
        | {
            "TEMPORAL_ADDRESS": address,
            "UNBUY_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'unbuy.db'}",
        }
        | environment,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 40)


async def said(process: Process, text: str, times: int = 1) -> str:
    """All that it says until it has said something so many times."""
    assert process.stdout
    heard = ""
    # Each process loads everything anew, which takes its time on a busy machine.
    async with asyncio.timeout(90):
        while heard.count(text) < times:
            line = (await process.stdout.readline()).decode()
            assert line, f"it ended with: {heard}"
            heard += line
    return heard


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[EmbeddedServer]:
    async with embedded_server(time_skipping=False) as running:
        yield running


async def test_several_processes_serve_and_stop_together(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    async with worker(tmp_path, server.address, "--processes", "2") as process:
        heard = await said(process, "Serving OrderWorkflow", times=2)
        assert f"task queue orders of {server.address}" in heard
        await orders.place(server.client, place(order_id="served"))
        view = await orders.show(server.client, "served")
        schedules = [
            await server.client.get_schedule_handle(daily).describe()
            for daily in (ids.RECONCILIATION, ids.RETENTION)
        ]

        process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(process.wait(), 40)

    assert view.status is Status.AWAITING_PAYMENT
    for described in schedules:
        assert [it.every for it in described.schedule.spec.intervals] == [timedelta(days=1)]
    assert status == 0


async def test_the_schedule_of_retention_removes_what_the_settings_say(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """Case 92: by the worker's own setting, which is a day here."""
    async with worker(
        tmp_path,
        server.address,
        *("--processes", "1"),
        UNBUY_IDEMPOTENCY_KEY_RETENTION="P1D",
    ) as process:
        await said(process, "Serving OrderWorkflow")
        database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'unbuy.db'}")
        try:
            await _note(database, "key-1", datetime.now(UTC) - timedelta(days=2))
            await _note(database, "key-2", datetime.now(UTC))
            schedule = server.client.get_schedule_handle(ids.RETENTION)
            await schedule.trigger()

            async def removed() -> bool:
                described = await schedule.describe()
                return bool(described.info.recent_actions and not described.info.running_actions)

            await until(removed)
            async with database.reading() as connection:
                kept = (await connection.scalars(select(requests.c.message_id))).all()
        finally:
            await database.close()

    assert kept == ["key-2"]


async def _note(database: Database, key: str, at: datetime) -> None:
    async with database.writing() as connection:
        await connection.execute(
            insert(requests).values(
                order_id="A-1",
                message="buyer_message",
                message_id=key,
                digest="0" * 64,
                received_at=at,
            )
        )


async def test_missing_search_attributes_are_registered(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    request = RegisterNamespaceRequest(namespace="bare")
    request.workflow_execution_retention_period.FromSeconds(86400)
    await server.client.workflow_service.register_namespace(request)
    bare = await Client.connect(
        server.address, namespace="bare", data_converter=pydantic_data_converter
    )

    async def known() -> bool:
        with suppress(RPCError):
            await bare.count_workflows()
            return True
        return False

    await until(known)  # everywhere, after a moment

    async with worker(
        tmp_path, server.address, "--processes", "1", TEMPORAL_NAMESPACE="bare"
    ) as process:
        await said(process, "namespace bare")
        present = await bare.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace="bare")
        )

    assert {key.name for key in ids.SEARCH_ATTRIBUTES} <= set(present.custom_attributes)


async def test_a_worker_waits_for_temporal_and_says_so(tmp_path: Path) -> None:
    port = free_port()
    async with worker(tmp_path, f"127.0.0.1:{port}", "--processes", "1") as process:
        heard = await said(process, "trying again in")
        async with embedded_server(port=port, time_skipping=False):
            heard += await said(process, "Serving OrderWorkflow")

            process.send_signal(signal.SIGTERM)
            status = await asyncio.wait_for(process.wait(), 40)

    assert f"Temporal at 127.0.0.1:{port} cannot be reached (connection refused)." in heard
    assert "TEMPORAL_ADDRESS" in heard
    assert "Traceback" not in heard
    assert status == 0


async def test_a_worker_that_waits_for_temporal_can_be_stopped(tmp_path: Path) -> None:
    async with worker(tmp_path, f"127.0.0.1:{free_port()}", "--processes", "1") as process:
        await said(process, "trying again in")
        process.send_signal(signal.SIGTERM)

        assert await asyncio.wait_for(process.wait(), 20) == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        (["--processes", "0"], {"UNBUY_LANG": "pl"}, "musi wynosić co najmniej 1"),
        (["--processes", "two"], {}, "it takes a whole number"),
        ([], {"UNBUY_LOG_LEVEL": "LOUD"}, "UNBUY_LOG_LEVEL"),
        ([], {"UNBUY_STICKY_TIMEOUT": "45"}, "UNBUY_STICKY_TIMEOUT"),
        (
            [],
            {"UNBUY_PAYMENT_PROVIDER": "stripe", "UNBUY_LANG": "pl"},
            "UNBUY_STRIPE_API_KEY: jest potrzebne",
        ),
        ([], {"ORDER_WEBHOOK_URLS": "https://hooks.example"}, "needs ORDER_WEBHOOK_SECRETS"),
    ],
)
def test_invalid_options_are_reported_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    environment: dict[str, str],
    reason: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert run_command(["worker", *arguments]) == 2

    assert reason in capsys.readouterr().err


async def test_a_database_that_cannot_be_opened_is_named_in_the_error(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """Also by one of several processes, whose status it is."""
    async with worker(
        tmp_path,
        server.address,
        *("--processes", "2"),
        UNBUY_DATABASE_URL=f"sqlite:///{tmp_path}",
    ) as process:
        assert process.stdout
        heard = (await asyncio.wait_for(process.stdout.read(), 40)).decode()
        status = await process.wait()

    assert "The database cannot be opened (unable to open database file)" in heard
    assert "UNBUY_DATABASE_URL says where it is" in heard
    assert "Traceback" not in heard
    assert status == 1


async def test_an_unknown_namespace_is_reported_in_the_terminals_language(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """And only that: what it logs is English."""
    async with worker(
        tmp_path,
        server.address,
        *("--processes", "1"),
        TEMPORAL_NAMESPACE="nowhere",
        UNBUY_LANG="pl",
        UNBUY_LOG_LEVEL="debug",
    ) as process:
        assert process.stdout
        heard = (await asyncio.wait_for(process.stdout.read(), 40)).decode()
        status = await process.wait()

    assert status == 1
    assert "DEBUG The worker cannot serve" in heard
    assert "nie ma przestrzeni nazw nowhere. Ustaw TEMPORAL_NAMESPACE" in heard
    assert "has no namespace nowhere" in heard.partition("DEBUG The worker cannot serve")[2]
