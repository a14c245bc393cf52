"""The command line against a real server: what it prints, how it exits, and never a traceback."""

import io
import json
import re
import shlex
import signal
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from activities.orders import OrderSnapshot, as_recorded
from client import orders
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from demo.system import has_nothing_to_do
from demo.waiting import until
from orders.handlers import receive
from orders.messages import CancelReason, CancelRequest
from orders.order import Order
from orders.payments import Payment
from orders.place_order import PlaceOrder
from orders.status import Status
from orders.view import OrderView
from orders.view import view as view_of
from tests.cli.terminal import ROOT, SAMPLE, Answer, Terminal, answer_of, first_line, payment
from tests.orders.builders import SHA
from workflows import ids


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
            await terminal.skipper.fast_forward(handle, timedelta(days=8))
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
        view=as_recorded(view_of(order)),
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
    assert "The order is closed: the buyer cancelled it before paying." in told.err


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
    assert isinstance(view.payment, Payment)
    since = view.payment.review_ends_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    sentence = f"It is possible from {since:%Y-%m-%d %H:%M} UTC on."
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
        "The amount due is exactly €24.90, but €1.00 arrived; it is returned in full." in answer.err
    )
    await terminal.stray("P-1")


async def test_support_says_who_bears_a_stray_payments_unmatched_money(
    terminal: Terminal,
) -> None:
    """R23: by the name that the ledger gives it; told once more it says that nothing is left to say."""
    await terminal.place("taken-too-much")
    wrong = {"amount": 100, "currency": "EUR"}
    await terminal.run("send", "taken-too-much", "payment", payment("P-2", money=wrong))
    await terminal.stray("P-2")
    taken = {"payment_id": "P-2", "money": {"amount": 143, "currency": "EUR"}, "status": "lost"}
    told = await terminal.run("send", "taken-too-much", "chargeback", json.dumps(taken))
    assert "stray-payment-P-2" in told.out
    shown = await terminal.run("show", "stray/P-2")
    assert "unmatched: €0.43, to be decided by support" in shown.out
    said = json.dumps({"borne_by": "marketplace", "note": "The bank's fee."})

    answer = await terminal.run("send", "stray/P-2", "unmatched_resolution", said)
    again = await terminal.run("send", "stray/P-2", "unmatched_resolution", said)

    assert answer.status == 0, answer.err
    assert "€0.43, borne by marketplace: The bank's fee." in answer.out
    assert again.status == 1
    assert "All money of this payment is accounted for." in again.err
    nothing = await terminal.run("show", "stray/no-such")
    assert (nothing.status, "There is no stray payment no-such." in nothing.err) == (2, True)
    wrong_kind = await terminal.run("send", "stray/P-2", "buyer_message", '{"text": "Hello"}')
    assert "accepts only what is said of its money" in wrong_kind.err


