"""The errors of calls to workflows; the only place where Temporal's errors are translated.

ClientError
├── UnknownOrder     there is no such order
├── NotRunning       no workflow with this id is running: it has ended, or never existed
├── OrderIdReused    an order with this id was placed before
├── Overtaken        the workflow was started again meanwhile; what was known of it is old
├── NoAnswer         no worker answered in time; the message may still be accepted
└── WorkflowFailed   the workflow failed, for a reason other than a refusal

``NotAllowedNow`` and ``InvalidInput`` (``orders.errors``) are a workflow's own refusals. The SDK's RPCError
remains while Temporal is unavailable, or if it has no such namespace.
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

_STARVED = "[TMPRL1101]"
"""What the SDK says of a workflow that got nowhere for two seconds: its process has too little CPU time."""


class ClientError(Exception):
    """Base class of this module's errors."""


class UnknownOrder(ClientError):
    """There is no such order."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"There is no order {order_id}.")


class NotRunning(ClientError):
    """No workflow with this id is running: it has ended, or never existed."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"No workflow {workflow_id} runs.")


class OrderIdReused(ClientError):
    """An order with this id was placed before."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"The id of order {order_id} has been used before.")


class Overtaken(ClientError):
    """The workflow was started again meanwhile: what was known of it is old, and it may run."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"Workflow {workflow_id} was started again by somebody else.")


class NoAnswer(ClientError):
    """No worker answered in time; the message may still be accepted."""


class WorkflowFailed(ClientError):
    """A query or an update failed; the text is the failure's."""


@contextmanager
def domain_errors(unknown: ClientError) -> Iterator[None]:
    """Translate Temporal's errors into the domain's; ``unknown`` is raised if there is no such workflow."""
    try:
        yield
    except WorkflowUpdateFailedError as error:
        raise _refusal(error.cause) from None
    except WorkflowQueryFailedError as error:
        failed = NoAnswer if _STARVED in str(error) else WorkflowFailed
        raise failed(str(error)) from error
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
    """Whether a call timed out, or Temporal knows that no worker would accept it, or that one just failed."""
    return error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED) or (
        error.status is RPCStatusCode.FAILED_PRECONDITION
        and any(why in error.message for why in ("poller", "workflow task failure"))
    )
