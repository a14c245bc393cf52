"""Chargebacks: R23. The same money never leaves twice; what the bank gives back goes where it belongs."""

from datetime import timedelta

import pytest

from orders.closing import is_over
from orders.disputes import DisputeOutcome
from orders.errors import RefusalCode
from orders.messages import RefundStatus, Role
from orders.reopening import reopened
from orders.status import CloseReason, Status
from orders.support_queue import Need, Waiting, waits_for_support
from tests.orders.builders import (
    DUE,
    Story,
    books_must_balance,
    chargeback,
    eur,
    outside_refund,
    payment,
)

DAY = timedelta(days=1)


def _must_be_over(story: Story) -> None:
    books_must_balance(story.order)
    assert is_over(story.order)
    assert story.view.amount_held == eur(0)


def test_a_lost_chargeback_before_closing_closes_the_order() -> None:
    """R23, case 27: the order closes, nothing is refunded, the request and the dispute end."""
    story = Story().until_cancellation_requested(complaint=True)
    view = story.send_chargeback("opened")
    assert view.status is Status.CANCELLATION_REQUESTED
    assert view.amount_charged_back == eur(DUE)
    assert view.amount_held == eur(0)
    assert ("support", "chargeback_opened") in story.notified
    books_must_balance(story.order)

    view = story.send_chargeback("lost")

    assert view.close_reason is CloseReason.CHARGED_BACK
    assert view.refund is None
    assert view.cancellation
    assert view.cancellation.status == "ended_by_chargeback"
    assert story.dispute.outcome is DisputeOutcome.BUYER_FAVOUR
    assert ("support", "chargeback_lost") in story.notified
    _must_be_over(story)


def test_a_won_chargeback_before_closing_lets_the_order_go_on() -> None:
    """R23: things are put back, and the order goes on."""
    story = Story().until_awaiting_shipment()
    story.send_chargeback("opened")
    view = story.send_chargeback("won")

    assert view.status is Status.AWAITING_SHIPMENT
    assert view.amount_charged_back == eur(0)
    assert view.amount_held == eur(DUE)
    books_must_balance(story.order)
    story.verdict(story.send_tracking_number(), valid=True)
    assert story.view.amount_owed_to_seller.amount == DUE
    _must_be_over(story)


@pytest.mark.parametrize("end", ["won", "lost"])
def test_an_order_closed_while_the_bank_decides_is_refunded_only_if_won(end: str) -> None:
    """R23, R14: nothing is paid until then; won, the refund starts; lost, there is nothing to refund."""
    story = Story().until_cancellation_requested()
    story.send_chargeback("opened")
    view = story.reply("accept")
    assert view.refund is None
    assert not is_over(story.order)
    story.days_pass(5)

    view = story.send_chargeback(end)

    if end == "won":
        assert story.refund.money == eur(DUE)
        story.send_refund_update("succeeded")
    assert story.order.close_reason is CloseReason.SELLER_ACCEPTED
    _must_be_over(story)


@pytest.mark.parametrize("end", ["won", "lost"])
@pytest.mark.parametrize("answer", ["canceled", "failed"])
def test_a_refund_under_way_is_stopped(answer: str, end: str) -> None:
    """R23, case 27: during a refund; stopped, it is not paid, and won, it starts anew."""
    story = Story().until_accepted()
    story.send_chargeback("opened")
    assert story.refund.stopping

    view = story.send_refund_update(answer)
    assert view.refund is None
    assert view.amount_held == eur(0)
    assert ("buyer", "refund_failed") not in story.notified
    books_must_balance(story.order)

    story.send_chargeback(end)
    if end == "won":
        assert story.refund.refund_id == "A-1001-refund-2"
        assert story.refund.money == eur(DUE)
        story.send_refund_update("succeeded")
        assert story.order.amount_refunded == eur(DUE)
    else:
        assert story.order.refund is None
        assert story.order.amount_charged_back == eur(DUE)
    assert story.view.amount_owed_to_seller.amount == 0
    _must_be_over(story)


