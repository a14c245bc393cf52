"""`make up` says how to reach the system; a second one has files of its own."""

import asyncio
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from demo.waiting import until
from deploy.embedded import free_port
from deploy.local import DEFAULT_PORT, commands, database_variables

ROOT = Path(__file__).parents[2]


def test_each_server_has_a_database_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNBUY_DATABASE_URL", raising=False)

    first, second = database_variables(DEFAULT_PORT), database_variables(DEFAULT_PORT + 1)

    assert first == {"UNBUY_DATABASE_URL": "sqlite+aiosqlite:///var/unbuy.db"}
    assert second == {"UNBUY_DATABASE_URL": "sqlite+aiosqlite:///var/unbuy-7234.db"}


def test_the_users_own_database_is_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_DATABASE_URL", "postgresql://unbuy:secret@db.example/unbuy")

    assert database_variables(DEFAULT_PORT + 1) == {}


def test_commands_name_server_and_database() -> None:
    variables = {"UNBUY_DATABASE_URL": "sqlite+aiosqlite:///var/unbuy-7234.db"}

    [line, warning] = commands("127.0.0.1:7234", 7234, variables)
    assert (
        "TEMPORAL_ADDRESS=127.0.0.1:7234 UNBUY_DATABASE_URL=sqlite+aiosqlite:///var/unbuy-7234.db"
        in line
    )
    assert warning.startswith("Port 7233 was taken: commands without these variables")
    assert len(list(commands("127.0.0.1:7233", 7233, variables))) == 1


UP = """
import sys
from cli.app import main
from deploy import local

local.choose_port = lambda: int(sys.argv[1])
local.UI_PORT_OFFSET = int(sys.argv[2]) - int(sys.argv[1])
local.GATEWAY_PORT_OFFSET = int(sys.argv[3]) - int(sys.argv[1])
sys.exit(main(["up"]))
"""


async def test_the_system_stops_in_order_with_ctrl_c(tmp_path: Path) -> None:
    """The terminal sends it to the server as well, which listens though it was told to ignore it."""
    port, gateway_port = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", UP, str(port), str(free_port()), str(gateway_port)),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "UNBUY_WORKER_PROCESSES": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stderr
    heard = b""
    async with asyncio.timeout(60):
        while b"Ctrl-C stops it." not in heard:
            heard += await process.stdout.readline()
        [command, *_] = re.findall(rb"curl -H '(.+)' (http\S+)", heard)
        name, _, token = command[0].decode().partition(": ")
        async with httpx.AsyncClient() as http:
            answer = await _answer(http, command[1].decode(), {name: token})
        assert answer.json() == {"orders": [], "next_cursor": None}
        while b"Serving OrderWorkflow" not in (said := await process.stderr.readline()):
            assert said

    os.killpg(process.pid, signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 40)

    assert process.returncode == 0
    assert out.splitlines()[-1] == b"Stopping ..."
    assert b"Stopping: finishing what runs" in err
    assert b"cannot be reached" not in err
    assert {f"temporal-{port}.db", f"unbuy-{port}.db"} <= _files(tmp_path / "var")


async def _answer(http: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
    """What the gateway answers, once it listens."""

    async def ask() -> httpx.Response | None:
        with suppress(httpx.ConnectError):
            return await http.get(url, headers=headers)
        return None

    answer: httpx.Response | None = await until(ask, lambda it: it is not None)
    assert answer
    return answer


def _files(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}
