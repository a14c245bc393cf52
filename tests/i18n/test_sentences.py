"""Whatever is refused is refused in the reader's language."""

import ast
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import BaseModel, ValidationError

from gateway.problems import Problem
from i18n.sentences import localize
from orders.errors import InvalidInput, NotAllowedNow
from orders.handlers import receive, sent_back_before
from orders.late_chargebacks import charged_back
from orders.messages import MESSAGES, ChargebackReported, PaymentReceived, parse
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.pydantic_messages import problem_sentence
from orders.refusals import MOST
from orders.reorder import reorder
from orders.sentence_fields import Text, WithSentences
from orders.sentences import OneOf, Sentence, Series, placeholders, plural_sentence, sentence
from orders.status import CloseReason, Status
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.values import Balance, Money
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


class Crossed(WithSentences):
    """A text that goes through JSON, as from an order to whoever reads it."""

    text: Text


def crossed(text: str) -> str:
    return Crossed.model_validate_json(Crossed(text=text).model_dump_json()).text


def said_in_polish(text: str | None) -> bool:
    """Also after it was JSON, and with every sentence in it."""
    if not isinstance(text, Sentence):
        return False
    polish = localize(crossed(text), "pl")
    assert polish == localize(text, "pl")
    left = placeholders([polish])
    return polish != text and not left and all(map(said_in_polish, _inside(text)))


def _inside(text: Sentence) -> Iterator[Sentence]:
    for argument in text.arguments.values():
        parts = argument if isinstance(argument, tuple) else (argument,)
        yield from (part for part in parts if isinstance(part, Sentence))


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
    story = Story().until_accepted()
    story.order.close_reason = reason

    assert [why for why in set(_whys(story)) if not said_in_polish(why)] == []


def _by_content() -> Iterator[NotAllowedNow]:
    """Refusals by what a message says, or by how often it came."""
    yield Story().must_refuse("payment", **payment(money=eur(DUE - 1)))
    for discount in (eur(DUE), Money.model_validate({"amount": 1, "currency": "PLN"})):
        said = {"topic": "discount", "text": "All of it", "discount": discount}
        yield Story().must_refuse("seller_message", **said)
    bonus = {"topic": "bonus", "text": "Gift", "bonus": "A cap"}
    yield Story().until_awaiting_shipment().must_refuse("seller_message", **bonus)
    offered = Story()
    offered.send("seller_message", **bonus)
    yield offered.must_refuse("offer_acceptance", offer_id="offer-2")
    disputed = Story().until_disputed()
    yield disputed.must_refuse("settlement_offer", money=eur(DUE + 1))
    partial = {"decision": "partial_refund", "money": eur(DUE)}
    yield disputed.must_refuse("dispute_decision", **partial)
    yield Story().until_claimed_shipped().must_refuse("seller_reply", decision="refuse")
    yield Story().until_cancellation_requested(complaint=True).must_refuse("dispute_request")
    yield (
        Story(shipment_window=None)
        .until_awaiting_shipment()
        .must_refuse("shipment_extension", days=5)
    )
    unknown = {"refund_id": "A-1001-refund-7", "status": "succeeded"}
    yield Story().until_accepted().must_refuse("refund_update", **unknown)
    yield (
        Story().until_awaiting_shipment().must_refuse("chargeback", **chargeback("opened", DUE + 1))
    )
    yield (
        Story()
        .until_awaiting_shipment()
        .must_refuse("chargeback", **chargeback("opened", payment_id="pay-9"))
    )
    for end in ("won", "lost"):
        story = Story().until_accepted()
        story.send_chargeback(end)
        yield story.must_refuse("chargeback", **chargeback("won" if end == "lost" else "lost"))
    paid = Story()
    paid.pay()
    yield paid.must_refuse("payment", **payment(money=eur(DUE - 1)))
    declined = Story()
    declined.pay()
    declined.send("payment_declined", payment_id="pay-1", reason="stolen card")
    yield declined.must_refuse("chargeback", **chargeback("opened"))
    shipped = Story().until_disputed()
    shipped.verdict(shipped.send_tracking_number(), valid=True)
    yield shipped.must_refuse("cancel_withdrawal")
    shipped = Story().until_claimed_shipped(complaint=True)
    shipped.order.counters = dict(MOST)
    for name in sorted(MOST):
        if name in ("tracking_number", "shipment_proof", "seller_message", "buyer_message"):
            yield shipped.must_refuse(name, **FIELDS[name])
    stray = Story().until_awaiting_shipment()
    stray.send_stray_payment(payment_id="pay-2")
    again = message("payment", **payment(payment_id="pay-2"))
    assert isinstance(again, PaymentReceived)
    refused = sent_back_before(stray.order, again)
    assert refused
    yield refused
    late = message("chargeback", **chargeback("opened", payment_id="pay-9"))
    assert isinstance(late, ChargebackReported)
    with pytest.raises(NotAllowedNow) as caught:
        charged_back(Story().until_shipped().view, late, Story().now)
    yield caught.value
    with pytest.raises(NotAllowedNow) as caught:
        reorder(Story().until_awaiting_shipment().view, "A-2", {}, eur(0), Policy())
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


