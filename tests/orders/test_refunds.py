"""Where the money goes: R14, R15 and R17."""

from datetime import timedelta
from itertools import permutations

import pytest

from orders.cancellations import Fault, fault_of
from orders.closing import is_over
from orders.errors import RefusalCode
from orders.handlers import receive
from orders.messages import CancelReason, RefundStatus
from orders.reopening import reopened
from orders.schedule import let_time_pass
from orders.status import CloseReason, Status
from orders.view import deadline
from tests.orders.builders import (
    DUE,
    START,
    Story,
    books_must_balance,
    chargeback,
    eur,
    message,
    outside_refund,
    payment,
)

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
CLOSED = START + DAY


def test_closing_starts_the_refund() -> None:
    """R14: at that instant, the whole amount, by the same method, within two weeks."""
    view = Story().until_accepted().view

    assert view.refund
    assert view.refund.refund_id == "A-1001-refund-1"
    assert view.refund.money == view.amount_paid == eur(DUE)
    assert view.refund.method == "card"
    assert view.refund.status is RefundStatus.PENDING
    assert view.refund.requested_at == view.closed_at == CLOSED
    assert view.refund.due_by == CLOSED + 14 * DAY
    assert view.amount_held == eur(DUE)
    assert view.amount_refunded == eur(0)
    assert [(d.what, d.at) for d in view.next] == [
        ("refund_check", CLOSED + 3 * DAY),
        ("refund_overdue", CLOSED + 14 * DAY),
    ]


def test_a_successful_refund_ends_the_order() -> None:
    """R14, case 26: the order is over, and its accounts are at zero."""
    story = Story().until_accepted()
    assert not is_over(story.order)
    story.days_pass(2)

    view = story.send_refund_update("succeeded")

    assert view.amount_refunded == eur(DUE)
    assert view.amount_held == eur(0)
    assert view.refund
    assert view.refund.settled_at == story.now
    assert view.next == []
    assert is_over(story.order)
    assert not any(story.order.books.balances.values())
    assert ("buyer", "refund_succeeded") in story.notified
    books_must_balance(story.order)


def test_a_repeated_refund_update_changes_nothing() -> None:
    """R14, case 13: said twice, booked once."""
    story = Story().until_accepted()
    story.send_refund_update("succeeded")
    update = {"refund_id": story.refund.refund_id}

    for status in ("succeeded", "pending", "requires_action"):
        story.must_ignore("refund_update", **update, status=status)
    assert story.order.amount_refunded == eur(DUE)


@pytest.mark.parametrize("reason", CancelReason)
def test_there_is_no_fine_whoever_is_at_fault(reason: CancelReason) -> None:
    """R14: canceling carries no fine, and the view says so."""
    view = Story().until_cancellation_requested(reason=reason).view

    assert view.cancellation
    assert view.cancellation.fine == eur(0)
    assert view.cancellation.fault is fault_of(reason)


def test_the_reason_decides_who_is_at_fault() -> None:
    """R14: whose fault a cancellation was, none where nobody's is plain."""
    faults = {reason.value: fault_of(reason).value for reason in CancelReason}
    assert faults == {
        "changed_mind": "buyer",
        "order_mistake": "buyer",
        "duplicate_order": "buyer",
        "found_cheaper_price": "buyer",
        "address_issues": "buyer",
        "wont_arrive_in_time": "seller",
        "seller_unreachable": "seller",
        "out_of_stock": "seller",
        "poor_quality_expected": "none",
        "distrust_seller": "none",
        "other": "none",
    }
    unpaid = Story()
    unpaid.days_pass(20)
    assert unpaid.cancellation.fault is Fault.BUYER
    assert unpaid.cancellation.fine == eur(0)


def test_a_failed_refund_is_escalated() -> None:
    """R15, case 9: buyer and support are told, support gets an action, the order stays open to news."""
    story = Story().until_accepted()
    view = story.send_refund_update("failed", reason="Card expired")

    assert view.refund
    assert (view.refund.status, view.refund.failure_reason) == ("failed", "Card expired")
    assert story.notified[-2:] == [("buyer", "refund_failed"), ("support", "refund_failed")]
    by_support = {a.action: a.available for a in view.actions[story.order.notifications[-1].to]}
    assert by_support["refund_update"]
    assert view.amount_held == eur(DUE)
    assert not is_over(story.order)

    story.days_pass(100)
    view = story.send_refund_update("succeeded")
    assert view.refund
    assert view.refund.failure_reason is None
    assert view.amount_refunded == eur(DUE)
    assert is_over(story.order)
    books_must_balance(story.order)


