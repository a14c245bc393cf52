"""Whatever is refused is refused in the reader's language."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from gateway.problems import Problem
from i18n.catalogues import translator
from i18n.extraction import read
from i18n.sentences import SPEAKERS, known_sentence, refusal
from orders.errors import InvalidInput, NotAllowedNow
from orders.handlers import receive, sent_back_before
from orders.late_chargebacks import charged_back
from orders.messages import MESSAGES, ChargebackReported, PaymentReceived, parse
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.refusals import MOST
from orders.reorder import reorder
from orders.status import CloseReason, Status
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.values import Money
from orders.view import view
from tests.orders.builders import (
    DUE,
    START,
    Story,
    chargeback,
    eur,
    message,
    payment,
    photo,
    place,
)
from tests.orders.test_properties import OrderSnapshot, Run, beginnings, few, policies, steps
from tests.orders.test_table import ARRIVALS, FIELDS

ROOT = Path(__file__).parents[2]


def plain(text: str | None) -> str:
    assert text is not None
    return text.replace("\N{NO-BREAK SPACE}", " ")


def said_in_polish(sentence: str) -> bool:
    polish = known_sentence(sentence, "pl")
    return polish is not None and polish != sentence and "{" not in polish


def _whys(story: Story) -> Iterator[str]:
    for name in MESSAGES:
        try:
            receive(story.order.model_copy(deep=True), message(name, **FIELDS[name]), story.now)
        except NotAllowedNow as refused:
            yield refused.reason
    for actions in view(story.order).actions.values():
        yield from (action.reason for action in actions if action.reason)


@pytest.mark.parametrize("status", Status)
def test_what_a_status_refuses_is_said_in_polish(status: Status) -> None:
    """R19: every row of the transition table, and the reason of every action of the view."""
    whys = set(_whys(ARRIVALS[status]()))

    assert whys
    assert [why for why in whys if not said_in_polish(why)] == []


@pytest.mark.parametrize("reason", CloseReason)
def test_every_way_to_close_is_named_in_the_refusal(reason: CloseReason) -> None:
    story = Story().accepted()
    story.order.close_reason = reason

    assert [why for why in set(_whys(story)) if not said_in_polish(why)] == []


def _by_content() -> Iterator[NotAllowedNow]:
    """Refusals by what a message says, or by how often it came."""
    yield Story().refused("payment", **payment(money=eur(DUE - 1)))
    for discount in (eur(DUE), Money.model_validate({"amount": 1, "currency": "PLN"})):
        said = {"topic": "discount", "text": "All of it", "discount": discount}
        yield Story().refused("seller_message", **said)
    bonus = {"topic": "bonus", "text": "Gift", "bonus": "A cap"}
    yield Story().paid().refused("seller_message", **bonus)
    offered = Story()
    offered.send("seller_message", **bonus)
    yield offered.refused("offer_acceptance", offer_id="offer-2")
    disputed = Story().disputed()
    yield disputed.refused("settlement_offer", money=eur(DUE + 1))
    partial = {"decision": "partial_refund", "money": eur(DUE)}
    yield disputed.refused("dispute_decision", **partial)
    yield Story().claim().refused("seller_reply", decision="refuse")
    yield Story().cancel(complaint=True).refused("dispute_request")
    yield Story(shipment_window=None).paid().refused("shipment_extension", days=5)
    unknown = {"refund_id": "A-1001-refund-7", "status": "succeeded"}
    yield Story().accepted().refused("refund_update", **unknown)
    yield Story().paid().refused("chargeback", **chargeback("opened", DUE + 1))
    yield Story().paid().refused("chargeback", **chargeback("opened", payment_id="pay-9"))
    for end in ("won", "lost"):
        story = Story().accepted()
        story.chargeback(end)
        yield story.refused("chargeback", **chargeback("won" if end == "lost" else "lost"))
    paid = Story()
    paid.pay()
    yield paid.refused("payment", **payment(money=eur(DUE - 1)))
    declined = Story()
    declined.pay()
    declined.send("payment_declined", payment_id="pay-1", reason="stolen card")
    yield declined.refused("chargeback", **chargeback("opened"))
    shipped = Story().disputed()
    shipped.verdict(shipped.tracked(), valid=True)
    yield shipped.refused("cancel_withdrawal")
    shipped = Story().claim(complaint=True)
    shipped.order.counters = dict(MOST)
    for name in sorted(MOST):
        if name in ("tracking_number", "shipment_proof", "seller_message", "buyer_message"):
            yield shipped.refused(name, **FIELDS[name])
    stray = Story().paid()
    stray.stray(payment_id="pay-2")
    again = message("payment", **payment(payment_id="pay-2"))
    assert isinstance(again, PaymentReceived)
    refused = sent_back_before(stray.order, again)
    assert refused
    yield refused
    late = message("chargeback", **chargeback("opened", payment_id="pay-9"))
    assert isinstance(late, ChargebackReported)
    with pytest.raises(NotAllowedNow) as caught:
        charged_back(Story().shipped().view, late, Story().now)
    yield caught.value
    with pytest.raises(NotAllowedNow) as caught:
        reorder(Story().paid().view, "A-2", {}, eur(0), Policy())
    yield caught.value
    yield from _of_stray_money()


def _of_stray_money() -> Iterator[NotAllowedNow]:
    found = StrayPaymentInput(
        payment_id="pay-9", money=eur(500), method="blik", reason="unknown_order"
    )
    stray = StrayPaymentState.new(found, START)
    for status, amount in (("opened", 501), ("won", 500), ("lost", 500)):
        news = ChargebackReported.model_validate(chargeback(status, amount, "pay-9"))
        if refused := stray.chargeback_problem(news):
            yield refused
        else:
            stray.charged_back(news, START)


def test_what_is_refused_by_its_content_is_said_in_polish() -> None:
    """R5, R15, R16, R17, R23."""
    refused = list(_by_content())

    assert len(refused) > 20
    assert [it.reason for it in refused if not said_in_polish(it.reason)] == []


@settings(few, max_examples=40)
@given(policies, beginnings, steps)
def test_whatever_happens_is_refused_in_polish(
    policy: Policy, beginning: str, todo: list[OrderSnapshot]
) -> None:
    """R21: after any life of an order, what was refused and what its view says cannot be done."""
    run = Run(policy, beginning)
    for step in todo:
        run.step(*step)

    listed = {refused.reason for refused in run.order.refused}
    for actions in view(run.order).actions.values():
        listed |= {action.reason for action in actions if action.reason}
    assert [why for why in listed if not said_in_polish(why)] == []


@pytest.mark.parametrize(
    ("english", "polish"),
    [
        (
            "Due is exactly 1234.50 PLN, but 24.90 EUR came; it goes back in full.",
            "Do zapłaty jest dokładnie 1 234,50 zł, a wpłynęło 24,90 €; wpłata zostanie zwrócona w "
            "całości.",
        ),
        (
            "At most what was paid can go back: 1.250 KWD.",
            "Zwrócić można najwyżej wpłaconą kwotę: 1,250 KWD.",
        ),
        (
            "At most what was paid can go back: 5000 JPY.",
            "Zwrócić można najwyżej wpłaconą kwotę: 5 000 JPY.",
        ),
        (
            "The order is closed: it was not paid in time.",
            "Zamówienie jest zamknięte: nie zostało opłacone w terminie.",
        ),
        (
            "A cancellation request can be withdrawn only while a cancellation request awaits the "
            "seller's answer; now the order awaits payment.",
            "Prośbę o anulowanie można wycofać tylko wtedy, gdy prośba o anulowanie czeka na odpowiedź "
            "sprzedawcy; obecnie zamówienie oczekuje na płatność.",
        ),
        (
            "The time to ship can be extended only while the order awaits shipment or the order is "
            "closed; now the payment is being checked.",
            "Czas na wysyłkę można wydłużyć tylko wtedy, gdy zamówienie oczekuje na wysyłkę lub "
            "zamówienie jest zamknięte; obecnie płatność jest sprawdzana.",
        ),
        (
            "cancel_request is not valid: reason: Field required; note: String should have at most 22 "
            "characters; (unreadable name): Extra inputs are not permitted; and 2 more.",
            "cancel_request zawiera błędy: reason: pole jest wymagane; note: dozwolone są najwyżej 22 "
            "znaki; (nieczytelna nazwa): nieznane pole; liczba dalszych błędów: 2.",
        ),
        (
            "The upload is too large: it has more than 8 fields.",
            "Przesłano zbyt dużo danych: liczba pól przekracza 8.",
        ),
        (
            "The order is over. The money goes back in full, by a process of its own (stray-payment-7).",
            "Zamówienie jest zakończone. Pieniądze zostaną zwrócone w całości w osobnym procesie "
            "(stray-payment-7).",
        ),
        (
            "buyer_message is not valid: text: String should have at least 1 character.",
            "buyer_message zawiera błędy: text: wymagany jest co najmniej 1 znak.",
        ),
        (
            "seller_reply is not valid: decision: Input should be 'accept', 'refuse' or "
            "'already_shipped'.",
            "seller_reply zawiera błędy: decision: dozwolone wartości to 'accept', 'refuse' lub "
            "'already_shipped'.",
        ),
    ],
)
def test_a_refusal_is_said_anew_with_money_and_alternatives_as_polish_writes_them(
    english: str, polish: str
) -> None:
    assert plain(refusal(english, "pl")) == polish


def test_in_english_a_refusal_is_as_the_rule_says_it() -> None:
    why = "Due is exactly 1234.50 PLN, but 24.90 EUR came; it goes back in full."

    assert known_sentence(why, "en") == why


@pytest.mark.parametrize(
    "text",
    [
        "I want my money back!",
        "",
        "The order is closed",
        "{action} only while {statuses}; now {status}",
        "Due is exactly {due}",
        "x" * 100_000,
    ],
)
def test_what_no_rule_says_is_left_as_it_is(text: str) -> None:
    assert known_sentence(text, "pl") is None
    assert refusal(text, "pl") == text


def test_what_looks_like_money_and_is_none_is_left_as_it_is() -> None:
    for paid in ("1.5 EUR", "5.00 JPY", "1.00 ZZZ", f"{10**30}.00 EUR"):
        said = refusal(f"At most what was paid can go back: {paid}.", "pl")

        assert said == f"Zwrócić można najwyżej wpłaconą kwotę: {paid}."


_PARTS = re.compile(r"\{(\w+)\}")


def _templates() -> list[str]:
    return [
        str(message.id)
        for message in read("en")
        if isinstance(message.id, str)
        and message.id
        and any(path.startswith(SPEAKERS) for path, _ in message.locations)
    ]


def test_every_template_is_found_again_and_none_hides_another() -> None:
    for template in _templates():
        parts = {name: f"<{name}>" for name in _PARTS.findall(template)}
        wanted = translator("pl").gettext(template).format(**parts)

        assert known_sentence(template.format(**parts), "pl") == wanted, template


def _reasons() -> Iterator[tuple[str, ast.expr]]:
    """What errors and refusals are made of."""
    made = {"InvalidInput", "NotAllowedNow", "Refusal", "ValueError"}
    for room in ("orders", "workflows"):
        for file in (ROOT / room).glob("*.py"):
            if file.name == "accounting.py":  # guards the ledger against us, not against people
                continue
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                where = f"{file.name}:{getattr(node, 'lineno', 0)}"
                match node:
                    case ast.Call(func=ast.Name(id=name), args=[*_, reason]) if name in made:
                        yield where, reason
                    case _:
                        pass


def test_nobody_finds_a_difference_but_by_a_sentence() -> None:
    """Reconciliation tells operators in their language as well."""
    said = [
        (f"{name}:{node.lineno}", it.value)
        for name in ("ledger_check.py", "reconciliation.py")
        for node in ast.walk(ast.parse((ROOT / "activities" / name).read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Finding", "_finding")
        for it in (*node.keywords, *(ast.keyword("found", arg) for arg in node.args[2:]))
        if it.arg in ("expected", "found")
    ]

    assert len(said) > 20
    for where, text in said:
        assert not isinstance(text, ast.Constant | ast.JoinedStr | ast.BinOp), where


def test_nobody_refuses_but_by_a_sentence() -> None:
    """One that is put together otherwise would stay English."""
    reasons = list(_reasons())

    assert len(reasons) > 30
    for where, reason in reasons:
        match reason:
            case ast.Call(func=ast.Name(id="sentence")) | ast.Name() | ast.Attribute(attr="reason"):
                pass
            case ast.IfExp(body=ast.Call(), orelse=ast.Call()):
                pass
            case _:
                raise AssertionError(f"{where}: {ast.unparse(reason)}")


def _problems_made() -> Iterator[tuple[str, ast.expr]]:
    """What the gateway's problems are made of."""
    kinds = {it.__name__ for it in _with_heirs(Problem)}
    for file in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[detail, *_]) if name in kinds:
                    yield f"{file.name}:{node.lineno}", detail
                case _:
                    pass


