"""What holds always, whatever is sent, in whatever order, at whatever time.

One run is a random policy and a random list of steps: messages that the order may take, messages that it
may not, repeats, verdicts, and time. After each step everything in ``_invariants`` is asked.
"""

import os
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from orders.chargebacks import awaited_chargebacks
from orders.closing import is_over
from orders.errors import NotAllowedNow
from orders.handlers import check, receive, record_refusal, send_back
from orders.if_nothing import if_nothing
from orders.lifecycle import DEADLINES, TRANSITIONS, Verdict
from orders.messages import MESSAGES, Message, PaymentReceived, RefundStatus
from orders.order import Order
from orders.policy import OnFailedProof, Policy
from orders.refunds import Refund, refunds_of
from orders.refusals import refusal
from orders.schedule import let_time_pass, schedule
from orders.shipments import tracking_verdict
from orders.status import Status
from orders.tracking_numbers import TrackingVerdict
from orders.view import OrderView, deadline, view
from tests.orders.builders import (
    DUE,
    Story,
    books_must_balance,
    chargeback,
    eur,
    evidence,
    message,
    outside_refund,
    payment,
    photo,
    place,
    refund_of,
)

_CI = bool(os.environ.get("CI"))
few = settings(
    max_examples=100,
    derandomize=_CI,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

OrderSnapshot = tuple[str, int, int]

_durations = st.one_of(
    st.integers(1, 90 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(1, 90).map(lambda days: timedelta(days=days)),
)
_reminders = st.lists(_durations, max_size=3).map(tuple)


def _policy(dispute_window: timedelta, dispute_reminder: timedelta, **others: Any) -> Policy:
    window = min(dispute_window, dispute_reminder * 200)
    return Policy(dispute_window=window, dispute_reminder=dispute_reminder, **others)


policies = st.one_of(
    st.just(Policy()),
    st.builds(
        _policy,
        payment_window=_durations,
        payment_review=_durations,
        seller_reply_window=_durations,
        refund_window=_durations,
        shipment_window=st.none() | _durations,
        dispute_window=_durations,
        dispute_reminder=_durations,
        refund_checks=_reminders,
        payment_reminders=_reminders,
        seller_reminders=_reminders,
        dispute_on_failed_proof=st.sampled_from(OnFailedProof),
    ),
)
_number = st.integers(0, 10_000)
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["allowed"] * 8 + ["any"] * 2 + ["wait", "deadline", "verdict", "repeat", "reload"]
        ),
        _number,
        _number,
    ),
    min_size=5,
    max_size=40,
)


_BEGINNINGS: dict[str, Callable[[Story], object]] = {
    "placed": lambda order: order,
    "paid": Story.until_awaiting_shipment,
    "cancellation requested": Story.until_cancellation_requested,
    "complained": lambda order: order.until_cancellation_requested(complaint=True),
    "claimed shipped": Story.until_claimed_shipped,
    "disputed": Story.until_disputed,
    "accepted": Story.until_accepted,
    "charged back": lambda order: order.until_accepted().send_chargeback("opened"),
    "stopped": lambda order: (
        order.until_accepted().send_chargeback("opened"),
        order.send_refund_update("canceled"),
    ),
}
"""How far the order has come before chance takes over; otherwise few orders would get far."""

beginnings = st.sampled_from(sorted(_BEGINNINGS))


