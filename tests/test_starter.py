"""The command line against a real server: what it prints, how it exits, and never a traceback."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

import commandline
import starter
from activities.bookkeeping import Step
from deploy.embedded import embedded_server, free_port
from deploy.local import worker_environment
from ledger.journal import Database, SqlJournal
from orders.handlers import receive
from orders.messages import CancelReason, CancelRequest
from orders.model import Order, PlaceOrder, Status
from orders.stray import Stray
from orders.view import OrderView
from orders.view import view as view_of
from worker import World, build_worker
from workflows import calls, ids
from workflows.stray_payment import StrayPaymentWorkflow

ROOT = Path(__file__).parents[1]
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
    """Runs the command line as a user does, against a server."""

    environment: dict[str, str]
    skipper: TimeSkipper
    journal: SqlJournal
    directory: Path

    async def run(self, *arguments: str, stdin: str = "", **variables: str) -> Answer:
        running = await asyncio.create_subprocess_exec(
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
        out, err = await asyncio.wait_for(running.communicate(stdin.encode()), 60)
        answer = Answer(running.returncode or 0, out.decode(), err.decode())
        assert "Traceback" not in answer.out + answer.err
        return answer

    async def place(self, order_id: str, **changes: object) -> None:
        placed = PlaceOrder.model_validate({**SAMPLE, "order_id": order_id, **changes})
        await calls.place(self.skipper.client, placed)

    async def stray(self, payment_id: str) -> Stray:
        """The process that sends a payment back; it is started soon, if not yet."""
        handle = self.skipper.client.get_workflow_handle_for(
            StrayPaymentWorkflow.run, ids.stray_workflow_id(payment_id)
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    return await handle.query(StrayPaymentWorkflow.stray_payment)
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:
                        raise
                await asyncio.sleep(0.05)

    def file(self, name: str, content: object) -> str:
        path = self.directory / name
        path.write_text(json.dumps(content))
        return str(path)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def terminal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Terminal]:
    directory = tmp_path_factory.mktemp("starter")
    url = f"sqlite+aiosqlite:///{directory / 'unbuy.db'}"
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded_server())
        database = await Database.open(url)
        stack.push_async_callback(database.close)
        world = World.local(database, server.client)
        await stack.enter_async_context(build_worker(server.client, world.activities()))
        yield Terminal(
            environment=worker_environment(server) | {"UNBUY_DATABASE_URL": url},
            skipper=TimeSkipper(server.client, config=TimeSkippingConfig(enabled=False)),
            journal=world.journal,
            directory=directory,
        )


def payment(payment_id: str, **changes: object) -> str:
    return json.dumps({"payment_id": payment_id, "paid_at": NOW, **PAYMENT, **changes})


async def test_an_order_is_placed_once(terminal: Terminal) -> None:
    file = terminal.file("once.json", {**SAMPLE, "order_id": "once"})

    first = await terminal.run("place", file)
    again = await terminal.run("place", file)
    other = await terminal.run(
        "place",
        terminal.file("other.json", {**SAMPLE, "order_id": "once", "buyer": SAMPLE["seller"]}),
    )

    assert (first.status, again.status, other.status) == (0, 0, 2)
    assert "Order once is placed" in first.out
    assert "exists already, with the same contents" in again.out
    assert "exists already, with other contents" in other.err


@pytest.mark.parametrize("sample", ["order-eur.json", "order-pln.json"])
async def test_the_samples_can_be_placed(terminal: Terminal, sample: str) -> None:
    answer = await terminal.run("place", str(ROOT / "samples" / sample))

    assert answer.status == 0, answer.err


async def test_an_order_whose_history_is_gone_is_read_from_the_database(terminal: Terminal) -> None:
    """Every order can be read at any time, and its id is never used again."""
    placed = {**SAMPLE, "order_id": "long-ago"}
    order = Order.new(PlaceOrder.model_validate(placed), datetime(2020, 1, 1, tzinfo=UTC))
    receive(order, CancelRequest(reason=CancelReason.OTHER), datetime(2020, 1, 2, tzinfo=UTC))
    kept = Step(
        revision=order.revision, process="run-1", view=view_of(order), postings=(), notices=()
    )
    await terminal.journal.record(kept)

    shown = await terminal.run("show", "long-ago")
    again = await terminal.run("place", terminal.file("long-ago.json", placed))
    told = await terminal.run("send", "long-ago", "cancel_request", '{"reason": "other"}')

    assert shown.status == 0
    assert "the buyer canceled it before paying" in shown.out
    assert "exists already, with the same contents" in again.out
    assert told.status == 1
    assert "The order is closed: the buyer canceled it before paying." in told.err


async def test_a_message_is_taken(terminal: Terminal) -> None:
    await terminal.place("taken")

    by_argument = await terminal.run("send", "taken", "payment", payment("P-taken"))
    by_stdin = await terminal.run(
        "send", "taken", "buyer_message", "-", "--signal", stdin='{"text": "When?"}'
    )
    shown = await terminal.run("show", "taken", "--json")

    assert (by_argument.status, by_stdin.status) == (0, 0)
    assert "payment review since" in by_argument.out
    view = OrderView.model_validate_json(shown.out)
    assert view.status is Status.PAYMENT_REVIEW
    assert [message.text for message in view.messages] == ["When?"]


async def test_a_message_id_makes_a_repeat_harmless(terminal: Terminal) -> None:
    await terminal.place("repeat")
    said = ("send", "repeat", "buyer_message", '{"text": "Hi"}', "--message-id", "m-1")

    assert [(await terminal.run(*said)).status for _ in range(2)] == [0, 0]

    assert len((await calls.show(terminal.skipper.client, "repeat")).messages) == 1


async def test_a_refusal_says_why_and_from_when(terminal: Terminal) -> None:
    """R5: the cancel button shows the instant at which it becomes active."""
    await terminal.place("refused")
    await terminal.run("send", "refused", "payment", payment("P-refused"))

    answer = await terminal.run("send", "refused", "cancel_request", '{"reason": "other"}')
    shown = await terminal.run("show", "refused")

    view = await calls.show(terminal.skipper.client, "refused")
    assert view.payment
    since = view.payment.review_ends_at.replace(microsecond=0) + timedelta(seconds=1)
    sentence = f"It is possible from {since:%Y-%m-%d %H:%M:%S} UTC on."
    assert answer.status == 1
    assert "The payment is being checked" in answer.err
    assert sentence in answer.err
    assert sentence in shown.out


async def test_a_payment_that_an_order_refuses_goes_back(terminal: Terminal) -> None:
    """R17; amounts have their currency's decimals."""
    await terminal.place("too-little")
    wrong = {"amount": 100, "currency": "EUR"}

    answer = await terminal.run("send", "too-little", "payment", payment("P-1", money=wrong))

    assert answer.status == 1
    assert "Due is exactly 24.90 EUR, but 1.00 EUR came; it goes back in full." in answer.err
    await terminal.stray("P-1")


