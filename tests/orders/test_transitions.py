"""The one table of orders.lifecycle: every row is true, and nothing else happens."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from orders.errors import NotAllowedNow, RefusalCode
from orders.handlers import receive
from orders.lifecycle import DEADLINES, TRANSITIONS, VERDICTS, Verdict
from orders.messages import MESSAGES, Role
from orders.order import Order
from orders.policy import Policy
from orders.refusals import ANSWERS, MOST
from orders.schedule import COMING_PHRASES, Reminder, let_time_pass, schedule
from orders.sentences import Sentence
from orders.shipments import tracking_verdict
from orders.status import Status
from orders.tracking_numbers import TrackingVerdict
from orders.view import view
from tests.explore.copies import copy_of
from tests.orders.builders import (
    DUE,
    GOOD_NUMBER,
    START,
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

S = Status

ARRIVALS: dict[Status, Callable[[], Story]] = {
    S.AWAITING_PAYMENT: Story,
    S.PAYMENT_REVIEW: lambda: _after(Story(), "payment", **payment()),
    S.AWAITING_SHIPMENT: lambda: Story().until_awaiting_shipment(),
    S.CANCELLATION_REQUESTED: lambda: Story().until_cancellation_requested(),
    S.PROOF_REQUESTED: lambda: Story().until_claimed_shipped(),
    S.DISPUTED: lambda: Story().until_disputed(),
    S.SHIPPED: lambda: Story().until_shipped(),
    S.CLOSED: lambda: Story().until_accepted(),
}
"""The plainest way into each status."""

FIELDS: dict[str, dict[str, Any]] = {
    "payment": payment(payment_id="pay-9"),
    "payment_pending": {"payment_id": "pay-9", "money": eur(DUE), "method": "sepa_debit"},
    "payment_declined": {"payment_id": "pay-1", "reason": "stolen card"},
    "cancel_request": {"reason": "changed_mind"},
    "cancel_withdrawal": {},
    "seller_reply": {"decision": "accept"},
    "tracking_number": {"number": GOOD_NUMBER},
    "shipment_proof": photo(),
    "proof_review": {"accepted": True},
    "seller_message": {"topic": "other", "text": "Hello"},
    "buyer_message": {"text": "Hello"},
    "support_message": {"text": "Hello"},
    "offer_acceptance": {"offer_id": "offer-1"},
    "offer_decline": {"offer_id": "offer-1"},
    "dispute_request": {},
    "dispute_evidence": evidence(),
    "dispute_withdrawal": {},
    "settlement_offer": {"money": eur(500)},
    "settlement_acceptance": {"offer_id": "offer-1"},
    "shipment_extension": {"days": 5},
    "chargeback": chargeback("opened"),
    "outside_refund": outside_refund(500),
    "unmatched_resolution": {"borne_by": "marketplace", "note": "The rate changed."},
    "dispute_decision": {"decision": "full_refund"},
    "refund_update": {"refund_id": "A-1001-refund-1", "status": "succeeded"},
}
"""A well-formed message of each name."""


def _after(story: Story, name: str, **fields: Any) -> Story:
    story.send(name, **fields)
    return story


def _ready(status: Status, name: str) -> Story:
    """An order in this status with all that this message needs, beside the status."""
    complaint = status in (S.CANCELLATION_REQUESTED, S.PROOF_REQUESTED)
    match status, name:
        case S.AWAITING_PAYMENT, "offer_acceptance" | "offer_decline":
            return _after(
                Story(), "seller_message", topic="discount", text="Less", discount=eur(100)
            )
        case S.AWAITING_SHIPMENT, "dispute_request":
            story = Story(dispute_on_failed_proof="offer").until_cancellation_requested()
            story.reply("refuse")
            return story
        case S.CANCELLATION_REQUESTED, "proof_review":
            story = Story(rules=1).until_awaiting_shipment()
            story.send("shipment_proof", **photo())
            return _after(story, "cancel_request", reason="other")
        case (
            (S.CANCELLATION_REQUESTED | S.PROOF_REQUESTED | S.DISPUTED),
            (
                "dispute_withdrawal"
                | "dispute_decision"
                | "settlement_offer"
                | "settlement_acceptance"
                | "offer_decline"
                | "support_message"
                | "dispute_evidence"
            ),
        ):
            story = Story().until_cancellation_requested(complaint=complaint)
            if status is S.PROOF_REQUESTED:
                story.reply("already_shipped")
            elif status is S.DISPUTED:
                story.reply("refuse")
            if name in ("settlement_acceptance", "offer_decline"):
                story.send("settlement_offer", money=eur(500))
            return story
        case _, "unmatched_resolution":
            # Of a little more than was paid, and nothing of it taken for good.
            story = ARRIVALS[status]()
            more = chargeback("opened", DUE + 1)
            return _after(story, "chargeback", **more)
        case _, "proof_review":
            return _after(ARRIVALS[status](), "shipment_proof", **photo())
        case _:
            return ARRIVALS[status]()


LEGAL = [(s, name) for s in Status for name in MESSAGES if name in TRANSITIONS[s]]
ILLEGAL = [(s, name) for s in Status for name in MESSAGES if name not in TRANSITIONS[s]]


def test_every_status_has_a_row_in_the_table() -> None:
    """R7: every status has its row, every message its place, and the table knows nothing else."""
    assert set(TRANSITIONS) == set(Status)
    triggers = {trigger for row in TRANSITIONS.values() for trigger in row}
    assert triggers == set(MESSAGES) | DEADLINES | VERDICTS
    assert not set(MESSAGES) & (DEADLINES | VERDICTS)
    reached = {t for row in TRANSITIONS.values() for targets in row.values() for t in targets}
    assert reached == set(Status)


def test_second_table_answers_only_what_the_first_does_not_take() -> None:
    """R7, R19: an answer that nobody could ever get would be a rule that does not hold."""
    assert set(ANSWERS) <= set(ILLEGAL)


@pytest.mark.parametrize("status", Status)
def test_every_status_is_reachable(status: Status) -> None:
    """R7: the plainest way into each status leads there."""
    story = ARRIVALS[status]()

    assert story.order.status is status
    assert story.view.status is status
    books_must_balance(story.order)


@pytest.mark.parametrize(("status", "name"), LEGAL)
def test_a_message_in_the_table_is_accepted(status: Status, name: str) -> None:
    """R7: what the table allows is taken when it is well formed, and ends where the table says."""
    story = _ready(status, name)
    assert story.order.status is status

    story.send(name, **FIELDS[name])

    assert story.order.status in TRANSITIONS[status][name]
    books_must_balance(story.order)


_CODES: dict[tuple[Status, str], RefusalCode] = {
    (S.PAYMENT_REVIEW, "cancel_request"): RefusalCode.PAYMENT_REVIEW_IN_PROGRESS,
    (S.PAYMENT_REVIEW, "payment"): RefusalCode.PAYMENT_REVIEW_IN_PROGRESS,
    (S.CANCELLATION_REQUESTED, "cancel_request"): RefusalCode.CANCELLATION_EXISTS,
    (S.PROOF_REQUESTED, "cancel_request"): RefusalCode.CANCELLATION_EXISTS,
    (S.PROOF_REQUESTED, "cancel_withdrawal"): RefusalCode.ALREADY_ANSWERED,
    (S.DISPUTED, "cancel_withdrawal"): RefusalCode.ALREADY_ANSWERED,
    (S.DISPUTED, "cancel_request"): RefusalCode.DISPUTE_EXISTS,
    (S.DISPUTED, "dispute_request"): RefusalCode.DISPUTE_EXISTS,
}


def _code(status: Status, name: str) -> RefusalCode:
    everywhere = {
        S.CLOSED: RefusalCode.ORDER_CLOSED,
        S.SHIPPED: RefusalCode.ORDER_SHIPPED,
    }
    return _CODES.get((status, name), everywhere.get(status, RefusalCode.NOT_IN_THIS_STATUS))


@pytest.mark.parametrize(("status", "name"), ILLEGAL)
def test_a_message_outside_the_table_is_refused(status: Status, name: str) -> None:
    """R19: what the table doesn't allow is refused with a sentence and a code, and changes nothing."""
    story = ARRIVALS[status]()

    refused = story.must_refuse(name, **FIELDS[name])

    assert refused.code is _code(status, name)
    assert refused.reason[0].isupper()
    assert refused.reason.endswith(".")
    assert len(refused.reason) > 20
    details = refused.details()
    template = details.pop("reason_sentence")["template"]
    assert isinstance(refused.reason, Sentence)
    assert template == refused.reason.template
    assert details == {
        "action": name,
        "code": refused.code.value,
        "status": status.value,
        "reason": refused.reason,
        "available_from": refused.available_from.isoformat().replace("+00:00", "Z")
        if refused.available_from
        else None,
    }
    if status is not S.PAYMENT_REVIEW:
        assert refused.available_from is None


