"""What happens if a reader does nothing, for every state and reader (R1-R23)."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from i18n.sentences import localize
from orders.if_nothing import if_nothing
from orders.lifecycle import DEADLINES
from orders.messages import Role
from orders.policy import OnFailedProof
from orders.status import Status
from orders.values import WrittenInstant
from orders.view import view
from tests.i18n.polish import crossed, said_in_polish
from tests.orders.builders import DUE, START, Story, eur, outside_refund, photo

PAID = "24.90 EUR"


def pending() -> Story:
    story = Story()
    fields = {"payment_id": "pay-1", "money": eur(DUE), "method": "transfer"}
    story.send("payment_pending", **fields, expected_by=START + timedelta(days=22))
    return story


def under_review() -> Story:
    story = Story().until_awaiting_shipment()
    story.send("shipment_proof", **photo())
    return story


def in_review() -> Story:
    story = Story()
    story.pay()
    return story


def unpaid() -> Story:
    story = Story()
    story.send("cancel_request", reason="changed_mind")
    return story


def complained_then_claimed() -> Story:
    story = Story().until_cancellation_requested(complaint=True)
    story.reply("already_shipped")
    return story


def disputed_and_proved() -> Story:
    story = Story().until_disputed()
    story.verdict(story.send_tracking_number(), valid=True)
    return story


def disputed_with_time_to_ship() -> Story:
    return Story(
        dispute_window=timedelta(days=60), shipment_window=timedelta(days=30)
    ).until_disputed()


def disputed_without() -> Story:
    return Story(shipment_window=None).until_disputed()


def refunded() -> Story:
    story = Story().until_accepted()
    story.send_refund_update("succeeded")
    return story


def refund_in(status: str) -> Callable[[], Story]:
    def story() -> Story:
        found = Story().until_accepted()
        found.send_refund_update(status, reason="expired_or_canceled_card")
        return found

    return story


def overdue() -> Story:
    story = Story().until_accepted()
    story.days_pass(15)
    return story


def stopping() -> Story:
    story = Story().until_accepted()
    story.send_chargeback("opened")
    return story


def decided(decision: str, **fields: object) -> Callable[[], Story]:
    def story() -> Story:
        found = disputed_and_proved()
        found.send("dispute_decision", decision=decision, note="So it is.", **fields)
        return found

    return story


def partly_refunded() -> Story:
    story = decided("partial_refund", money=eur(1000))()
    story.send_refund_update("succeeded")
    return story


def claimed(story: Story) -> Story:
    story.send_chargeback("opened")
    return story


def lost_after_shipping() -> Story:
    story = Story().until_shipped()
    story.send_chargeback("lost")
    return story


def unmatched() -> Story:
    story = Story().until_shipped()
    story.send_chargeback("lost", DUE + 100)
    return story


STATES: dict[str, tuple[Callable[[], Story], str, str, str]] = {
    "awaiting payment": (
        Story,
        "If you do not pay 24.90 EUR by 21 March 2026, 12:00 UTC, the order closes, "
        "and it costs you nothing.",
        "If the buyer has not paid 24.90 EUR by 21 March 2026, 12:00 UTC, the order closes, and nobody owes "
        "anything.",
        "If the buyer has not paid 24.90 EUR by 21 March 2026, 12:00 UTC, the order closes, and nobody owes "
        "anything.",
    ),
    "payment under way": (
        pending,
        "Your payment of 24.90 EUR is under way.",
        "closes unpaid.",
        "closes unpaid.",
    ),
    "payment review": (
        in_review,
        "Your payment of 24.90 EUR is being checked until 2 March 2026, 12:00 UTC.",
        "Do not ship before that",
        "waits for the seller to ship it.",
    ),
    "awaiting shipment": (
        lambda: Story().until_awaiting_shipment(),
        "If the seller has not shipped by 1 April 2026, 12:00 UTC, "
        "the order closes and you get 24.90 EUR back.",
        "If you have not shipped by 1 April 2026, 12:00 UTC, "
        "the order closes and the buyer gets 24.90 EUR back.",
        "If the seller has not shipped by",
    ),
    "awaiting shipment for ever": (
        lambda: Story(shipment_window=None).until_awaiting_shipment(),
        "24.90 EUR is held until the seller ships, or until you ask",
        "you get 24.90 EUR once you have shipped.",
        "24.90 EUR is held until the seller ships or the buyer asks",
    ),
    "proof under review": (
        under_review,
        "Support is reviewing the proof of shipment.",
        "Support is reviewing your proof of shipment.",
        "If you have not accepted a proof of shipment by",
    ),
    "cancellation requested": (
        lambda: Story().until_cancellation_requested(),
        "If the seller has not answered by 16 March 2026, 12:00 UTC, "
        "the order closes and you get 24.90 EUR back.",
        "If you do nothing by 16 March 2026, 12:00 UTC, "
        "the order closes and the buyer gets 24.90 EUR back.",
        "If the seller has not answered by 16 March 2026, 12:00 UTC, the order closes and the buyer gets "
        "24.90 EUR back.",
    ),
    "proof requested": (
        lambda: Story().until_claimed_shipped(),
        "a dispute about your 24.90 EUR opens",
        "If you have not proved the shipment by 16 March 2026, 12:00 UTC, a dispute",
        "opens for you to decide.",
    ),
    "proof requested, dispute offered": (
        lambda: Story(dispute_on_failed_proof=OnFailedProof.OFFER).until_claimed_shipped(),
        "your request to cancel ends and you may open a dispute about 24.90 EUR.",
        "the buyer may open a dispute about 24.90 EUR.",
        "the buyer may open a dispute about 24.90 EUR.",
    ),
    "proof requested, dispute open": (
        complained_then_claimed,
        "support decides the dispute about 24.90 EUR.",
        "support decides the dispute about 24.90 EUR without proof.",
        "the dispute about 24.90 EUR is left for you to decide.",
    ),
    "disputed, not shipped": (
        disputed_with_time_to_ship,
        "If the seller has not shipped by 1 April 2026, 12:00 UTC, "
        "the order closes and you get 24.90 EUR back.",
        "If you have not shipped by 1 April 2026, 12:00 UTC",
        "If you have not decided and the seller has not shipped by 1 April 2026, 12:00 UTC",
    ),
    "disputed without a time to ship": (
        disputed_without,
        "If support has not decided by 1 May 2026, 12:00 UTC, "
        "the order closes and you get 24.90 EUR back.",
        "the buyer gets 24.90 EUR back.",
        "If you have not decided by 1 May 2026, 12:00 UTC, "
        "the order closes and the buyer gets 24.90 EUR back.",
    ),
    "disputed, shipment proved": (
        disputed_and_proved,
        "the seller gets 24.90 EUR, as the shipment is proved.",
        "the order closes and you get 24.90 EUR, as the shipment is proved.",
        "If you have not decided by",
    ),
    "shipped": (
        lambda: Story().until_shipped(),
        "24.90 EUR is the seller's",
        "24.90 EUR is yours",
        "nothing is left for you to do.",
    ),
    "closed unpaid": (
        unpaid,
        "nobody owes anything",
        "nobody owes anything",
        "nobody owes anything",
    ),
    "refund under way": (
        lambda: Story().until_accepted(),
        "24.90 EUR is back with you by 16 March 2026, 12:00 UTC.",
        "There is nothing you have to do.",
        "you are asked to see to it.",
    ),
    "refund requires action": (
        refund_in("requires_action"),
        "If you do not do what the payment provider asks by 16 March 2026, 12:00 UTC",
        "There is nothing you have to do.",
        "If they have not acted by 16 March 2026, 12:00 UTC",
    ),
    "refund failed": (
        refund_in("failed"),
        "Your money is not lost",
        "There is nothing you have to do.",
        "If you do nothing, the buyer does not get it.",
    ),
    "refund overdue": (
        overdue,
        "was due by 16 March 2026, 12:00 UTC and is late. Your money is not lost",
        "There is nothing you have to do.",
        "If you do nothing, the buyer goes on waiting.",
    ),
    "refund stopped for a chargeback": (
        stopping,
        "goes back to you another way.",
        "There is nothing you have to do.",
        "is being stopped.",
    ),
    "refunded": (
        refunded,
        "24.90 EUR is back with you: nothing more happens.",
        "24.90 EUR is back with the buyer",
        "nothing is left for you to do.",
    ),
    "partly refunded": (
        partly_refunded,
        "10.00 EUR is back with you",
        "10.00 EUR is back with the buyer",
        "10.00 EUR is back with the buyer",
    ),
    "turned down": (
        decided("no_refund"),
        "24.90 EUR is the seller's",
        "24.90 EUR is yours",
        "24.90 EUR is the seller's",
    ),
    "chargeback before shipping": (
        lambda: claimed(Story().until_awaiting_shipment()),
        "Your bank has taken 24.90 EUR back and decides about it. If nothing else happens by "
        "1 April 2026, 12:00 UTC, the order closes.",
        "do not ship until it decides. If you do nothing by 1 April 2026, 12:00 UTC, the order closes.",
        "If it has not decided by 1 April 2026, 12:00 UTC, the order closes.",
    ),
    "chargeback with nothing else to wait for": (
        lambda: claimed(Story(shipment_window=None).until_awaiting_shipment()),
        "There is nothing you have to do here.",
        "do not ship until it decides.",
        "you are reminded of it.",
    ),
    "chargeback after shipping": (
        lambda: claimed(Story().until_shipped()),
        "Your bank has taken 24.90 EUR back",
        "If you do nothing, it decides without you.",
        "you are reminded of it.",
    ),
    "charged back after shipping": (
        lost_after_shipping,
        "The order has shipped and 24.90 EUR is back with you",
        "24.90 EUR is back with the buyer",
        "24.90 EUR is back with the buyer",
    ),
    "unmatched money": (
        unmatched,
        "nothing more happens.",
        "nothing more happens.",
        "Until you say who bears 1.00 EUR",
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_each_reader_is_told_what_silence_does(state: str) -> None:
    """R1-R23: with the amount and the date, in the second person of whoever acts."""
    story, buyer, seller, support = STATES[state]

    found = if_nothing(story().view)

    assert buyer in found[Role.BUYER].text
    assert seller in found[Role.SELLER].text
    assert support in found[Role.SUPPORT].text


def test_every_status_is_among_the_states() -> None:
    assert {story().order.status for story, *_ in STATES.values()} == set(Status)


@pytest.mark.parametrize("state", STATES)
def test_what_a_sentence_says_stands_beside_it(state: str) -> None:
    """For front ends that write sentences of their own: the sentence's instant and its amount."""
    for it in if_nothing(STATES[state][0]().view).values():
        assert ("UTC" in it.text) == (it.at is not None)
        assert ("EUR" in it.text) == (it.money is not None)
        assert it.at is None or str(WrittenInstant(at=it.at)) in it.text
        assert it.money is None or str(it.money) in it.text


