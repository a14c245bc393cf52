"""Names that outside code relies on (contract): the task queue, workflow types, ids and search attributes."""

from temporalio.common import SearchAttributeKey

TASK_QUEUE = "orders"

ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
BUYER_ID = SearchAttributeKey.for_keyword("BuyerId")
SELLER_ID = SearchAttributeKey.for_keyword("SellerId")
ORDER_DEADLINE = SearchAttributeKey.for_datetime("OrderDeadline")
SEARCH_ATTRIBUTES = (ORDER_STATUS, BUYER_ID, SELLER_ID, ORDER_DEADLINE)


RECONCILIATION = "reconciliation"
"""The id of the schedule, and of a reconciliation that is started by hand."""

RETENTION = "retention"
"""The id of the schedule."""


def order_workflow_id(order_id: str) -> str:
    """The workflow id of an order; no other order has it again (REJECT_DUPLICATE)."""
    return f"order-{order_id}"


def read_order_workflow_id(workflow_id: str) -> str:
    """The id of the order that has this workflow id."""
    return workflow_id.removeprefix(order_workflow_id(""))


def stray_workflow_id(payment_id: str) -> str:
    """The workflow id of a stray payment (R17); one per payment."""
    return f"stray-payment-{payment_id}"


def read_stray_workflow_id(workflow_id: str) -> str | None:
    """The stray payment that has this workflow id; None for the id of another workflow."""
    prefix = stray_workflow_id("")
    return workflow_id.removeprefix(prefix) if workflow_id.startswith(prefix) else None


def order_webhook_workflow_id(order_id: str, webhook_id: str) -> str:
    """The workflow id of the webhook of an order's change; one per change."""
    return f"order-webhook-{order_id}-{webhook_id}"