async def test_show_prints_status_money_history_and_what_comes_next(terminal: Terminal) -> None:
    await terminal.place("shown")

    shown = await terminal.run("show", "shown")
    whole = await terminal.run("show", "shown", "--all")

    impossible = "- dispute_decision: A dispute can be decided only while"
    assert impossible in whole.out
    assert impossible not in shown.out
    assert "more are not possible now; --all says why" in shown.out
    for part in (
        "Order shown: awaiting payment since",
        "€24.90 is to be paid",
        "buyer  placed",
        "the order closes unpaid",
        "+ cancel_request",
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

    shown = await terminal.run("show", order, "--all", *lang, **variables)
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
    """Case 94: nor in JSON, which says the same."""
    text = json.dumps({"text": "[bold]a\rb\u202ec :wave:\u2028d"})
    control = json.dumps({"text": "a\x9b2Jb"})

    told = await terminal.run("send", "escape", "buyer_message", text)
    steering = await terminal.run("send", "escape", "buyer_message", control)
    shown = await terminal.run("show", "escape")
    as_json = await terminal.run("show", "escape", "--json")

    assert (told.status, steering.status) == (0, 2)
    assert "must not contain control characters" in steering.err
    assert "[bold]a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c :wave:" in shown.out
    assert all(char.isprintable() or char == "\n" for char in shown.out + as_json.out)
    assert json.loads(as_json.out)["messages"][0]["text"] == json.loads(text)["text"]


async def test_a_terminated_order_says_so(terminal: Terminal) -> None:
    """Case 97: shown, listed, and when it is sent something."""
    await terminal.place("terminated", buyer={**SAMPLE["buyer"], "id": "buyer-terminated"})
    handle = orders.handle(terminal.skipper.client, "terminated")
    # It is recorded within its first task; one that is terminated before that ends cannot be queried.
    await until(handle.describe, has_nothing_to_do)
    await handle.terminate()
    of_buyer = ("list", "--buyer", "buyer-terminated")

    shown = await until(
        lambda: terminal.run("show", "terminated"), lambda answer: "process was" in answer.out
    )
    told = await terminal.run("send", "terminated", "cancel_request", '{"reason": "other"}')
    listed = await until(
        lambda: terminal.run(*of_buyer),
        lambda answer: "terminated" in answer.out.split("process")[-1],
    )
    as_json = json.loads((await terminal.run(*of_buyer, "--json")).out)

    assert "This order's process was terminated" in shown.out
    assert (told.status, "process was terminated" in told.err) == (1, True)
    assert "process terminated" in listed.out
    assert [(it["terminated"], it["deadline"]) for it in as_json] == [(True, None)]


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
    assert "Payment P-late of €24.90 is returned in full" in late.err
    assert (await terminal.stray("P-late")).payment.reason == "order_closed"


async def test_a_proof_that_nobody_uploaded_is_refused(terminal: Terminal) -> None:
    """Case 82: by update and by signal."""
    await terminal.place("unproved")
    await terminal.run("send", "unproved", "payment", payment("P-unproved"))
    handle = orders.handle(terminal.skipper.client, "unproved")
    await terminal.skipper.fast_forward(handle, timedelta(days=1, seconds=2))
    proof = {"kind": "photo", "reference": "order-unproved/1", "media_type": "image/jpeg"}
    said = ("send", "unproved", "shipment_proof", json.dumps(proof | {"size": 9, "sha256": SHA}))
    store = {"UNBUY_PROOF_STORE": str(terminal.directory / "proofs")}

    for how in ((), ("--signal",)):
        answer = await terminal.run(*said, *how, **store)

        assert answer.status == 1
        assert answer.err.startswith("shipment_proof is refused. The proof store has no such file")
    view = await orders.show(terminal.skipper.client, "unproved")
    assert (view.shipment and view.shipment.proofs, view.refused) == ([], [])


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

    await handle.result()
    kept = await SqlOrders(terminal.database).find("long-shipped")
    assert kept
    assert [it.status for it in kept.chargebacks] == ["lost"]
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
    assert "There is no order nowhere. Payment P-nowhere of €24.90 is returned" in answer.err
    assert (await terminal.stray("P-nowhere")).payment.reason == "unknown_order"


class Typing(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("lang", "answer", "is_sent"),
    [("en", "yes", True), ("en", "", False), ("pl", "tak", True), ("pl", "nie", False)],
)
async def test_whoever_types_a_number_is_told_what_is_wrong_with_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, lang: str, answer: str, is_sent: bool
) -> None:
    """R11: and may correct it before it is sent."""
    order = f"typed-{lang}-{is_sent}"
    await terminal.place(order)
    monkeypatch.setattr("sys.stdin", Typing(f"{answer}\n"))

    told = await terminal.run(
        "send", order, "tracking_number", '{"number": "RR123456784PL"}', UNBUY_LANG=lang
    )

    asked, nothing = {
        "en": ("its check digit is wrong", "Nothing is sent."),
        "pl": ("cyfra kontrolna si\u0119 nie zgadza", "Nic nie zosta\u0142o wys\u0142ane."),
    }[lang]
    assert asked in told.err
    assert told.status == 1
    # Sent, it is the order that refuses it: it is not paid.
    assert (nothing in told.err) is not is_sent


async def test_a_programs_number_is_sent_as_it_is(terminal: Terminal) -> None:
    """R11, R12."""
    await terminal.place("programs")

    told = await terminal.spawn(
        "send", "programs", "tracking_number", '{"number": "RR123456784PL"}'
    )

    assert "its check digit is wrong" in told.err
    assert "tracking_number is refused" in told.err