@pytest.mark.parametrize("failed", ["failed", "canceled"])
def test_a_refund_that_failed_before_is_stopped(failed: str) -> None:
    """R23, R15: it is answered "failed" again when it is stopped, and must not stay in the way."""
    story = Story().until_accepted()
    story.send_refund_update(failed)
    story.send_chargeback("opened")

    if story.order.refund:
        story.send_refund_update(failed)

    assert story.order.refund is None
    books_must_balance(story.order)
    story.send_chargeback("lost")
    _must_be_over(story)


@pytest.mark.parametrize("failed", ["failed", "canceled"])
def test_a_refund_refused_before_the_chargeback_was_won_is_made_again(failed: str) -> None:
    """R23, R15, case 15: "won" overtook "opened", and what the provider refused nobody else would ask for."""
    story = Story().until_accepted()
    story.send_refund_update(failed, reason="charge_disputed")
    story.send_chargeback("won")
    assert story.refund.stopping

    story.send_refund_update("canceled", reason="never asked")

    assert story.refund.refund_id == "A-1001-refund-2"
    assert story.refund.money == eur(DUE)
    story.send_refund_update("succeeded")
    assert story.view.amount_refunded == eur(DUE)
    _must_be_over(story)


def test_a_refund_under_way_continues_when_a_chargeback_is_won() -> None:
    """R23: of one that was never heard of nothing was taken."""
    story = Story().until_accepted()
    story.send_chargeback("won")

    assert not story.refund.stopping
    story.send_refund_update("succeeded")
    _must_be_over(story)


def test_a_refund_that_could_not_be_stopped_is_booked() -> None:
    """R23: both came through; the seller owes what went out twice, and the ledger shows it."""
    story = Story().until_accepted()
    story.send_chargeback("opened")
    story.send_refund_update("succeeded")
    view = story.send_chargeback("lost")

    assert view.amount_refunded == view.amount_charged_back == eur(DUE)
    assert view.amount_owed_to_seller.amount == -DUE
    _must_be_over(story)


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_chargeback_after_the_refund_is_booked_as_paid_twice(end: str) -> None:
    """R23, case 27: the money is back already; won, the seller owes nothing any more."""
    story = Story().until_accepted()
    story.send_refund_update("succeeded")
    view = story.send_chargeback("opened")
    assert view.amount_owed_to_seller.amount == -DUE
    assert not is_over(story.order)

    view = story.send_chargeback(end)

    assert view.amount_owed_to_seller.amount == (0 if end == "won" else -DUE)
    assert view.amount_refunded == eur(DUE)
    assert len([p for p in story.order.postings if "refund" in p.step]) == 2
    _must_be_over(story)


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_lost_chargeback_of_a_shipped_order_is_taken_from_the_seller(end: str) -> None:
    """R23: the goods are gone; the seller's money is at stake."""
    story = Story().until_shipped()
    story.send_chargeback("opened")
    view = story.send_chargeback(end)

    assert view.status is Status.SHIPPED
    assert view.amount_owed_to_seller.amount == (DUE if end == "won" else 0)
    assert view.refund is None
    _must_be_over(story)


def test_a_partial_chargeback_leaves_the_rest_to_be_refunded() -> None:
    """R23, R14: the rest still goes back to the buyer."""
    story = Story().until_accepted()
    story.send_chargeback("opened", 1000)
    story.send_refund_update("canceled")
    story.send_chargeback("lost", 1000)

    assert story.refund.money == eur(DUE - 1000)
    story.send_refund_update("succeeded")
    assert story.view.amount_owed_to_seller.amount == 0
    _must_be_over(story)


@pytest.mark.parametrize("lost", [DUE, 400])
def test_the_banks_latest_amount_counts(lost: int) -> None:
    """R23: also of the amount; more is taken off what is held, and less is given back."""
    story = Story().until_awaiting_shipment()
    story.send_chargeback("opened", 1000)
    story.send_chargeback("opened", 1500)
    assert story.view.amount_held == eur(DUE - 1500)
    books_must_balance(story.order)

    view = story.send_chargeback("lost", lost)

    assert view.amount_charged_back == eur(lost)
    assert [it.money for it in view.chargebacks] == [eur(lost)]
    books_must_balance(story.order)
    if lost == DUE:
        assert view.close_reason is CloseReason.CHARGED_BACK
        _must_be_over(story)