@pytest.mark.parametrize("shipment_window", [None, timedelta(days=30)])
@pytest.mark.parametrize("name", [name for s, name in ILLEGAL if s is S.PAYMENT_REVIEW])
def test_a_refusal_keeps_its_available_from(name: str, shipment_window: timedelta | None) -> None:
    """R5: from the instant that a refusal names, the same message is taken."""
    story = Story(shipment_window=shipment_window)
    story.pay()
    refused = story.must_refuse(name, **FIELDS[name])
    if name in ("cancel_request", "tracking_number", "shipment_proof"):
        assert refused.available_from == START + timedelta(days=1)
    if refused.available_from is None:
        return

    story.pass_until(refused.available_from)

    story.send(name, **FIELDS[name])


def test_a_message_can_be_refused_for_its_content() -> None:
    """R5, R16, R15: what a message says may be refused where its kind may not."""
    wrong = RefusalCode.WRONG_AMOUNT
    assert Story().must_refuse("payment", **payment(money=eur(DUE - 1))).code is wrong
    discount = {"topic": "discount", "text": "All of it", "discount": eur(DUE)}
    assert Story().must_refuse("seller_message", **discount).code is wrong
    disputed = Story().until_disputed()
    assert disputed.must_refuse("settlement_offer", money=eur(DUE + 1)).code is wrong
    partial = {"decision": "partial_refund", "money": eur(DUE)}
    assert disputed.must_refuse("dispute_decision", **partial).code is wrong
    assert (
        Story().must_refuse("offer_acceptance", offer_id="offer-1").code
        is RefusalCode.UNKNOWN_OFFER
    )
    offered = _after(Story(), "seller_message", topic="bonus", text="Gift", bonus="A cap")
    assert (
        offered.must_refuse("offer_acceptance", offer_id="offer-2").code
        is RefusalCode.UNKNOWN_OFFER
    )
    assert (
        disputed.must_refuse("settlement_acceptance", offer_id="x").code
        is RefusalCode.UNKNOWN_OFFER
    )

    closed = Story().until_accepted()
    unknown = {"refund_id": "A-1001-refund-7", "status": "succeeded"}
    assert closed.must_refuse("refund_update", **unknown).code is RefusalCode.UNKNOWN_REFUND
    unpaid = _after(Story(), "cancel_request", reason="other")
    assert unpaid.must_refuse("refund_update", **unknown).code is RefusalCode.UNKNOWN_REFUND

    again = Story().until_claimed_shipped().must_refuse("seller_reply", decision="already_shipped")
    assert again.code is RefusalCode.ALREADY_ANSWERED
    assert (
        Story().until_claimed_shipped().must_refuse("seller_reply", decision="refuse").code
        is again.code
    )
    twice = Story().until_cancellation_requested(complaint=True).must_refuse("dispute_request")
    assert twice.code is RefusalCode.DISPUTE_EXISTS
    bonus = {"topic": "bonus", "text": "Gift", "bonus": "A cap"}
    late = Story().until_awaiting_shipment().must_refuse("seller_message", **bonus)
    assert late.code is RefusalCode.NOT_IN_THIS_STATUS