async def test_show_answers_the_questions_of_the_product(terminal: Terminal) -> None:
    await terminal.place("shown")

    shown = await terminal.run("show", "shown")

    for part in (
        "Order shown: awaiting payment since",
        "€24.90 is to be paid",
        "buyer  placed",
        "the order closes, unpaid",
        "+ cancel_request",
        "- dispute_decision: A dispute can be decided only while",
        "owed to the seller",
    ):
        assert part in shown.out


async def test_what_people_write_does_not_steer_the_terminal(terminal: Terminal) -> None:
    await terminal.place("escape")
    text = json.dumps({"text": "[bold]a\rb\u202ec :wave:"})
    control = json.dumps({"text": "a\x9b2Jb"})

    told = await terminal.run("send", "escape", "buyer_message", text)
    steering = await terminal.run("send", "escape", "buyer_message", control)
    shown = await terminal.run("show", "escape")

    assert (told.status, steering.status) == (0, 2)
    assert "must not contain control characters" in steering.err
    assert "[bold]a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c :wave:" in shown.out


async def test_watch_follows_an_order_to_its_end(terminal: Terminal) -> None:
    await terminal.place("watched")

    watching = asyncio.create_task(terminal.run("watch", "watched"))
    await asyncio.sleep(2)
    await terminal.run("send", "watched", "cancel_request", '{"reason": "other"}')

    answer = await watching
    assert answer.status == 0
    assert "cancellation requested (another reason)" in answer.out
    assert "Order watched: closed since" in answer.out


async def test_orders_are_listed_by_search_attributes(terminal: Terminal) -> None:
    await terminal.place("mine", buyer={**SAMPLE["buyer"], "id": "buyer-listed"})
    query = ("list", "--buyer", "buyer-listed", "--status", "awaiting_payment")

    rows: list[dict[str, object]] = []
    async with asyncio.timeout(20):
        while not rows:
            rows = json.loads((await terminal.run(*query, "--json")).out)
    table = await terminal.run(*query)
    none = await terminal.run("list", "--seller", "nobody")

    assert [(row["order_id"], row["status"]) for row in rows] == [("mine", "awaiting_payment")]
    assert "mine" in table.out
    assert none.out == "No such orders.\n"