def test_a_lost_partial_chargeback_leaves_the_dispute_open() -> None:
    """R23, R16: the order goes on with the rest of the money, and support decides the dispute."""
    story = Story().until_disputed()
    story.send_chargeback("opened", 1)
    view = story.send_chargeback("lost", 1)
    assert view.status is Status.DISPUTED

    story.send("dispute_decision", decision="full_refund")

    assert story.refund.money == eur(DUE - 1)
    story.send_refund_update("succeeded")
    _must_be_over(story)


def test_what_the_bank_has_not_claimed_goes_back_while_it_decides() -> None:
    """R14, R23, case 109: support is reminded every week; won, the rest has two weeks of its own."""
    story = Story().until_accepted()
    story.send_chargeback("opened", 1000)
    story.send_refund_update("canceled")
    assert ("buyer", "refund_stopped") in story.notified
    assert story.refund.money == eur(DUE - 1000)
    story.send_refund_update("succeeded")
    assert not is_over(story.order)
    story.days_pass(90)
    assert story.notified.count(("support", "chargeback_reminder")) == 12

    story.send_chargeback("won", 1000)

    assert story.refund.money == eur(1000)
    assert story.refund.due_by == story.now + 14 * DAY
    assert not story.refund.overdue
    story.send_refund_update("succeeded")
    assert story.view.amount_refunded == eur(DUE)
    _must_be_over(story)


def test_a_buyer_whose_bank_has_the_money_is_not_notified_of_a_late_refund() -> None:
    """R23, R15: a refund that is being stopped is support's to look into."""
    story = Story().until_accepted()
    story.send_chargeback("opened")
    story.days_pass(15)

    assert ("support", "refund_overdue") in story.notified
    assert ("buyer", "refund_overdue") not in story.notified


def test_a_chargeback_during_the_check_asks_nobody_to_ship() -> None:
    """R23, R21: nobody is told to ship what is not paid for any more."""
    story = Story()
    story.pay()
    story.send_chargeback("opened")
    story.days_pass(1)
    assert ("seller", "payment_accepted") not in story.notified

    lost = Story()
    lost.pay()
    view = lost.send_chargeback("lost")

    assert view.payment
    assert view.payment.status == "charged_back"
    _must_be_over(lost)


def test_a_chargeback_and_a_dispute_decision_never_pay_more_than_came_in() -> None:
    """R23, R16, case 10: never more back than came in."""
    story = Story().until_disputed()
    story.send_chargeback("opened", 1000)
    story.send_chargeback("won", 1000)
    story.send("dispute_decision", decision="partial_refund", money=eur(700))
    story.send_refund_update("succeeded")
    assert story.view.amount_owed_to_seller.amount == DUE - 700
    _must_be_over(story)

    lost = Story().until_disputed()
    lost.send_chargeback("opened", 1000)
    lost.send("dispute_decision", decision="partial_refund", money=eur(700))
    lost.send_chargeback("lost", 1000)
    assert lost.view.refund is None
    assert lost.view.amount_owed_to_seller.amount == DUE - 1000
    _must_be_over(lost)


def test_a_lost_chargeback_that_was_never_opened_is_booked() -> None:
    """R23, case 15: the news came in another order, or one of it never did."""
    story = Story().until_awaiting_shipment()
    assert story.send_chargeback("lost").close_reason is CloseReason.CHARGED_BACK
    _must_be_over(story)

    won = Story().until_awaiting_shipment()
    won.send_chargeback("won")
    assert won.view.amount_held == eur(DUE)
    books_must_balance(won.order)


def test_a_repeated_chargeback_changes_nothing() -> None:
    """R23, case 13: once in the books."""
    story = Story().until_awaiting_shipment()
    story.send_chargeback("opened")
    story.must_ignore("chargeback", **chargeback("opened"))
    story.send_chargeback("lost")
    story.must_ignore("chargeback", **chargeback("lost"))


