"""A terminal in which tests run commands."""

import asyncio
import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.testing import TimeSkipper

from cli.app import run_command
from client import orders, stray_payments
from database.connection import Database
from demo.waiting import until
from orders.place_order import PlaceOrder
from orders.stray_payments import StrayPaymentState

ROOT = Path(__file__).parents[2]
SAMPLE = json.loads((ROOT / "samples" / "order-eur.json").read_text())
PAYMENT = {"money": {"amount": 2490, "currency": "EUR"}, "method": "card"}
NOW = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


@dataclass
class Terminal:
    """Runs the command line against a server: in this process, which is quick, or as a user does."""

    environment: dict[str, str]
    skipper: TimeSkipper
    database: Database
    directory: Path

    async def run(self, *arguments: str, **variables: str) -> Answer:
        """A command in this process; an exception that it lets through is a traceback."""
        with (
            pytest.MonkeyPatch.context() as patch,
            redirect_stdout(io.StringIO()) as out,
            redirect_stderr(io.StringIO()) as err,
        ):
            patch.chdir(self.directory)
            for name, value in (self.environment | variables).items():
                patch.setenv(name, value)
            status = await asyncio.wait_for(asyncio.to_thread(run_command, arguments), 60)
        return Answer(status, out.getvalue(), err.getvalue())

    async def begin(self, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
        """A command in a process of its own, which goes on while the test does."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "starter.py"),
            *arguments,
            cwd=self.directory,
            env={**self.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            | variables,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def spawn(self, *arguments: str, stdin: str = "", **variables: str) -> Answer:
        """A command in a process of its own, to its end."""
        return await answer_of(await self.begin(*arguments, **variables), stdin)

    async def place(self, order_id: str, **changes: object) -> None:
        placed = PlaceOrder.model_validate({**SAMPLE, "order_id": order_id, **changes})
        await orders.place(self.skipper.client, placed)

    async def stray(self, payment_id: str) -> StrayPaymentState:
        """The process that sends a payment back; it is started soon, if not yet."""
        found = await until(lambda: stray_payments.show(self.skipper.client, payment_id))
        assert found
        return found

    def file(self, name: str, content: object) -> str:
        path = self.directory / name
        path.write_text(json.dumps(content))
        return str(path)


async def answer_of(process: asyncio.subprocess.Process, stdin: str = "") -> Answer:
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    answer = Answer(process.returncode or 0, out.decode(), err.decode())
    assert "Traceback" not in answer.out + answer.err
    return answer


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    return (await asyncio.wait_for(process.stdout.readline(), 60)).decode()


def payment(payment_id: str, **changes: object) -> str:
    return json.dumps({"payment_id": payment_id, "paid_at": NOW, **PAYMENT, **changes})