@pytest.mark.parametrize("name", ["seller_message", "buyer_message"])
def test_messages_are_limited_in_number(name: str) -> None:
    """R4, case 31: each side may write so many messages; the other side still can."""
    story = Story()
    for _ in range(MOST[name]):
        story.send(name, **FIELDS[name])

    assert story.must_refuse(name, **FIELDS[name]).code is RefusalCode.TOO_MANY_MESSAGES
    other = {"seller_message": "buyer_message", "buyer_message": "seller_message"}[name]
    story.send(other, **FIELDS[other])


@pytest.mark.parametrize("name", ["tracking_number", "shipment_proof"])
def test_proofs_are_limited_in_number(name: str) -> None:
    """R11, case 31: a seller may try so many times; the other way of proving it is still open."""
    story = Story().until_disputed()
    for _ in range(MOST[name]):
        story.send(name, **FIELDS[name])

    assert story.must_refuse(name, **FIELDS[name]).code is RefusalCode.TOO_MANY_MESSAGES
    other = {"tracking_number": "shipment_proof", "shipment_proof": "tracking_number"}[name]
    story.send(other, **FIELDS[other])


def test_too_many_requests_silence_nobody_but_their_sender() -> None:
    """R9, R18, case 31: a buyer who asks again and again cannot take the seller's answer away."""
    story = Story().until_awaiting_shipment()
    for _ in range(MOST["cancel_request"] - 1):
        story.send("cancel_request", **FIELDS["cancel_request"])
        story.send("cancel_withdrawal")
    story.send("cancel_request", **FIELDS["cancel_request"])

    assert story.view.actions[Role.SELLER]
    story.send("seller_reply", decision="already_shipped")
    story.verdict(story.send_tracking_number(), valid=True)

    assert story.order.status is Status.SHIPPED
    again = Story().until_awaiting_shipment()
    again.order.counters["cancel_request"] = MOST["cancel_request"]
    refused = again.must_refuse("cancel_request", **FIELDS["cancel_request"])
    assert refused.code is RefusalCode.TOO_MANY_MESSAGES


