from datetime import UTC, datetime, timedelta
from time import thread_time
from typing import Any, Literal

import pytest

from activities.notifications import OutboxMessage
from activities.tracking import NOT_KNOWN, USED_BY_ANOTHER_SELLER, USED_FOR_ANOTHER_BUYER
from adapters.notifications.render import wording
from adapters.notifications.templates import TEXTS
from adapters.tracking.rules import (
    NO_RULE,
    NO_SUCH_COUNTRY,
    UNKNOWN_CODE,
    WRONG_CHECK_DIGIT,
    WRONG_LENGTH,
    WRONG_RANGE,
)
from i18n.labels import PHRASES
from orders.disputes import DisputeOutcome, DisputeReason
from orders.handlers import receive
from orders.messages import CancelReason, Role, parse
from orders.notifications import RECIPIENTS, NotificationKind
from orders.order import Order
from orders.place_order import Party, PlaceOrder
from orders.schedule import let_time_pass
from orders.sentences import sentence
from orders.status import CloseReason

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def letter(
    what: str,
    to: Role = Role.BUYER,
    locale: Literal["pl", "en"] | None = "en",
    **details: Any,
) -> OutboxMessage:
    party = Party(id="buyer-7", name="Anna", locale=locale) if locale else None
    return OutboxMessage(
        key=f"A-1:1:{what}:{to}",
        order_id="A-1",
        to=to,
        party=party,
        what=what,
        at=START,
        details=details,
    )


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_each_kind_has_exactly_one_text_for_each_of_its_recipients() -> None:
    assert set(TEXTS) == {(kind, role) for kind, roles in RECIPIENTS.items() for role in roles}


def test_each_kind_has_a_recipient() -> None:
    assert set(RECIPIENTS) == set(NotificationKind)


def test_every_code_of_the_contract_has_a_label() -> None:
    codes = {
        code.value
        for codes in (CloseReason, CancelReason, DisputeReason, DisputeOutcome)
        for code in codes
    }

    assert set(PHRASES) == codes | {"photo", "postal_receipt", "tracking_number"}


@pytest.mark.parametrize("locale", ["en", "pl"])
def test_every_notification_of_a_long_story_reads_as_prose(locale: str) -> None:
    order = Order.new(
        PlaceOrder.model_validate(
            {
                "order_id": "A-1",
                "buyer": {"id": "b", "name": "Anna", "locale": locale},
                "seller": {"id": "s", "name": "Shop", "locale": locale},
                "lines": [
                    {
                        "sku": "x",
                        "title": "t",
                        "quantity": 2,
                        "unit_price": {"amount": 1245, "currency": "PLN"},
                    }
                ],
                "shipping_price": {"amount": 0, "currency": "PLN"},
            }
        ),
        START,
    )
    story: list[tuple[int, str, str]] = [
        (17, "seller_message", '{"topic":"bonus","text":"Hi {there}","bonus":"a pen"}'),
        (18, "offer_acceptance", '{"offer_id":"offer-1"}'),
        (
            18,
            "payment",
            '{"payment_id":"p","money":{"amount":2490,"currency":"PLN"},"method":"card",'
            '"paid_at":"2026-01-18T00:00:00Z"}',
        ),
        (19, "cancel_request", '{"reason":"distrust_seller","complaint":true}'),
        (20, "seller_reply", '{"decision":"already_shipped"}'),
        (40, "settlement_offer", '{"money":{"amount":1000,"currency":"PLN"}}'),
        (48, "dispute_decision", '{"decision":"full_refund"}'),
        (61, "refund_update", '{"refund_id":"A-1-refund-1","status":"failed","reason":"Closed."}'),
        (99, "refund_update", '{"refund_id":"A-1-refund-1","status":"succeeded"}'),
    ]
    for day, name, body in story:
        let_time_pass(order, START + day * DAY)
        order.refund_check_due = False
        let_time_pass(order, START + day * DAY)
        receive(order, parse(name, [body.encode()]), START + day * DAY)

    whats = set()
    for notice in order.notifications:
        whats.add(notice.what)
        party = {Role.BUYER: order.placed.buyer, Role.SELLER: order.placed.seller}.get(notice.to)
        text = wording(OutboxMessage(order_id="A-1", party=party, **notice.model_dump()))
        assert "A-1" in text
        assert "_" not in text
        assert "None" not in text
        assert "{" not in text.replace("{there}", "")
        assert text[0].isupper()
        assert text.rstrip("”")[-1] in ".}", text
    assert len(whats) >= 15


