"""Paying, and not paying: R1-R6 and R22."""

from datetime import timedelta

import pytest

from orders.accounting import Posting
from orders.cancellations import Fault
from orders.errors import RefusalCode
from orders.messages import Role
from orders.payments import Payment
from orders.policy import Policy
from orders.status import CloseReason, Status
from orders.view import Action
from tests.orders.builders import DUE, START, Story, books_must_balance, eur, payment, place

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
END = START + 20 * DAY


def _action(story: Story, role: Role, name: str) -> Action | None:
    return next((a for a in story.view.actions[role] if a.action == name), None)


def test_an_unpaid_order_closes_after_20_days() -> None:
    """R1: to the instant; nobody owes anybody anything."""
    story = Story()
    assert story.view.next[-1].what == "payment_expired"
    assert story.view.next[-1].at == END

    story.pass_until(END - INSTANT)
    assert story.order.status is Status.AWAITING_PAYMENT

    view = story.pass_until(END)
    assert view.status is Status.CLOSED
    assert view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert view.closed_at == view.status_since == END
    assert view.refund is None
    assert (view.amount_paid, view.amount_held, view.next) == (eur(0), eur(0), [])
    assert story.order.postings == []


def test_a_late_timer_closes_the_order_as_well() -> None:
    """R1, case 11: workers that were away for 25 days find the order expired."""
    story = Story()

    story.now = START + 25 * DAY
    story.settle()

    assert story.view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert "payment_reminder" not in story.happened


def test_a_payment_at_the_last_instant_counts() -> None:
    """R1, R5, cases 1 and 2: taken before the timer at the same instant, the payment wins."""
    story = Story()

    story.pass_until_just_before(END)
    story.pay()

    assert story.view.status is Status.PAYMENT_REVIEW
    assert story.days_pass(1).status is Status.AWAITING_SHIPMENT


def test_a_payment_after_the_timer_is_sent_back() -> None:
    """R1, R17, case 3: the same instant, but the timer came first."""
    story = Story()

    story.pass_until(END)
    refused = story.send_stray_payment()

    assert refused.code is RefusalCode.ORDER_CLOSED
    assert story.order.stray_payments_to_start[0].money == eur(DUE)


def test_a_buyer_cancels_an_unpaid_order_at_once() -> None:
    """R2: without the seller's consent."""
    story = Story()

    view = story.send("cancel_request", reason="found_cheaper_price", complaint=True)

    assert view.status is Status.CLOSED
    assert view.close_reason is CloseReason.BUYER_CANCELED_UNPAID
    assert view.closed_at == START
    assert view.dispute is None
    assert view.cancellation
    assert view.cancellation.status == "accepted"
    assert view.cancellation.fault is Fault.BUYER
    assert view.cancellation.fine == eur(0)
    assert view.next == []


@pytest.mark.parametrize("complaint", [True, False])
def test_support_is_told_of_a_complaint_about_an_unpaid_order(complaint: bool) -> None:
    """R12, R21: there is nothing to dispute, but somebody has something to say."""
    story = Story()

    view = story.send("cancel_request", reason="other", complaint=complaint, note="They were rude.")

    assert view.dispute is None
    told = [it for it in story.order.notifications if it.what == "unpaid_complaint"]
    assert [(it.to, it.details["note"]) for it in told] == (
        [("support", "They were rude.")] if complaint else []
    )


def test_an_unpaid_order_can_be_cancelled_at_the_last_instant() -> None:
    """R2, case 1: the buyer's own cancellation wins the tie with the timer."""
    story = Story()

    story.pass_until_just_before(END)
    story.send("cancel_request", reason="other")

    assert story.view.close_reason is CloseReason.BUYER_CANCELED_UNPAID


def test_pay_now_becomes_add_to_cart_again() -> None:
    """R3: one while it awaits payment, the other once it closed unpaid, neither otherwise."""
    story = Story()
    assert _action(story, Role.BUYER, "pay_now") == Action(action="pay_now", available=True)
    assert _action(story, Role.BUYER, "reorder") is None

    story.pass_until(END)
    assert _action(story, Role.BUYER, "pay_now") is None
    assert _action(story, Role.BUYER, "reorder") == Action(action="reorder", available=True)

    canceled = Story()
    canceled.send("cancel_request", reason="other")
    assert _action(canceled, Role.BUYER, "reorder")

    for other in (
        Story().until_awaiting_shipment(),
        Story().until_shipped(),
        Story().until_accepted(),
        Story().until_disputed(),
    ):
        assert _action(other, Role.BUYER, "pay_now") is None
        assert _action(other, Role.BUYER, "reorder") is None
        assert _action(other, Role.SELLER, "pay_now") is None


