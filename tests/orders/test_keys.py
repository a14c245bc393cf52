"""What ids and keys are made of is read back, and what is made stays as the ledger and providers have it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orders import keys
from orders.keys import RefundParts

ORDER_IDS = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
PAYMENT_IDS = st.from_regex(r"[A-Za-z0-9._:-]{1,255}", fullmatch=True)
NUMBERS = st.integers(1, 10_000)


@given(ORDER_IDS, PAYMENT_IDS, NUMBERS)
def test_the_id_of_an_orders_refund_is_read_back(
    order_id: str, payment_id: str, number: int
) -> None:
    # An order that is called like a stray payment has none of its refunds: it took another payment.
    assume(not order_id.startswith(f"stray-{payment_id}"))

    made = keys.order_refund_id(order_id, number)
    assert keys.read_refund_id(made, payment_id) == RefundParts(order_id, number)
    assert keys.settled_refund_key(made, payment_id) == f"{order_id}:refund-{number}-settled"


@given(PAYMENT_IDS, NUMBERS)
def test_the_id_of_a_stray_payments_refund_is_read_back(payment_id: str, number: int) -> None:
    made = keys.stray_refund_id(payment_id, number)

    assert keys.read_refund_id(made, payment_id) == RefundParts(None, number)
    assert keys.settled_refund_key(made, payment_id) == keys.posting_key(
        keys.stray_ledger_id(payment_id), keys.stray_returned_step(number)
    )


@given(PAYMENT_IDS, ORDER_IDS)
def test_what_a_stray_payments_postings_go_by_is_read_back_and_is_no_orders_id(
    payment_id: str, order_id: str
) -> None:
    assert keys.read_stray_ledger_id(keys.stray_ledger_id(payment_id)) == payment_id
    assert keys.read_stray_ledger_id(order_id) is None


@pytest.mark.parametrize("refund_id", ["", "re_123", "A-1-refund-", "A-1-refund-0", "-refund-1x"])
def test_the_id_of_a_refund_that_we_did_not_ask_for_is_not_ours(refund_id: str) -> None:
    assert keys.read_refund_id(refund_id, "pay-1") is None
    assert keys.settled_refund_key(refund_id, "pay-1") is None


def test_what_is_made_stays_as_it_is_in_histories_and_in_the_ledger() -> None:
    made = [
        keys.order_refund_id("A-1", 2),
        keys.stray_refund_id("pay-1", 1),
        keys.stray_refund_id("pay-1", 2),
        keys.posting_key(keys.stray_ledger_id("pay-1"), keys.STRAY_RECEIVED),
        keys.payment_step("pay-1"),
        keys.payment_declined_step("pay-1"),
        keys.payment_sent_back_step("pay-1"),
        keys.chargeback_step("pay-1", 1),
        keys.outside_refund_step("pay-1", 1),
        keys.payment_reversed_step("pay-1"),
        keys.unmatched_step(1),
        keys.seller_credited_step(1),
        keys.refund_decided_step(1),
        keys.refund_settled_step(1),
        keys.refund_stopped_step(1),
        keys.stray_returned_step(1),
        keys.stray_returned_step(2),
        keys.dispute_id("A-1", 1),
        keys.offer_id(1),
    ]

    assert made == [
        "A-1-refund-2",
        "stray-pay-1-refund",
        "stray-pay-1-refund-2",
        "stray/pay-1:received",
        "payment/pay-1",
        "payment-declined/pay-1",
        "payment-sent-back/pay-1",
        "chargeback/pay-1/1",
        "outside-refund/pay-1/1",
        "payment-reversed/pay-1",
        "unmatched-resolved-1",
        "seller-credited-1",
        "refund-1-decided",
        "refund-1-settled",
        "refund-1-stopped",
        "returned",
        "returned-2",
        "A-1-dispute-1",
        "offer-1",
    ]


@given(PAYMENT_IDS, st.integers(1, 50))
def test_a_stray_payments_refund_says_whose_it_is(payment_id: str, number: int) -> None:
    """R17: so that what is said of it finds its payment."""
    refund_id = keys.stray_refund_id(payment_id, number)
    found = keys.read_stray_refund_id(refund_id)
    assert found
    assert refund_id in {keys.stray_refund_id(found, it) for it in (1, number)}
    if "-refund" not in payment_id:
        assert found == payment_id