@pytest.mark.parametrize(
    ("status", "told"),
    [("requires_action", "refund_requires_action"), ("canceled", "refund_failed")],
)
def test_a_refund_that_needs_help_is_told(status: str, told: str) -> None:
    """R15: whatever keeps the money from coming back by itself; what the buyer must do is no failure."""
    story = Story().until_accepted()
    story.send_refund_update(status)

    assert story.notified[-2:] == [("buyer", told), ("support", told)]
    assert not is_over(story.order)
    story.send_refund_update("succeeded")
    assert is_over(story.order)


def test_what_the_provider_waits_for_is_said_with_its_last_day() -> None:
    """R15: kept while the provider waits for the buyer, and no longer."""
    story = Story().until_accepted()
    until = story.now + 45 * DAY
    story.send_refund_update("requires_action", act_by=until)

    assert story.refund.act_by == until
    assert {it.details["act_by"] for it in story.order.notifications[-2:]} == {until.isoformat()}
    story.send_refund_update("failed", reason="expired")
    assert story.refund.act_by is None


def test_a_refund_that_fails_again_is_notified_only_for_another_reason() -> None:
    """R15, R21: the same words twice say nothing."""
    story = Story().until_accepted()
    for status, reason in (
        ("requires_action", ""),
        ("failed", ""),
        ("canceled", "Account closed"),
        ("failed", "Account closed"),
    ):
        story.send_refund_update(status, reason=reason)

    told = [it for it in story.order.notifications if it.what == "refund_failed"]
    assert [(it.to, it.details["reason"]) for it in told] == [
        ("buyer", ""),
        ("support", ""),
        ("buyer", "Account closed"),
        ("support", "Account closed"),
    ]


def test_a_late_refund_is_escalated_and_never_dropped() -> None:
    """R15: at the end of the two weeks, to the instant, once; and the provider is asked on and on."""
    story = Story().until_accepted()
    story.pass_until(CLOSED + 14 * DAY - INSTANT)
    assert "refund_overdue" not in story.happened

    story.pass_until(CLOSED + 14 * DAY)
    assert story.refund.overdue
    assert set(story.notified[-2:]) == {("buyer", "refund_overdue"), ("support", "refund_overdue")}
    assert deadline(story.order) == CLOSED + 14 * DAY

    story.days_pass(3 * 365)
    assert story.happened.count("refund_overdue") == 1
    assert not is_over(story.order)
    assert [due.what for due in story.view.next] == ["refund_check"]
    story.send_refund_update("succeeded")
    assert is_over(story.order)


def test_the_provider_is_asked_before_a_refund_becomes_overdue() -> None:
    """R15: what settled in time, without a word, is not called late."""
    story = Story().until_accepted()
    story.days_pass(13)
    story.provider = RefundStatus.SUCCEEDED

    view = story.days_pass(1)

    assert view.refund
    assert not view.refund.overdue
    assert "refund_overdue" not in story.happened
    assert is_over(story.order)


def test_the_provider_is_asked_before_a_shorter_window_ends() -> None:
    """R15, R22: also where policy's checks and its refund window do not meet."""
    story = Story(refund_window=timedelta(days=10)).until_accepted()
    story.days_pass(9)
    story.provider = RefundStatus.SUCCEEDED

    story.days_pass(1)

    assert "refund_overdue" not in story.happened


def test_a_check_without_an_answer_makes_the_refund_overdue() -> None:
    """R15: a provider that cannot be asked does not hold the escalation up."""
    story = Story().until_accepted()
    due = CLOSED + 14 * DAY
    story.pass_until_just_before(due)
    let_time_pass(story.order, due)
    assert story.order.refund_check_due
    assert not story.refund.overdue

    story.order.refund_checked(story.refund, None, due + DAY / 24)
    let_time_pass(story.order, due + DAY / 24)

    assert story.refund.overdue


def test_checks_come_at_the_policys_instants() -> None:
    """R14, R22: 3, 7 and 14 days after closing, and then again and again."""
    story = Story().until_accepted()
    asked = []
    for _ in range(6):
        coming = next(due.at for due in story.view.next if due.what == "refund_check")
        asked.append((coming - CLOSED).days)
        story.pass_until(coming)
    assert asked == [3, 7, 14, 21, 28, 35]


def test_without_configured_checks_the_provider_is_asked_before_overdue() -> None:
    """R22: an empty list still asks in the end."""
    story = Story(refund_checks=()).until_accepted()
    assert [due.what for due in story.view.next] == ["refund_check", "refund_overdue"]
    story.days_pass(14)
    assert story.refund.overdue


def test_an_unpaid_order_refunds_nothing() -> None:
    """R14: only an order that closes with money taken."""
    story = Story()
    story.days_pass(20)
    assert story.view.refund is None
    assert is_over(story.order)
    fields = {"refund_id": "A-1001-refund-1", "status": "succeeded"}
    assert story.must_refuse("refund_update", **fields).code is RefusalCode.UNKNOWN_REFUND


