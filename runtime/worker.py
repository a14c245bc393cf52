"""The worker that serves orders, with all of our workflows."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from runtime.sandbox import lenient_converter, workflow_runner
from workflows import ids
from workflows.order import OrderWorkflow
from workflows.order_webhook import OrderWebhookWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.retention import RetentionWorkflow
from workflows.stray_payment import StrayPaymentWorkflow

WORKFLOWS = (
    OrderWorkflow,
    StrayPaymentWorkflow,
    ReconciliationWorkflow,
    OrderWebhookWorkflow,
    RetentionWorkflow,
)


def build_worker(
    client: Client,
    activities: Sequence[Callable[..., Any]],
    *,
    task_queue: str = ids.TASK_QUEUE,
    max_cached_workflows: int = 2000,
    graceful_shutdown: timedelta = timedelta(seconds=30),
    sticky_timeout: timedelta = timedelta(seconds=2),
    sandboxed: bool = True,
) -> Worker:
    """A worker for orders and all that belongs to them.

    ``max_cached_workflows`` should be at least the number of orders that are awake;
    ``sticky_timeout`` is how long the orders of a killed worker wait for it. ``sandboxed`` is for tests;
    in production it only costs (docs/decisions/0022).
    """
    config = client.config()
    config["data_converter"] = lenient_converter(config["data_converter"])
    return Worker(
        Client(**config),
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=activities,
        workflow_runner=workflow_runner(sandboxed=sandboxed),
        max_cached_workflows=max_cached_workflows,
        graceful_shutdown_timeout=graceful_shutdown,
        sticky_queue_schedule_to_start_timeout=sticky_timeout,
    )