@pytest.mark.parametrize(
    "statuses", [("won", "lost"), ("lost", "won"), ("lost", "opened", "won"), ("won", "opened")]
)
@pytest.mark.parametrize("when", ["open", "shipped", "closed"])
def test_the_banks_last_word_counts(when: str, statuses: tuple[str, ...]) -> None:
    """R23, case 57: however often it changes, for an order that goes on and one that is over."""
    story = {
        "open": Story().until_awaiting_shipment,
        "shipped": Story().until_shipped,
        "closed": Story().until_accepted,
    }[when]()
    for status in ("opened", *statuses):
        view = story.send_chargeback(status, 1000)
        books_must_balance(story.order)
        assert view.amount_charged_back == eur(0 if status == "won" else 1000)
        assert story.notified[-1][1] == f"chargeback_{status}"
    assert [it.status for it in story.view.chargebacks] == [statuses[-1]]


@pytest.mark.parametrize("first", ["opened", "won", "lost"])
def test_each_chargeback_counts_by_its_id(first: str) -> None:
    """R23, case 58: two on one payment, at once or one after the other."""
    story = Story().until_awaiting_shipment()
    story.send("chargeback", **chargeback(first, 1000), chargeback_id="dp_1")
    story.send("chargeback", **chargeback("opened", 700), chargeback_id="dp_2")

    taken = 700 if first == "won" else 1700
    assert story.view.amount_charged_back == eur(taken)
    assert story.view.amount_held == eur(DUE - taken)
    assert [it.chargeback_id for it in story.view.chargebacks] == ["dp_1", "dp_2"]
    books_must_balance(story.order)


def test_what_the_provider_said_earlier_changes_nothing() -> None:
    """R23: an opening that arrives after the decision is old, by when it was said."""
    story = Story().until_awaiting_shipment()
    story.send("chargeback", **chargeback("won"), said_at=story.now)
    before = story.now - timedelta(minutes=1)

    story.must_ignore("chargeback", **chargeback("opened"), said_at=before)

    assert story.view.amount_held == eur(DUE)


@pytest.mark.parametrize("status", ["opened", "lost"])
def test_more_than_was_paid_is_booked_up_to_it_and_the_rest_apart(status: str) -> None:
    """R23, case 59: an exchange rate; support is told, and says who bears it."""
    story = Story().until_shipped()
    view = story.send_chargeback(status, DUE + 43)

    assert view.amount_charged_back == eur(DUE)
    assert [(it.amount, it.currency) for it in view.unmatched] == [(43, "EUR")]
    assert ("support", "unmatched_money") in story.notified
    books_must_balance(story.order)
    story.send("unmatched_resolution", borne_by="seller", note="Their contract says so.")
    assert story.view.unmatched == []
    assert story.view.amount_owed_to_seller.amount == -43
    assert story.view.unmatched_resolutions[0].note == "Their contract says so."
    books_must_balance(story.order)
    story.must_refuse("unmatched_resolution", borne_by="seller", note="Again.")


def test_what_the_seller_bore_of_a_chargeback_that_is_won_can_be_given_back() -> None:
    """R23: a chargeback that the seller wins puts things back; never more than the seller has borne."""
    story = Story().until_shipped()
    story.send_chargeback("opened", DUE + 43)
    story.send("unmatched_resolution", borne_by="seller", note="Their contract says so.")
    story.send_chargeback("won", DUE + 43)
    assert [it.amount for it in story.view.unmatched] == [-43]

    story.send("unmatched_resolution", borne_by="seller", note="The bank gave it back.")

    assert story.view.unmatched == []
    assert story.view.amount_owed_to_seller.amount == DUE
    books_must_balance(story.order)


