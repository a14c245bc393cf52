"""Refused messages, counted: an update that is refused leaves nothing else behind."""

from temporalio import workflow

from orders.errors import NotAllowedNow, OrderError
from orders.messages import MESSAGES


def count_refusal(name: str, error: OrderError) -> None:
    """Count it by message and code in the worker's metrics; not again on replay, and without an event."""
    counter = workflow.metric_meter().create_counter(
        "unbuy_refused_messages", "Messages that were refused, by name and code."
    )
    code = error.code.value if isinstance(error, NotAllowedNow) else "invalid_input"
    # What a stranger calls it would be a time series each.
    counter.add(1, {"message": name if name in MESSAGES else "unknown", "code": code})
