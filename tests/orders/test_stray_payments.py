"""Stray money: R17, and R23 for what its payer's bank takes back of it. It leaves once, whoever sends it."""

from datetime import timedelta
from itertools import pairwise

import pytest

from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import ChargebackReported, RefundStatus, Role
from orders.refunds import Refund, find_refund
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from tests.orders.builders import START, chargeback, check_notifications, eur, place

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
PAID = 500


class Way:
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
    def told(self) -> list[tuple[str, str]]:
        return [(it.to.value, it.what) for it in self.stray.notices]

    def says(self, status: str, reason: str = "", refund_id: str | None = None) -> None:
        """The provider, of the refund that is under way, or another one."""
        refund = find_refund(self.stray, refund_id) if refund_id else self.refund
        assert refund
        self.stray.update_refund(refund, RefundStatus(status), reason, self.now)

    def bank(self, status: str, amount: int = PAID) -> bool:
        fields = chargeback(status, amount, "pay-9")
        return self.stray.charged_back(ChargebackReported.model_validate(fields), self.now)

    def refused(self, status: str, amount: int = PAID) -> RefusalCode:
        with pytest.raises(NotAllowedNow) as caught:
            self.bank(status, amount)
        return caught.value.code

    def passes(self, days: float) -> None:
        """Time passes, and the provider, when it is asked, has nothing new to say."""
        self.now = START + days * DAY
        self.stray.let_time_pass(self.now)
        if self.stray.refund_check_due:
            self.stray.refund_checked(self.refund, None, "", self.now)

    def ends(self, held: int = 0) -> None:
        """Nothing is left to do, and each account and letter is as it should be."""
        stray = self.stray
        assert stray.is_over
        assert stray.next_due is None
        assert stray.held == held
        assert sum(it.legs["cash"] for it in stray.postings) == held
        assert len({it.key for it in stray.postings}) == len(stray.postings)
        assert len({it.key for it in stray.notices}) == len(stray.notices)
        check_notifications(stray.notices)
        assert StrayPaymentState.model_validate_json(stray.model_dump_json()) == stray


def test_the_payer_is_told_once_when_a_step_is_run_anew_and_something_comes_first() -> None:
    """R17, R21: as for an order's refund."""
    keys = []
    for news in (("succeeded",), ("failed", "succeeded")):
        way = Way()
        for status in news:
            way.says(status)
        notices = way.stray.notices
        keys.append({it.key for it in notices if it.what == "stray_refund_succeeded"})
        assert len({it.key for it in notices}) == len(notices)

    assert keys[0] == keys[1]
    assert len(keys[0]) == 1


def test_stray_money_goes_back_in_full() -> None:
    """R17: by a process of its own, to whom it came from, and its payer is told."""
    way = Way()
    assert way.refund.money == eur(PAID)
    assert way.refund.method == "blik"
    assert way.refund.refund_id == "stray-pay-9-refund"
    assert way.refund.due_by == START + 14 * DAY
    assert way.told == [("buyer", "stray_refund_started")]

    for _ in range(3):
        way.says("succeeded")

    assert way.told[1:] == [("buyer", "stray_refund_succeeded")]
    assert [it.step for it in way.stray.postings] == ["received", "returned"]
    way.ends()


def test_stray_money_that_does_not_arrive_is_escalated() -> None:
    """R17, R15: failed or late, support and payer are told, and success still counts."""
    way = Way()
    way.says("pending")
    way.says("failed", "Account closed")
    assert way.refund.failure_reason == "Account closed"
    told = [("support", "stray_refund_failed"), ("buyer", "stray_refund_failed")]
    assert way.told[-2:] == told
    way.says("canceled", "Account closed")
    assert way.told[-4:-2] != told
    assert way.stray.next_due
    assert way.stray.next_due.at == START + 3 * DAY

    way.passes(14 - INSTANT / DAY)
    assert "refund_overdue" not in [it.what for it in way.stray.timeline]
    for _ in range(2):
        way.passes(14)
    assert way.refund.overdue
    assert [what for _, what in way.told].count("stray_refund_overdue") == 2
    assert way.stray.next_due.at == START + 21 * DAY

    way.passes(40)
    way.says("succeeded")
    way.passes(50)
    assert [what for _, what in way.told].count("stray_refund_overdue") == 2
    way.ends()


@pytest.mark.parametrize("answer", ["canceled", "failed"])
def test_stray_money_that_the_bank_takes_does_not_go_back_twice(answer: str) -> None:
    """R23, R17: the refund under way is stopped, and lost, it stays so."""
    way = Way()
    way.bank("opened")
    assert way.refund.stopping
    assert way.stray.held == 0
    assert way.told[-1] == ("support", "stray_chargeback_opened")

    way.says(answer)
    assert way.told[-1] == ("buyer", "stray_refund_stopped")
    assert ("buyer", "stray_refund_failed") not in way.told
    assert way.stray.refund is None
    assert not way.stray.is_over
    assert way.stray.next_due is None

    way.bank("lost")
    assert way.told[-1] == ("support", "stray_chargeback_lost")
    assert way.stray.refund is None
    way.ends()


