"""What commands say when something is wrong: a sentence with the remedy, and never a traceback."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest

from activities.orders import OrderSnapshot, as_recorded
from cli import messages
from cli import orders as order_commands
from cli.app import run_command
from cli.failure import Failure
from client import orders, workflows
from database.connection import Database
from database.orders import SqlOrders
from demo.waiting import until
from deploy.embedded import embedded_server
from deploy.ports import free_port
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.view import view as view_of
from tests.cli.terminal import ROOT, SAMPLE, Terminal


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["place", "missing.json"], "missing.json cannot be read: No such file or directory."),
        (["place", "."], "cannot be read: Is a directory."),
        (["send", "x", "payment", "{"], "payment is not valid: Invalid JSON"),
        (["send", "x", "payment", "[]"], "payment is not valid"),
        (["send", "x", "payment"], "payment takes payment_id, money, method, paid_at"),
        (["send", "x", "pay", "{}"], "There is no message named 'pay'; the messages are: payment,"),
        (["send", "x", "buyer_message", '{"text": "a", "to": "b"}'], "to: Extra inputs"),
        (["send", "x", "cancel_withdrawal", "--message-id", "m" * 65], "message_id"),
        (["send", "x", "cancel_withdrawal"], "There is no order x."),
        (["show", "x"], "There is no order x."),
        (["show", "[bold]x' or 1=1"], "There is no order [bold]x' or 1=1."),
        (["watch", "x"], "There is no order x."),
        (["list", "--status", "lost"], 'Invalid value "lost" for --status.'),
        (["list", "--buyer", "x' OR 'a' = 'a"], "There can be no buyer of this id"),
        (["lst"], 'Unknown command "lst".'),
        (["send", "x"], "NAME is missing. For help: python starter.py send --help"),
        (["show", "x", "y", "z"], "Unexpected arguments: y z."),
        (["list", "--statu", "closed"], 'Unknown option: --statu. Did you mean "--status"?'),
        (["list", "--buyer"], "Option --buyer needs a value."),
        (["list", "--overdue=maybe"], "Option --overdue takes no value."),
        (["reconcile", "--days", "x"], 'Invalid value "x" for --days: it takes a whole number.'),
        (["reconcile", "--days", "1", "--days", "2"], "Option --days is given more than once."),
        (["token", "buyer", "x", "--lifetime", "soon"], "it takes a duration, such as 30d or 12h."),
        (["token", "boss", "x"], 'Invalid value "boss" for ROLE. Choose from: buyer, seller,'),
        (["token", "seller", "a b"], "There can be no seller of this id"),
        (["token", "support", "a b"], "Nobody in support can have this id"),
        (["token", "provider", "a b"], "There can be no payment provider of this id"),
    ],
)
def test_a_usage_error_is_explained_in_a_sentence(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)

    status = run_command(arguments)

    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert (status, printed.out) == (2, "")


async def test_an_invalid_order_is_explained_field_by_field(terminal: Terminal) -> None:
    file = terminal.file("bad.json", {**SAMPLE, "order_id": "a b", "gift": True})

    answer = await terminal.run("place", file)

    assert answer.status == 2
    assert "order_id: String should match pattern" in answer.err
    assert "gift: Extra inputs are not permitted" in answer.err


@pytest.mark.parametrize("command", [("list",), ("place", "{sample}")])
async def test_an_unreachable_server_is_named_in_the_error(
    terminal: Terminal, command: tuple[str, ...]
) -> None:
    arguments = [part.format(sample=ROOT / "samples" / "order-eur.json") for part in command]
    address = f"127.0.0.1:{free_port()}"

    answer = await terminal.spawn(*arguments, TEMPORAL_ADDRESS=address)

    assert answer.status == 1
    assert f"Temporal at {address} cannot be reached (connection refused)." in answer.err
    assert "set TEMPORAL_ADDRESS" in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////dev/null/unbuy.db",
        "sqlite:////tmp",
        "postgresql://unbuy:secret@127.0.0.1:1/unbuy",
        "postgresql://127.0.0.1:port/unbuy",
        "postgres://127.0.0.1:99999/unbuy",
        "postgresql://unbuy:secret@127.0.0.1:1/unbuy?sslmode=require",
        "postgresql://unbuy:secret@127.0.0.1:1/unbuy?sslmode=secret",
        "postgresql://unbuy:secret@127.0.0.1:1/unbuy?connect_timeout=1",
        "postgresql://unbuy:secret@127.0.0.1:1/unbuy?timeout=soon",
        "postgresql://unbuy:secret/more@127.0.0.1/unbuy",
        "postgresql+psycopg://unbuy:secret@127.0.0.1:1/unbuy",
        "oracle://db.example/unbuy",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///unbuy.db?mode=ro",
        "unbuy.db",
        "",
    ],
)
async def test_an_unreadable_database_is_named_in_the_error(terminal: Terminal, url: str) -> None:
    began = time.monotonic()

    answer = await terminal.run("outbox", UNBUY_DATABASE_URL=url)

    assert answer.status == 1
    assert "The database cannot be read (" in answer.err
    assert "UNBUY_DATABASE_URL says where it is" in answer.err
    assert "secret" not in answer.err
    assert answer.err.count("\n") == 1
    assert time.monotonic() - began < 10


async def test_a_database_of_a_later_version_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'unbuy.db'}"
    database = await Database.open(url)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()

    answer = await terminal.run("outbox", UNBUY_DATABASE_URL=url)

    assert answer.status == 1
    assert "The database is at version 9999" in answer.err


async def test_an_invalid_setting_is_named_in_the_error(terminal: Terminal) -> None:
    answer = await terminal.run("outbox", UNBUY_LOG_LEVEL="loud")

    assert answer.status == 2
    assert answer.err.startswith("UNBUY_LOG_LEVEL: Input should be 'DEBUG', ")


async def test_an_ascii_terminal_gets_question_marks(terminal: Terminal) -> None:
    await terminal.place("ascii")

    answer = await terminal.spawn("show", "ascii", PYTHONIOENCODING="ascii")

    assert (answer.status, answer.err) == (0, "")
    assert "?24.90 is to be paid" in answer.out


async def test_the_database_of_another_temporal_is_not_shown(terminal: Terminal) -> None:
    """An order that is not over has a process: without one, its last kept view is old."""
    placed = {**SAMPLE, "order_id": "elsewhere"}
    order = Order.new(PlaceOrder.model_validate(placed), datetime.now(UTC))
    await SqlOrders(terminal.database).record(
        OrderSnapshot(
            revision=1,
            first_run_id="run-1",
            view=as_recorded(view_of(order)),
            postings=(),
            notifications=(),
        )
    )

    shown = await terminal.run("show", "elsewhere")
    again = await terminal.run("place", terminal.file("elsewhere.json", placed))

    for answer in (shown, again):
        assert (answer.status, answer.out) == (1, "")
        assert "Order elsewhere is awaiting_payment in the database, but" in answer.err
        assert "TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and UNBUY_DATABASE_URL" in answer.err


async def test_a_running_order_is_shown_without_a_database(terminal: Terminal) -> None:
    await terminal.place("known")
    file = terminal.file("known.json", {**SAMPLE, "order_id": "known"})

    answer = await terminal.run("place", file, UNBUY_DATABASE_URL="sqlite:////dev/null/unbuy.db")

    assert (answer.status, answer.err) == (0, "")
    assert "exists already, with the same contents" in answer.out


@pytest.mark.parametrize("command", [("list",), ("show", "x"), ("send", "x", "cancel_withdrawal")])
async def test_an_unknown_namespace_is_named_in_the_error(
    terminal: Terminal, command: tuple[str, ...]
) -> None:
    answer = await terminal.run(*command, TEMPORAL_NAMESPACE="nowhere")

    assert answer.status == 1
    assert "has no namespace nowhere. Set TEMPORAL_NAMESPACE to one that it has" in answer.err
    assert ".." not in answer.err


async def test_a_new_namespace_without_search_attributes_is_explained(terminal: Terminal) -> None:
    client = terminal.skipper.client
    request = RegisterNamespaceRequest(namespace="fresh")
    request.workflow_execution_retention_period.FromSeconds(86400)
    await client.workflow_service.register_namespace(request)
    file = terminal.file("fresh.json", {**SAMPLE, "order_id": "fresh"})

    placed = await until(  # a new namespace is known everywhere after a moment
        lambda: terminal.run("place", file, TEMPORAL_NAMESPACE="fresh"),
        lambda it: "no namespace" not in it.err,
    )
    listed = await terminal.run("list", "--status", "closed", TEMPORAL_NAMESPACE="fresh")

    for answer in (placed, listed):
        assert answer.status == 1
        assert "Start a worker once first: it registers them." in answer.err


async def test_orders_are_listed_newest_first(terminal: Terminal) -> None:
    """Also where the newest is over already: the server lists those last."""
    buyer = {**SAMPLE["buyer"], "id": "buyer-of-three"}
    for name in ("oldest", "older", "newest"):
        await terminal.place(name, buyer=buyer)
    await terminal.run("send", "newest", "cancel_request", '{"reason": "other"}')
    await orders.handle(terminal.skipper.client, "newest").result()

    async def rows() -> list[dict[str, str]]:
        listed = await terminal.run("list", "--buyer", "buyer-of-three", "--json")
        found: list[dict[str, str]] = json.loads(listed.out)
        return found

    found = await until(rows, lambda it: len(it) == 3 and it[0]["status"] == "closed")

    assert [row["order_id"] for row in found] == ["newest", "older", "oldest"]


async def test_the_outbox_of_an_unknown_order_is_an_error(terminal: Terminal) -> None:
    answer = await terminal.run("outbox", "NOPE")

    assert answer.status == 2
    assert answer.err.startswith("There is no order NOPE.")


async def test_json_lines_are_not_wrapped(terminal: Terminal) -> None:
    await terminal.place("wide")
    said = "a long word " * 40
    await terminal.run("send", "wide", "buyer_message", json.dumps({"text": said.strip()}))

    shown = await terminal.spawn("show", "wide")

    lines = shown.out.splitlines()
    assert any(line.endswith(said.strip()) for line in lines)
    assert [line for line in lines if line.endswith(" ")] == []


async def test_without_a_worker_the_error_says_so(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with embedded_server() as server:
        monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
        monkeypatch.setattr(workflows, "PATIENCE", timedelta(seconds=1))
        monkeypatch.setattr(order_commands, "_ANSWER_WITHIN", timedelta(seconds=1))
        monkeypatch.setenv("UNBUY_DATABASE_URL", terminal.environment["UNBUY_DATABASE_URL"])
        await orders.place(
            server.client, PlaceOrder.model_validate({**SAMPLE, "order_id": "unserved"})
        )

        for command in (
            order_commands.show("unserved"),
            messages.send("unserved", "cancel_withdrawal"),
        ):
            with pytest.raises(Failure, match="No worker answers") as failure:
                await command

        assert failure.value.status == 1
        assert re.search("--message-id cli-", str(failure.value))


async def test_what_stripe_could_not_pay_is_refused_before_it_is_decided(
    terminal: Terminal,
) -> None:
    """R4, case 62: by update and by signal; the order hears nothing of it."""
    price = {"amount": 24_900, "currency": "KWD"}
    line = {**SAMPLE["lines"][0], "quantity": 1, "unit_price": price}
    await terminal.place("dinars", lines=[line], shipping_price={**price, "amount": 0})
    offer = {"topic": "discount", "text": "Yours?", "discount": {**price, "amount": 505}}
    stripe = {"UNBUY_PAYMENT_PROVIDER": "stripe", "UNBUY_STRIPE_API_KEY": "sk_test_unbuy"}

    for how in ([], ["--signal"]):
        refused = await terminal.run(
            "send", "dinars", "seller_message", json.dumps(offer), *how, **stripe
        )
        assert refused.status == 1
        assert (
            "only with a last digit of 0, not KWD\N{NO-BREAK SPACE}24.395"
            in refused.err.replace("\n", " ")
        )

    assert (await orders.show(terminal.skipper.client, "dinars")).messages == []
