"""Temporal's errors, raised as the domain's."""

from datetime import UTC, datetime

import pytest
from temporalio.client import (
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from client.errors import NoAnswer, UnknownOrder, WorkflowFailed, domain_errors
from orders.errors import InvalidInput, NotAllowedNow, RefusalCode
from workflows.messages import as_failure

FROM = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _raised(error: Exception) -> Exception:
    try:
        with domain_errors(UnknownOrder("A-1")):
            raise error
    except Exception as raised:
        return raised


def _rpc(status: RPCStatusCode, message: str = "no such thing") -> RPCError:
    return RPCError(message, status, b"")


def test_a_refused_update_is_what_the_order_said() -> None:
    refused = NotAllowedNow(
        "cancel_request", RefusalCode.PAYMENT_REVIEW_IN_PROGRESS, "payment_review", "Later.", FROM
    )

    raised = _raised(WorkflowUpdateFailedError(as_failure(refused)))

    assert isinstance(raised, NotAllowedNow)
    assert raised.details() == refused.details()


def test_an_update_of_bad_input_says_what_is_wrong() -> None:
    raised = _raised(WorkflowUpdateFailedError(as_failure(InvalidInput("text: Field required."))))

    assert isinstance(raised, InvalidInput)
    assert str(raised) == "text: Field required."


@pytest.mark.parametrize(
    "error",
    [
        WorkflowUpdateFailedError(ApplicationError("Broken.", type="KeyError")),
        WorkflowUpdateFailedError(ApplicationError("No details.", type="NotAllowedNow")),
        WorkflowQueryFailedError("Broken."),
    ],
)
def test_whatever_else_a_workflow_fails_with_is_a_failure_of_it(error: Exception) -> None:
    assert isinstance(_raised(error), WorkflowFailed)


def test_a_query_that_a_starved_worker_did_not_answer_may_be_sent_again() -> None:
    """Case 44: what the SDK's deadlock detector says of it."""
    starved = WorkflowQueryFailedError(
        "[TMPRL1101] Potential deadlock detected: workflow didn't yield within 2 second(s)."
    )

    assert isinstance(_raised(starved), NoAnswer)


def test_not_found_is_an_unknown_workflow() -> None:
    assert isinstance(_raised(_rpc(RPCStatusCode.NOT_FOUND)), UnknownOrder)


@pytest.mark.parametrize(
    "error",
    [
        _rpc(RPCStatusCode.NOT_FOUND, "Namespace default is not found."),
        _rpc(RPCStatusCode.UNAVAILABLE),
        _rpc(RPCStatusCode.FAILED_PRECONDITION, "Workflow is closing."),
    ],
)
def test_an_outage_and_an_unknown_namespace_stay_what_they_are(error: RPCError) -> None:
    assert _raised(error) is error


@pytest.mark.parametrize(
    "error",
    [
        WorkflowUpdateRPCTimeoutOrCancelledError(),
        _rpc(RPCStatusCode.DEADLINE_EXCEEDED),
        _rpc(RPCStatusCode.CANCELLED),
        _rpc(RPCStatusCode.FAILED_PRECONDITION, "no poller seen for task queue recently"),
        _rpc(
            RPCStatusCode.FAILED_PRECONDITION,
            "Unable to perform workflow execution update due to unexpected workflow task failure.",
        ),
    ],
)
def test_no_worker_in_time_is_no_answer(error: Exception) -> None:
    assert isinstance(_raised(error), NoAnswer)
