"""Tracking numbers (R11): what verifying one came to."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer

from orders.lifecycle import Verdict
from orders.sentence_fields import Text, WithSentences
from orders.values import Frozen

_SERIALISED: Final = {
    Verdict.TRACKING_VALID: True,
    Verdict.TRACKING_INVALID: False,
    Verdict.TRACKING_UNKNOWN: None,
}


def _read(value: Any) -> Any:
    # Histories from before there were three have true and false.
    return next((verdict for verdict, it in _SERIALISED.items() if it is value), value)


class TrackingVerdict(WithSentences, Frozen):
    """R11: whether a number is good, wrong, or unknown and for support to judge; and its carrier.

    ``reason`` is a sentence: why it is not good or, for a good one, a remark. ``other_order_id`` is another
    seller's order that has the same number.
    """

    verdict: Annotated[
        Verdict, BeforeValidator(_read), PlainSerializer(_SERIALISED.__getitem__)
    ] = Field(alias="valid")
    carrier: Text | None = None
    reason: Text | None = None
    other_order_id: str | None = None