def test_another_currency_takes_all_that_was_paid_until_support_has_looked() -> None:
    """R23, case 59: nothing is paid out that the bank may have; the difference is the marketplace's."""
    story = Story().until_awaiting_shipment()
    usd = {"amount": 2690, "currency": "USD"}
    story.send("chargeback", **(chargeback("opened") | {"money": usd}))

    assert story.view.amount_charged_back == eur(DUE)
    assert {(it.amount, it.currency) for it in story.view.unmatched} == {
        (2690, "USD"),
        (-DUE, "EUR"),
    }
    refused = story.must_refuse("unmatched_resolution", borne_by="seller", note="No.")
    assert refused.code is RefusalCode.WRONG_AMOUNT
    story.send("unmatched_resolution", borne_by="marketplace", note="The rate changed.")
    assert story.view.unmatched == []
    story.send("chargeback", **(chargeback("won") | {"money": usd}))
    assert story.view.amount_held == eur(DUE)
    assert {(it.amount, it.currency) for it in story.view.unmatched} == {
        (-2690, "USD"),
        (DUE, "EUR"),
    }


def test_unmatched_money_waits_in_supports_queue() -> None:
    """R23, case 65: since the provider took it, until support has said who bears it."""
    story = Story().until_shipped()
    story.days_pass(3)
    story.send_chargeback("opened", DUE + 43)

    waiting = waits_for_support(story.view)

    assert waiting == Waiting(need=Need.UNMATCHED, since=story.now)
    story.send("unmatched_resolution", borne_by="seller", note="The bank's fee.")
    assert waits_for_support(story.view) is None


def test_what_support_said_of_money_that_is_sent_back_waits_in_its_queue() -> None:
    """R17, R23: what the marketplace bore of it here is the stray payment's now, and support says so."""
    story = Story()
    story.days_pass(21)
    story.send_chargeback("opened", 1000)
    story.send("unmatched_resolution", borne_by="marketplace", note="The provider's mistake.")
    said_at = story.now
    story.send_stray_payment()

    view = story.view

    assert (view.chargebacks, [it.amount for it in view.unmatched]) == ([], [-1000])
    assert waits_for_support(view) == Waiting(need=Need.UNMATCHED, since=said_at)
    story.send("unmatched_resolution", borne_by="marketplace", note="Put back.")
    assert story.view.unmatched == []
    books_must_balance(story.order)


def test_a_chargeback_of_nothing_takes_nothing() -> None:
    """R23, case 59."""
    story = Story().until_awaiting_shipment()
    story.send_chargeback("opened", 0)
    assert story.view.amount_held == eur(DUE)
    books_must_balance(story.order)


def test_one_award_is_refunded_once() -> None:
    """R23, case 64: the refund under way is the one that goes on when the chargeback of all is won."""
    story = Story().until_disputed()
    story.send("dispute_decision", decision="partial_refund", money=eur(2000))
    story.send_chargeback("opened")
    assert story.refund.stopping
    books_must_balance(story.order)

    view = story.send_chargeback("won")

    assert view.refund
    assert not view.refund.stopping
    assert view.refund.refund_id == "A-1001-refund-1"
    assert story.view.amount_owed_to_seller.amount == DUE - 2000
    story.send_refund_update("succeeded")
    assert story.view.amount_refunded == eur(2000)
    _must_be_over(story)


def test_a_refund_that_is_being_stopped_stays_so_until_the_provider_has_answered() -> None:
    """R23: the provider may stop it yet; then its money goes by another one."""
    story = Story().until_accepted()
    story.send_chargeback("opened")
    story.refund.stop_is_being_asked = True
    story.send_chargeback("won")
    assert story.refund.stopping

    story.refund.stop_is_being_asked = False
    story.send_refund_update("canceled")

    assert story.refund.refund_id == "A-1001-refund-2"
    story.send_refund_update("succeeded")
    _must_be_over(story)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_chargeback_may_come_before_its_payment(when: str) -> None:
    """R23: the same facts end in the same books."""
    story = Story()
    if when == "before":
        story.send_chargeback("opened", 1000)
    story.pay()
    if when == "after":
        story.send_chargeback("opened", 1000)

    assert story.view.amount_held == eur(DUE - 1000)
    assert story.order.books.balances == {"cash": DUE - 1000, "held": -(DUE - 1000)} | {
        name: 0 for name in story.order.books.balances if name not in ("cash", "held")
    }