# --- money that no order can take ---


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("closed", RefusalCode.ORDER_CLOSED),
        ("shipped", RefusalCode.ORDER_SHIPPED),
        ("review", RefusalCode.PAYMENT_REVIEW_IN_PROGRESS),
        ("disputed", RefusalCode.NOT_IN_THIS_STATUS),
    ],
)
def test_a_second_payment_is_sent_back(status: str, code: RefusalCode) -> None:
    """R17, case 16: in full, once, and the order's own money is untouched."""
    story = Story()
    if status == "review":
        story.pay()
    else:
        {
            "closed": story.until_accepted,
            "shipped": story.until_shipped,
            "disputed": story.until_disputed,
        }[status]()
    before = story.order.books.model_dump()

    assert story.send_stray_payment(payment_id="pay-2").code is code

    assert [(s.payment_id, s.money) for s in story.order.stray_payments_to_start] == [
        ("pay-2", eur(DUE))
    ]
    assert story.order.books.model_dump() == before
    assert story.view.refused[-1].name == "payment"
    assert "payment_sent_back" in story.happened
    story.must_ignore("payment", **payment(payment_id="pay-2"))
    assert len(story.order.stray_payments_to_start) == 1


@pytest.mark.parametrize("before", ["another amount", "declined"])
def test_a_payment_that_contradicts_earlier_events_is_left_to_support(before: str) -> None:
    """R17, case 14: refused and told once; nothing is sent back that may never have come in."""
    story = Story()
    if before == "declined":
        story.send("payment_declined", payment_id="pay-1", reason="No funds")
    else:
        story.pay()
    money = eur(DUE if before == "declined" else 100)

    for _ in range(2):
        refused = story.send_stray_payment(payment_id="pay-1", money=money)

    assert "reported differently before" in refused.reason
    assert story.order.stray_payments_to_start == []
    assert story.notified.count(("support", "payment_contradicts")) == 1
    books_must_balance(story.order)


def test_no_payment_id_merges_two_postings() -> None:
    """Case 18: whatever ids a provider makes up, each posting has a key of its own."""
    story = Story()
    story.pay(payment_id="x")
    story.send("payment_declined", payment_id="x", reason="")
    story.pay(payment_id="declined-x")

    books_must_balance(story.order)


def test_repeated_updates_do_not_grow_the_order() -> None:
    """R15, case 31: what Temporal takes is 2 MB; the beginning of the timeline stays."""
    story = Story().until_accepted()
    for number in range(2000):
        status = "failed" if number % 2 else "canceled"
        story.send_refund_update(status, reason="\N{OLD PERSIAN SIGN A}" * 1000)

    story.order.notifications.clear()  # the outbox has them
    assert story.happened[:2] == ["placed", "payment_received"]
    assert len(story.order.model_dump_json().encode()) < 1_000_000


def test_a_payment_under_a_reused_payment_id_is_not_lost() -> None:
    """R17, case 16: two short payments of two ids, each back once; then the right one counts."""
    story = Story()
    story.send_stray_payment(payment_id="pay-1", money=eur(1000))
    story.send_stray_payment(payment_id="pay-2", money=eur(1490))
    story.pay(payment_id="pay-3")

    assert [s.payment_id for s in story.order.stray_payments_to_start] == ["pay-1", "pay-2"]
    assert story.order.amount_paid == eur(DUE)
    books_must_balance(story.order)


def test_a_failed_refund_does_not_become_pending_again() -> None:
    """R15, case 15: news that was overtaken erases no failure; success still does."""
    story = Story().until_accepted()
    story.send_refund_update("failed", reason="Account closed")
    news = {"refund_id": story.refund.refund_id, "status": "pending"}

    story.must_ignore("refund_update", **news)

    assert story.refund.failure_reason == "Account closed"
    story.send_refund_update("succeeded")
    assert is_over(story.order)


def test_a_closed_order_gives_its_reason() -> None:
    """R14: status, since when and why, in the view and on the timeline."""
    story = Story().until_accepted()
    assert story.view.status is Status.CLOSED
    assert story.view.close_reason is CloseReason.SELLER_ACCEPTED
    closed = next(e for e in story.view.timeline if e.what == "closed")
    assert closed.details == {"reason": "seller_accepted"}
    assert closed.at == story.view.status_since == CLOSED


