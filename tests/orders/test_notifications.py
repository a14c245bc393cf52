"""Telling people: R21, and what anyone may ask."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from orders.handlers import receive, record_refusal
from orders.messages import Role
from orders.notifications import RECIPIENTS, NotificationKind
from orders.status import Status
from orders.view import deadline
from tests.orders.builders import START, Story, eur, message, photo

DAY = timedelta(days=1)
END = START + 20 * DAY


def _reminders(story: Story, what: str) -> list[timedelta]:
    return [entry.at - START for entry in story.order.timeline if entry.what == what]


def test_the_buyer_is_reminded_to_pay() -> None:
    """R21: 3 days and 1 day before the 20 days end, to the instant."""
    story = Story()
    story.pass_until(END)

    assert _reminders(story, "payment_reminder") == [17 * DAY, 19 * DAY]
    assert story.notified.count(("buyer", "payment_reminder")) == 2
    assert ("seller", "payment_reminder") not in story.notified


def test_nobody_is_reminded_after_acting() -> None:
    """R21: a payment at the reminder's instant makes it pointless."""
    story = Story()
    story.pass_until_just_before(START + 17 * DAY)
    story.pay()
    story.days_pass(10)

    assert _reminders(story, "payment_reminder") == []


def test_the_seller_is_reminded_to_answer() -> None:
    """R21: 7 days and 1 day before the 14 days end; the claim to have shipped changes nothing."""
    silent = Story().until_cancellation_requested()
    silent.days_pass(14)
    assert _reminders(silent, "seller_reminder") == [8 * DAY, 14 * DAY]
    assert silent.notified.count(("seller", "seller_reminder")) == 2

    claimed = Story().until_claimed_shipped()
    claimed.days_pass(14)
    assert _reminders(claimed, "seller_reminder") == [8 * DAY, 14 * DAY]


def test_the_policy_decides_when_reminders_are_sent() -> None:
    """R21, R22: as many as policy lists, or none."""
    none = Story(payment_reminders=(), seller_reminders=())
    none.days_pass(20)
    assert _reminders(none, "payment_reminder") == []

    hours = tuple(timedelta(hours=h) for h in (1, 2, 2, 3))
    many = Story(payment_reminders=hours)
    many.days_pass(20)
    assert _reminders(many, "payment_reminder") == [
        20 * DAY - timedelta(hours=h) for h in (3, 2, 1)
    ]


def test_a_reminder_due_before_its_deadline_existed_is_skipped() -> None:
    """R21, R22: with 5 days to answer nobody is reminded 7 days before their end, that is, at once."""
    story = Story(seller_reply_window=5 * DAY).until_awaiting_shipment()
    story.pass_until_just_before(START + 20 * DAY + timedelta(hours=1))
    story.send("cancel_request", reason="other")
    assert _reminders(story, "seller_reminder") == []

    story.days_pass(5)
    assert _reminders(story, "seller_reminder") == [24 * DAY + timedelta(hours=1)]


def test_missed_reminders_are_sent_once() -> None:
    """R21, case 11: workers that were away remind once, not once for each reminder."""
    story = Story()
    story.now = END - timedelta(hours=1)
    story.settle()

    assert _reminders(story, "payment_reminder") == [20 * DAY - timedelta(hours=1)]


_STEPS: dict[str, tuple[Callable[[], Story], set[str]]] = {
    "order_placed": (Story, {"buyer", "seller"}),
    "payment_received": (lambda: _paying(), {"buyer", "seller"}),
    "payment_accepted": (lambda: Story().until_awaiting_shipment(), {"buyer", "seller"}),
    "cancellation_requested": (lambda: Story().until_cancellation_requested(), {"buyer", "seller"}),
    "cancellation_refused": (lambda: Story().until_disputed(), {"buyer"}),
    "shipment_claimed": (lambda: Story().until_claimed_shipped(), {"buyer"}),
    "proof_requested": (lambda: Story().until_claimed_shipped(), {"seller"}),
    "dispute_opened": (lambda: Story().until_disputed(), {"buyer", "seller", "support"}),
    "order_shipped": (lambda: Story().until_shipped(), {"buyer", "seller"}),
    "order_closed": (lambda: Story().until_accepted(), {"buyer", "seller"}),
    "refund_started": (lambda: Story().until_accepted(), {"buyer"}),
}


