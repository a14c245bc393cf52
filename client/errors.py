"""What can go wrong between a caller and a workflow, in the domain's words; read off Temporal's here alone.

ClientError
├── UnknownOrder     there is no such order
├── NotRunning       no workflow of this id runs: it has ended, or never was
├── OrderIdReused    an order's id is never used again
├── NoAnswer         no worker answered in time; what was sent may still be taken
└── WorkflowFailed   the workflow failed at it, for a reason that is none of our rules

``NotAllowedNow`` and ``InvalidInput`` (``orders.errors``) are what a workflow itself says. A Temporal that is
unavailable, or has no such namespace, stays the SDK's RPCError.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from orders.errors import InvalidInput, NotAllowedNow
from workflows.messages import reason_of


class ClientError(Exception):
    """What keeps a caller from an answer."""


class UnknownOrder(ClientError):
    """There is no such order."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"There is no order {order_id}.")


class NotRunning(ClientError):
    """No workflow of this id runs: it has ended, or never was."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"No workflow {workflow_id} runs.")


class OrderIdReused(ClientError):
    """An order of this id has been placed before."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"The id of order {order_id} has been used before.")


class NoAnswer(ClientError):
    """No worker answered in time; what was sent may still be taken."""


class WorkflowFailed(ClientError):
    """A workflow failed at a query or an update; the text is what it failed with."""


@contextmanager
def domain_errors(unknown: ClientError) -> Iterator[None]:
    """Raise Temporal's errors as the domain's; ``unknown`` where Temporal has no such workflow."""
    try:
        yield
    except WorkflowUpdateFailedError as error:
        raise _refusal(error.cause) from None
    except WorkflowQueryFailedError as error:
        raise WorkflowFailed(str(error)) from error
    except RPCTimeoutOrCancelledError as error:
        raise NoAnswer(str(error)) from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and not is_unknown_namespace(error):
            raise unknown from None
        if _is_no_answer(error):
            raise NoAnswer(str(error)) from None
        raise


def is_unknown_namespace(error: RPCError) -> bool:
    """Whether the namespace is what was not found."""
    return error.status is RPCStatusCode.NOT_FOUND and error.message.startswith("Namespace")


def _refusal(cause: BaseException | None) -> Exception:
    match cause:
        case ApplicationError(type="NotAllowedNow", details=[dict() as details, *_]):
            return NotAllowedNow.from_details(details)
        case ApplicationError(type="InvalidInput"):
            return InvalidInput(reason_of(cause))
        case _:
            return WorkflowFailed(str(cause))


def _is_no_answer(error: RPCError) -> bool:
    """Whether a call waited in vain, or Temporal knows that no worker would take it."""
    return error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED) or (
        error.status is RPCStatusCode.FAILED_PRECONDITION and "poller" in error.message
    )
