"""What our programs set up in Temporal's namespace: search attributes, and what runs daily."""

import logging

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from client import schedules
from runtime.program import COMMAND
from runtime.temporal import CannotServe, why_refused
from workflows import ids
from workflows.retention import RetentionWorkflow

log = logging.getLogger("unbuy.worker")


async def register_search_attributes(client: Client) -> None:
    """Add those of our search attributes that the namespace lacks.

    Where the service lets nobody but its owner do that, say so and go on: they may well be there.
    """
    service = client.operator_service
    try:
        present = await service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {
            key.name: IndexedValueType.ValueType(key.indexed_value_type)
            for key in ids.SEARCH_ATTRIBUTES
            if key.name not in present.custom_attributes
        }
        if missing:
            await service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        if error.status not in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
            raise CannotServe(why_refused(client, error)) from error
        log.warning(
            "Search attributes cannot be registered from here (%s); have these added to namespace %s: %s",
            error.message,
            client.namespace,
            ", ".join(key.name for key in ids.SEARCH_ATTRIBUTES),
        )


async def schedule_daily_work(client: Client) -> None:
    """Have reconciliation and retention run daily; where the service does not let us, say so and go on."""
    try:
        await schedules.schedule_reconciliation(client)
        await schedules.schedule_retention(client)
    except RPCError as error:
        if error.status not in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
            raise
        log.warning(
            "Nothing can be scheduled from here (%s); run `%s reconcile` daily, and have %s started daily",
            error.message,
            COMMAND,
            RetentionWorkflow.__name__,
        )