def _paying() -> Story:
    story = Story()
    story.pay()
    return story


@pytest.mark.parametrize("what", _STEPS)
def test_everyone_concerned_is_notified(what: str) -> None:
    """R21: of each step, once, with a key that makes it take effect once."""
    make, who = _STEPS[what]
    story = make()

    assert {to for to, told in story.notified if told == what} == who
    keys = [notice.key for notice in story.order.notifications]
    assert len(keys) == len(set(keys))
    assert all(notice.key.startswith("A-1001:") for notice in story.order.notifications)


def test_nobody_is_notified_twice_when_a_step_runs_again_in_another_order() -> None:
    """R21: a workflow task that told it was thrown away; the one run instead saw the failure first."""
    keys = []
    for news in (["succeeded"], ["failed", "succeeded"]):
        story = Story().until_accepted()
        for status in news:
            story.send_refund_update(status)
        keys.append({it.key for it in story.order.notifications if it.what == "refund_succeeded"})

    assert keys[0] == keys[1]
    assert len(keys[0]) == 2


def test_a_notification_of_the_same_kind_has_another_key_the_next_time() -> None:
    story = Story()
    for text in ("Hello?", "Hello?"):
        story.send("buyer_message", text=text)

    keys = [it.key for it in story.order.notifications if it.what == "buyer_message"]
    assert len(set(keys)) == len(keys) == 2


def test_the_view_gives_status_money_deadline_and_actions() -> None:
    """R21, R5: what state, since when, what happened, what is next, what can I do, where is my money."""
    story = Story()
    story.days_pass(2)
    view = story.pay()

    assert (view.status, view.status_since) == (Status.PAYMENT_REVIEW, START + 2 * DAY)
    assert [entry.what for entry in view.timeline] == ["placed", "payment_received"]
    assert [(due.what, due.at) for due in view.next] == [("payment_accepted", START + 3 * DAY)]
    assert deadline(story.order) == START + 3 * DAY
    assert set(view.actions) == {Role.BUYER, Role.SELLER, Role.SUPPORT}
    assert view.amount_held.amount == view.amount_paid.amount == 2490
    assert view.model_dump(mode="json")["next"] == [
        {"what": "payment_accepted", "at": "2026-03-04T12:00:00Z"}
    ]


def test_each_role_sees_its_own_actions() -> None:
    """R21: nobody is offered somebody else's messages."""
    actions = Story().until_awaiting_shipment().view.actions
    listed = {role.value: [a.action for a in own] for role, own in actions.items()}

    assert set(listed["buyer"]) == {
        "cancel_request",
        "cancel_withdrawal",
        "buyer_message",
        "offer_acceptance",
        "offer_decline",
        "dispute_request",
        "dispute_evidence",
        "dispute_withdrawal",
        "settlement_acceptance",
        "shipment_extension",
    }
    assert set(listed["seller"]) == {
        "seller_reply",
        "tracking_number",
        "shipment_proof",
        "seller_message",
        "settlement_offer",
    }
    assert set(listed["support"]) == {
        "proof_review",
        "support_message",
        "dispute_decision",
        "refund_update",
        "unmatched_resolution",
    }


def test_the_last_twenty_refusals_are_kept() -> None:
    """R19, case 33: refused is never silent, and never grows for ever."""
    story = Story().until_shipped()
    for number in range(25):
        record_refusal(story.order, f"message-{number}", "It has shipped.", story.now)

    assert [r.name for r in story.view.refused] == [f"message-{n}" for n in range(5, 25)]


