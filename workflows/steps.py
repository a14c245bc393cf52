"""Running a step: durably, or as a local activity where its result is only noted.

A workflow has one local activity at a time, and its result changes no decision: on replay it may come before
a message that came first (docs/decisions/0021-queries-and-local-activities.md). The result of a durable
activity is an event, with its place among the messages.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError

from workflows.options import LOCAL, UNTIL_DONE

FAILED = (ActivityError, ApplicationError, TimeoutError)
"""The errors of a failed step. A local activity's own error is raised bare; its timeout is wrapped when it
happens and bare on replay (seen on SDK 1.35), so both must be handled alike.
"""

_Activities = TypeVar("_Activities")
_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


async def run_local(
    method: Callable[[_Activities, _Argument], Awaitable[_Result]],
    argument: _Argument,
    summary: str,
) -> _Result:
    """Run a short, idempotent step as a local activity. Raises the errors in ``FAILED``."""
    return await workflow.execute_local_activity_method(method, argument, summary=summary, **LOCAL)


async def run_local_then_durable(
    method: Callable[[_Activities, _Argument], Awaitable[_Result]],
    argument: _Argument,
    summary: str,
) -> _Result:
    """Run a short, idempotent step as a local activity, and as a durable one if that fails."""
    try:
        return await run_local(method, argument, summary)
    except FAILED:
        return await _run_until_done(method, argument, summary)


async def run_durable(
    method: Callable[[_Activities, _Argument], Awaitable[_Result]],
    argument: _Argument,
    summary: str,
) -> _Result:
    """Run a step as a durable activity: six events. In older histories it ran locally first."""
    if not workflow.patched("durable results"):
        return await run_local_then_durable(method, argument, summary)
    return await _run_until_done(method, argument, summary)


async def _run_until_done(
    method: Callable[[_Activities, _Argument], Awaitable[_Result]],
    argument: _Argument,
    summary: str,
) -> _Result:
    return await workflow.execute_activity_method(method, argument, summary=summary, **UNTIL_DONE)
