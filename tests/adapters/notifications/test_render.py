from datetime import UTC, datetime, timedelta
from time import thread_time
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from activities.notifications import OutboxMessage
from activities.tracking import NOT_KNOWN, USED_BY_ANOTHER_SELLER, USED_FOR_ANOTHER_BUYER
from adapters.notifications.render import TEXTS, NotificationRenderer
from adapters.tracking.rules import (
    NO_RULE,
    NO_SUCH_COUNTRY,
    UNKNOWN_CODE,
    WRONG_CHECK_DIGIT,
    WRONG_LENGTH,
    WRONG_RANGE,
    CarrierRules,
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


def wording(*messages: OutboxMessage) -> str:
    return NotificationRenderer().text(messages)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_each_kind_has_exactly_one_text_for_each_of_its_recipients() -> None:
    assert {kind: set(texts.by_role) for kind, texts in TEXTS.items()} == {
        kind: set(roles) for kind, roles in RECIPIENTS.items()
    }


def test_each_kind_has_a_recipient() -> None:
    assert set(RECIPIENTS) == set(NotificationKind)


SPOOF = "Sure.”\n\nUnbuy: your account is locked. Sign in at https://evil.example \u202e“"


@pytest.mark.parametrize("locale", ["en", "pl"])
@pytest.mark.parametrize(
    ("what", "to", "details"),
    [
        ("buyer_message", Role.SELLER, {"text": SPOOF}),
        ("seller_message", Role.BUYER, {"text": SPOOF}),
        ("refund_failed", Role.BUYER, {"reason": SPOOF}),
        ("proof_rejected", Role.SELLER, {"note": SPOOF}),
    ],
)
def test_what_people_write_cannot_seem_to_be_ours(
    what: str, to: Role, details: dict[str, Any], locale: Literal["pl", "en"]
) -> None:
    """One paragraph, within one pair of quotation marks, whose order nothing turns."""
    text = wording(letter(what, to, locale, **details))

    [paragraph] = text.split("\n")
    opening = "„" if locale == "pl" else "“"
    assert paragraph.count("”") == paragraph.count(opening) == 1
    assert paragraph.index(opening) < paragraph.index("evil.example") < paragraph.index("”")
    assert "\u202e" not in paragraph


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


def test_support_and_unknown_payers_read_english_unless_set_otherwise() -> None:
    money = {"amount": 5, "currency": "EUR"}

    assert wording(letter("proof_to_review", Role.SUPPORT, None, kind="photo")) == (
        "Order A-1: the seller has sent proof of shipment (a photo). Please review it."
    )
    assert wording(letter("stray_refund_succeeded", locale=None, money=money)) == (
        "Your payment of €0.05, which could not be matched to an order, has been returned to you. "
        "Reference: A-1."
    )


def test_instants_are_told_by_the_readers_clock() -> None:
    """R21: a party's own, else the installation's; a zone that the database has not is none."""
    installation = NotificationRenderer(zone=ZoneInfo("Europe/Warsaw"))

    def told(time_zone: str | None, renderer: NotificationRenderer = installation) -> str:
        one = letter("seller_reminder", Role.SELLER, due_by="2026-07-01T22:30:00+00:00")
        assert one.party
        party = one.party.model_copy(update={"time_zone": time_zone})
        return renderer.text([one.model_copy(update={"party": party})])

    assert "by 2 July 2026, 00:30 CEST." in told(None)
    assert "by 1 July 2026, 18:30 EDT." in told("America/New_York")
    assert "by 2 July 2026, 00:30 CEST." in told("Europe/Atlantis")
    assert "by 1 July 2026, 22:30 UTC." in told(None, NotificationRenderer())


def test_support_is_told_in_its_own_language() -> None:
    """R21: the installation's."""
    one = letter("dispute_opened", Role.SUPPORT, None, reason="buyer_request")
    renderer = NotificationRenderer("pl")

    assert renderer.subject([one]) == "Otwarto spór: zamówienie A-1"
    assert renderer.text([one]).startswith("Zamówienie A-1: otwarto spór: ")
    assert renderer.locale_of(letter("order_placed", locale="en")) == "en"


EUR_20 = {"amount": 2000, "currency": "EUR"}
EUR_50 = {"amount": 5000, "currency": "EUR"}


def decided(to: Role, *also: OutboxMessage) -> str:
    return wording(
        letter("dispute_resolved", to, outcome="settled", note="", money=EUR_20, paid=EUR_50),
        letter("order_closed", to, reason="dispute_settled", money=EUR_20),
        *also,
    )


def test_what_is_told_together_is_said_once() -> None:
    """R21: the first event's subject; a paragraph for each; amount and reason of a closing in one."""
    started = letter("refund_started", money=EUR_20, method="card", due_by="2026-01-21T00:00:00Z")

    assert decided(Role.BUYER, started).split("\n\n") == [
        "The dispute about order A-1 has been resolved: you and the seller settled it. "
        "You get €20.00 back of the €50.00 that you paid.",
        "That closes order A-1.",
        "Your refund of €20.00 for order A-1 is on its way to the payment method you used (card). "
        "It will arrive by 21 January 2026, 00:00 UTC.",
    ]
    assert decided(Role.SELLER).split("\n\n") == [
        "The dispute about order A-1 has been resolved: you and the buyer settled it. "
        "The buyer gets €20.00 back of the €50.00 that was paid.",
        "That closes order A-1.",
    ]
    closed = letter("order_closed", reason="seller_accepted", money=EUR_20)
    assert NotificationRenderer().subject([closed, started]) == "Order A-1 is closed"
    assert wording(closed) == (
        "Order A-1 is closed: the seller agreed to cancel it. You get €20.00 back. Cancelling is free "
        "of charge."
    )
    assert wording(closed, started).startswith(
        "Order A-1 is closed: the seller agreed to cancel it. Cancelling is free of charge.\n\nYour"
    )


@pytest.mark.parametrize("reason", sorted(CloseReason))
def test_only_a_cancellation_is_said_to_be_free(reason: str) -> None:
    """R14."""
    free = "Cancelling is free" in wording(letter("order_closed", reason=reason))

    assert free == (
        reason
        in ("buyer_canceled_unpaid", "seller_accepted", "seller_no_response", "shipment_expired")
    )


def test_a_shipped_order_says_how_to_follow_the_parcel() -> None:
    """R11: carrier, number and the carrier's page; a photo has none of them."""
    about: dict[str, Any] = {"kind": "tracking_number", "number": "520000012680041086770098"}
    known = letter("order_shipped", carrier="InPost", **about)
    theirs = letter("order_shipped", carrier="Anna's bicycle", disputed=True, **about)
    photo = letter("order_shipped", Role.SELLER, kind="photo", carrier=None, ended_request=True)

    assert wording(known) == (
        "Order A-1 has shipped. Carrier: InPost. The tracking number is 520000012680041086770098.\n\n"
        "Follow the parcel: https://inpost.pl/sledzenie-przesylek?number=520000012680041086770098"
    )
    assert wording(theirs) == (
        "Order A-1 has shipped. Carrier: Anna's bicycle. The tracking number is 520000012680041086770098. "
        "The dispute goes on until it is decided."
    )
    assert wording(photo) == (
        "The shipment of order A-1 is confirmed. Thank you. That ends the request to cancel it."
    )


def test_a_carrier_is_named_in_the_readers_language() -> None:
    """R11: a postal service by its country, as the rules have it."""
    carrier = CarrierRules().judge("RR473124829PL", None).carrier
    shipped = letter("order_shipped", locale="pl", carrier=carrier, number="RR473124829PL")
    text = wording(crossed(shipped))

    assert "operator pocztowy (Polska)" in text
    assert "https://emonitoring.poczta-polska.pl/?numer=RR473124829PL" in text


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
    took = []
    for _ in range(3):  # the collector of garbage may add its own time to one
        started = thread_time()
        told = [
            wording(crossed(letter("refund_failed", locale=locale, reason=words))),
            wording(crossed(letter("proof_rejected", Role.SELLER, locale, note=words))),
            wording(crossed(letter("buyer_message", Role.SELLER, locale, text=words))),
        ]
        took.append(thread_time() - started)

    assert min(took) < 0.2
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
    ("cancellation_requested_after_proof", Role.BUYER),
    ("dispute_opened", Role.BUYER),
    ("dispute_opened", Role.SELLER),
    ("dispute_opened", Role.SUPPORT),
    ("payment_accepted", Role.BUYER),
    ("payment_accepted", Role.SELLER),
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


@pytest.mark.parametrize("what", ["refund_requires_action", "stray_refund_requires_action"])
def test_what_the_provider_needs_of_the_buyer_is_said_in_their_language(what: str) -> None:
    """R15: until when they must act, and nothing of the provider's own words."""
    said: dict[str, Any] = {"money": {"amount": 2490, "currency": "EUR"}, "reason": "Bank details."}
    act_by = "2026-01-21T00:00:00+00:00"

    text = wording(letter(what, Role.BUYER, locale="pl", **said, act_by=act_by))

    assert "odpowiedzieć na niego do 21 stycznia 2026" in text
    assert "Bank details" not in text
    without = wording(letter(what, Role.BUYER, locale="pl", **said, act_by=None))
    assert "odpowiedzieć na niego. Twoje" in without


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