def test_a_notification_is_in_its_recipients_language() -> None:
    details: dict[str, Any] = {
        "amount_due": {"amount": 2490, "currency": "PLN"},
        "pay_by": "2026-01-21T00:00:00+00:00",
    }

    assert plain(wording(letter("order_placed", **details))) == (
        "Order A-1 has been placed. Please pay PLN 24.90 by 21 January 2026, 00:00 UTC. If you do "
        "not pay by then, the order closes and you owe nothing."
    )
    assert plain(wording(letter("order_placed", locale="pl", **details))) == (
        "Zamówienie A-1 zostało złożone. Prosimy o zapłatę 24,90 zł do 21 stycznia 2026, 00:00 "
        "UTC. Bez zapłaty w tym terminie zamówienie zostanie zamknięte i nic nie trzeba będzie płacić."
    )


def test_support_and_unknown_payers_read_english() -> None:
    money = {"amount": 5, "currency": "EUR"}

    assert wording(letter("proof_to_review", Role.SUPPORT, None, kind="photo")) == (
        "Order A-1: the seller has sent proof of shipment (a photo). Please review it."
    )
    assert wording(letter("stray_refund_succeeded", locale=None, money=money)) == (
        "Your payment of €0.05, which could not be matched to an order, has been returned to you. "
        "Reference: A-1."
    )


def test_a_reason_is_included_where_there_is_one() -> None:
    with_it = wording(letter("refund_failed", locale="pl", reason="Konto zamknięte."))
    without = wording(letter("refund_failed", locale="pl", reason=""))

    assert "Podany powód: „Konto zamknięte.”" in with_it
    assert "powód" not in without


@pytest.mark.parametrize(
    "reason",
    [
        NO_RULE,
        sentence(WRONG_CHECK_DIGIT, carrier="UPS"),
        sentence(UNKNOWN_CODE, carrier="postal service (Poland)"),
        sentence(NO_SUCH_COUNTRY, code="QQ"),
        sentence(WRONG_LENGTH, carrier="UPS", length="18", actual=17),
        sentence(WRONG_RANGE, carrier="DHL", least="12", most="39", actual=11),
        NOT_KNOWN,
        USED_BY_ANOTHER_SELLER,
        USED_FOR_ANOTHER_BUYER,
    ],
)
def test_why_a_tracking_number_failed_is_said_in_polish(reason: str) -> None:
    told = letter("tracking_invalid", Role.SELLER, "pl", number="RR473124828PL", reason=reason)
    text = wording(crossed(told))

    assert "Podany powód" not in text
    assert ("UPS" in text) == ("UPS" in reason)
    assert text.startswith("Nie udało się potwierdzić numeru przesyłki RR473124828PL")


@pytest.mark.parametrize("locale", ["en", "pl"])
@pytest.mark.parametrize(
    "words",
    [
        "The order is closed: it was not paid in time.",
        NO_RULE[:],
        "But theirs have  to  characters, and this one has : " * 1200,
    ],
    ids=["a refusal", "a verdict", "64,000 characters"],
)
def test_what_looks_like_a_sentence_of_ours_is_passed_on_as_it_is(
    words: str, locale: Literal["en", "pl"]
) -> None:
    """Case 72: as a reason, a note or a text, and at once."""
    started = thread_time()
    told = [
        wording(crossed(letter("refund_failed", locale=locale, reason=words))),
        wording(crossed(letter("proof_rejected", Role.SELLER, locale, note=words))),
        wording(crossed(letter("buyer_message", Role.SELLER, locale, text=words))),
    ]

    assert thread_time() - started < 0.2
    assert all(words in text for text in told)


def crossed(told: OutboxMessage) -> OutboxMessage:
    """As the outbox has it."""
    return OutboxMessage.model_validate_json(told.model_dump_json())


ABOUT_MONEY = [
    ("dispute_resolved", Role.BUYER),
    ("dispute_resolved", Role.SELLER),
    ("dispute_resolved", Role.SUPPORT),
    ("dispute_reminder", Role.SUPPORT),
    ("order_closed", Role.BUYER),
    ("order_closed", Role.SELLER),
    ("refund_failed", Role.BUYER),
    ("refund_failed", Role.SUPPORT),
    ("refund_overdue", Role.BUYER),
    ("refund_overdue", Role.SUPPORT),
    ("chargeback_opened", Role.SELLER),
    ("chargeback_opened", Role.SUPPORT),
    ("chargeback_reminder", Role.SUPPORT),
    ("chargeback_won", Role.SELLER),
    ("chargeback_won", Role.SUPPORT),
    ("chargeback_lost", Role.SELLER),
    ("chargeback_lost", Role.SUPPORT),
    ("cancellation_requested", Role.BUYER),
    ("cancellation_requested", Role.SELLER),
    ("payment_reminder", Role.BUYER),
    ("payment_received", Role.BUYER),
    ("payment_received", Role.SELLER),
    ("payment_reversed", Role.BUYER),
    ("payment_reversed", Role.SELLER),
    ("payment_reversed", Role.SUPPORT),
    ("refund_requires_action", Role.BUYER),
    ("refund_requires_action", Role.SUPPORT),
    ("refund_returned", Role.BUYER),
    ("refund_returned", Role.SUPPORT),
]