def _with_heirs(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for heir in kind.__subclasses__():
        yield from _with_heirs(heir)


def test_nobody_makes_a_problem_but_of_a_sentence() -> None:
    """A page in Polish would say it in English."""
    problems = list(_problems_made())

    assert len(problems) > 30
    for where, detail in problems:
        match detail:
            case ast.Call(func=ast.Name(id="sentence" | "str")) | ast.Name():
                pass  # text of an error is a sentence of its own
            case ast.Attribute(attr="message"):
                pass  # the order's own
            case _:
                raise AssertionError(f"{where}: {ast.unparse(detail)}")


_BAD: tuple[Any, ...] = (
    *(None, 1, -1, 1.5, "", "x" * 2000, "\x00", True, [], {}, "soon", "2026-03-01T12:00:00"),
    *(10**30, "1", "PT0S", "P1M", "P99999D", ["x"] * 11, "0001-01-01T00:00:00+14:00"),
    *(
        {"amount": amount, "currency": currency}
        for amount, currency in product((-1, 0, 1.5, "1", 10**30), ("EUR", "xx"))
    ),
    {"id": "", "name": "x", "locale": "de", "unknown": 1},
    [{"sku": "x", "title": "t", "quantity": 0, "unit_price": {"amount": 1, "currency": "EUR"}}],
)


def _complaints() -> Iterator[str]:
    for name, model in MESSAGES.items():
        for field, value in product(model.model_fields, _BAD):
            try:
                parse(name, [json.dumps({**_sound(name), field: value}).encode()])
            except InvalidInput as error:
                yield str(error)
        for text in (b"{", b"[]", b"1", b"nul", b'{"a":1,}', b'{"reason":1,"reason":2}'):
            try:
                parse(name, [text])
            except InvalidInput as error:
                yield str(error)
    placed = place().model_dump(mode="json")
    policies = [{**placed, "policy": {field: it}} for field in Policy.model_fields for it in _BAD]
    fields = [{**placed, field: it} for field in placed for it in _BAD]
    for body in (*policies, *fields, {**placed, "policy": {"dispute_reminder": "PT1S"}}):
        try:
            PlaceOrder.model_validate_json(json.dumps(body))
        except ValidationError as error:
            yield str(InvalidInput.of("PlaceOrder", error))
    yield from (_refused("no_such_message"), _refused("payment", b"{}", b"{}"))


def _sound(name: str) -> dict[str, Any]:
    fields = photo() if name == "shipment_proof" else FIELDS[name]
    return dict(json.loads(message(name, **fields).model_dump_json(exclude_unset=True)))


def _refused(name: str, *bodies: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse(name, list(bodies))
    return str(caught.value)


def _problems(complaint: str) -> list[str]:
    """What is wrong, without the fields' names."""
    listed = re.sub(r"; and \d+ more\.$|\.$", "", complaint.partition(" is not valid: ")[2])
    named = [re.sub(r"^([\w.]+|\(unreadable name\)): ", "", it) for it in listed.split("; ")]
    return [problem for problem in named if problem]


def test_what_is_wrong_with_bad_input_is_said_in_polish() -> None:
    """Cases 17 and 51: pydantic's words as well as ours."""
    setting_errors = set(_complaints())
    problems = {problem for complaint in setting_errors for problem in _problems(complaint)}

    assert len(problems) > 30
    assert [it for it in setting_errors if known_sentence(it, "pl") in (None, it)] == []
    assert [it for it in problems if known_sentence(it, "pl") in (None, it)] == []
