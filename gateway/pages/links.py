"""Addresses outside the pages that they lead to."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from orders.support_queue import Need
from workflows.ids import ORDER_STATUS

_OF_ORDERS: Final = "WorkflowType = 'OrderWorkflow'"
_RUNNING: Final = "ExecutionStatus = 'Running'"
_WITH_PROOF: Final = "'awaiting_shipment', 'cancellation_requested', 'proof_requested', 'disputed'"
_QUERIES: Final = {
    None: _RUNNING,
    Need.TERMINATED: "ExecutionStatus = 'Terminated'",
    Need.REFUND_FAILED: f"{ORDER_STATUS.name} = 'closed' AND {_RUNNING}",
    Need.REFUND_OVERDUE: f"{ORDER_STATUS.name} = 'closed' AND {_RUNNING}",
    Need.UNMATCHED: f"{ORDER_STATUS.name} = 'closed'",
    Need.PROOF: f"{ORDER_STATUS.name} IN ({_WITH_PROOF}) AND {_RUNNING}",
    Need.DISPUTE: f"{ORDER_STATUS.name} = 'disputed' AND {_RUNNING}",
}
"""Temporal's visibility queries: the workflows among which those of a need are."""


@dataclass(frozen=True, slots=True)
class Links:
    """External links of the pages; each may contain ``{order_id}``."""

    pay: str | None
    temporal: str | None

    def temporal_list(self, need: Need | None) -> str | None:
        """Temporal's own list of the workflows among which those are that need this, or of all that run."""
        before, found, _ = (self.temporal or "").partition("/workflows/")
        query = f"{_OF_ORDERS} AND {_QUERIES[need]}"
        return f"{before}/workflows?query={quote(query)}" if found else None
