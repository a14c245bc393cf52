"""What a process cannot get past by itself: steps and activities that fail, or nobody who serves it."""

from datetime import UTC, datetime
from enum import StrEnum

from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from orders.values import Frozen, Instant
from workflows import ids

_LATEST_EVENTS = 10


class ObstacleKind(StrEnum):
    """What kind of thing a process cannot get past."""

    UNKNOWN_TO_TEMPORAL = "unknown_to_temporal"
    TERMINATED = "terminated"
    NO_WORKER = "no_worker"
    STEP_FAILS = "step_fails"
    ACTIVITY_FAILS = "activity_fails"


class Obstacle(Frozen):
    """``what`` is the activity's name or the failure's cause, ``attempts`` how often it was tried, ``reason``
    what the last one said, ``again_at`` when it is tried again."""

    kind: ObstacleKind
    what: str = ""
    attempts: int = 0
    since: Instant | None = None
    again_at: Instant | None = None
    reason: str = ""


async def obstacles(client: Client, workflow_id: str) -> list[Obstacle]:
    """What a process cannot get past by itself; none for one that runs as it should, or has ended so."""
    try:
        described = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return [Obstacle(kind=ObstacleKind.UNKNOWN_TO_TEMPORAL)]
    if described.status is WorkflowExecutionStatus.COMPLETED:
        return []
    if described.status is not WorkflowExecutionStatus.RUNNING:
        return [Obstacle(kind=ObstacleKind.TERMINATED, since=described.close_time)]
    found = []
    if not await _has_workers(client):
        found.append(Obstacle(kind=ObstacleKind.NO_WORKER))
    # A failure that repeats is written once: the task says how often since.
    task = described.raw_description.pending_workflow_task
    if task.attempt > 1:
        cause, reason = await _failed_step(client, workflow_id)
        found.append(
            Obstacle(
                kind=ObstacleKind.STEP_FAILS,
                what=cause,
                attempts=task.attempt,
                since=_instant(task.original_scheduled_time.seconds),
                reason=reason,
            )
        )
    found += [
        Obstacle(
            kind=ObstacleKind.ACTIVITY_FAILS,
            what=it.activity_type.name,
            attempts=it.attempt,
            since=_instant(it.scheduled_time.seconds),
            again_at=_instant(it.next_attempt_schedule_time.seconds),
            reason=it.last_failure.message,
        )
        for it in described.raw_description.pending_activities
        if it.HasField("last_failure")
    ]
    return found


async def _has_workers(client: Client) -> bool:
    queue = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=ids.TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return bool(queue.pollers)


async def _failed_step(client: Client, workflow_id: str) -> tuple[str, str]:
    """Of the step that failed last: the type of its failure, and what it says."""
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace, maximum_page_size=_LATEST_EVENTS
    )
    request.execution.workflow_id = workflow_id
    history = (
        await client.workflow_service.get_workflow_execution_history_reverse(request)
    ).history
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            failure = event.workflow_task_failed_event_attributes.failure
            return failure.application_failure_info.type or failure.source, failure.message
    return "", ""


def _instant(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