def test_buyer_and_seller_can_exchange_messages_before_payment() -> None:
    """R4: both write, and both are told what the other wrote."""
    story = Story()
    story.send("seller_message", topic="payment_question", text="Why no payment?")
    story.send("seller_message", topic="shipping_advice", text="Parcel lockers are cheaper.")
    view = story.send("buyer_message", text="Payday is on Friday.")

    assert [(m.by, m.topic) for m in view.messages] == [
        (Role.SELLER, "payment_question"),
        (Role.SELLER, "shipping_advice"),
        (Role.BUYER, "other"),
    ]
    assert story.notified[-3:] == [
        ("buyer", "seller_message"),
        ("buyer", "seller_message"),
        ("seller", "buyer_message"),
    ]


def test_an_accepted_discount_changes_what_is_due() -> None:
    """R4, R5: from then on; the old amount is a wrong one."""
    story = Story()
    view = story.send("seller_message", topic="discount", text="Deal?", discount=eur(490))
    assert view.amount_due == eur(2490)

    view = story.send("offer_acceptance", offer_id=view.offers[0].offer_id)

    assert view.amount_due == eur(2000)
    assert story.send_stray_payment(money=eur(2490)).code is RefusalCode.WRONG_AMOUNT
    assert story.pay(payment_id="pay-2").amount_paid == eur(2000)
    books_must_balance(story.order)


def test_offers_on_the_old_price_expire() -> None:
    """R4: two discounts do not add up; a bonus stands beside them."""
    story = Story()
    for cents in (490, 1000):
        story.send("seller_message", topic="discount", text="Less", discount=eur(cents))
    story.send("seller_message", topic="bonus", text="A gift", bonus="A cap")

    view = story.send("offer_acceptance", offer_id="offer-2")

    assert [offer.status for offer in view.offers] == ["lapsed", "accepted", "open"]
    assert view.amount_due == eur(1490)
    assert (
        story.must_refuse("offer_acceptance", offer_id="offer-1").code is RefusalCode.UNKNOWN_OFFER
    )
    assert (
        story.must_refuse("offer_acceptance", offer_id="offer-2").code is RefusalCode.UNKNOWN_OFFER
    )
    assert story.send("offer_acceptance", offer_id="offer-3").amount_due == eur(1490)


def test_a_declined_discount_leaves_what_is_due() -> None:
    """R4: the other offers stand, and the seller is told which one is over."""
    story = Story()
    for cents in (490, 1000):
        story.send("seller_message", topic="discount", text="Less", discount=eur(cents))

    view = story.send("offer_decline", offer_id="offer-2")

    assert [offer.status for offer in view.offers] == ["open", "declined"]
    assert view.amount_due == eur(2490)
    assert story.notified[-1] == ("seller", "offer_declined")
    assert (
        story.must_refuse("offer_acceptance", offer_id="offer-2").code is RefusalCode.UNKNOWN_OFFER
    )


def test_a_discount_may_leave_one_cent_to_pay() -> None:
    """R4: less than all, to the cent, and in the order's currency."""
    story = Story()
    offer = {"topic": "discount", "text": "Deal?"}

    wrong = {"amount": 1, "currency": "PLN"}
    assert (
        story.must_refuse("seller_message", **offer, discount=wrong).code
        is RefusalCode.WRONG_AMOUNT
    )
    story.send("seller_message", **offer, discount=eur(DUE - 1))
    assert story.send("offer_acceptance", offer_id="offer-1").amount_due == eur(1)


def test_a_payment_is_checked_for_a_day() -> None:
    """R5, R7: to the instant; the cancel button says from when it is active."""
    story = Story()
    story.days_pass(3)
    view = story.pay()
    ends = START + 4 * DAY
    assert view.status is Status.PAYMENT_REVIEW
    assert isinstance(view.payment, Payment)
    assert view.payment.status == "in_review"
    assert view.payment.review_ends_at == ends

    story.pass_until(ends - INSTANT)
    button = _action(story, Role.BUYER, "cancel_request")
    assert button
    assert not button.available
    assert button.available_from == ends
    assert button.reason

    story.pass_until(ends)
    assert story.order.status is Status.AWAITING_SHIPMENT
    assert _action(story, Role.BUYER, "cancel_request") == Action(
        action="cancel_request", available=True
    )