async def test_overdue_orders_are_listed(terminal: Terminal) -> None:
    """R15: a refund that is late is one query away."""
    buyer = {**SAMPLE["buyer"], "id": "buyer-overdue"}
    await terminal.place("late", buyer=buyer)
    past = datetime.now(UTC) - timedelta(days=1)
    await terminal.skipper.client.start_workflow(
        "OrderWorkflow",
        id="order-stuck",
        task_queue="nobody-serves-this",
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(ids.BUYER_ID, "buyer-overdue"),
                SearchAttributePair(ids.ORDER_DEADLINE, past),
            ]
        ),
    )

    found: set[str] = set()
    async with asyncio.timeout(20):
        while not found:
            listed = await terminal.run("list", "--buyer", "buyer-overdue", "--overdue", "--json")
            found = {row["order_id"] for row in json.loads(listed.out)}

    assert found == {"stuck"}


async def test_the_outbox_is_read_in_each_ones_language(terminal: Terminal) -> None:
    """R21."""
    await terminal.place("told")
    async with asyncio.timeout(20):
        while "told" not in (answer := await terminal.run("outbox", "told")).out:
            pass

    assert (
        "Zamówienie told zostało złożone. Prosimy o zapłatę 24,90\N{NO-BREAK SPACE}€" in answer.out
    )
    assert "You have a new order, told, for €24.90." in answer.out


async def test_money_for_a_finished_order_goes_back(terminal: Terminal) -> None:
    """R17; and a payment that the provider reports once more stays where it is."""
    await terminal.place("over")
    await calls.update(terminal.skipper.client, "over", CancelRequest(reason=CancelReason.OTHER))
    await calls.order(terminal.skipper.client, "over").result()

    late = await terminal.run("send", "over", "payment", payment("P-late"))

    assert late.status == 1
    assert "Payment P-late of €24.90 goes back in full" in late.err
    assert (await terminal.stray("P-late")).payment.reason == "order_closed"


async def test_a_payment_of_a_finished_order_is_not_sent_back_again(terminal: Terminal) -> None:
    await terminal.place("shipped")
    await terminal.run("send", "shipped", "payment", payment("P-shipped"))
    handle = calls.order(terminal.skipper.client, "shipped")
    await terminal.skipper.fast_forward(handle, timedelta(days=1, seconds=2))
    number = await terminal.run("send", "shipped", "tracking_number", '{"number": "3318810025"}')
    await handle.result()

    again = await terminal.run("send", "shipped", "payment", payment("P-shipped"))
    cancel = await terminal.run("send", "shipped", "cancel_request", '{"reason": "other"}')

    assert number.status == 0, number.err
    assert (again.status, again.out) == (
        0,
        "Order shipped knows of this payment already. Nothing has changed.\n",
    )
    assert cancel.status == 1
    assert "Once it arrives you can send it back" in cancel.err


async def test_a_chargeback_of_a_finished_order_is_taken(terminal: Terminal) -> None:
    """R23, case 27: months after it has shipped; said twice, it counts once."""
    await terminal.place("long-shipped")
    await terminal.run("send", "long-shipped", "payment", payment("P-long"))
    handle = calls.order(terminal.skipper.client, "long-shipped")
    await terminal.skipper.fast_forward(handle, timedelta(days=1, seconds=2))
    await terminal.run(
        "send", "long-shipped", "tracking_number", '{"number": "1Z5R89390357567127"}'
    )
    await handle.result()
    money = {"amount": 2490, "currency": "EUR"}

    for status in ("opened", "opened", "lost"):
        news = json.dumps({"payment_id": "P-long", "money": money, "status": status})
        answer = await terminal.run("send", "long-shipped", "chargeback", news)
        assert answer.status == 0, answer.err
        late = terminal.skipper.client.get_workflow_handle(
            ids.late_chargeback_workflow_id("P-long", status)
        )
        await late.result()

    kept = await terminal.journal.order("long-shipped")
    assert kept
    assert kept.payment
    assert kept.payment.chargeback
    assert kept.payment.chargeback.status == "lost"
    assert kept.amount_charged_back.amount == 2490
    assert kept.amount_owed_to_seller.amount == 0
    assert await terminal.journal.balances("long-shipped") == {"cash": 0, "held": 0, "seller": 0}
    told = [(e.letter.to, e.letter.what) for e in await terminal.journal.outbox("long-shipped")]
    assert told[-4:] == [
        ("support", "chargeback_opened"),
        ("seller", "chargeback_opened"),
        ("support", "chargeback_lost"),
        ("seller", "chargeback_lost"),
    ]