PAID = "At most what was paid can go back: {paid}."


def money(amount: int, currency: str) -> Balance:
    return Balance.booked(amount, currency)


@pytest.mark.parametrize(
    ("said", "polish"),
    [
        (
            sentence(
                "Due is exactly {due}, but {came} came; it goes back in full.",
                due=money(123450, "PLN"),
                came=money(2490, "EUR"),
            ),
            "Do zapłaty jest dokładnie 1 234,50 zł, a wpłynęło 24,90 €; wpłata zostanie zwrócona w "
            "całości.",
        ),
        (
            sentence(PAID, paid=money(1250, "KWD")),
            "Zwrócić można najwyżej wpłaconą kwotę: 1,250 KWD.",
        ),
        (
            sentence(PAID, paid=money(5000, "JPY")),
            "Zwrócić można najwyżej wpłaconą kwotę: 5 000 JPY.",
        ),
        (
            sentence("The order is closed: {why}.", why=sentence("it was not paid in time")),
            "Zamówienie jest zamknięte: nie zostało opłacone w terminie.",
        ),
        (
            sentence(
                "{action} only while {statuses}; now {status}.",
                action=sentence("The time to ship can be extended"),
                statuses=OneOf(
                    (sentence("the order awaits shipment"), sentence("the order is closed"))
                ),
                status=sentence("the payment is being checked"),
            ),
            "Czas na wysyłkę można wydłużyć tylko wtedy, gdy zamówienie oczekuje na wysyłkę lub "
            "zamówienie jest zamknięte; obecnie płatność jest sprawdzana.",
        ),
        (
            sentence(
                "{what} is not valid: {problems}; and {more} more.",
                what="cancel_request",
                problems=Series(
                    (
                        sentence(
                            "{field}: {problem}",
                            field="note",
                            problem=plural_sentence(
                                "String should have at most {number} character",
                                "String should have at most {number} characters",
                                22,
                            ),
                        ),
                        sentence("(unreadable name)"),
                    )
                ),
                more=2,
            ),
            "cancel_request zawiera błędy: note: dozwolone są najwyżej 22 znaki; (nieczytelna nazwa); "
            "liczba dalszych błędów: 2.",
        ),
        (
            sentence("Input should be {choices}", choices=OneOf(("'a'", "'b'", "'c'"))),
            "dozwolone wartości to 'a', 'b' lub 'c'",
        ),
        (
            plural_sentence(
                "String should have at least {number} character",
                "String should have at least {number} characters",
                1,
            ),
            "wymagany jest co najmniej 1 znak",
        ),
    ],
)
def test_a_sentence_is_made_anew_with_money_and_alternatives_as_polish_writes_them(
    said: Sentence, polish: str
) -> None:
    assert plain(localize(said, "pl")) == polish
    assert plain(localize(crossed(said), "pl")) == polish


def test_in_english_a_sentence_is_as_the_rule_says_it() -> None:
    said = sentence(PAID, paid=money(123450, "PLN"))

    assert said == "At most what was paid can go back: 1234.50 PLN."
    assert localize(said, "en") == localize(crossed(said), "en") == said