def test_a_cancellation_during_the_check_is_refused_until_it_ends() -> None:
    """R5, case 5: refused with the instant from which it is taken."""
    story = Story()
    story.pay()
    story.pass_until(START + DAY - INSTANT)

    refused = story.must_refuse("cancel_request", reason="other")
    assert refused.code is RefusalCode.PAYMENT_REVIEW_IN_PROGRESS
    assert refused.details()["available_from"] == "2026-03-02T12:00:00Z"

    story.pass_until(START + DAY)
    story.send("cancel_request", reason="other")


def test_a_cancellation_is_accepted_once_the_check_is_over_even_if_its_timer_is_late() -> None:
    """R5, R7, case 11: from ``available_from`` on the message is taken, whichever is seen first."""
    story = Story()
    story.pay()

    story.pass_until_just_before(START + DAY)
    story.send("cancel_request", reason="other")

    assert story.order.status is Status.CANCELLATION_REQUESTED


@pytest.mark.parametrize("money", [eur(DUE - 1), eur(DUE + 1), eur(1)])
def test_a_wrong_amount_does_not_count(money: object) -> None:
    """R5, R17, case 16: exactly what is due, or back it goes; the order still awaits payment."""
    story = Story()

    refused = story.send_stray_payment(money=money)

    assert refused.code is RefusalCode.WRONG_AMOUNT
    assert story.order.status is Status.AWAITING_PAYMENT
    assert story.order.postings == []
    story.pay(payment_id="pay-2")


def test_a_wrong_currency_does_not_count() -> None:
    """R5, case 17: the same number of another currency is not what is due."""
    story = Story()
    wrong = payment() | {"money": {"amount": DUE, "currency": "PLN"}}

    assert story.must_refuse("payment", **wrong).code is RefusalCode.WRONG_AMOUNT


def test_a_repeated_payment_changes_nothing() -> None:
    """R5, case 13: the provider says it twenty times."""
    story = Story()
    story.pay()
    for _ in range(20):
        story.must_ignore("payment", **payment())
    story.days_pass(1)
    story.must_ignore("payment", **payment())

    assert story.order.books.balance("cash") == DUE


def test_a_declined_payment_returns_the_order_to_awaiting_payment() -> None:
    """R6: the 20 days go on from where they started, and another payment counts."""
    story = Story()
    story.days_pass(2)
    story.pay()
    view = story.send("payment_declined", payment_id="pay-1", reason="Stolen card")

    assert view.status is Status.AWAITING_PAYMENT
    assert isinstance(view.payment, Payment)
    assert (view.payment.status, view.payment.declined_reason) == ("declined", "Stolen card")
    assert (view.amount_paid, view.amount_held) == (eur(0), eur(0))
    assert story.order.pay_by == END
    books_must_balance(story.order)
    assert not any(story.order.books.balances.values())

    story.pay(payment_id="pay-2")
    assert story.days_pass(1).status is Status.AWAITING_SHIPMENT
    books_must_balance(story.order)


def test_a_decline_after_the_20_days_closes_the_order() -> None:
    """R6, R1: paid at the last instant, turned down a moment later."""
    story = Story()
    story.pass_until_just_before(END)
    story.pay()
    story.pass_until(END + DAY / 2)

    view = story.send("payment_declined", payment_id="pay-1", reason="No funds")

    assert view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert view.amount_held == eur(0)
    assert view.refund is None


def test_a_decline_counts_until_the_check_ends() -> None:
    """R6, case 4: before the timer the order awaits payment again; after it a decline is a reversal."""
    before = Story()
    before.pay()
    before.pass_until_just_before(START + DAY)
    before.send("payment_declined", payment_id="pay-1", reason="")
    assert before.order.status is Status.AWAITING_PAYMENT

    after = Story().until_awaiting_shipment()
    view = after.send("payment_declined", payment_id="pay-1", reason="")
    assert view.close_reason is CloseReason.PAYMENT_REVERSED


