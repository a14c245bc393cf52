"""Stray money: R17, and R23 for what its payer's bank takes back of it. It leaves once, whoever sends it."""

from datetime import timedelta
from itertools import pairwise

import pytest

from orders.allocation import books, was_refused_for_a_won_chargeback
from orders.errors import InvalidInput
from orders.messages import (
    ChargebackReported,
    OutsideRefundReported,
    PaymentDeclined,
    RefundStatus,
    Role,
    UnmatchedResolution,
)
from orders.refunds import Refund, RefundReport, find_refund
from orders.reopening import reopened
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from tests.orders.builders import (
    DUE,
    START,
    Story,
    books_must_balance,
    chargeback,
    eur,
    notifications_must_be_valid,
    outside_refund,
    place,
)

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
PAID = 500


class StrayPaymentStory:
    """The way back of 5.00 EUR."""

    def __init__(self) -> None:
        found = StrayPaymentInput(
            payment_id="pay-9",
            money=eur(PAID),
            method="blik",
            reason="unknown_order",
            payer=place().buyer,
        )
        self.stray = StrayPaymentState.new(found, START)
        self.now = START

    @property
    def refund(self) -> Refund:
        assert self.stray.refund
        return self.stray.refund

    @property
    def notified(self) -> list[tuple[str, str]]:
        return [(it.to.value, it.what) for it in self.stray.notifications]

    def send_refund_update(
        self, status: str, reason: str = "", refund_id: str | None = None
    ) -> None:
        """The provider, of the refund that is under way, or another one."""
        refund = find_refund(self.stray, refund_id) if refund_id else self.refund
        assert refund
        self.stray.update_refund(refund, RefundReport(RefundStatus(status), reason), self.now)

    def send_chargeback(self, status: str, amount: int = PAID) -> bool:
        fields = chargeback(status, amount, "pay-9")
        return self.stray.receive(ChargebackReported.model_validate(fields), self.now)

    def until_day(self, days: float) -> None:
        """Time passes, and the provider, when it is asked, has nothing new to say."""
        self.now = START + days * DAY
        self.stray.let_time_pass(self.now)
        if self.stray.refund_check_due:
            self.stray.refund_checked(self.refund, None, self.now)

    def must_be_over(self, held: int = 0) -> None:
        """Nothing is left to do, and each account and letter is as it should be."""
        stray = self.stray
        assert stray.is_over
        assert stray.next_due is None
        assert stray.held == held
        assert sum(it.legs["cash"] for it in stray.postings) == held
        assert len({it.key for it in stray.postings}) == len(stray.postings)
        assert len({it.key for it in stray.notifications}) == len(stray.notifications)
        notifications_must_be_valid(stray.notifications)
        assert StrayPaymentState.model_validate_json(stray.model_dump_json()) == stray


def test_the_payer_is_notified_once_when_a_step_runs_again_in_another_order() -> None:
    """R17, R21: as for an order's refund."""
    keys = []
    for news in (("succeeded",), ("failed", "succeeded")):
        story = StrayPaymentStory()
        for status in news:
            story.send_refund_update(status)
        notices = story.stray.notifications
        keys.append({it.key for it in notices if it.what == "stray_refund_succeeded"})
        assert len({it.key for it in notices}) == len(notices)

    assert keys[0] == keys[1]
    assert len(keys[0]) == 1


def test_a_stray_payment_is_refunded_in_full() -> None:
    """R17: by a process of its own, to whom it came from, and its payer is told."""
    story = StrayPaymentStory()
    assert story.refund.money == eur(PAID)
    assert story.refund.method == "blik"
    assert story.refund.refund_id == "stray-pay-9-refund"
    assert story.refund.due_by == START + 14 * DAY
    assert story.notified == [("buyer", "stray_refund_started")]

    for _ in range(3):
        story.send_refund_update("succeeded")

    assert story.notified[1:] == [("buyer", "stray_refund_succeeded")]
    assert [it.step for it in story.stray.postings] == ["received", "returned"]
    story.must_be_over()


