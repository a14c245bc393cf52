"""The ways in which a workflow runs a step: as a local activity, and as a durable one when that fails."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError

from workflows.options import LOCAL, UNTIL_DONE, DurableOptions

FAILED = (ActivityError, ApplicationError, TimeoutError)
"""How a failed step shows. A local activity's own error comes bare; its timeout comes wrapped when it
happens and bare when the history is replayed (seen on SDK 1.35), so both must be taken alike.
"""

_Duty = TypeVar("_Duty")
_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


async def run_local(
    method: Callable[[_Duty, _Argument], Awaitable[_Result]], argument: _Argument, summary: str
) -> _Result:
    """Run a short, repeatable step as a local activity. Raises what ``FAILED`` lists when it fails."""
    return await workflow.execute_local_activity_method(method, argument, summary=summary, **LOCAL)


async def run_local_then_durable(
    method: Callable[[_Duty, _Argument], Awaitable[_Result]],
    argument: _Argument,
    summary: str,
    options: DurableOptions = UNTIL_DONE,
) -> _Result:
    """Run a short step: a local try first, and a durable one when that fails."""
    try:
        return await run_local(method, argument, summary)
    except FAILED:
        return await workflow.execute_activity_method(method, argument, summary=summary, **options)
