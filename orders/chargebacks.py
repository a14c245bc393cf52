"""A payment's chargeback, whoever's the money is (R23): what its news says, and which of it is no news.

What the bank says last is what counts, also of the amount, until it has decided.
"""

from datetime import datetime
from typing import Protocol

from orders.errors import RefusalCode
from orders.lifecycle import Problem
from orders.messages import ChargebackReported
from orders.order import Chargeback
from orders.sentences import sentence
from orders.values import Money


class Charged(Protocol):
    """A payment that came in, an order's or a stray one."""

    chargeback: Chargeback | None

    @property
    def payment_id(self) -> str:
        """The provider's."""

    @property
    def money(self) -> Money:
        """What came in by it."""


def taken_by_bank(payment: Charged, message: ChargebackReported) -> int:
    """What the bank takes by this news, in minor units; negative where it gives back what it took."""
    before = payment.chargeback.money.amount if payment.chargeback else 0
    return (0 if message.status == "won" else message.money.amount) - before


def note_chargeback(payment: Charged, message: ChargebackReported, at: datetime) -> tuple[str, ...]:
    """Note how the payment's chargeback stands, and say what happened, as keys of the timeline."""
    known = payment.chargeback
    opened = () if known and message.status != "opened" else ("chargeback_opened",)
    payment.chargeback = Chargeback(
        status=message.status,
        money=message.money,
        reason=message.reason or (known.reason if known else ""),
        opened_at=known.opened_at if known else at,
        ended_at=None if message.status == "opened" else at,
    )
    return opened if message.status == "opened" else (*opened, f"chargeback_{message.status}")


def repeats_chargeback(payment: Charged | None, message: ChargebackReported) -> bool:
    """Whether this is known already; an opening that arrives after the end says nothing new."""
    known = payment.chargeback if payment and payment.payment_id == message.payment_id else None
    if known is None:
        return False
    is_old = message.status == "opened" and known.status != "opened"
    return is_old or (message.status, message.money) == (known.status, known.money)


def contradiction(payment: Charged, message: ChargebackReported) -> Problem:
    """It must not be decided yet, and not be more than was paid."""
    if payment.chargeback and payment.chargeback.status in ("won", "lost"):
        return (
            RefusalCode.ALREADY_ANSWERED,
            sentence("The chargeback was won already.")
            if payment.chargeback.status == "won"
            else sentence("The chargeback was lost already."),
        )
    if (
        message.money.currency != payment.money.currency
        or message.money.amount > payment.money.amount
    ):
        return (
            RefusalCode.WRONG_AMOUNT,
            sentence("At most what was paid can be charged back: {paid}.", paid=payment.money),
        )
    return None


def chargeback_step(payment_id: str, number: int | str) -> str:
    """The ledger's name of the step that news of a payment's chargeback makes."""
    return f"chargeback/{payment_id}/{number}"