@pytest.mark.parametrize("status", Status)
def test_actions_agree_with_the_table(status: Status) -> None:
    """R3, R5: an action is available exactly when its message is taken; otherwise it says why."""
    story = ARRIVALS[status]()

    for actions in story.view.actions.values():
        for action in actions:
            if action.action in ("pay_now", "reorder"):
                continue
            assert action.available or action.reason
            if not action.available:
                refused = story.must_refuse(action.action, **FIELDS[action.action])
                assert refused.reason == action.reason
                assert refused.available_from == action.available_from


# --- all that can happen, step by step ---

_Step = Callable[[Order], Any]


def _messages(order: Order) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every message worth a try, in all of its kinds."""
    payments = ["pay-1"] if order.payment is None else ["pay-1", "pay-2"]
    for payment_id in payments:
        yield "payment", payment(payment_id=payment_id, money=order.amount_due)
        yield "payment_declined", {"payment_id": payment_id, "reason": ""}
        for status in ("opened", "won", "lost"):
            yield "chargeback", chargeback(status, payment_id=payment_id)
        yield "chargeback", chargeback("opened", DUE + 1, payment_id)
    yield "outside_refund", outside_refund(500)
    yield "outside_refund", outside_refund(DUE)
    yield "payment_pending", FIELDS["payment_pending"]
    yield "unmatched_resolution", FIELDS["unmatched_resolution"]
    for complaint in (True, False):
        yield "cancel_request", {"reason": "other", "complaint": complaint}
    for decision in ("accept", "refuse", "already_shipped"):
        yield "seller_reply", {"decision": decision}
    for accepted in (True, False):
        yield "proof_review", {"accepted": accepted}
    yield "seller_message", {"topic": "discount", "text": "Less", "discount": eur(10)}
    yield "seller_message", FIELDS["seller_message"]
    for offer in order.offers[-1:]:
        yield "offer_acceptance", {"offer_id": offer.offer_id}
        yield "settlement_acceptance", {"offer_id": offer.offer_id}
        yield "offer_decline", {"offer_id": offer.offer_id}
    for decided in ("full_refund", "no_refund"):
        yield "dispute_decision", {"decision": decided}
    yield "dispute_decision", {"decision": "partial_refund", "money": eur(5)}
    for refund in (*order.earlier_refunds, order.refund):
        if refund:
            for news in ("failed", "canceled", "succeeded"):
                yield "refund_update", {"refund_id": refund.refund_id, "status": news}
    for name in (
        "cancel_withdrawal",
        "tracking_number",
        "shipment_proof",
        "buyer_message",
        "support_message",
        "dispute_evidence",
        "dispute_request",
        "dispute_withdrawal",
        "settlement_offer",
        "shipment_extension",
    ):
        yield name, FIELDS[name]


def _shape(order: Order) -> tuple[object, ...]:
    """What of an order decides which status it may come to next; the rest is detail."""
    shipment = order.shipment
    # Of these nothing but the money matters.
    if order.payment is None and any(it.status == "lost" for it in order.chargebacks):
        return (order.status, "lost before it came")
    if order.unmatched:
        return (order.status, "unmatched")
    return (
        order.status,
        shipment.status if shipment else None,
        any(e.status == "verifying" for e in shipment.tracking) if shipment else None,
        bool(shipment.under_review) if shipment else None,
        order.open_dispute is not None,
        order.ground is not None,
        order.open_chargeback is not None,
        order.refund is not None,
        any(o.status == "open" for o in order.offers),
    )


def _explore(rules: int = 2, **policy: Any) -> set[tuple[Status, str, Status]]:
    """Try everything in every shape of order that comes of it; the transitions that happened."""
    first = Order.new(place(policy=Policy(**policy)), START, rules)
    waiting, seen = deque([(first, START)]), {_shape(first)}
    happened: set[tuple[Status, str, Status]] = set()
    while waiting:
        before, now = waiting.popleft()
        later = now + timedelta(hours=1)
        for trigger, act, at in _moves(before, later):
            order = copy_of(before)
            try:
                changed = act(order)
            except NotAllowedNow:
                continue
            if changed is False:
                continue
            happened.add((before.status, trigger, order.status))
            if (shape := _shape(order)) not in seen:
                books_must_balance(order)
                view(order)
                seen.add(shape)
                waiting.append((order, at))
    return happened


def _moves(before: Order, now: datetime) -> Iterator[tuple[str, _Step, datetime]]:
    for name, fields in _messages(before):
        sent = message(name, **fields)
        yield name, lambda order, sent=sent: receive(order, sent, now), now  # type: ignore[misc]
    if before.shipment:
        for number, evidence in enumerate(before.shipment.tracking):
            if evidence.status == "verifying":
                for verdict in Verdict:

                    def come(order: Order, number: int = number, came: Verdict = verdict) -> None:
                        assert order.shipment
                        evidence = order.shipment.tracking[number]
                        tracking_verdict(order, evidence, TrackingVerdict(verdict=came), now)

                    yield verdict, come, now
    # Reminders that are due before move nothing.
    if deadline := next((due for due in schedule(before) if due.what in DEADLINES), None):
        yield deadline.what, lambda order: _pass_time(order, deadline.at), deadline.at


def _pass_time(order: Order, at: datetime) -> None:
    let_time_pass(order, at)
    if order.refund_check_due:
        order.refund_checked(refund_of(order), None, at)
        let_time_pass(order, at)


def test_every_transition_of_the_table_happens_and_no_other() -> None:
    """R7, R12, R16a: of all that can come of an order, exactly the table's transitions happen."""
    happened = (
        _explore()
        | _explore(dispute_on_failed_proof="offer")
        # Shorter than the seller's 14 days, so that a dispute may end beside the request.
        | _explore(dispute_window=timedelta(days=3))
        # Shorter than those too, so that the time to ship ends during a request.
        | _explore(shipment_window=timedelta(days=3))
        | _explore(rules=1)
    )

    listed = {
        (status, trigger, target)
        for status, row in TRANSITIONS.items()
        for trigger, targets in row.items()
        for target in targets
    }
    after_closing = {t for t in happened if t[1] in VERDICTS and t[0] in (S.CLOSED, S.SHIPPED)}
    assert happened - after_closing - listed == set()
    assert listed - happened == set()
    assert all(t[0] is t[2] for t in after_closing)


def test_every_scheduled_event_has_a_sentence() -> None:
    """R21: page, web UI and command line say what comes next, never its key."""
    assert COMING_PHRASES.keys() == DEADLINES | set(Reminder) | {"refund_check"}


def test_a_timeline_has_only_events_with_a_sentence() -> None:
    """R21: in every status that there is a way to."""
    for arrive in ARRIVALS.values():
        assert {due.what for due in schedule(arrive().order)} <= COMING_PHRASES.keys()