@pytest.mark.parametrize(
    ("arrive", "owed"),
    [
        ("until_awaiting_shipment", 0),
        ("until_disputed", 0),
        ("until_accepted", -DUE),  # until its refund is stopped
        ("until_shipped", 0),
    ],
)
def test_a_payment_that_fails_after_its_check_is_out_of_the_books(arrive: str, owed: int) -> None:
    """R6, case 63: like a lost chargeback of all of it; the unshipped order closes, and people are told."""
    story = getattr(Story(), arrive)()
    was_open = story.order.is_open

    view = story.send("payment_declined", payment_id="pay-1", reason="insufficient_funds")

    assert view.payment
    assert view.payment.status == "reversed"
    assert view.amount_charged_back == eur(DUE)
    assert view.amount_owed_to_seller.amount == owed
    assert (view.close_reason is CloseReason.PAYMENT_REVERSED) == was_open
    assert {("seller", "payment_reversed"), ("support", "payment_reversed")} <= set(story.notified)
    assert story.order.books.balance("cash") == 0
    books_must_balance(story.order)
    story.must_ignore("payment_declined", payment_id="pay-1", reason="insufficient_funds")


def test_a_payment_under_way_is_waited_for() -> None:
    """R1a: nobody is reminded to pay, and the 20 days' end waits for the grace."""
    story = Story()
    story.send("payment_pending", payment_id="pay-1", money=eur(DUE), method="sepa_debit")
    assert story.view.payment
    assert story.view.payment.status == "pending"
    story.must_ignore("payment_pending", payment_id="pay-1", money=eur(DUE), method="sepa_debit")
    story.pass_until(START + 25 * DAY)
    assert story.order.status is Status.AWAITING_PAYMENT
    assert ("buyer", "payment_reminder") not in story.notified

    story.pay()

    assert story.view.status is Status.PAYMENT_REVIEW
    assert story.order.pending_payments == []


def test_a_payment_under_way_that_never_comes_ends_with_the_grace() -> None:
    """R1a, R1: to the instant."""
    story = Story()
    story.send("payment_pending", payment_id="pay-1", money=eur(DUE), method="sepa_debit")
    story.pass_until_just_before(START + 27 * DAY)
    assert story.order.is_open

    story.settle()

    assert story.view.close_reason is CloseReason.PAYMENT_EXPIRED


@pytest.mark.parametrize(("day", "is_open"), [(10, True), (22, False)])
def test_a_payment_under_way_that_fails_is_told(day: int, is_open: bool) -> None:
    """R1a: the 20 days go on, or have ended with that."""
    story = Story()
    story.send("payment_pending", payment_id="pay-1", money=eur(DUE), method="sepa_debit")
    story.pass_until(START + day * DAY)

    story.send("payment_declined", payment_id="pay-1", reason="insufficient_funds")
    story.settle()

    told = "payment_declined" if is_open else "payment_declined_late"
    assert {("buyer", told), ("seller", told)} <= set(story.notified)
    assert story.order.is_open is is_open


def test_forgotten_declines_change_nothing_when_they_are_repeated() -> None:
    """R6, case 98: however many other payments were declined since."""
    story = Story()
    story.pay()
    story.send("payment_declined", payment_id="pay-1", reason="stolen card")
    for number in range(250):
        story.send("payment_declined", payment_id=f"other-{number}", reason="")

    story.must_ignore("payment_declined", payment_id="pay-1", reason="stolen card")

    books_must_balance(story.order)


def test_a_payment_that_was_sent_back_and_comes_with_another_amount_is_told() -> None:
    """R17, case 101: refused, listed, and left to support."""
    story = Story()
    story.send_stray_payment(payment_id="pay-1", money=eur(100))
    story.send_stray_payment(payment_id="pay-1", money=eur(DUE))

    assert [it.money for it in story.order.stray_payments_to_start] == [eur(100)]
    assert len(story.order.refused) == 2
    assert ("support", "payment_contradicts") in story.notified


def test_a_message_and_a_payment_are_remembered_however_many_came_between() -> None:
    """Case 100: a repeat is a repeat after hundreds of others."""
    story = Story()
    story.send_stray_payment(payment_id="stray-0", money=eur(1))
    story.send("seller_message", topic="other", text="Hello", message_id="m-1")
    for number in range(600):
        story.send_stray_payment(payment_id=f"more-{number}", money=eur(1))
        story.send(
            "payment_declined", payment_id=f"p-{number}", reason="", message_id=f"d-{number}"
        )

    story.must_ignore("seller_message", topic="other", text="Hello", message_id="m-1")
    story.must_ignore("payment", **payment(payment_id="stray-0", money=eur(1)))