async def test_money_for_an_unknown_order_goes_back(terminal: Terminal) -> None:
    """R17."""
    answer = await terminal.run("send", "nowhere", "payment", payment("P-nowhere"))

    assert answer.status == 1
    assert "There is no order nowhere. Payment P-nowhere of €24.90 goes back" in answer.err
    assert (await terminal.stray("P-nowhere")).payment.reason == "unknown_order"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["place", "missing.json"], "missing.json cannot be read: No such file or directory."),
        (["place", "."], "cannot be read: Is a directory."),
        (["send", "x", "payment", "{"], "payment is not valid: Invalid JSON"),
        (["send", "x", "payment", "[]"], "payment is not valid"),
        (["send", "x", "payment"], "payment takes payment_id, money, method, paid_at"),
        (["send", "x", "pay", "{}"], "There is no message named 'pay'; known are: payment,"),
        (["send", "x", "buyer_message", '{"text": "a", "to": "b"}'], "to: Extra inputs"),
        (["send", "x", "cancel_withdrawal", "--message-id", "m" * 65], "message_id"),
        (["send", "x", "cancel_withdrawal"], "There is no order x."),
        (["show", "x"], "There is no order x."),
        (["show", "[bold]x' or 1=1"], "There is no order [bold]x' or 1=1."),
        (["watch", "x"], "There is no order x."),
        (["list", "--status", "lost"], 'Invalid value "lost" for --status.'),
        (["list", "--buyer", "x' OR 'a' = 'a"], "There can be no buyer of this id"),
        (["lst"], 'Unknown command "lst".'),
        (["send", "x"], "requires an argument"),
    ],
)
def test_what_is_asked_for_wrongly_is_said_in_a_sentence(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)

    status = starter.main(arguments)

    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert (status, printed.out) == (2, "")


async def test_a_bad_order_names_its_fields(terminal: Terminal) -> None:
    file = terminal.file("bad.json", {**SAMPLE, "order_id": "a b", "gift": True})

    answer = await terminal.run("place", file)

    assert answer.status == 2
    assert "order_id: String should match pattern" in answer.err
    assert "gift: Extra inputs are not permitted" in answer.err


@pytest.mark.parametrize("command", [("list",), ("place", "{sample}")])
async def test_an_unreachable_server_is_named(terminal: Terminal, command: tuple[str, ...]) -> None:
    arguments = [part.format(sample=ROOT / "samples" / "order-eur.json") for part in command]
    address = f"127.0.0.1:{free_port()}"

    answer = await terminal.run(*arguments, TEMPORAL_ADDRESS=address)

    assert answer.status == 1
    assert f"Temporal at {address} cannot be reached" in answer.err
    assert answer.err.count("\n") == 1


async def test_a_database_that_cannot_be_read_is_named(terminal: Terminal) -> None:
    answer = await terminal.run("outbox", UNBUY_DATABASE_URL="sqlite:////dev/null/unbuy.db")

    assert answer.status == 1
    assert "UNBUY_DATABASE_URL says where it is" in answer.err


async def test_a_database_of_a_later_version_is_left_alone(
    terminal: Terminal, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'unbuy.db'}"
    database = await Database.open(url)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()

    answer = await terminal.run("outbox", UNBUY_DATABASE_URL=url)

    assert answer.status == 1
    assert "The database is at version 9999" in answer.err


async def test_without_a_worker_there_is_a_sentence(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with embedded_server() as server:
        monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
        monkeypatch.setattr(calls, "_PATIENCE", timedelta(seconds=1))
        monkeypatch.setattr(commandline, "_ANSWER_WITHIN", timedelta(seconds=1))
        monkeypatch.setenv("UNBUY_DATABASE_URL", terminal.environment["UNBUY_DATABASE_URL"])
        await calls.place(
            server.client, PlaceOrder.model_validate({**SAMPLE, "order_id": "unserved"})
        )

        for command in (starter.show("unserved"), starter.send("unserved", "cancel_withdrawal")):
            with pytest.raises(commandline.Failure, match="No worker answers") as failure:
                await command

        assert failure.value.status == 1
        assert re.search("--message-id cli-", str(failure.value))