def test_a_refund_that_does_not_arrive_is_escalated() -> None:
    """R17, R15: failed or late, support and payer are told, and success still counts."""
    story = StrayPaymentStory()
    story.send_refund_update("pending")
    story.send_refund_update("failed", "Account closed")
    assert story.refund.failure_reason == "Account closed"
    told = [("support", "stray_refund_failed"), ("buyer", "stray_refund_failed")]
    assert story.notified[-2:] == told
    story.send_refund_update("canceled", "Account closed")
    assert story.notified[-4:-2] != told
    assert story.stray.next_due
    assert story.stray.next_due.at == START + 3 * DAY

    story.until_day(14 - INSTANT / DAY)
    assert "refund_overdue" not in [it.what for it in story.stray.timeline]
    for _ in range(2):
        story.until_day(14)
    assert story.refund.overdue
    assert [what for _, what in story.notified].count("stray_refund_overdue") == 2
    assert story.stray.next_due.at == START + 21 * DAY

    story.until_day(40)
    story.send_refund_update("succeeded")
    story.until_day(50)
    assert [what for _, what in story.notified].count("stray_refund_overdue") == 2
    story.must_be_over()


@pytest.mark.parametrize("answer", ["canceled", "failed"])
def test_a_charged_back_stray_payment_is_not_refunded_as_well(answer: str) -> None:
    """R23, R17: the refund under story is stopped, and lost, it stays so."""
    story = StrayPaymentStory()
    story.send_chargeback("opened")
    assert story.refund.stopping
    assert story.stray.held == 0
    assert story.notified[-1] == ("support", "stray_chargeback_opened")

    story.send_refund_update(answer)
    assert story.notified[-1] == ("buyer", "stray_refund_stopped")
    assert ("buyer", "stray_refund_failed") not in story.notified
    assert story.stray.refund is None
    assert not story.stray.is_over
    assert story.stray.next_due
    assert story.stray.next_due.what == "chargeback_reminder"

    story.send_chargeback("lost")
    assert story.notified[-1] == ("support", "stray_chargeback_lost")
    assert story.stray.refund is None
    story.must_be_over()


def test_a_won_chargeback_is_refunded_by_another_refund() -> None:
    """R23, R17: won, once, with two weeks of its own."""
    story = StrayPaymentStory()
    story.send_chargeback("opened")
    story.send_refund_update("canceled")
    story.until_day(20)
    story.send_chargeback("won")

    assert story.refund.refund_id == "stray-pay-9-refund-2"
    assert story.refund.money == eur(PAID)
    assert story.refund.due_by == START + 34 * DAY
    assert story.notified[-2:] == [
        ("support", "stray_chargeback_won"),
        ("buyer", "stray_refund_restarted"),
    ]
    assert not story.send_chargeback("won")
    story.send_refund_update("succeeded")
    story.send_refund_update("failed", refund_id="stray-pay-9-refund")
    assert [it.step for it in story.stray.postings] == [
        "received",
        "chargeback/pay-9/1",
        "chargeback/pay-9/2",
        "returned-2",
    ]
    story.must_be_over()


def test_a_chargeback_won_before_the_refund_was_stopped_is_refunded_once() -> None:
    """R23: it may go through, or be stopped all the same; its money goes once either story."""
    for answer in ("succeeded", "canceled"):
        story = StrayPaymentStory()
        story.send_chargeback("opened")
        story.refund.stop_is_being_asked = True
        story.send_chargeback("won")
        story.refund.stop_is_being_asked = False
        assert story.refund.refund_id == "stray-pay-9-refund"
        story.send_refund_update(answer)
        if answer == "canceled":
            assert story.refund.refund_id == "stray-pay-9-refund-2"
            story.send_refund_update("succeeded")
        story.must_be_over()