LOOKS_LIKE_OURS = "The order is closed: it was not paid in time."
BREAKS_PATTERNS = "It looks like a number of this carrier: . But theirs have  to  characters, and "


@pytest.mark.parametrize("locale", ["en", "pl"])
@pytest.mark.parametrize(
    "text",
    [
        "I want my money back!",
        "",
        LOOKS_LIKE_OURS,
        "Field required",
        "{action} only while {statuses}; now {status}",
        BREAKS_PATTERNS * 47,
        BREAKS_PATTERNS * 820,
    ],
    ids=lambda text: f"{len(text)} characters",
)
def test_what_a_stranger_says_stays_as_it_is_however_it_looks(text: str, locale: str) -> None:
    """Case 72: by itself, and within a sentence of ours."""
    name = sentence("Payment {payment_id} is not this order's.", payment_id=text)
    started = perf_counter()

    assert localize(text, locale) == localize(crossed(text), locale) == text
    assert text in localize(crossed(name), locale)
    assert perf_counter() - started < 0.1


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
            case ast.Call(func=ast.Name(id="sentence" | "str" | "reason_of")) | ast.Name():
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


def _bodies() -> Iterator[tuple[type[BaseModel], str]]:
    for name, model in MESSAGES.items():
        for field, value in product(model.model_fields, _BAD):
            yield model, json.dumps({**_sound(name), field: value})
        for text in ("{", "[]", "1", "nul", '{"a":1,}'):
            yield model, text
    placed = place().model_dump(mode="json")
    for field, value in product(Policy.model_fields, _BAD):
        yield PlaceOrder, json.dumps({**placed, "policy": {field: value}})
    for field, value in product(placed, _BAD):
        yield PlaceOrder, json.dumps({**placed, field: value})
    yield PlaceOrder, json.dumps({**placed, "policy": {"dispute_reminder": "PT1S"}})
    yield PlaceOrder, json.dumps({**placed, "lines": [{"\x00": 1}], "\n": 2})


def _validation_errors() -> Iterator[tuple[str, ValidationError]]:
    for model, body in _bodies():
        try:
            model.model_validate_json(body)
        except ValidationError as error:
            yield model.__name__, error


def _invalid() -> Iterator[str]:
    for name, error in _validation_errors():
        yield str(InvalidInput.from_validation(name, error))
    yield _refused("no_such_message")
    yield _refused("payment", b"{}", b"{}")
    yield _refused("cancel_request", b'{"reason":1,"reason":2}')


def _sound(name: str) -> dict[str, Any]:
    fields = photo() if name == "shipment_proof" else FIELDS[name]
    return dict(json.loads(message(name, **fields).model_dump_json(exclude_unset=True)))


def _refused(name: str, *bodies: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse(name, list(bodies))
    return str(caught.value)


def _problems(text: str) -> Iterator[str]:
    """What is wrong, without the fields' names."""
    assert isinstance(text, Sentence)
    problems = text.arguments.get("problems", Series())
    assert isinstance(problems, Series)
    for problem in problems:
        assert isinstance(problem, Sentence), problem
        named = problem.arguments.get("problem", problem)
        assert isinstance(named, str)
        yield named


def test_what_is_wrong_with_bad_input_is_said_in_polish() -> None:
    """Cases 17 and 51: pydantic's words as well as ours."""
    invalid = list(_invalid())
    problems = [problem for text in invalid for problem in _problems(text)]

    assert len(set(problems)) > 30
    assert [it for it in problems if not said_in_polish(it)] == []
    assert [it for it in invalid if localize(crossed(it), "pl") == it] == []


def test_pydantics_problems_are_said_in_its_own_words() -> None:
    """Whoever looks them up finds them in its documentation."""
    found = [
        problem
        for _, error in _validation_errors()
        for problem in error.errors(include_url=False, include_input=False)
    ]

    assert len({problem["type"] for problem in found}) > 15
    for problem in found:
        assert problem_sentence(problem) == problem["msg"].removeprefix("Value error, ")
