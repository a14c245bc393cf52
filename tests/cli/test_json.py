"""What commands print for other programs: the shapes of docs/commands.md, and errors in one shape as well."""

import json
from datetime import datetime
from typing import Any

import pytest

from cli.app import run_command
from orders.view import OrderView
from tests.cli.terminal import PAYMENT, SAMPLE, Answer, Terminal, payment


def _read(answer: Answer) -> Any:
    assert answer.err == ""
    return json.loads(answer.out)


async def test_placing_says_whether_it_was_the_first_time(terminal: Terminal) -> None:
    file = terminal.file("json.json", {**SAMPLE, "order_id": "json-placed"})

    first, again = [_read(await terminal.run("place", file, "--json")) for _ in range(2)]

    assert first == {"order_id": "json-placed", "placed": True}
    assert again == {"order_id": "json-placed", "placed": False}


async def test_sending_says_what_became_of_the_message(terminal: Terminal) -> None:
    await terminal.place("json-sent")

    accepted = _read(
        await terminal.run("send", "json-sent", "payment", payment("json-1"), "--json")
    )
    sent = _read(
        await terminal.run(
            "send", "json-sent", "buyer_message", '{"text": "Hi"}', "--signal", "--json"
        )
    )

    assert accepted["outcome"] == "accepted"
    assert accepted["message"] == "payment"
    assert accepted["message_id"].startswith("cli-")
    assert OrderView.model_validate(accepted["order"]).status == "payment_review"
    assert accepted["workflow_id"] is None
    assert (sent["outcome"], sent["order"]) == ("sent", None)


async def test_a_refusal_has_its_code_and_from_when_it_is_possible(terminal: Terminal) -> None:
    await terminal.place("json-refused")
    await terminal.run("send", "json-refused", "payment", payment("json-2"))

    answer = await terminal.run(
        "send", "json-refused", "cancel_request", '{"reason": "other"}', "--json"
    )

    assert answer.status == 1
    error = _read(answer)["error"]
    assert error["exit_status"] == 1
    assert error["code"] == "payment_review_in_progress"
    assert datetime.fromisoformat(error["available_from"]).tzinfo
    assert error["message"].startswith("cancel_request is refused.")


async def test_a_payment_that_comes_too_late_names_the_workflow_that_refunds_it(
    terminal: Terminal,
) -> None:
    """R17."""
    await terminal.place("json-over")
    await terminal.run("send", "json-over", "cancel_request", '{"reason": "other"}')

    answer = await terminal.run("send", "json-over", "payment", payment("json-3"), "--json")

    assert answer.status == 1
    assert "stray-payment-json-3" in _read(answer)["error"]["message"]


async def test_watching_prints_an_order_a_line(terminal: Terminal) -> None:
    await terminal.place("json-watched")
    await terminal.run("send", "json-watched", "cancel_request", '{"reason": "other"}')

    answer = await terminal.run("watch", "json-watched", "--json")

    lines = [OrderView.model_validate_json(line) for line in answer.out.splitlines()]
    assert lines[-1].status == "closed"


async def test_lists_and_sums_are_json_as_well(terminal: Terminal) -> None:
    await terminal.place("json-listed")
    await terminal.run("send", "json-listed", "payment", payment("json-4"))

    listed = _read(await terminal.run("list", "--status", "payment-review", "--json"))
    outbox = _read(await terminal.run("outbox", "json-listed", "--json"))
    books = _read(await terminal.run("books", "--json"))
    compared = json.loads((await terminal.run("reconcile", "--json")).out)

    [row] = [it for it in listed if it["order_id"] == "json-listed"]
    assert row["buyer"] == "buyer-7"
    assert {"order_id", "to", "party", "what", "at", "text", "delivered_at", "refused"} == set(
        outbox[0]
    )
    assert outbox[0]["party"] == {"id": "buyer-7", "name": "Anna"}
    assert books["balanced"] is True
    assert {"currency": "EUR", "account": "cash", "amount": PAYMENT["money"]["amount"]}.keys() == (  # type: ignore[index]
        books["accounts"][0].keys()
    )
    assert books["held"][0].keys() == {"currency", "status", "amount"}
    assert {"days", "differences", "payments", "orders", "findings", "more"} <= compared.keys()


async def test_a_token_says_whose_it_is_and_until_when(terminal: Terminal) -> None:
    issued = _read(await terminal.run("token", "buyer", "buyer-7", "--lifetime", "1d", "--json"))

    assert issued.keys() == {"token", "role", "sub", "expires_at"}
    assert (issued["role"], issued["sub"]) == ("buyer", "buyer-7")
    assert datetime.fromisoformat(issued["expires_at"]).tzinfo


@pytest.mark.parametrize(
    "arguments", ["list --nope --json", "show --json", "nope --json", "list --buyer a'b --json"]
)
def test_what_is_asked_for_wrongly_is_json_as_well(
    capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    assert run_command(arguments.split()) == 2

    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error.keys() == {"message", "exit_status", "code", "available_from"}
    assert error["exit_status"] == 2
    assert printed.err == ""