def test_a_refund_that_a_won_chargeback_brought_about_is_not_refused_by_it() -> None:
    """R15, R23: it was requested at that instant; one that was requested before goes by another one."""
    story = StrayPaymentStory()
    story.send_chargeback("opened")
    story.send_refund_update("canceled")
    story.send_chargeback("won")
    assert story.refund.refund_id == "stray-pay-9-refund-2"

    story.send_refund_update("failed", "expired_or_canceled_card")

    assert not was_refused_for_a_won_chargeback(story.stray, story.refund)
    assert was_refused_for_a_won_chargeback(story.stray, story.refund, or_due_to_it=True)
    story.now += timedelta(hours=1)
    story.send_chargeback("opened")
    story.now += timedelta(hours=1)
    story.send_chargeback("won")
    assert was_refused_for_a_won_chargeback(story.stray, story.refund)


def test_what_the_bank_has_not_claimed_goes_back_at_once() -> None:
    """R14, R23: only the rest goes back; support is reminded of the other while the bank decides."""
    story = StrayPaymentStory()
    story.send_chargeback("opened", 200)
    story.send_refund_update("canceled")
    assert story.refund.money == eur(300)
    assert story.stray.notifications[-1].details["money"] == {"amount": 300, "currency": "EUR"}
    story.send_refund_update("succeeded")
    for day in range(1, 30):
        story.until_day(day)
    assert story.notified.count(("support", "stray_chargeback_reminder")) == 4
    assert not story.stray.is_over

    story.send_chargeback("lost", 200)

    story.must_be_over()


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_comes_back_is_reopened(status: str) -> None:
    """R15, R17, case 56."""
    story = StrayPaymentStory()
    story.send_refund_update("succeeded")
    story.must_be_over()

    story.send_refund_update(status, "Account closed")

    assert story.stray.held == PAID
    assert not story.stray.is_over
    assert story.notified[-2:] == [
        ("buyer", "stray_refund_returned"),
        ("support", "stray_refund_returned"),
    ]
    story.send_refund_update("succeeded")
    story.must_be_over()


def test_two_chargebacks_a_refund_from_outside_and_a_reversal_are_booked() -> None:
    """R6, R23, R24: each by its own id, up to what came in and beyond."""
    story = StrayPaymentStory()
    for chargeback_id, amount in (("dp_1", 100), ("dp_2", 200)):
        fields = chargeback("opened", amount, "pay-9") | {"chargeback_id": chargeback_id}
        assert story.stray.receive(ChargebackReported.model_validate(fields), story.now)
    assert story.stray.held == 200
    outside = OutsideRefundReported(
        payment_id="pay-9", provider_refund_id="re_1", money=eur(50), status=RefundStatus.SUCCEEDED
    )
    assert story.stray.receive(outside, story.now)
    assert not story.stray.receive(outside, story.now)
    assert story.stray.held == 150
    declined = PaymentDeclined(payment_id="pay-9", reason="insufficient_funds")
    assert story.stray.receive(declined, story.now)
    assert not story.stray.receive(declined, story.now)

    assert story.stray.held == -50
    assert [(it.amount, it.currency) for it in story.stray.unmatched] == [(300, "EUR")]
    assert ("support", "stray_payment_reversed") in story.notified
    assert all(sum(it.legs.values()) == 0 for it in story.stray.postings)


def test_support_is_reminded_of_every_open_chargeback_of_a_stray_payment() -> None:
    """R23, case 65: each by a notification of its own."""
    story = StrayPaymentStory()
    story.send_refund_update("succeeded")
    for chargeback_id, amount in (("dp_1", 100), ("dp_2", 200)):
        fields = chargeback("opened", amount, "pay-9") | {"chargeback_id": chargeback_id}
        story.stray.receive(ChargebackReported.model_validate(fields), story.now)

    for day in range(1, 9):
        story.until_day(day)

    told = [it for it in story.stray.notifications if it.what == "stray_chargeback_reminder"]
    assert [it.details["money"]["amount"] for it in told] == [100, 200]
    assert len({it.key for it in told}) == 2


def test_a_reminder_comes_although_the_refund_is_checked_at_the_same_instant() -> None:
    """R15, R23, case 65: on days 7 and 14, of a chargeback that is as old as the refund."""
    story = StrayPaymentStory()
    story.send_chargeback("opened", 100)

    for day in range(1, 15):
        story.until_day(day)

    assert story.notified.count(("support", "stray_chargeback_reminder")) == 2


