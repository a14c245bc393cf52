"""What an order asks of its buyer and its seller, through its life."""

from datetime import timedelta

from orders.asked import Ask, PendingAsk, asked_of
from orders.messages import ChargebackStatus, Role
from orders.reopening import terminated
from orders.search_terms import joined_term, search_terms, terms_of
from tests.orders.builders import START, Story, photo, place

DAY = timedelta(days=1)


def asked(story: Story) -> tuple[PendingAsk | None, PendingAsk | None]:
    """Of the buyer, and of the seller."""
    return asked_of(story.view, Role.BUYER), asked_of(story.view, Role.SELLER)


def ask(what: Ask, days: int) -> PendingAsk:
    return PendingAsk(ask=what, due_by=START + timedelta(days=days))


def test_a_buyer_is_asked_to_pay_until_a_payment_is_there() -> None:
    """R1, R5."""
    story = Story()
    assert asked(story) == (ask(Ask.PAY, 20), None)

    story.pay()
    assert asked(story) == (None, None)


def test_nobody_is_asked_to_pay_whose_payment_is_under_way() -> None:
    """R1a."""
    story = Story()
    story.send(
        "payment_pending",
        payment_id="pay-1",
        money={"amount": 2490, "currency": "EUR"},
        method="transfer",
    )

    assert asked(story) == (None, None)


def test_a_seller_is_asked_to_ship_then_to_answer_then_to_prove() -> None:
    """R7, R9, R10, R20: each with its own end."""
    story = Story().until_awaiting_shipment()
    assert asked(story) == (None, ask(Ask.SHIP, 31))

    story.send("cancel_request", reason="changed_mind")
    assert asked(story) == (None, ask(Ask.REPLY, 15))

    story.reply("already_shipped")
    assert asked(story) == (None, ask(Ask.PROVE_SHIPMENT, 15))

    story.send("shipment_proof", **photo())
    assert asked(story) == (None, None)


def test_a_seller_is_not_asked_to_ship_while_a_chargeback_is_open() -> None:
    """R23."""
    story = Story().until_awaiting_shipment()
    story.send_chargeback(ChargebackStatus.OPENED)

    assert asked(story) == (None, None)


def test_a_buyer_is_asked_about_a_settlement_while_it_is_open() -> None:
    """R16b: until the dispute ends by itself."""
    story = Story()
    story.until_disputed()
    story.send("settlement_offer", money={"amount": 1000, "currency": "EUR"})
    of_buyer = asked_of(story.view, Role.BUYER)
    assert of_buyer
    assert of_buyer.ask is Ask.CONSIDER_SETTLEMENT
    assert of_buyer.due_by in [it.at for it in story.view.next]

    story.send("settlement_acceptance", offer_id=story.view.offers[0].offer_id)
    assert asked(story) == (None, None)


def test_a_buyer_is_told_of_a_dispute_that_may_be_opened() -> None:
    """R12: with the policy `offer`, and until it is."""
    story = Story(dispute_on_failed_proof="offer").until_cancellation_requested()
    story.reply("refuse")
    of_buyer = asked_of(story.view, Role.BUYER)
    assert of_buyer
    assert of_buyer.ask is Ask.CONSIDER_DISPUTE

    story.send("dispute_request")
    assert asked(story) == (None, None)


def test_a_buyer_is_asked_to_act_on_a_refund() -> None:
    """R15."""
    story = Story().until_accepted()
    story.send_refund_update("requires_action")
    of_buyer = asked_of(story.view, Role.BUYER)

    assert of_buyer == PendingAsk(ask=Ask.ACT_ON_REFUND, due_by=None)


def test_an_order_whose_process_was_terminated_asks_nothing() -> None:
    assert asked_of(terminated(Story().view), Role.BUYER) is None


def test_terms_are_plain_and_joined_ones_have_letters_and_digits_alone() -> None:
    """People type without accents, and paste with blanks."""
    assert terms_of("  Żarówka LED, (4 szt.) Łódź! ") == ["zarowka", "led", "4", "szt", "lodz"]
    assert joined_term("RR 4731-2482 9pl") == "rr473124829pl"


def test_terms_have_no_addresses() -> None:
    """A seller does not find out by searching where a buyer is notified."""
    buyer = {
        "id": "buyer-7",
        "name": "Anna",
        "locale": "pl",
        "notify": ["mailto://u:p@secret.example"],
    }
    terms = search_terms(Story(place(buyer=buyer)).view)

    assert {
        "a-1001",
        "buyer-7",
        "anna",
        "seller-3",
        "shop",
        "3",
        "usb-c",
        "cable",
        "cab-2",
    } == terms