def test_a_chargeback_of_another_payment_is_refused() -> None:
    """R23: it is refused with a sentence, whatever this order's own chargeback says."""
    story = Story().until_awaiting_shipment()
    other = chargeback("opened", payment_id="pay-2")
    assert story.must_refuse("chargeback", **other).code is RefusalCode.NOT_IN_THIS_STATUS
    story.send_chargeback("opened")

    assert story.must_refuse("chargeback", **other).code is RefusalCode.NOT_IN_THIS_STATUS


@pytest.mark.parametrize("said", ["chargeback", "outside_refund"])
@pytest.mark.parametrize("seen", ["in its check", "never"])
@pytest.mark.parametrize("then", ["awaits payment", "is paid otherwise", "has expired"])
def test_what_is_taken_of_a_declined_payment_is_set_aside(then: str, seen: str, said: str) -> None:
    """R6, R23, R24: no money came in that it could be booked to; support alone is told."""
    story = Story()
    if seen != "never":
        story.pay()
    story.send("payment_declined", payment_id="pay-1", reason="")
    if then == "is paid otherwise":
        story.send("payment", **payment("pay-2"))
    elif then == "has expired":
        story.days_pass(20)
    before, told = story.view, len(story.notified)
    taken, given_back = {
        "chargeback": (chargeback("lost", 1000), chargeback("won", 1000)),
        "outside_refund": (outside_refund(1000), outside_refund(1000, "failed")),
    }[said]

    view = story.send(said, **taken)

    assert [(it.amount, it.currency) for it in view.unmatched] == [(1000, "EUR")]
    assert story.order.books.balance("cash") == before.amount_paid.amount - 1000
    assert (view.status, view.amount_held) == (before.status, before.amount_held)
    assert {to for to, _ in story.notified[told:]} == {"support"}
    assert ("support", "unmatched_money") in story.notified[told:]
    books_must_balance(story.order)
    story.send("unmatched_resolution", borne_by="marketplace", note="The provider's mistake.")
    story.send(said, **given_back)
    assert [it.amount for it in story.view.unmatched] == [-1000]
    books_must_balance(story.order)


def test_what_is_taken_of_a_payment_before_it_comes_in_is_set_aside_until_it_does() -> None:
    """R23: the provider has taken it all the same."""
    story = Story()
    view = story.send_chargeback("opened", 1000)
    assert [it.amount for it in view.unmatched] == [1000]

    view = story.send("payment", **payment())

    assert (view.unmatched, view.amount_held) == ([], eur(DUE - 1000))
    books_must_balance(story.order)


@pytest.mark.parametrize("end", [None, "won"])
def test_a_payment_declined_while_charged_back_leaves_no_money(end: str | None) -> None:
    """R23, R6: the payment goes as it came; what the bank took, and has not given back, is set aside."""
    story = Story()
    story.pay()
    story.send_chargeback("opened", 1000)
    if end:
        story.send_chargeback(end, 1000)

    view = story.send("payment_declined", payment_id="pay-1", reason="")

    assert (view.amount_paid, view.amount_held, view.amount_charged_back) == (eur(0),) * 3
    taken = 0 if end else 1000
    assert sum(it.amount for it in view.unmatched) == taken
    assert story.order.books.balance("cash") == -taken
    books_must_balance(story.order)


def test_each_payment_has_its_own_chargeback() -> None:
    """R23, R6: after a declined payment the next one's chargeback has a posting key of its own."""
    story = Story()
    story.pay()
    story.send_chargeback("opened", 1000)
    story.send("payment_declined", payment_id="pay-1", reason="")
    story.send("payment", **payment("pay-2"))
    story.send_chargeback("opened", 2000, "pay-2")
    books_must_balance(story.order)
    assert [it.amount for it in story.view.unmatched] == [1000]
    assert story.order.books.balance("cash") == DUE - 2000 - 1000

    story.send_chargeback("won", 2000, "pay-2")

    books_must_balance(story.order)
    assert story.view.amount_held == eur(DUE)