def test_support_is_reminded_of_an_open_chargeback_of_a_stray_payment_that_failed() -> None:
    """R6, R23, case 65."""
    story = StrayPaymentStory()
    story.send_chargeback("opened")
    story.send_refund_update("canceled")
    declined = PaymentDeclined(payment_id="pay-9", reason="insufficient_funds")
    assert story.stray.receive(declined, story.now)

    for day in range(1, 16):
        story.until_day(day)

    assert story.notified.count(("support", "stray_chargeback_reminder")) == 2
    assert not story.stray.is_over


def test_a_refund_that_could_not_be_stopped_is_booked() -> None:
    """R23: both came through; the ledger shows what the payer has twice, and support is told how much."""
    story = StrayPaymentStory()
    story.send_chargeback("opened")
    story.send_refund_update("succeeded")
    assert not story.stray.is_over
    story.send_chargeback("lost")

    assert story.notified[-1] == ("support", "stray_chargeback_lost")
    assert story.stray.notifications[-1].details["twice"] == {"amount": PAID, "currency": "EUR"}
    story.must_be_over(held=-PAID)


@pytest.mark.parametrize(("end", "held"), [("won", 0), ("lost", -PAID)])
def test_a_chargeback_after_the_refund_is_booked_as_paid_twice(end: str, held: int) -> None:
    """R23: the payer has it twice; won, no more, and nothing is sent again."""
    story = StrayPaymentStory()
    story.send_refund_update("succeeded")
    story.send_chargeback("opened")
    assert story.stray.held == -PAID
    assert not story.stray.is_over
    story.send_chargeback(end)

    assert [it.step for it in story.stray.postings].count("returned") == 1
    story.must_be_over(held)


def test_a_stopped_refund_that_is_paid_after_all_stops_the_next_one() -> None:
    """R23: the second one is stopped, and support is told."""
    story = StrayPaymentStory()
    story.send_chargeback("opened")
    story.send_refund_update("canceled")
    story.send_chargeback("won")
    story.send_refund_update("succeeded", refund_id="stray-pay-9-refund")

    assert ("support", "stray_refund_after_chargeback") in story.notified
    assert story.refund.refund_id == "stray-pay-9-refund-2"
    assert story.refund.stopping
    story.send_refund_update("canceled")
    story.must_be_over()


def test_a_lost_chargeback_that_was_never_opened_is_booked() -> None:
    """R23, case 15: the news came in another order, or one of it never did."""
    story = StrayPaymentStory()
    story.send_chargeback("lost", 200)
    assert [what for _, what in story.notified[-2:]] == [
        "stray_chargeback_opened",
        "stray_chargeback_lost",
    ]
    story.send_refund_update("canceled")
    assert story.refund.money == eur(300)
    story.send_refund_update("succeeded")
    story.must_be_over()


def test_a_won_chargeback_that_was_never_opened_takes_nothing() -> None:
    """R23, R15: nothing was taken; a refund that the provider refused meanwhile goes anew."""
    story = StrayPaymentStory()
    story.send_chargeback("won")
    assert not story.refund.stopping
    story.send_refund_update("succeeded")
    story.must_be_over()

    refused = StrayPaymentStory()
    refused.send_refund_update("failed", "charge_disputed")
    refused.send_chargeback("won")
    assert refused.refund.stopping
    refused.send_refund_update("canceled", "never asked")
    assert refused.refund.refund_id == "stray-pay-9-refund-2"
    refused.send_refund_update("succeeded")
    refused.must_be_over()


