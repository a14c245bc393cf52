"""Workflows, as reconciliation asks for them."""

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from orders.view import OrderView
from workflows import calls, ids


class TemporalWorkflowStates:
    """Implements ``activities.ledger_check.WorkflowStates``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def runs(self, workflow_id: str) -> bool:
        """See ``WorkflowStates``."""
        try:
            described = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return described.status is WorkflowExecutionStatus.RUNNING

    async def order(self, order_id: str) -> OrderView | None:
        """See ``WorkflowStates``."""
        if not await self.runs(ids.order_workflow_id(order_id)):
            return None
        return await calls.show(self._client, order_id)