class Run(Story):
    """A story that chance goes on with, and all that its order ever took."""

    def __init__(self, policy: Policy, beginning: str) -> None:
        super().__init__(place(policy=policy))
        self.taken: list[Message] = []
        _BEGINNINGS[beginning](self)

    def step(self, kind: str, which: int, how: int) -> None:
        match kind:
            case "allowed":
                names = [n for n in MESSAGES if refusal(self.order, n) is None] or list(MESSAGES)
                self.try_to_send(_message(self.order, names[which % len(names)], how))
            case "any":
                self.try_to_send(_message(self.order, list(MESSAGES)[which % len(MESSAGES)], how))
            case "wait":
                self.pass_time(self.now + timedelta(seconds=which * how % (90 * 24 * 3600) + 1))
            case "deadline" if coming := schedule(self.order):
                self.pass_time(coming[which % len(coming)].at)
            case "verdict" if self.order.shipment and self.order.shipment.tracking:
                tracking = self.order.shipment.tracking
                before = self.order.status
                evidence = tracking[which % len(tracking)]
                found = TrackingVerdict(verdict=list(Verdict)[how % len(Verdict)])
                tracking_verdict(self.order, evidence, found, self.now)
                self.moved(before, found.verdict)
                self.pass_time(self.now)
            case "repeat" if self.taken:
                again = self.taken[which % len(self.taken)]
                saved = self.order.model_dump()
                assert again.message_id
                assert receive(self.order, again, self.now) is False
                assert self.order.model_dump() == saved
            case "reload":
                text = self.order.model_dump_json()
                again_order = Order.model_validate_json(text)
                assert again_order == self.order
                self.order = again_order
            case _:
                pass  # nothing to wait for, to judge or to repeat

    def try_to_send(self, sent: Message) -> None:
        """Send a message that the order takes or not, then let time catch up."""
        self.take(sent)
        self.settle()

    def take(self, sent: Message) -> None:
        """Take a message, or refuse it, as the workflow does."""
        if not sent.message_id:
            sent = sent.model_copy(update={"message_id": f"b-{len(self.taken)}"})
        before = self.order.status
        saved = self.order.model_dump()
        try:
            changed = receive(self.order, sent, self.now)
        except NotAllowedNow as refused:
            assert self.order.model_dump() == saved
            with pytest.raises(NotAllowedNow, match=re.escape(str(refused))):
                check(self.order, sent, self.now)
            if isinstance(sent, PaymentReceived):
                send_back(self.order, sent, refused, self.now)
            record_refusal(self.order, sent.name, str(refused), self.now)
        else:
            if changed:
                self.taken.append(sent)
                self.moved(before, sent.name)
                assert self.order.revision > saved["revision"]
            else:
                assert self.order.model_dump() == saved

    def settle(self) -> None:
        """Let what is due by now happen."""
        self.pass_time(self.now)

    def moved(self, before: Status, trigger: str) -> None:
        """The status changed only along the table."""
        after = self.order.status
        assert after is before or after in TRANSITIONS[before].get(trigger, ())

    def pass_time(self, until: datetime) -> None:
        """One jump, however many deadlines it passes."""
        before = self.order.status
        self.now = max(self.now, until)
        let_time_pass(self.order, self.now)
        assert self.order.status in _reachable_by_waiting(before)
        once = self.order.model_dump()
        let_time_pass(self.order, self.now)
        assert self.order.model_dump() == once
        if self.order.refund_check_due:
            self.order.refund_checked(refund_of(self.order), None, self.now)
            let_time_pass(self.order, self.now)
        _invariants(self.order, self.now)

    def live_out(self) -> None:
        """Send nothing more but the provider's answers; what is left to happen happens."""
        for _ in range(200):
            if is_over(self.order):
                return
            if found := next(iter(awaited_chargebacks(self.order)), None):
                lost = chargeback("lost", 1, found.payment_id)
                lost |= {"chargeback_id": found.chargeback_id or "dp_0"}
                self.try_to_send(message("chargeback", **lost))
            elif (refund := self.order.refund) and not refund.is_settled:
                status = "canceled" if refund.stopping else "succeeded"
                fields = {"refund_id": refund.refund_id, "status": status}
                self.try_to_send(message("refund_update", **fields))
            else:
                deadlines = [due.at for due in schedule(self.order) if due.what in DEADLINES]
                if not deadlines:
                    return
                self.pass_time(deadlines[0])
        raise AssertionError("it never ends")


def _reachable_by_waiting(status: Status) -> set[Status]:
    reached, new = {status}, {status}
    while new:
        new = {
            target
            for source in new
            for trigger, targets in TRANSITIONS[source].items()
            if trigger in DEADLINES
            for target in targets
        } - reached
        reached |= new
    return reached