def test_support_says_who_bears_what_cannot_be_matched() -> None:
    """R23, case 59: told once, borne by the marketplace; what comes after is new, and told again."""
    story = StrayPaymentStory()
    resolution = UnmatchedResolution(borne_by="marketplace", note="A fee.", by_id="sue")
    with pytest.raises(InvalidInput, match="accounted for"):
        story.stray.check(resolution)
    for amount in (PAID + 7, PAID + 7, PAID + 7):
        story.send_chargeback("opened", amount)
    story.send_chargeback("lost", PAID + 7)
    assert [str(it) for it in story.stray.unmatched] == ["0.07 EUR"]
    assert [what for _, what in story.notified].count("stray_unmatched_money") == 1
    with pytest.raises(InvalidInput, match="no seller"):
        story.stray.check(resolution.model_copy(update={"borne_by": "seller"}))

    story.stray.check(resolution)
    assert story.stray.receive(resolution, story.now)

    assert story.stray.unmatched == []
    assert story.stray.timeline[-1].by_id == story.stray.postings[-1].by_id == "sue"
    assert books(story.stray.postings)["EUR"]["marketplace"] == 7
    story.send_chargeback("lost", PAID + 9)
    assert [str(it) for it in story.stray.unmatched] == ["0.02 EUR"]
    assert [what for _, what in story.notified].count("stray_unmatched_money") == 2


def test_the_banks_latest_amount_counts() -> None:
    """R23: also of the amount, and after a decision; the same again is nothing."""
    story = StrayPaymentStory()
    for amount in (100, 200, 200):
        story.send_chargeback("opened", amount)
    assert story.stray.held == 300
    assert len(story.stray.postings) == 3
    story.send_chargeback("lost", 400)
    assert not story.send_chargeback("lost", 400)
    assert story.stray.held == 100
    moved = [it.legs["cash"] for it in story.stray.postings]
    assert moved == [PAID, *(-later + before for before, later in pairwise((0, 100, 200, 400)))]


def test_a_payer_whose_bank_has_the_money_is_not_notified_of_a_late_refund() -> None:
    """R23, R15: a refund that is being stopped is support's to look into; it is asked to stop again."""
    story = StrayPaymentStory()
    story.send_chargeback("opened")
    story.refund.stop_asked_at = START
    story.until_day(15)

    assert story.refund.model_dump()["stop_asked_at"] is None
    told = {to for to, what in story.notified if what == "stray_refund_overdue"}
    assert told == {Role.SUPPORT.value}


@pytest.mark.parametrize("name", ["chargeback", "outside_refund", "payment_declined"])
def test_an_order_leaves_what_is_said_of_a_payment_that_it_sent_back(name: str) -> None:
    """R17, R23, R24: also while it awaits another one, where it takes news of a payment that is to come."""
    story = Story()
    story.send_stray_payment(payment_id="pay-2", money=eur(DUE - 1))
    said = {"chargeback": chargeback("opened"), "outside_refund": outside_refund()}
    fields = said.get(name, {"reason": "returned"}) | {"payment_id": "pay-2"}

    assert "pay-2 is not this order's" in story.must_refuse(name, **fields).reason


@pytest.mark.parametrize(("taken", "goes_back"), [(1000, DUE - 1 - 1000), (DUE - 1, None)])
@pytest.mark.parametrize("is_reopened", [False, True])
def test_what_was_taken_of_a_payment_before_it_was_sent_back_goes_with_it(
    taken: int, goes_back: int | None, *, is_reopened: bool
) -> None:
    """R17, R23, case 15: only the rest goes back to its payer, and nothing of it is the order's any more."""
    story = Story()
    if is_reopened:
        story.send("cancel_request", reason="other")
    story.send_chargeback("opened", taken, "pay-2")
    assert [it.amount for it in story.view.unmatched] == [taken]
    if is_reopened:
        story.order = reopened(story.view, story.now)

    story.send_stray_payment(payment_id="pay-2", money=eur(DUE - 1))

    assert (story.view.unmatched, story.view.chargebacks) == ([], [])
    books_must_balance(story.order)
    (sent_back,) = story.order.stray_payments_to_start
    stray = StrayPaymentState.new(StrayPaymentInput(**dict(sent_back)), story.now)
    assert (stray.refund and stray.refund.money.amount) == goes_back
    assert stray.held == DUE - 1 - taken
    assert not stray.is_over
    notifications_must_be_valid(stray.notifications)
