"""The command line against a real server: what it prints, how it exits, and never a traceback."""

import asyncio
import io
import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.orders import OrderSnapshot
from cli import messages
from cli import orders as order_commands
from cli.app import run_command
from cli.failure import Failure
from client import orders, stray_payments, workflows
from database.connection import Database
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from demo.waiting import until
from deploy.embedded import embedded_server, free_port
from deploy.local import environment_of
from orders.handlers import receive
from orders.messages import CancelReason, CancelRequest
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.view import OrderView
from orders.view import view as view_of
from runtime.wiring import Adapters
from runtime.worker import build_worker
from workflows import ids

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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def terminal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Terminal]:
    directory = tmp_path_factory.mktemp("starter")
    url = f"sqlite+aiosqlite:///{directory / 'unbuy.db'}"
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded_server())
        database = await Database.open(url)
        stack.push_async_callback(database.close)
        world = Adapters.local(database, server.client)
        await stack.enter_async_context(build_worker(server.client, world.activities()))
        yield Terminal(
            environment=environment_of(server) | {"UNBUY_DATABASE_URL": url},
            skipper=TimeSkipper(server.client, config=TimeSkippingConfig(enabled=False)),
            database=database,
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


@pytest.mark.parametrize("sample", ["order-eur.json", "order-pln.json", "order-quick.json"])
async def test_the_samples_can_be_placed(terminal: Terminal, sample: str) -> None:
    answer = await terminal.run("place", str(ROOT / "samples" / sample))

    assert answer.status == 0, answer.err


async def test_the_tour_of_the_readme_is_a_whole_life(terminal: Terminal) -> None:
    """From placed to the last cent, by the lines of the README and under an id of its own."""
    tour = (ROOT / "README.md").read_text().split("unbuy place", 1)[1].split("```", 1)[0]
    sample = json.loads((ROOT / "samples" / "order-quick.json").read_text())
    file = terminal.file("toured.json", {**sample, "order_id": "toured"})
    tour = tour.replace("samples/order-quick.json", file).replace("A-1003", "toured")
    lines = [shlex.split(line, comments=True) for line in re.split(r"^unbuy ", tour, flags=re.M)]
    handle = orders.handle(terminal.skipper.client, "toured")

    said: list[Answer] = []
    for arguments in [["place", *lines[0]], *lines[1:]]:
        if arguments[0] == "watch":
            await handle.result()
        said.append(await terminal.run(*arguments))
        if arguments[0] == "show":
            await terminal.skipper.fast_forward(handle, timedelta(seconds=11))

    assert [it.status for it in said if it.err] == [1]
    assert "The payment is being checked" in "".join(it.err for it in said)
    assert "refund succeeded" in "".join(it.out for it in said)
    view = await orders.show(terminal.skipper.client, "toured")
    assert view.amount_refunded == view.amount_paid


async def test_an_order_whose_history_was_deleted_is_read_from_the_database(
    terminal: Terminal,
) -> None:
    """Every order can be read at any time, and its id is never used again."""
    placed = {**SAMPLE, "order_id": "long-ago"}
    order = Order.new(PlaceOrder.model_validate(placed), datetime(2020, 1, 1, tzinfo=UTC))
    receive(order, CancelRequest(reason=CancelReason.OTHER), datetime(2020, 1, 2, tzinfo=UTC))
    kept = OrderSnapshot(
        revision=order.revision,
        first_run_id="run-1",
        view=view_of(order),
        postings=(),
        notifications=(),
    )
    await SqlOrders(terminal.database).record(kept)

    shown = await terminal.run("show", "long-ago")
    again = await terminal.run("place", terminal.file("long-ago.json", placed))
    told = await terminal.run("send", "long-ago", "cancel_request", '{"reason": "other"}')

    assert shown.status == 0
    assert "the buyer cancelled it before paying" in shown.out
    assert "exists already, with the same contents" in again.out
    assert told.status == 1
    assert "The order is closed: the buyer canceled it before paying." in told.err


async def test_a_message_is_accepted(terminal: Terminal) -> None:
    await terminal.place("taken")

    by_argument = await terminal.run("send", "taken", "payment", payment("P-taken"))
    by_stdin = await terminal.spawn(
        "send", "taken", "buyer_message", "-", "--signal", stdin='{"text": "When?"}'
    )
    shown = await terminal.run("show", "taken", "--json")

    assert (by_argument.status, by_stdin.status) == (0, 0)
    assert "payment review since" in by_argument.out
    view = OrderView.model_validate_json(shown.out)
    assert view.status is Status.PAYMENT_REVIEW
    assert [message.text for message in view.messages] == ["When?"]


async def test_a_repeated_message_id_has_no_effect(terminal: Terminal) -> None:
    await terminal.place("repeat")
    said = ("send", "repeat", "buyer_message", '{"text": "Hi"}', "--message-id", "m-1")

    assert [(await terminal.run(*said)).status for _ in range(2)] == [0, 0]

    assert len((await orders.show(terminal.skipper.client, "repeat")).messages) == 1


async def test_a_refusal_gives_its_reason_and_instant(terminal: Terminal) -> None:
    """R5: the cancel button shows the instant at which it becomes active."""
    await terminal.place("refused")
    await terminal.run("send", "refused", "payment", payment("P-refused"))

    answer = await terminal.run("send", "refused", "cancel_request", '{"reason": "other"}')
    shown = await terminal.run("show", "refused")

    view = await orders.show(terminal.skipper.client, "refused")
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
    assert (
        "The amount due is exactly 24.90 EUR, but 1.00 EUR arrived; it is returned in full."
        in answer.err
    )
    await terminal.stray("P-1")


async def test_show_prints_status_money_history_and_what_comes_next(terminal: Terminal) -> None:
    await terminal.place("shown")

    shown = await terminal.run("show", "shown")

    for part in (
        "Order shown: awaiting payment since",
        "€24.90 is to be paid",
        "buyer  placed",
        "the order closes unpaid",
        "+ cancel_request",
        "- dispute_decision: A dispute can be decided only while",
        "owed to the seller",
    ):
        assert part in shown.out


@pytest.mark.parametrize(
    ("lang", "variables"),
    [
        (["--lang", "pl"], {}),
        (["--lang=pl"], {}),
        ([], {"UNBUY_LANG": "", "LC_ALL": "", "LC_MESSAGES": "", "LANG": "pl_PL.UTF-8"}),
    ],
)
async def test_output_is_in_the_terminals_language(
    terminal: Terminal, lang: list[str], variables: dict[str, str]
) -> None:
    """R21: Polish by the option or the environment; what commands take keeps its name."""
    order = f"polski-{len(lang)}"
    await terminal.place(order)

    shown = await terminal.run("show", order, *lang, **variables)
    refused = await terminal.run("send", order, "cancel_withdrawal", *lang, **variables)
    listed = await terminal.run("list", *lang, **variables)
    unknown = await terminal.run("show", "nobodys", *lang, **variables)

    for part in (
        f"Zamówienie {order}: oczekuje na płatność od",
        "do zapłaty jest 24,90\N{NO-BREAK SPACE}€",
        "kupujący  zamówienie złożone",
        "nieopłacone zamówienie zostanie zamknięte",
        "+ cancel_request (anuluj zamówienie)",
        "- dispute_decision (rozstrzygnij spór): Spór można rozstrzygnąć tylko wtedy, gdy",
    ):
        assert part in shown.out
    assert refused.status == 1
    assert refused.err.startswith("cancel_withdrawal: odmowa. Prośbę o anulowanie można wycofać")
    assert "awaiting_payment (oczekuje na płatność)" in listed.out
    assert unknown.err.startswith("Nie ma zamówienia nobodys.")


async def test_user_text_cannot_control_the_terminal(terminal: Terminal) -> None:
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

    watching = await terminal.begin("watch", "watched")
    assert "buyer  placed" in await first_line(watching)
    await terminal.run("send", "watched", "cancel_request", '{"reason": "other"}')

    answer = await answer_of(watching)
    assert answer.status == 0
    assert "cancellation requested (another reason)" in answer.out
    assert "Order watched: closed since" in answer.out


async def test_watch_ends_quietly_on_ctrl_c(terminal: Terminal) -> None:
    await terminal.place("left-alone")

    watching = await terminal.begin("watch", "left-alone")
    await first_line(watching)
    watching.send_signal(signal.SIGINT)

    answer = await answer_of(watching)
    assert (answer.status, answer.err) == (130, "")


async def test_a_refusal_exits_with_a_failure_status(terminal: Terminal) -> None:
    """What the other tests see in this process is what a shell sees."""
    await terminal.place("by-hand")

    refused = await terminal.spawn("send", "by-hand", "cancel_withdrawal")
    wrong = await terminal.spawn("send", "by-hand")

    assert (refused.status, wrong.status) == (1, 2)


async def test_orders_are_listed_by_search_attributes(terminal: Terminal) -> None:
    await terminal.place("mine", buyer={**SAMPLE["buyer"], "id": "buyer-listed"})
    query = ("list", "--buyer", "buyer-listed", "--status", "awaiting_payment")

    rows = json.loads(
        (await until(lambda: terminal.run(*query, "--json"), lambda it: json.loads(it.out))).out
    )
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

    overdue = ("list", "--buyer", "buyer-overdue", "--overdue", "--json")
    listed = await until(lambda: terminal.run(*overdue), lambda it: json.loads(it.out))

    assert {row["order_id"] for row in json.loads(listed.out)} == {"stuck"}


async def test_the_outbox_is_shown_in_each_recipients_language(terminal: Terminal) -> None:
    """R21."""
    await terminal.place("told")
    answer = await until(lambda: terminal.run("outbox", "told"), lambda it: "Nobody" not in it.out)

    assert (
        "Zamówienie told zostało złożone. Prosimy o zapłatę 24,90\N{NO-BREAK SPACE}€" in answer.out
    )
    assert "You have a new order, told, for €24.90." in answer.out


async def test_a_payment_for_a_finished_order_is_refunded(terminal: Terminal) -> None:
    """R17; and a payment that the provider reports once more stays where it is."""
    await terminal.place("over")
    await orders.update(terminal.skipper.client, "over", CancelRequest(reason=CancelReason.OTHER))
    await orders.handle(terminal.skipper.client, "over").result()

    late = await terminal.run("send", "over", "payment", payment("P-late"))

    assert late.status == 1
    assert "Payment P-late of €24.90 goes back in full" in late.err
    assert (await terminal.stray("P-late")).payment.reason == "order_closed"


async def test_the_payment_of_a_finished_order_is_not_refunded_again(terminal: Terminal) -> None:
    await terminal.place("shipped")
    await terminal.run("send", "shipped", "payment", payment("P-shipped"))
    handle = orders.handle(terminal.skipper.client, "shipped")
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
    assert "Once it arrives you can return it" in cancel.err


async def test_a_chargeback_of_a_finished_order_is_accepted(terminal: Terminal) -> None:
    """R23, case 27: months after it has shipped; said twice, it counts once."""
    await terminal.place("long-shipped")
    await terminal.run("send", "long-shipped", "payment", payment("P-long"))
    handle = orders.handle(terminal.skipper.client, "long-shipped")
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

    kept = await SqlOrders(terminal.database).find("long-shipped")
    assert kept
    assert kept.payment
    assert kept.payment.chargeback
    assert kept.payment.chargeback.status == "lost"
    assert kept.amount_charged_back.amount == 2490
    assert kept.amount_owed_to_seller.amount == 0
    assert await SqlLedger(terminal.database).balances("long-shipped") == {
        "cash": 0,
        "held": 0,
        "seller": 0,
    }
    told = [
        (e.message.to, e.message.what)
        for e in await SqlOutbox(terminal.database).entries("long-shipped")
    ]
    assert told[-4:] == [
        ("support", "chargeback_opened"),
        ("seller", "chargeback_opened"),
        ("support", "chargeback_lost"),
        ("seller", "chargeback_lost"),
    ]


async def test_a_payment_for_an_unknown_order_is_refunded(terminal: Terminal) -> None:
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
        (["send", "x"], "NAME is missing. For help: python starter.py send --help"),
        (["show", "x", "y", "z"], "That is too much: y z."),
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
        "oracle://db.example/unbuy",
        "unbuy.db",
    ],
)
async def test_an_unreadable_database_is_named_in_the_error(terminal: Terminal, url: str) -> None:
    began = time.monotonic()

    answer = await terminal.run("outbox", UNBUY_DATABASE_URL=url)

    assert answer.status == 1
    assert "The database cannot be read (" in answer.err
    assert "UNBUY_DATABASE_URL says where it is" in answer.err
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
            revision=1, first_run_id="run-1", view=view_of(order), postings=(), notifications=()
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


async def test_the_outbox_of_an_unknown_order_is_empty(terminal: Terminal) -> None:
    answer = await terminal.run("outbox", "NOPE")

    assert answer.out == "Nobody has been told anything about order NOPE.\n"


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
