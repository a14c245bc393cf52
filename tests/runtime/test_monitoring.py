"""Where a worker tells its health and what it measures: a really started one, asked over HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from client import orders
from demo.waiting import until
from deploy.embedded import EmbeddedServer, embedded_server
from deploy.ports import LOOPBACK, free_port
from orders.errors import NotAllowedNow
from tests.orders.builders import message, place
from tests.runtime.test_worker import said, worker


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[EmbeddedServer]:
    async with embedded_server(time_skipping=False) as running:
        yield running


async def _asked(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", timeout=20) as http:
        return await http.get(path)


def values(metrics: str, name: str, **labels: str) -> list[float]:
    """The values of a metric, where its labels are these."""
    return [
        it.value
        for family in text_string_to_metric_families(metrics)
        for it in family.samples
        if it.name == name and labels.items() <= it.labels.items()
    ]


async def test_a_worker_measures_itself_and_counts_in_the_database(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """What it does, what the process has come to, and no order or person in any of it."""
    port = free_port()
    async with worker(
        tmp_path, server.address, "--processes", "1", UNBUY_WORKER_PORT=str(port)
    ) as process:
        await said(process, "Serving OrderWorkflow")
        await orders.place(server.client, place(order_id="measured"))
        with pytest.raises(NotAllowedNow):
            await orders.update(server.client, "measured", message("cancel_withdrawal"))
        await until(lambda: _asked(port, "/readyz"), lambda answer: answer.status_code == 200)
        metrics = (await _asked(port, "/metrics")).text

    refused = {"message": "cancel_withdrawal", "code": "not_in_this_status"}
    assert values(metrics, "unbuy_refused_messages_total", **refused) == [1]
    assert values(metrics, "unbuy_open_orders", status="awaiting_payment") == [1]
    assert values(metrics, "unbuy_deadlines_late") == [0]
    assert values(metrics, "temporal_num_pollers", poller_type="workflow_task")[0] > 0
    assert values(metrics, "process_resident_memory_bytes")[0] > 0
    assert "measured" not in metrics
    assert "buyer-7" not in metrics


# Two processes may well start in the same hundredth of a second.
_OF_A_PROCESS = ("start_time_seconds", "cpu_seconds_total", "resident_memory_bytes")


async def test_each_process_has_its_own_address(server: EmbeddedServer, tmp_path: Path) -> None:
    """The next port: each measures itself."""
    port = free_port()
    async with worker(
        tmp_path, server.address, "--processes", "2", UNBUY_WORKER_PORT=str(port)
    ) as process:
        await said(process, "Serving OrderWorkflow", times=2)
        answers = [await _asked(each, "/metrics") for each in (port, port + 1)]

    measured = [[values(it.text, f"process_{name}")[0] for name in _OF_A_PROCESS] for it in answers]
    assert measured[0] != measured[1]


async def test_a_worker_is_ready_while_temporal_answers(tmp_path: Path) -> None:
    """It lives all the while: nothing is won by starting it again."""
    port, temporal = free_port(), free_port()

    async def becomes(status: int) -> httpx.Response:
        return await until(lambda: _asked(port, "/readyz"), lambda it: it.status_code == status)

    async with worker(
        tmp_path, f"{LOOPBACK}:{temporal}", "--processes", "1", UNBUY_WORKER_PORT=str(port)
    ) as process:
        await said(process, "trying again in")
        before = await becomes(503)
        assert (await _asked(port, "/metrics")).status_code == 200
        async with embedded_server(port=temporal, time_skipping=False):
            await said(process, "Serving OrderWorkflow")
            await becomes(200)
        after = await becomes(503)
        alive = await _asked(port, "/healthz")

    assert before.json() == {"status": "not serving"}
    assert after.json() == {"status": "unavailable", "unavailable": ["temporal"]}
    assert alive.status_code == 200


async def test_an_address_in_use_is_named_in_the_error(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        async with worker(
            tmp_path, server.address, "--processes", "1", UNBUY_WORKER_PORT=port
        ) as process:
            assert process.stdout
            heard = (await asyncio.wait_for(process.stdout.read(), 60)).decode()
            status = await process.wait()

    assert status == 1
    assert f"Nothing can be served at {LOOPBACK}:{port} (" in heard
    assert "UNBUY_WORKER_PORT" in heard
    assert "Traceback" not in heard
