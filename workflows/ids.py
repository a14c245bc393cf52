"""Names that outside code relies on (contract): the task queue, workflow types, ids and search attributes."""

from temporalio.common import SearchAttributeKey

TASK_QUEUE = "orders"

ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
BUYER_ID = SearchAttributeKey.for_keyword("BuyerId")
SELLER_ID = SearchAttributeKey.for_keyword("SellerId")
ORDER_DEADLINE = SearchAttributeKey.for_datetime("OrderDeadline")
SEARCH_ATTRIBUTES = (ORDER_STATUS, BUYER_ID, SELLER_ID, ORDER_DEADLINE)


RECONCILIATION = "reconciliation"
"""The schedule's id, and the id of a reconciliation that somebody asked for."""


def order_workflow_id(order_id: str) -> str:
    """The workflow id of an order; never used again (REJECT_DUPLICATE)."""
    return f"order-{order_id}"


def read_order_workflow_id(workflow_id: str) -> str:
    """The order whose workflow it is."""
    return workflow_id.removeprefix(order_workflow_id(""))


def stray_workflow_id(payment_id: str) -> str:
    """The workflow id of money that no order could take (R17); one per payment."""
    return f"stray-payment-{payment_id}"


def order_webhook_workflow_id(order_id: str, webhook_id: str) -> str:
    """The workflow id of a change on its way to those who subscribed; one per change."""
    return f"order-webhook-{order_id}-{webhook_id}"


def late_chargeback_workflow_id(payment_id: str, status: str) -> str:
    """The workflow id of news of a chargeback after the process that took the payment has ended (R23)."""
    return f"late-chargeback-{payment_id}-{status}"
