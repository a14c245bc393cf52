"""Messages to workflows of any type, by workflow id."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistoryEventFilterType,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.common import QueryRejectCondition

from client.errors import NotRunning, domain_errors
from orders.messages import Message

PATIENCE = timedelta(seconds=30)
"""Longer than a worker takes to restart, short enough for a person to wait."""

_Answer = TypeVar("_Answer")


async def signal(client: Client, workflow_id: str, message: Message) -> None:
    """Send a message as a signal, without waiting for its result. Raises NotRunning."""
    with domain_errors(NotRunning(workflow_id)):
        await client.get_workflow_handle(workflow_id).signal(message.name, message)


async def update(
    client: Client,
    workflow_id: str,
    message: Message,
    answer: type[_Answer],
    patience: timedelta | None = None,
) -> _Answer:
    """Send a message as an update and return its result.

    Raises NotAllowedNow, InvalidInput, WorkflowFailed, NotRunning and NoAnswer.
    """
    with domain_errors(NotRunning(workflow_id)):
        answered: _Answer = await client.get_workflow_handle(workflow_id).execute_update(
            message.name,
            message,
            id=_update_id(message),
            result_type=answer,
            rpc_timeout=patience or PATIENCE,
        )
    return answered


async def read(
    client: Client,
    workflow_id: str,
    query: str,
    answer: type[_Answer],
    patience: timedelta | None = None,
) -> tuple[_Answer, bool]:
    """What a workflow answers to a query, and whether it was ended from outside.

    The history of one that is complete may not replay (docs/decisions/0021): its result is its last answer.
    Call it within ``domain_errors``.
    """
    found = client.get_workflow_handle(workflow_id)
    asked: dict[str, Any] = {"result_type": answer, "rpc_timeout": patience}
    cleanly = QueryRejectCondition.NOT_COMPLETED_CLEANLY
    try:
        return await found.query(query, reject_condition=cleanly, **asked), False
    except WorkflowQueryRejectedError:
        return await found.query(query, **asked), True
    except WorkflowQueryFailedError:
        if (payloads := await _result_of(found, patience)) is None:
            raise
    [result] = await client.data_converter.decode(payloads, [answer])
    return result, False


async def _result_of(
    found: WorkflowHandle[Any, Any], patience: timedelta | None
) -> Sequence[Payload] | None:
    """What a workflow that is complete has returned; None for any other."""
    closing = WorkflowHistoryEventFilterType.CLOSE_EVENT
    async for event in found.fetch_history_events(event_filter_type=closing, rpc_timeout=patience):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            return event.workflow_execution_completed_event_attributes.result.payloads
    return None


class Run(NamedTuple):
    """A workflow's last run, and whether it goes on; no id where Temporal knows of none."""

    run_id: str | None
    is_running: bool


async def last_run(client: Client, workflow_id: str) -> Run:
    """The last run of a workflow, also of one that never existed, or whose history was deleted."""
    try:
        with domain_errors(NotRunning(workflow_id)):
            described = await client.get_workflow_handle(workflow_id).describe()
    except NotRunning:
        return Run(None, is_running=False)
    return Run(described.run_id, described.status is WorkflowExecutionStatus.RUNNING)


async def is_running(client: Client, workflow_id: str) -> bool:
    """Whether the workflow runs; False also for one that never existed, or whose history was deleted."""
    return (await last_run(client, workflow_id)).is_running


def _update_id(message: Message) -> str | None:
    # Temporal identifies an update by its id alone: with the name in it, an id that was used for
    # another message does not return that message's result.
    return message.message_id and f"{message.name}:{message.message_id}"