def test_who_sent_it_is_in_the_timeline_and_in_the_books() -> None:
    """R25: the role, and the id as their token says; what happens automatically is nobody's."""
    story = Story()
    story.pay(by_id="stripe")
    story.pass_until(START + DAY)
    story.send("cancel_request", reason="other", by_id="buyer-7")

    by = {it.what: (it.by, it.by_id) for it in story.view.timeline}
    assert by["payment_received"] == ("provider", "stripe")
    assert by["payment_accepted"] == ("system", None)
    assert by["cancellation_requested"] == ("buyer", "buyer-7")
    assert story.order.postings[0].by_id == "stripe"


def test_a_decline_of_another_payment_changes_nothing() -> None:
    """R6: the payment that is being checked stays."""
    story = Story()
    story.pay()

    view = story.send("payment_declined", payment_id="pay-8", reason="")

    assert view.status is Status.PAYMENT_REVIEW
    assert view.amount_paid == eur(DUE)


def test_a_decline_that_overtakes_its_payment_counts() -> None:
    """R6, case 15: webhooks in any order come to the same; support is told, should it be money after all."""
    story = Story()
    story.send("payment_declined", payment_id="pay-1", reason="")

    story.send_stray_payment()

    assert story.order.status is Status.AWAITING_PAYMENT
    assert story.order.postings == []
    assert ("support", "payment_contradicts") in story.notified


def test_an_order_keeps_the_policy_it_was_placed_with() -> None:
    """R22: its own durations, and the contract's defaults for the rest."""
    policy = Policy(payment_window=timedelta(hours=2), payment_review=timedelta(minutes=5))
    story = Story(place(policy=policy))
    assert story.order.pay_by == START + timedelta(hours=2)
    story.pay()
    assert story.payment.review_ends_at == START + timedelta(minutes=5)
    assert story.view.policy == policy
    with pytest.raises(ValueError, match="frozen"):
        policy.payment_window = DAY  # type: ignore[misc]

    usual = Story().view.policy.model_dump(mode="json")
    assert usual == {
        "payment_window": "P20D",
        "payment_grace": "P7D",
        "payment_review": "P1D",
        "seller_reply_window": "P14D",
        "refund_window": "P14D",
        "shipment_window": "P30D",
        "dispute_window": "P60D",
        "dispute_reminder": "P7D",
        "refund_checks": ["P3D", "P7D", "P14D"],
        "payment_reminders": ["P3D", "P1D"],
        "seller_reminders": ["P7D", "P1D"],
        "shipment_reminders": ["P7D", "P1D"],
        "dispute_on_failed_proof": "open",
    }


def test_postings_are_balanced_or_refused() -> None:
    """R5, case 26: an entry that does not sum to zero, or to an unknown account, cannot be written."""
    fields = {"order_id": "A-1", "step": "s", "at": START, "currency": "EUR"}
    assert Posting.model_validate(fields | {"legs": {"cash": 1, "held": -1}}).key == "A-1:s"
    with pytest.raises(ValueError, match="sum to zero"):
        Posting.model_validate(fields | {"legs": {"cash": 1}})
    with pytest.raises(ValueError, match="no such account"):
        Posting.model_validate(fields | {"legs": {"cash": 1, "pocket": -1}})


def test_a_decline_after_the_20_days_does_not_ask_to_pay_again() -> None:
    """R6, R1: nobody is invited to pay until an instant that is gone."""
    story = Story()
    story.days_pass(19.5)
    story.pay()
    story.days_pass(0.8)

    view = story.send("payment_declined", payment_id="pay-1", reason="No funds")

    assert view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert ("buyer", "payment_declined_late") in story.notified
    assert ("buyer", "payment_declined") not in story.notified


def test_the_time_to_ship_runs_from_the_checks_end() -> None:
    """R20, case 11: however late a worker sees that it is over."""
    story = Story()
    story.pay()
    checked = story.now + timedelta(days=1)
    story.now += timedelta(days=25)
    story.settle()

    assert story.shipment.ship_by == checked + timedelta(days=30)


def test_a_payment_under_a_used_message_id_is_not_lost() -> None:
    """R17: a payment is known by its own id."""
    story = Story()
    story.send("buyer_message", text="Hi", message_id="evt-1")

    story.send("payment", **payment(), message_id="evt-1")

    assert story.order.status is Status.PAYMENT_REVIEW
