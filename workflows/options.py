"""Activity options, named by what they are for: how long an activity may take, and how it is retried.

When a step is started again that has failed for good, ``workflows.background`` says; when a refund is asked
about again, ``orders.refunds.next_check``; for how long a carrier is asked, ``activities.tracking``.
"""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class LocalOptions(TypedDict):
    """For a short step that is safe to repeat, run inside the workflow task."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class DurableOptions(TypedDict, total=False):
    """For a step that may have to wait for an outage to end."""

    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy


LOCAL = LocalOptions(
    # Together well under the 10 s of a workflow task, so that a hanging database costs no task.
    start_to_close_timeout=timedelta(seconds=3),
    schedule_to_close_timeout=timedelta(seconds=6),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3),
)
"""The first attempt: one marker in the history, where a durable activity costs six events."""

UNTIL_DONE = DurableOptions(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=5)),
)
"""Until it succeeds: records, dispute cases, stray payments, tracking."""

MOVE_MONEY = DurableOptions(
    start_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(
        maximum_interval=timedelta(hours=1), non_retryable_error_types=["ProviderRefusal"]
    ),
)
"""Until the provider answers: nothing is dropped because it took too long (R15)."""

NOTIFY = DurableOptions(
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(days=7),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=15)),
)
"""Until a channel has failed for a week; undelivered messages stay in the outbox."""

DELIVER_WEBHOOK = DurableOptions(
    start_to_close_timeout=timedelta(seconds=15),
    schedule_to_close_timeout=timedelta(days=3),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=5),
        maximum_interval=timedelta(hours=1),
        non_retryable_error_types=["EndpointGone"],
    ),
)
"""Long enough for an endpoint's owner to notice an outage after a weekend."""

COMPARE = DurableOptions(
    start_to_close_timeout=timedelta(hours=1),
    heartbeat_timeout=timedelta(minutes=5),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=5), maximum_attempts=5),
)
"""Reconciliation: it reads everything, and after a failure the next run follows anyway."""

CLEAN_UP = DurableOptions(
    start_to_close_timeout=timedelta(hours=1),
    heartbeat_timeout=timedelta(minutes=5),
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=5), maximum_attempts=5),
)
"""Retention: what is left after a failure, the next run removes."""