def _message(order: Order, name: str, how: int) -> Message:
    """A well-formed message of this name; ``how`` decides what it says, right or wrong."""
    offers = [offer.offer_id for offer in order.offers] or ["offer-1"]
    refunds = [r.refund_id for r in (*order.earlier_refunds, order.refund) if r] or ["A-1001-x"]
    current = order.payment.payment_id if order.payment else f"pay-{how % 5}"
    amounts = [order.amount_due.amount, DUE, 1, how % (2 * DUE) + 1]
    cents = amounts[how // 7 % 4]
    fields: dict[str, Any] = {
        "payment": payment(f"pay-{how % 5}", eur(order.amount_due.amount if how % 4 else cents)),
        "payment_pending": payment(f"pay-{how % 5}", eur(cents)),
        "payment_declined": {
            "payment_id": current if how % 4 else f"pay-{how % 5}",
            "reason": "No",
        },
        "cancel_request": {"reason": "other", "complaint": how % 2 == 0},
        "cancel_withdrawal": {},
        "seller_reply": {"decision": ("accept", "refuse", "already_shipped")[how % 3]},
        "tracking_number": {"number": f"NUMBER{how}"},
        "shipment_proof": photo(),
        "proof_review": {"accepted": how % 2 == 0},
        "seller_message": [
            {"topic": "other", "text": "Hello"},
            {"topic": "discount", "text": "Less", "discount": eur(cents)},
            {"topic": "bonus", "text": "Gift", "bonus": "A cap"},
        ][how % 3],
        "buyer_message": {"text": "Hello"},
        "support_message": {"text": "Hello"},
        "offer_acceptance": {"offer_id": offers[how % len(offers)]},
        "offer_decline": {"offer_id": offers[how % len(offers)]},
        "dispute_request": {},
        "dispute_evidence": evidence(),
        "dispute_withdrawal": {},
        "settlement_offer": {"money": eur(cents)},
        "settlement_acceptance": {"offer_id": offers[how % len(offers)]},
        "shipment_extension": {"days": how % 60 + 1},
        "chargeback": chargeback(
            ("opened", "won", "lost")[how % 3], cents, current if how % 5 else "pay-9"
        )
        | {"chargeback_id": (None, "dp_1", "dp_2")[how // 3 % 3]},
        "outside_refund": outside_refund(cents, list(RefundStatus)[how % len(RefundStatus)].value)
        | {"payment_id": current, "provider_refund_id": f"re_{how // 7 % 3}"},
        "unmatched_resolution": {"borne_by": ("seller", "marketplace")[how % 2], "note": "So."},
        "dispute_decision": [
            {"decision": "full_refund"},
            {"decision": "partial_refund", "money": eur(cents)},
            {"decision": "no_refund"},
        ][how % 3],
        "refund_update": {
            "refund_id": refunds[how % len(refunds)],
            "status": list(RefundStatus)[how // 3 % len(RefundStatus)].value,
        },
    }
    del fields["payment_pending"]["paid_at"]
    return message(name, **fields[name], message_id=f"m-{order.revision}-{how}")


def _invariants(order: Order, now: datetime) -> None:
    """Whatever happened, this holds."""
    books_must_balance(order)
    follows = if_nothing(view(order))
    assert all(it.money is None or it.money.amount > 0 for it in follows.values())
    is_late = order.refund is not None and order.refund.overdue
    assert is_late or all(it.at is None or it.at > now for it in follows.values())
    paid, refunded = order.amount_paid.amount, order.amount_refunded.amount
    charged_back = order.amount_charged_back.amount
    borne = [it.amount.amount for it in order.unmatched_resolutions if it.borne_by == "seller"]
    assert charged_back <= paid + sum(borne)
    refunds: list[Refund] = [*order.earlier_refunds, *([order.refund] if order.refund else [])]
    ours = sum(r.money.amount for r in refunds if r.is_settled)
    assert ours <= refunded
    under_way = [r for r in refunds if not r.is_settled and r is order.refund]
    assert len(under_way) <= 1
    # More goes back than came in only where the provider or the bank did it as well (R23, R24).
    if refunded + charged_back > paid:
        assert order.chargebacks or order.outside_refunds or order.was_reversed

    coming = schedule(order)
    assert [due.at for due in coming] == sorted(due.at for due in coming)
    assert all(due.at > now for due in coming)
    if order.is_open:
        assert order.close_reason is None
        assert order.closed_at is None
        assert order.to_buyer is None
        assert order.refund is None
    else:
        assert order.to_buyer is not None
        assert order.open_dispute is None
    assert (order.status is Status.CLOSED) == (order.close_reason is not None)
    if is_over(order):
        assert coming == []
        assert order.books.held_or_refunding == 0
    due = deadline(order)
    if coming and not (order.refund and order.refund.overdue):
        assert due == coming[0].at

    shown = view(order)
    assert OrderView.model_validate_json(shown.model_dump_json()) == shown
    assert len({notice.key for notice in order.notifications}) == len(order.notifications)
    assert len(order.refused) <= 20
    ids = [refund.refund_id for refund in refunds]
    assert len(ids) == len(set(ids))


@few
@given(policies, beginnings, steps)
def test_invariants_hold_after_every_step(
    policy: Policy, beginning: str, todo: list[OrderSnapshot]
) -> None:
    """R5, R14, R16, R23, cases 10, 15 and 26: after each step of any life of an order."""
    run = Run(policy, beginning)
    _invariants(run.order, run.now)

    for step in todo:
        run.step(*step)


@few
@given(policies, beginnings, steps)
def test_every_order_ends_by_itself(
    policy: Policy, beginning: str, todo: list[OrderSnapshot]
) -> None:
    """R1, R9, R16b, R20: whatever happened, nothing waits longer than policy says."""
    run = Run(policy, beginning)
    for step in todo:
        run.step(*step)
    extensions = 60 * sum(sent.name == "shipment_extension" for sent in run.taken)
    start = run.now

    run.live_out()

    if policy.shipment_window is None and not is_over(run.order):
        assert run.order.status is Status.AWAITING_SHIPMENT
        return
    assert is_over(run.order)
    longest = (
        policy.payment_window
        + policy.payment_review
        + policy.seller_reply_window
        + (policy.shipment_window or timedelta(0))
        + policy.dispute_window
        + timedelta(days=extensions)
    )
    assert run.now <= start + longest
    assert run.order.books.held_or_refunding == 0


@few
@given(policies, beginnings, steps, st.lists(st.integers(1, 999), max_size=8))
def test_one_jump_in_time_equals_many_small_steps(
    policy: Policy, beginning: str, todo: list[OrderSnapshot], parts: list[int]
) -> None:
    """R1, R9, R20, case 11: how often anybody looks at the clock decides nothing."""
    run = Run(policy, beginning)
    for step in todo:
        run.step(*step)
    coming = [due for due in schedule(run.order) if due.what in DEADLINES]
    if not coming:
        return
    at = coming[0].at
    stepped = deepcopy(run)

    run.pass_time(at)
    for part in sorted(parts):
        stepped.pass_time(run.now - (at - stepped.now) * (1000 - part) / 1000)
    stepped.pass_time(at)

    for attribute in ("status", "close_reason", "closed_at", "to_buyer", "amount_paid", "refund"):
        assert getattr(run.order, attribute) == getattr(stepped.order, attribute)
    assert [p.key for p in run.order.postings] == [p.key for p in stepped.order.postings]
    assert schedule(run.order) == schedule(stepped.order)


@few
@given(policies, beginnings, steps, st.integers(1, 400))
def test_an_outage_changes_no_ending(
    policy: Policy, beginning: str, todo: list[OrderSnapshot], away: int
) -> None:
    """R1, R9, R16b, cases 11 and 105: workers that are away come to the same ending, of the same instant."""
    run = Run(policy, beginning)
    for step in todo:
        run.step(*step)
    # What the bank decides, and when, is its own affair.
    assume(not awaited_chargebacks(run.order))
    attentive = deepcopy(run)

    run.pass_time(run.now + timedelta(days=away))
    run.live_out()
    attentive.live_out()

    assert run.order.status is attentive.order.status
    assert run.order.close_reason is attentive.order.close_reason
    assert run.order.closed_at == attentive.order.closed_at
    assert run.order.status_since == attentive.order.status_since
    assert run.order.dispute == attentive.order.dispute
    first, same = refunds_of(run.order)[:1], refunds_of(attentive.order)[:1]
    assert [refund.due_by for refund in first] == [refund.due_by for refund in same]
    instants = [entry.at for entry in run.order.timeline]
    assert instants == sorted(instants)
    assert run.order.amount_refunded == attentive.order.amount_refunded
    assert run.order.books.owed_to_seller == attentive.order.books.owed_to_seller


@few
@given(policies, beginnings, steps)
def test_the_same_messages_give_the_same_order(
    policy: Policy, beginning: str, todo: list[OrderSnapshot]
) -> None:
    """R14, case 37: nothing is decided by chance, by the clock on the wall or by memory."""
    lives = []
    for _ in range(2):
        run = Run(policy, beginning)
        for step in todo:
            run.step(*step)
        lives.append(run.order.model_dump_json())
    assert lives[0] == lives[1]
