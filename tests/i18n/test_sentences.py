"""Whatever is refused is refused in the reader's language."""

from collections.abc import Iterator
from time import thread_time
from typing import Any

import pytest
from hypothesis import given, settings
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError

from activities.refunds import ProviderRefusal
from adapters.proof_files import (
    EmptyProof,
    IncompleteProof,
    ProofTooLarge,
    StoreUnavailable,
    WrongMediaType,
)
from database.schema import NewerDatabase
from gateway.multipart import MalformedUpload, NotMultipart, UploadTooLarge, WrongParts
from i18n.sentences import localize
from orders.errors import InvalidInput, NotAllowedNow
from orders.handlers import receive, sent_back_before
from orders.messages import MESSAGES, PaymentReceived
from orders.policy import Policy
from orders.refusals import MOST
from orders.reorder import reorder
from orders.sentences import OneOf, Sentence, Series, plural_sentence, sentence
from orders.status import CloseReason, Status
from orders.values import Balance, Money
from orders.view import view
from tests.i18n.polish import crossed, said_in_polish
from tests.orders.builders import (
    DUE,
    Story,
    chargeback,
    eur,
    message,
    payment,
)
from tests.orders.test_properties import OrderSnapshot, Run, beginnings, few, policies, steps
from tests.orders.test_transitions import ARRIVALS, FIELDS
from workflows.messages import as_failure, reason_of


def plain(text: str | None) -> str:
    assert text is not None
    return text.replace("\N{NO-BREAK SPACE}", " ")


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
    foreign = Story().until_awaiting_shipment()
    usd = {"money": {"amount": 2690, "currency": "USD"}}
    foreign.send("chargeback", **(chargeback("opened") | usd))
    yield foreign.must_refuse("unmatched_resolution", borne_by="seller", note="No.")
    yield (
        Story()
        .until_awaiting_shipment()
        .must_refuse("chargeback", **chargeback("opened", payment_id="pay-9"))
    )
    paid = Story()
    paid.pay()
    yield paid.must_refuse("payment", **payment(money=eur(DUE - 1)))
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
    yield (
        Story()
        .until_shipped()
        .must_refuse("chargeback", **chargeback("opened", payment_id="pay-9"))
    )
    with pytest.raises(NotAllowedNow) as caught:
        reorder(Story().until_awaiting_shipment().view, "A-2", {}, eur(0), Policy())
    yield caught.value


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


PAID = "At most the amount paid can be refunded: {paid}."


def money(amount: int, currency: str) -> Balance:
    return Balance.booked(amount, currency)


@pytest.mark.parametrize(
    ("said", "polish"),
    [
        (
            sentence(
                "The amount due is exactly {due}, but {came} arrived; it is returned in full.",
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
                "{action} only while {statuses}; at present {status}.",
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

    assert said == "At most the amount paid can be refunded: 1234.50 PLN."
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
    took = []
    for _ in range(3):  # the collector of garbage may add its own time to one
        started = thread_time()
        assert localize(text, locale) == localize(crossed(text), locale) == text
        assert text in localize(crossed(name), locale)
        took.append(thread_time() - started)

    assert min(took) < 0.1


@pytest.mark.parametrize(
    "failure",
    [
        as_failure(
            InvalidInput(sentence("A field is given twice, so it is unclear which one counts."))
        ),
        ProviderRefusal(sentence("Stripe does not take {currency}.", currency="XTS")),
    ],
    ids=lambda failure: str(failure.type),
)
def test_what_a_failure_says_is_a_sentence_to_whoever_hears_it(failure: ApplicationError) -> None:
    """As an order hears its provider, and a caller the order."""
    message, converter = Failure(), pydantic_data_converter.failure_converter
    payloads = pydantic_data_converter.payload_converter
    converter.to_failure(failure, payloads, message)

    heard = converter.from_failure(message, payloads)

    assert isinstance(heard, ApplicationError)
    assert reason_of(heard) == failure.message == heard.message
    assert said_in_polish(reason_of(heard))


@pytest.mark.parametrize("details", [(), ("text",), ({"reason": LOOKS_LIKE_OURS},), ({},)])
def test_what_a_strangers_failure_says_is_plain_text(details: tuple[Any, ...]) -> None:
    heard = ApplicationError(LOOKS_LIKE_OURS, *details, type="ProviderRefusal")

    assert reason_of(heard) == LOOKS_LIKE_OURS
    assert localize(reason_of(heard), "pl") == LOOKS_LIKE_OURS


@pytest.mark.parametrize(
    "error",
    [
        *(ProofTooLarge(), WrongMediaType(), EmptyProof(), IncompleteProof("image/png")),
        *(StoreUnavailable(), NotMultipart(), MalformedUpload(sentence("a part is there twice"))),
        *(UploadTooLarge(sentence("a proof has 10 MiB at most")), NewerDatabase("9999")),
        WrongParts(sentence("there is no `file`")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_wrong_with_a_proof_or_a_database_is_said_in_polish(error: Exception) -> None:
    assert said_in_polish(str(error))