def test_a_repeated_message_id_changes_nothing() -> None:
    """R21, case 40: the same id again, whatever became of the order meanwhile."""
    story = Story().until_awaiting_shipment()
    evidence = {"number": "1Z5R89390357567127", "message_id": "m-1"}
    story.send("tracking_number", **evidence)
    story.send("shipment_proof", **photo(), message_id="m-2")

    assert not receive(story.order, message("tracking_number", **evidence), story.now)
    assert not receive(story.order, message("shipment_proof", **photo(), message_id="m-2"), START)
    assert len(story.shipment.tracking) == len(story.shipment.proofs) == 1
    story.verdict(story.shipment.tracking[0], valid=True)
    story.must_ignore("tracking_number", **evidence)


def test_a_refused_message_can_be_sent_again_under_its_id() -> None:
    """R5, case 40: only what was taken is a repeat."""
    story = Story()
    story.pay()
    story.must_refuse("cancel_request", reason="other", message_id="m-1")
    story.days_pass(1)

    story.send("cancel_request", reason="other", message_id="m-1")

    assert story.order.status is Status.CANCELLATION_REQUESTED


@pytest.mark.parametrize(
    ("decision", "money", "back"),
    [("full_refund", None, 2490), ("partial_refund", 700, 700), ("no_refund", None, None)],
)
def test_the_end_of_a_dispute_names_what_goes_back(
    decision: str, money: int | None, back: int | None
) -> None:
    """R16, R21: and so does what is said of the order's closing; nothing where nothing goes back."""
    story = Story().until_disputed()
    story.verdict(story.send_tracking_number(), valid=True)
    story.send("dispute_decision", decision=decision, **({"money": eur(money)} if money else {}))

    expected = {"amount": back, "currency": "EUR"} if back else None
    for what in ("dispute_resolved", "order_closed"):
        assert {role: it["money"] for role, it in _details(story, what).items()} == (
            dict.fromkeys(RECIPIENTS[NotificationKind(what)], expected)
        )


def test_no_amount_is_promised_while_the_bank_decides() -> None:
    """R23: a refund waits for the chargeback, and may never be made."""
    story = Story().until_cancellation_requested()
    story.send_chargeback("opened")
    story.reply("accept")

    assert _details(story, "order_closed")[Role.BUYER]["money"] is None
    opened = _details(story, "chargeback_opened")
    assert opened[Role.SELLER]["money"] == {"amount": 2490, "currency": "EUR"}


def test_a_discount_is_offered_with_the_new_price() -> None:
    """R4, R21: a bonus has neither amount."""
    story = Story()
    story.send("seller_message", topic="discount", text="For you", discount=eur(500))
    told = _details(story, "seller_message")[Role.BUYER]
    assert (told["money"]["amount"], told["amount_due"]["amount"]) == (500, 1990)

    story.send("seller_message", topic="bonus", text="For you", bonus="a pen")
    assert "money" not in _details(story, "seller_message")[Role.BUYER]


@pytest.mark.parametrize(("policy", "waits"), [("open", False), ("offer", True)])
def test_better_proof_is_asked_for_by_a_deadline_where_the_request_waits_for_it(
    policy: str, waits: bool
) -> None:
    """R12, R21: with policy ``open`` the dispute begins at once."""
    story = Story(dispute_on_failed_proof=policy).until_claimed_shipped()
    due_by = story.cancellation.due_by
    assert due_by
    story.send("shipment_proof", **photo())
    story.send("proof_review", accepted=False, note="Blurred")

    told = _details(story, "proof_rejected")[Role.SELLER]
    assert told["due_by"] == (due_by.isoformat() if waits else None)


def _details(story: Story, what: str) -> dict[Role, dict[str, Any]]:
    """What each recipient was last told under this kind."""
    return {it.to: it.details for it in story.order.notifications if it.what == what}