@pytest.mark.parametrize("status", ["failed", "canceled"])
@pytest.mark.parametrize("days", [3, 20])
def test_a_refund_that_comes_back_is_reopened(days: int, status: str) -> None:
    """R15, case 56: booked back, told, and settled another way, also when its two weeks have passed."""
    story = Story().until_accepted()
    story.send_refund_update("succeeded")
    story.order = reopened(story.view, story.now)
    story.now += days * DAY

    view = story.send_refund_update(status, reason="Account closed")

    assert view.refund
    assert (view.refund.status, view.refund.failure_reason) == (status, "Account closed")
    assert view.refund.overdue == (days > 14)
    assert view.amount_refunded == eur(0)
    assert view.amount_held == eur(DUE)
    assert not is_over(story.order)
    assert {("buyer", "refund_returned"), ("support", "refund_returned")} <= set(story.notified)
    books_must_balance(story.order)
    story.must_ignore("refund_update", refund_id=view.refund.refund_id, status=status)

    story.send_refund_update("succeeded", by="support", note="Paid to their account.")

    assert story.view.amount_refunded == eur(DUE)
    assert story.refund.note == "Paid to their account."
    assert is_over(story.order)
    books_must_balance(story.order)
    # The provider says again what it has said before.
    story.must_ignore("refund_update", refund_id=view.refund.refund_id, status=status)
    keys = [it.key for it in story.order.postings]
    assert len(set(keys)) == len(keys)


def test_support_may_have_been_wrong_about_a_refund() -> None:
    """R15: what the provider then says for the first time counts."""
    story = Story().until_accepted()
    story.send_refund_update("succeeded", by="support")

    story.send_refund_update("failed", reason="Account closed")

    assert not is_over(story.order)
    assert ("support", "refund_returned") in story.notified


@pytest.mark.parametrize("facts", [*permutations(("outside", "chargeback", "lost"))])
def test_the_same_facts_end_in_the_same_books(facts: tuple[str, ...]) -> None:
    """R23, R24: in whatever order they arrive."""
    story = Story().until_awaiting_shipment()
    said = {"outside": 0, "chargeback": 1, "lost": 2}
    for fact in facts:
        at = story.now + timedelta(minutes=said[fact])
        if fact == "outside":
            story.send("outside_refund", **outside_refund(500), said_at=at)
        else:
            status = "opened" if fact == "chargeback" else "lost"
            fields = chargeback(status, 1000) | {"chargeback_id": "dp_1", "said_at": at}
            receive(story.order, message("chargeback", **fields), story.now)

    assert story.view.amount_refunded == eur(500)
    assert story.view.amount_charged_back == eur(1000)
    assert story.view.amount_held == eur(DUE - 1500)
    assert [it.status for it in story.view.chargebacks] == ["lost"]
    books_must_balance(story.order)


@pytest.mark.parametrize("status", ["pending", "succeeded"])
def test_only_the_rest_of_a_refund_from_outside_goes_back(status: str) -> None:
    """R24, case 61: what the provider has sent back by hand counts."""
    story = Story().until_awaiting_shipment()
    story.send("outside_refund", **outside_refund(500, status))
    story.must_ignore("outside_refund", **outside_refund(500, status))
    assert ("seller", "outside_refund") in story.notified
    story.send("cancel_request", reason="other")

    story.reply("accept")

    assert story.refund.money == eur(DUE - 500)
    story.send_refund_update("succeeded")
    assert story.view.amount_refunded == eur(DUE)
    assert is_over(story.order)
    books_must_balance(story.order)


def test_an_order_whose_money_went_back_outside_closes() -> None:
    """R24, case 61: the seller is not left to ship; one that fails is refunded after all."""
    story = Story().until_awaiting_shipment()
    view = story.send("outside_refund", **outside_refund(DUE))
    assert view.close_reason is CloseReason.REFUNDED_OUTSIDE
    assert view.refund is None
    assert is_over(story.order)

    story.send("outside_refund", **outside_refund(DUE, "failed"))

    assert story.refund.money == eur(DUE)
    assert ("support", "outside_refund_failed") in story.notified
    books_must_balance(story.order)


def test_a_refund_from_outside_stops_our_own() -> None:
    """R24, case 67: what both have paid the seller owes."""
    story = Story().until_accepted()
    story.send("outside_refund", **outside_refund(500))
    assert story.refund.stopping

    story.send_refund_update("succeeded")

    assert story.view.amount_refunded == eur(DUE + 500)
    assert story.view.amount_owed_to_seller.amount == -500
    books_must_balance(story.order)
    assert is_over(story.order)


def test_a_refund_that_failed_is_not_under_way_again() -> None:
    """R15, R23: whatever was to be given up is not found to wait for somebody."""
    story = Story().until_accepted()
    story.send_refund_update("failed", reason="Account closed")

    for status in ("pending", "requires_action"):
        story.must_ignore("refund_update", refund_id=story.refund.refund_id, status=status)


def test_an_order_does_not_close_before_its_payment_was_declined() -> None:
    """R1, R6: the 20 days ended while it was checked."""
    story = Story()
    story.pass_until(START + 19.5 * DAY)
    story.pay()
    story.now = START + 20.25 * DAY
    story.send("payment_declined", payment_id="pay-1", reason="stolen card")
    story.settle()

    assert story.view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert story.view.closed_at == story.now