@pytest.mark.parametrize("locale", ["en", "pl"])
@pytest.mark.parametrize(("what", "to"), ABOUT_MONEY)
def test_what_is_said_about_money_names_the_amount(
    what: str, to: Role, locale: Literal["en", "pl"]
) -> None:
    """R21: and what an earlier version put into the outbox, without it, still reads as prose."""
    rest = {
        "reason": "other",
        "outcome": "settled",
        "due_by": "2026-01-21T00:00:00+00:00",
        "review_ends_at": "2026-01-21T00:00:00+00:00",
    }
    money = {"amount": 1990, "currency": "EUR"}
    with_it = plain(wording(letter(what, to, locale, money=money, **rest)))
    without = wording(letter(what, to, locale, **rest))
    nothing = wording(letter(what, to, locale, money=None, **rest))

    assert with_it.count("€19.90" if locale == "en" else "19,90 €") == 1
    assert without == nothing
    assert not [it for it in ("19", "{", "  ", " .", " ,", "\N{EM DASH}", "()") if it in without]


def test_a_payment_under_way_is_expected_only_where_the_provider_says_by_when() -> None:
    """R1a."""
    money = {"amount": 1990, "currency": "EUR"}
    by = "2026-01-21T00:00:00+00:00"

    def told(expected_by: str | None) -> str:
        return wording(letter("payment_pending", Role.SELLER, money=money, expected_by=expected_by))

    assert "on its way. It should arrive by 21 January 2026, 00:00 UTC. Please" in told(by)
    assert "on its way. Please" in told(None)


def test_every_unmatched_amount_is_named_in_its_own_currency() -> None:
    """R23: negative for what was booked in its stead."""
    amounts = [{"amount": 1200, "currency": "USD"}, {"amount": -1000, "currency": "EUR"}]

    assert "the difference is $12.00, -€10.00." in wording(
        letter("unmatched_money", Role.SUPPORT, amounts=amounts)
    )


def test_a_discount_is_named_with_the_new_price() -> None:
    text = wording(
        letter(
            "seller_message",
            text="For you",
            offer_id="offer-1",
            money={"amount": 500, "currency": "EUR"},
            amount_due={"amount": 1990, "currency": "EUR"},
        )
    )

    assert text == (
        "The seller writes about order A-1: “For you” The offer: €5.00 off, so that you would pay "
        "€19.90. You can accept it on the order's page."
    )


@pytest.mark.parametrize(
    ("code", "buyer", "seller"),
    [
        (
            "seller_no_response",
            "the seller did not answer the cancellation request in time",
            "you did not answer the cancellation request in time",
        ),
        ("seller_accepted", "the seller agreed to cancel it", "you agreed to cancel it"),
        (
            "buyer_canceled_unpaid",
            "you cancelled it before paying",
            "the buyer cancelled it before paying",
        ),
    ],
)
def test_a_party_is_told_of_its_own_acts_in_the_second_person(
    code: str, buyer: str, seller: str
) -> None:
    """R21: the same reason, by who reads it."""
    assert f"closed: {buyer}." in wording(letter("order_closed", reason=code))
    assert f"closed: {seller}." in wording(letter("order_closed", Role.SELLER, reason=code))


def test_a_rejected_proof_says_what_to_send_and_by_when() -> None:
    """R12: by when, where the request still waits for it."""
    due_by = "2026-01-21T00:00:00+00:00"
    asks = "Please send a tracking number, another photo or a scan of the postal receipt"

    with_it = wording(letter("proof_rejected", Role.SELLER, note="Blurred.", due_by=due_by))
    assert with_it.endswith(f"“Blurred.” {asks} by 21 January 2026, 00:00 UTC.")
    assert wording(letter("proof_rejected", Role.SELLER, due_by=None)).endswith(f"{asks}.")


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("card", "karta"),
        ("blik", "BLIK"),
        ("sepa_debit", "polecenie zapłaty SEPA"),
        ("other", "other"),
    ],
)
def test_a_payment_method_is_named_in_the_readers_language(method: str, shown: str) -> None:
    """R15: one that we have no name for is shown as the provider says it."""
    money = {"amount": 1, "currency": "EUR"}
    text = wording(letter("refund_started", locale="pl", money=money, method=method, due_by=None))

    assert f"({shown})" in text


def test_user_text_is_passed_on_unchanged() -> None:
    text = wording(letter("buyer_message", Role.SELLER, text="{order} {0} \\1"))
    word = wording(letter("buyer_message", Role.SELLER, text="other"))

    assert text == "The buyer writes about order A-1: “{order} {0} \\1”"
    assert word == "The buyer writes about order A-1: “other”"


def test_a_notification_of_a_later_version_is_still_rendered() -> None:
    for locale in ("en", "pl"):
        assert "A-1" in wording(letter("from_the_future", locale=locale))
