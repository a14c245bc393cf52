"""`make up` says how to reach the system, and leaves nothing behind; a second one has files of its own."""

import asyncio
import itertools
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr

from deploy import local
from deploy.directions import directions, header_files
from deploy.local import (
    DATA,
    DEFAULT_PORT,
    abandoned,
    command_variables,
    database_variables,
    gateway_variables,
)
from deploy.ports import free_port
from i18n.catalogues import LOCALES, Locale
from i18n.current import use_locale
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]


def test_each_server_has_a_database_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNBUY_DATABASE_URL", raising=False)

    first, second = database_variables(DEFAULT_PORT), database_variables(DEFAULT_PORT + 1)

    assert first == {"UNBUY_DATABASE_URL": "sqlite+aiosqlite:///var/unbuy.db"}
    assert second == {"UNBUY_DATABASE_URL": "sqlite+aiosqlite:///var/unbuy-7234.db"}


def test_a_database_that_is_set_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBUY_DATABASE_URL", "postgresql://unbuy:secret@db.example/unbuy")

    assert database_variables(DEFAULT_PORT + 1) == {}


@pytest.mark.parametrize(
    ("given", "is_on"), [({}, True), ({"oidc_issuer": "https://login.example.org"}, False)]
)
def test_there_is_a_playground_unless_an_issuer_or_real_money_is_set(
    given: dict[str, str], is_on: bool
) -> None:
    """Case 89: the gateway would not start."""
    settings = Settings(**given)  # type: ignore[arg-type]

    variables = gateway_variables(DEFAULT_PORT, SecretStr("s" * 32), settings)

    assert ("UNBUY_PLAYGROUND" in variables, "UNBUY_BUYERS_CHOOSE_POLICY" in variables) == (
        is_on,
        is_on,
    )


@pytest.mark.parametrize("locale", LOCALES)
def test_what_it_prints_fits_a_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, locale: Locale
) -> None:
    """Also where the ports are other ones, which commands must then be told."""
    monkeypatch.chdir(tmp_path)
    DATA.mkdir()
    server = SimpleNamespace(address="127.0.0.1:7234", ui_url="http://127.0.0.1:8234")
    gateway = "http://127.0.0.1:8081"
    logs = {"gateway": DATA / "gateway-7234.log", "worker": DATA / "worker-7234.log"}
    with use_locale(locale):
        headers = header_files(SecretStr("s" * 32), DATA)
        variables = command_variables(server.address, 7234)
        lines = list(directions(cast("Any", server), gateway, headers, variables, logs))

    assert max(map(len, lines)) <= 79
    [first, second, command] = [line[10:] for line in lines[4:7]]
    assert first == "export TEMPORAL_ADDRESS=127.0.0.1:7234"
    assert second == "export UNBUY_DATABASE_URL=sqlite+aiosqlite:///var/unbuy-7234.db"
    assert command.endswith("starter.py list")
    assert lines[0].endswith(gateway)
    for secret in headers.values():
        assert secret.stat().st_mode & 0o077 == 0


def test_commands_need_no_variables_for_what_they_find_anyway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert command_variables("127.0.0.1:7233", DEFAULT_PORT) == {}

    monkeypatch.setenv("TEMPORAL_PROFILE", "production")
    assert command_variables("127.0.0.1:7233", DEFAULT_PORT) == {
        "TEMPORAL_ADDRESS": "127.0.0.1:7233",
        **database_variables(DEFAULT_PORT),
    }


async def test_it_ends_with_whoever_reads_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAKELEVEL", raising=False)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        waiting = asyncio.create_task(abandoned())
        await asyncio.sleep(0.05)
        assert not waiting.done()

        os.close(reading)
        await asyncio.wait_for(waiting, 1)