@pytest.mark.parametrize("state", STATES)
def test_each_reader_is_told_in_polish(state: str) -> None:
    for it in if_nothing(STATES[state][0]().view).values():
        assert said_in_polish(it.text)


def test_the_instant_is_by_the_readers_clock_and_the_amount_as_their_language_writes_it() -> None:
    told = crossed(if_nothing(Story().view)[Role.BUYER].text)
    warsaw, no_break = ZoneInfo("Europe/Warsaw"), "\N{NO-BREAK SPACE}"

    assert localize(told, "pl", warsaw).replace(no_break, " ") == (
        "Jeśli nie zapłacisz 24,90 € do 21 marca 2026, 13:00 CET, zamówienie zostanie zamknięte \N{EN DASH} "
        "bez żadnych kosztów."
    )
    assert "€24.90 by 21 March 2026, 13:00 CET" in localize(told, "en", warsaw)


@pytest.mark.parametrize("state", STATES)
def test_the_instant_is_that_of_the_first_deadline(state: str) -> None:
    """R9, R15, R16b: not of a reminder, and of no deadline after it."""
    found = STATES[state][0]().view
    deadlines = [it.at for it in found.next if it.what in DEADLINES]

    for it in if_nothing(found).values():
        assert it.at is None or it.at == (
            deadlines[0] if deadlines else found.refund and found.refund.due_by
        )


def test_of_an_order_whose_process_was_terminated_nothing_happens_by_itself() -> None:
    stopped = Story().view.model_copy(update={"terminated": True})

    assert if_nothing(stopped)[Role.BUYER].text.endswith("until support starts it again.")
    assert if_nothing(stopped)[Role.SUPPORT].text.endswith("until you start it again.")


def test_money_sent_back_outside_is_no_longer_the_buyers_to_lose() -> None:
    """R24: what is held is what goes back."""
    story = Story().until_awaiting_shipment()
    story.send("outside_refund", **outside_refund(1000))

    found = if_nothing(story.view)[Role.BUYER]

    assert found.money is not None
    assert found.money.amount == DUE - 1000
    assert "14.90 EUR" in found.text


def test_what_is_stored_goes_without() -> None:
    """Histories hold views: the sentences are for answers alone."""
    assert view(Story().order).if_nothing == {}