def test_a_late_failure_of_a_stopped_refund_keeps_its_successor() -> None:
    """R23, case 15: a stopped refund's further news books nothing twice and drops no other refund."""
    story = Story().until_accepted()
    story.send_chargeback("opened")
    story.send_refund_update("canceled")
    story.send_chargeback("won")
    assert story.refund.refund_id == "A-1001-refund-2"

    story.send_refund_update("failed", refund_id="A-1001-refund-1")

    assert story.refund.refund_id == "A-1001-refund-2"
    assert len(story.order.earlier_refunds) == 1
    books_must_balance(story.order)


def test_a_stopped_refund_that_succeeds_after_all_is_booked() -> None:
    """R23: accounted for, support is told, and the second refund of the same money is stopped."""
    story = Story().until_accepted()
    story.send_chargeback("opened")
    story.send_refund_update("canceled")
    story.send_chargeback("won")

    view = story.send_refund_update("succeeded", refund_id="A-1001-refund-1")

    assert ("support", "refund_after_chargeback") in story.notified
    assert view.amount_refunded == eur(DUE)
    books_must_balance(story.order)
    assert story.refund.stopping
    story.send_refund_update("canceled")
    assert story.view.amount_refunded == eur(DUE)
    assert story.view.amount_owed_to_seller.amount == 0
    _must_be_over(story)


def test_a_stopped_refund_that_succeeds_while_the_bank_decides_is_booked() -> None:
    """R23: accounted for out of what is held; won, there is nothing left to refund."""
    story = Story().until_accepted()
    story.send_chargeback("opened")
    story.send_refund_update("canceled")
    story.send_refund_update("succeeded", refund_id="A-1001-refund-1")
    books_must_balance(story.order)

    view = story.send_chargeback("won")

    assert view.refund is None
    assert view.amount_refunded == eur(DUE)
    assert view.amount_owed_to_seller.amount == 0
    _must_be_over(story)


def test_an_update_that_does_not_stop_a_refund_leaves_it_to_be_stopped() -> None:
    """R23: news that changes nothing of a refund being stopped leaves it to be stopped."""
    story = Story().until_accepted()
    story.send_chargeback("opened")
    story.send_refund_update("requires_action")

    assert story.refund.status is RefundStatus.REQUIRES_ACTION
    assert story.refund.stopping
    books_must_balance(story.order)


def test_the_latest_amount_counts_when_the_order_is_over() -> None:
    """R23, case 99: also where the order was reopened for it."""
    story = Story().until_shipped()
    for amount in (1000, DUE):
        story.order = reopened(story.view, story.now)
        view = story.send_chargeback("opened", amount)
        assert view.amount_charged_back == eur(amount)
        assert view.amount_owed_to_seller.amount == DUE - amount
        books_must_balance(story.order)


@pytest.mark.parametrize(("taken", "status"), [(1000, "accepted"), (DUE, "charged_back")])
def test_a_payment_is_charged_back_when_all_of_it_is_for_good(taken: int, status: str) -> None:
    """R23, case 103: not while the bank decides, not for a part, and not once the seller has won."""
    story = Story().until_shipped()
    for said, expected in (("opened", "accepted"), ("lost", status), ("won", "accepted")):
        view = story.send_chargeback(said, taken)
        assert view.payment
        assert view.payment.status == expected

    closed = Story().until_awaiting_shipment().send_chargeback("lost")
    assert closed.payment
    assert (closed.close_reason, closed.payment.status) == ("charged_back", "charged_back")


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_support_can_say_of_a_refund_what_the_order_offers(status: str) -> None:
    """R15, R23, case 66: also while a chargeback is open, and of a refund that was stopped."""
    story = Story().until_accepted()
    refund_id = story.refund.refund_id
    story.send_chargeback("opened")
    for _ in range(2):
        offered = {it.action: it.available for it in story.view.actions[Role.SUPPORT]}
        assert offered["refund_update"]
        story.send_refund_update(status, refund_id, by="support", reason="Seen in the dashboard.")
        status = "succeeded"