async def test_it_ends_with_the_make_that_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else's end ends it: `nohup` lets it outlive its terminal."""
    parents = iter((100, 100, 1))
    with os.fdopen(os.open(os.devnull, os.O_WRONLY), "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        monkeypatch.setattr(os, "getppid", lambda: next(parents))
        monkeypatch.setattr(local, "_ALIVE_EVERY", 0.01)
        monkeypatch.setenv("MAKELEVEL", "1")
        await asyncio.wait_for(abandoned(), 1)

        monkeypatch.delenv("MAKELEVEL")
        parents = itertools.chain((100,), itertools.repeat(1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(abandoned(), 0.1)


UP = """
import sys
from cli.app import main
from deploy import local

local.choose_port = lambda: int(sys.argv[1])
local.UI_PORT_OFFSET = int(sys.argv[2]) - int(sys.argv[1])
local.GATEWAY_PORT_OFFSET = int(sys.argv[3]) - int(sys.argv[1])
sys.exit(main(["up"]))
"""


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The system, once it has said how to reach it; that lies in `said`. `var/` is an earlier version's."""
    (tmp_path / DATA).mkdir(mode=0o755)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", UP, *(str(free_port()) for _ in range(3))),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "UNBUY_WORKER_PROCESSES": "2"},
        umask=0o022,  # as most people have it
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    said = b""
    async with asyncio.timeout(60):
        while b"Ctrl-C stops it." not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line
    (tmp_path / "said").write_bytes(said)
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def test_it_answers_once_it_says_so_and_stops_in_order_with_ctrl_c(
    tmp_path: Path, up: asyncio.subprocess.Process
) -> None:
    """The terminal sends it to the server as well, which listens though it was told to ignore it.

    Case 90: what it made is its owner's alone.
    """
    said = (tmp_path / "said").read_text()
    [(header, url)] = re.findall(r"curl -H @(\S+) (http\S+)", said)
    name, _, token = (tmp_path / header).read_text().strip().partition(": ")
    async with httpx.AsyncClient() as http:
        answer = await http.get(url, headers={name: token})
    assert answer.json()["next_cursor"] is None
    _only_its_owner_can_read(tmp_path / DATA)

    os.killpg(up.pid, signal.SIGINT)
    out, _ = await asyncio.wait_for(up.communicate(), 40)

    assert up.returncode == 0
    assert out == b"Stopping ...\n"
    logs = dict(re.findall(r"(var/(\w+)-\d+\.log)", said))
    [gateway, worker] = [(tmp_path / log).read_text() for log in logs]
    assert "Stopping: finishing what runs" in worker
    assert "cannot be reached" not in worker
    assert "/v1/orders" in gateway


def _only_its_owner_can_read(data: Path) -> None:
    made = [data, *data.rglob("*")]
    assert {it.suffix for it in made} >= {"", ".db", ".log", ".secret", ".header"}
    assert [it for it in made if it.stat().st_mode & 0o077] == []


@pytest.mark.timeout(240)
async def test_nothing_outlives_it_when_it_is_killed(up: asyncio.subprocess.Process) -> None:
    started = await _descendants(up.pid)
    # Three programs, each with the process that watches over it, and the worker's own.
    assert len(started) >= 8

    up.kill()

    # As long as a worker may take to finish what runs; without a server that is sometimes 20 seconds.
    async with asyncio.timeout(70):
        await up.wait()
        while set(started) & {pid for pid, _ in await _processes()}:
            await asyncio.sleep(0.1)


async def _descendants(pid: int) -> list[int]:
    children = [child for child, parent in await _processes() if parent == pid]
    return children + [it for child in children for it in await _descendants(child)]


async def _processes() -> list[tuple[int, int]]:
    """Each process, but those that are dead and not yet waited for, with its parent."""
    listing = await asyncio.create_subprocess_exec(
        "ps", "-A", "-o", "pid=,ppid=,stat=", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await listing.communicate()
    rows = [line.split() for line in out.decode().splitlines()]
    return [(int(pid), int(parent)) for pid, parent, state in rows if not state.startswith("Z")]
