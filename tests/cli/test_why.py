"""``unbuy why``: what an order waits for, and what is stuck outside, also when nothing answers."""

import json

import pytest

from client import orders
from database.orders import SqlOrders
from demo.waiting import until
from orders.order import Order
from tests.cli.terminal import Terminal
from tests.orders.builders import message


async def test_an_order_that_runs_as_it_should_is_not_stuck(terminal: Terminal) -> None:
    await terminal.place("why-well")
    await until(lambda: SqlOrders(terminal.database).find("why-well"))

    read = await terminal.run("why", "why-well")
    told = await terminal.run("why", "why-well", "--json")

    assert (read.status, told.status) == (0, 0)
    assert "Next: " in read.out
    assert "Nothing is stuck." in read.out
    assert json.loads(told.out)["stuck"] == []
    assert json.loads(told.out)["next"][0]["what"] == "payment_reminder"


async def test_a_terminated_order_is_stuck(terminal: Terminal) -> None:
    """Case 97."""
    await terminal.place("why-ended")
    await until(lambda: SqlOrders(terminal.database).find("why-ended"))
    await orders.handle(terminal.skipper.client, "why-ended").terminate()

    read = await terminal.run("why", "why-ended")

    assert read.status == 1
    assert "STUCK: This order's process was terminated" in read.out


async def test_an_order_that_never_was_is_said_to_be_unknown(terminal: Terminal) -> None:
    answer = await terminal.run("why", "why-nobody", "--json")

    assert answer.status == 2
    assert "There is no order why-nobody" in json.loads(answer.out)["error"]["message"]


async def test_a_step_that_fails_is_said_with_its_reason(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 35: asked of neither the order nor a worker, which could not answer."""
    await terminal.place("why-fault")
    await until(lambda: SqlOrders(terminal.database).find("why-fault"))

    def fails(order: Order) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("orders.schedule._upcoming", fails)
    await orders.signal(
        terminal.skipper.client, "why-fault", message("buyer_message", text="Hello")
    )

    told = await until(
        lambda: terminal.run("why", "why-fault", "--json"), lambda answer: answer.status == 1
    )

    (stuck,) = json.loads(told.out)["stuck"]
    assert stuck["kind"] == "step_fails"
    assert "a fault of ours" in stuck["reason"]
    monkeypatch.undo()
    await until(lambda: terminal.run("why", "why-fault"), lambda answer: answer.status == 0)


async def test_an_activity_that_fails_is_said_with_its_reason(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 24: here the database does not take what is to be recorded."""

    async def fails(self: SqlOrders, *_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(SqlOrders, "record", fails)
    await terminal.place("why-full")

    told = await until(
        lambda: terminal.run("why", "why-full", "--json"),
        lambda answer: answer.status == 1 and "activity_fails" in answer.out,
    )
    read = await terminal.run("why", "why-full")

    (stuck,) = json.loads(told.out)["stuck"]
    assert (stuck["what"], stuck["reason"]) == ("record_order", "no space left on device")
    assert "Nothing has been recorded of this order yet." in read.out
    assert "STUCK: record_order has failed" in read.out
    monkeypatch.undo()
    await until(lambda: SqlOrders(terminal.database).find("why-full"))