def test_stray_money_that_the_bank_gives_back_goes_back_by_another_refund() -> None:
    """R23, R17: won, once, with two weeks of its own."""
    way = Way()
    way.bank("opened")
    way.says("canceled")
    way.passes(20)
    way.bank("won")

    assert way.refund.refund_id == "stray-pay-9-refund-2"
    assert way.refund.money == eur(PAID)
    assert way.refund.due_by == START + 34 * DAY
    assert way.told[-2:] == [
        ("support", "stray_chargeback_won"),
        ("buyer", "stray_refund_restarted"),
    ]
    assert not way.bank("won")
    way.says("succeeded")
    way.says("failed", refund_id="stray-pay-9-refund")
    assert [it.step for it in way.stray.postings] == [
        "received",
        "chargeback/pay-9/1",
        "chargeback/pay-9/2",
        "returned-2",
    ]
    way.ends()


def test_won_before_the_refund_was_stopped() -> None:
    """R23: it may go through, or be stopped all the same; its money goes once either way."""
    for answer in ("succeeded", "canceled"):
        way = Way()
        way.bank("opened")
        way.bank("won")
        assert way.refund.refund_id == "stray-pay-9-refund"
        way.says(answer)
        if answer == "canceled":
            assert way.refund.refund_id == "stray-pay-9-refund-2"
            way.says("succeeded")
        way.ends()


def test_part_of_stray_money_charged_back() -> None:
    """R23: only the rest goes back; support is reminded of it while the bank decides."""
    way = Way()
    way.bank("opened", 200)
    way.says("canceled")
    for day in range(1, 30):
        way.passes(day)
    assert way.told.count(("support", "stray_chargeback_reminder")) == 4
    assert way.stray.refund is None

    way.bank("lost", 200)

    assert way.refund.money == eur(300)
    assert way.stray.notices[-1].details["money"] == {"amount": 300, "currency": "EUR"}
    way.says("succeeded")
    way.ends()


def test_refund_of_stray_money_that_could_not_be_stopped() -> None:
    """R23: both came through; the ledger shows what the payer has twice, and support is told how much."""
    way = Way()
    way.bank("opened")
    way.says("succeeded")
    assert not way.stray.is_over
    way.bank("lost")

    assert way.told[-1] == ("support", "stray_chargeback_lost")
    assert way.stray.notices[-1].details["twice"] == {"amount": PAID, "currency": "EUR"}
    way.ends(held=-PAID)


@pytest.mark.parametrize(("end", "held"), [("won", 0), ("lost", -PAID)])
def test_stray_money_charged_back_when_it_is_back(end: str, held: int) -> None:
    """R23: the payer has it twice; won, no more, and nothing is sent again."""
    way = Way()
    way.says("succeeded")
    way.bank("opened")
    assert way.stray.held == -PAID
    assert not way.stray.is_over
    way.bank(end)

    assert [it.step for it in way.stray.postings].count("returned") == 1
    way.ends(held)


def test_stopped_refund_of_stray_money_that_is_paid_after_all() -> None:
    """R23: the second one is stopped, and support is told."""
    way = Way()
    way.bank("opened")
    way.says("canceled")
    way.bank("won")
    way.says("succeeded", refund_id="stray-pay-9-refund")

    assert ("support", "stray_refund_after_chargeback") in way.told
    assert way.refund.refund_id == "stray-pay-9-refund-2"
    assert way.refund.stopping
    way.says("canceled")
    way.ends()


def test_stray_money_lost_without_having_been_opened() -> None:
    """R23, case 15: the news came in another order, or one of it never did."""
    way = Way()
    way.bank("lost", 200)
    assert [what for _, what in way.told[-2:]] == [
        "stray_chargeback_opened",
        "stray_chargeback_lost",
    ]
    way.says("canceled")
    assert way.refund.money == eur(300)
    assert not way.bank("opened", 200)
    way.says("succeeded")
    way.ends()


def test_stray_money_won_without_having_been_opened() -> None:
    """R23, R15: nothing was taken; a refund that the provider refused meanwhile goes anew."""
    way = Way()
    way.bank("won")
    assert not way.refund.stopping
    way.says("succeeded")
    way.ends()

    refused = Way()
    refused.says("failed", "charge_disputed")
    refused.bank("won")
    assert refused.refund.stopping
    refused.says("canceled", "never asked")
    assert refused.refund.refund_id == "stray-pay-9-refund-2"
    refused.says("succeeded")
    refused.ends()


def test_what_the_bank_says_last_counts_for_stray_money() -> None:
    """R23: also of the amount; the same again is nothing, and a contradiction is refused."""
    way = Way()
    for amount in (100, 200, 200):
        way.bank("opened", amount)
    assert way.stray.held == 300
    assert len(way.stray.postings) == 3
    assert way.refused("lost", PAID + 1) is RefusalCode.WRONG_AMOUNT
    way.bank("lost", 400)
    assert not way.bank("lost", 400)
    assert not way.bank("opened", 100)
    assert way.refused("won") is RefusalCode.ALREADY_ANSWERED
    assert way.stray.held == 100
    moved = [it.legs["cash"] for it in way.stray.postings]
    assert moved == [PAID, *(-later + before for before, later in pairwise((0, 100, 200, 400)))]


def test_a_payer_whose_bank_has_the_money_is_not_told_that_it_is_late() -> None:
    """R23, R15: a refund that is being stopped is support's to look into; it is asked to stop again."""
    way = Way()
    way.bank("opened")
    way.refund.stop_asked_at = START
    way.passes(15)

    assert way.refund.model_dump()["stop_asked_at"] is None
    told = {to for to, what in way.told if what == "stray_refund_overdue"}
    assert told == {Role.SUPPORT.value}
