"""Policy (R22): durations, reminders and choices that an order takes with it when it is placed."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import FailFast, Field, model_validator

from orders.sentences import sentence
from orders.values import Duration, Frozen

_MOST_REMINDERS = 200

LEAST: Final = timedelta(milliseconds=100)
"""Any duration of a new order's policy; short enough to try things out."""
LEAST_REMINDER: Final = timedelta(minutes=1)
"""What comes again and again, as long as it takes: a mail each time."""

_Reminders = Annotated[tuple[Duration, ...], Field(max_length=10), FailFast()]


class OnFailedProof(StrEnum):
    """What failed proof leads to (R12): a dispute that opens automatically, or one offered to the buyer."""

    OPEN = "open"
    OFFER = "offer"


class Policy(Frozen):
    """The rules' numbers. An order keeps the policy it was placed with; later changes leave it alone."""

    payment_window: Duration = timedelta(days=20)
    """R1: how long an order waits to be paid."""
    payment_grace: Duration = timedelta(days=7)
    """R1a: how much longer an order waits for a payment that is under way."""
    payment_review: Duration = timedelta(days=1)
    """R5: how long a payment is checked."""
    seller_reply_window: Duration = timedelta(days=14)
    """R9: how long the seller has to answer a cancellation request."""
    refund_window: Duration = timedelta(days=14)
    """R14: within which the money is back."""
    shipment_window: Duration | None = timedelta(days=30)
    """R20: how long a paid order waits to be shipped; None is for ever."""
    dispute_window: Duration = timedelta(days=60)
    """R16b: when an undecided dispute ends; and how long evidence that nobody judges holds R20's window."""
    dispute_reminder: Duration = timedelta(days=7)
    """R16b: how often support is reminded; and how often the provider is asked for an overdue refund."""
    refund_checks: _Reminders = (timedelta(days=3), timedelta(days=7), timedelta(days=14))
    """R14, R15: how long after closing the provider is asked for the refund's state."""
    payment_reminders: _Reminders = (timedelta(days=3), timedelta(days=1))
    """R21: how long before the end of R1's window the buyer is reminded."""
    seller_reminders: _Reminders = (timedelta(days=7), timedelta(days=1))
    """R21: how long before the end of R9's window the seller is reminded."""
    shipment_reminders: _Reminders = (timedelta(days=7), timedelta(days=1))
    """R20: how long before the end of the time to ship the seller is reminded."""
    dispute_on_failed_proof: OnFailedProof = OnFailedProof.OPEN
    """R12, R13."""

    @model_validator(mode="after")
    def _reminders_are_few(self) -> "Policy":
        if self.dispute_window > self.dispute_reminder * _MOST_REMINDERS:
            raise ValueError(
                sentence(
                    "dispute_reminder must leave at most {most} reminders in dispute_window",
                    most=_MOST_REMINDERS,
                )
            )
        return self

    def too_short(self) -> dict[str, str]:
        """What is wrong with durations that no new order may have, by field."""
        found: dict[str, str] = {}
        for name, value in self:
            least, text = (
                (LEAST_REMINDER, "PT1M") if name == "dispute_reminder" else (LEAST, "PT0.1S")
            )
            each = value if isinstance(value, tuple) else (value,)
            if any(isinstance(it, timedelta) and it < least for it in each):
                found[name] = sentence("must be at least {duration}", duration=text)
        return found
