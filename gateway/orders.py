"""Orders as the gateway asks for them: found for who may see them, told things, listed.

No rule of an order is known here. What an order says is passed on, and what does not answer is said to be
away: nothing is taken that could be lost.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from client.finished_orders import take_after_the_end
from database.connection import DATABASE_AWAY, Database
from database.idempotency_keys import SqlIdempotencyKeys
from database.order_lists import Cursor, SqlOrderLists
from database.orders import SqlOrders
from gateway.access import Caller, Role
from gateway.problems import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    ServiceUnavailable,
    refused,
)
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import Message, PaymentReceived
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.reorder import reorder
from orders.sentences import sentence
from orders.status import Status
from orders.values import Money, OrderId
from orders.view import OrderView, is_of
from runtime.temporal import is_unknown_namespace
from workflows import calls, ids

log = logging.getLogger("unbuy.gateway")

PATIENCE: Final = timedelta(seconds=5)
"""So long a caller waits for an order's answer."""

DATABASE_PATIENCE: Final = timedelta(seconds=3)

TEMPORAL_PATIENCE: Final = PATIENCE + timedelta(seconds=1)
"""So long a call to Temporal may take, whatever it is: a connection may hang as well as break."""

_NO_ANSWER: Final = sentence("The order does not answer at the moment; try again soon.")
_SEND_AGAIN: Final = sentence(
    "The order did not answer in time. It may still take the message: send it again with the same "
    "message id, which has no effect twice."
)
_LOOK_FIRST: Final = sentence(
    "The order did not answer in time. It may still take the message: read the order before you send it "
    "again. (What has an Idempotency-Key can simply be sent again.)"
)

_ID: Final = TypeAdapter[str](OrderId)


class Placed(NamedTuple):
    """An order, and whether it is new."""

    view: OrderView
    is_new: bool


@asynccontextmanager
async def asking_the_database() -> AsyncIterator[None]:
    """What a database that is away fails with becomes ``ServiceUnavailable``."""
    try:
        async with asyncio.timeout(DATABASE_PATIENCE.total_seconds()):
            yield
    except (*DATABASE_AWAY, TimeoutError) as error:
        log.warning("The database does not answer: %s", type(error).__name__)
        raise ServiceUnavailable(
            sentence("The database does not answer at the moment; try again soon.")
        ) from None


@asynccontextmanager
async def asking_temporal(no_answer: str = _NO_ANSWER) -> AsyncIterator[None]:
    """Temporal's outages become ``ServiceUnavailable``; that there is no such workflow does not.

    ``no_answer`` is what the caller is told when it, or the worker behind it, does not answer in time.
    """
    try:
        async with asyncio.timeout(TEMPORAL_PATIENCE.total_seconds()):
            yield
    except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCTimeoutOrCancelledError, TimeoutError):
        log.warning("Temporal or a worker does not answer in time")
        raise ServiceUnavailable(no_answer) from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and not is_unknown_namespace(error):
            raise
        log.warning("Temporal does not answer: %s", error.status.name)
        raise ServiceUnavailable(
            sentence("The orders' service does not answer at the moment; try again soon.")
        ) from None
    except RuntimeError:
        # What the SDK raises while it has never been connected.
        log.warning("Temporal cannot be reached")
        raise ServiceUnavailable(
            sentence("The orders' service cannot be reached at the moment; try again soon.")
        ) from None


class OrderService:
    """What callers may do with orders; who may do what is settled before (``gateway.access``)."""

    def __init__(self, client: Client, database: Database, *, buyers_choose_policy: bool) -> None:
        self._client = client
        self._buyers_choose_policy = buyers_choose_policy
        self._stored = SqlOrders(database)
        self._listing = SqlOrderLists(database)
        self._requests = SqlIdempotencyKeys(database)

    async def place(self, caller: Caller, placed: PlaceOrder) -> Placed:
        """R1: place an order; the same again changes nothing.

        Raises WrongRole for what is not the caller's to set, and Conflict for an id that is taken.
        """
        self._must_be_the_callers(caller, placed)
        return await self._place(placed)

    async def _place(self, placed: PlaceOrder) -> Placed:
        is_new = False
        # Temporal itself refuses an id that it knows; what is kept knows those that it has forgotten.
        view = await self._as_kept(placed.order_id)
        if view is None:
            async with asking_temporal():
                try:
                    await calls.place(self._client, placed)
                    is_new = True
                except WorkflowAlreadyStartedError:
                    pass
        if view is None or not _is_over(view):
            view = await self._ask(placed.order_id) or view
        if view is None or not is_of(view, placed):
            raise Conflict(
                sentence(
                    "There is an order {order} with other contents already, and an id is never used "
                    "again: give this one another order_id.",
                    order=placed.order_id,
                )
            )
        return Placed(view, is_new)

    async def reorder(
        self,
        caller: Caller,
        closed: OrderView,
        new_id: str,
        prices: Mapping[str, Money],
        shipping_price: Money,
    ) -> Placed:
        """R3: place what was closed unpaid again, under a new id and at the prices given."""
        try:
            again = reorder(closed, new_id, prices, shipping_price, Policy())
        except NotAllowedNow as error:
            raise refused(error, possible(caller, closed)) from None
        return await self._place(again)

    async def visible(self, caller: Caller, order_id: str) -> OrderView:
        """An order that the caller may see. Raises NotFound for another's as for none."""
        return _must_see(caller, order_id, await self.find(order_id))

    async def must_be_visible(self, caller: Caller, order_id: str) -> None:
        """Raise as ``visible`` does. By what is kept: the order need not be asked, and is not disturbed."""
        known = await self._as_kept(order_id) or await self._ask(order_id)
        _must_see(caller, order_id, known)

    async def find(self, order_id: str) -> OrderView | None:
        """An order as it is now, or as it ended; None if it never was."""
        kept = await self._as_kept(order_id)
        if kept and _is_over(kept):
            return kept
        return await self._ask(order_id) or kept

    async def tell(self, caller: Caller, order_id: str, message: Message) -> OrderView:
        """Tell an order something, and get its view. Raises a Problem with its refusal."""
        if caller.role is not Role.PROVIDER:
            await self.must_be_visible(caller, order_id)
        elif not _could_be_one(order_id):
            return await self._after_the_end(caller, order_id, message)
        has_id = message.message_id is not None
        if has_id:
            async with asking_the_database():
                is_same = await self._requests.is_first_or_same(order_id, message)
            if not is_same:
                raise Invalid(
                    sentence(
                        "Another {message} came with this Idempotency-Key (or message_id) before: give "
                        "this one a key of its own.",
                        message=message.name,
                    )
                )
        else:
            message = message.model_copy(update={"message_id": f"http-{uuid4()}"})
        try:
            async with asking_temporal(_SEND_AGAIN if has_id else _LOOK_FIRST):
                return await calls.update(self._client, order_id, message, PATIENCE)
        except WorkflowUpdateFailedError as error:
            raise await self._refusal(caller, order_id, message, error.cause) from None
        except RPCError:
            return await self._after_the_end(caller, order_id, message)

    async def newest(
        self, caller: Caller, status: Status | None, after: Cursor | None, most: int
    ) -> list[OrderView]:
        """The caller's own orders, newest first; support's are all."""
        async with asking_the_database():
            return await self._listing.newest(
                most=most,
                buyer_id=caller.id if caller.role is Role.BUYER else None,
                seller_id=caller.id if caller.role is Role.SELLER else None,
                status=status,
                after=after,
            )

    async def _as_kept(self, order_id: str) -> OrderView | None:
        if not _could_be_one(order_id):
            return None
        async with asking_the_database():
            return await self._stored.find(order_id)

    async def _ask(self, order_id: str) -> OrderView | None:
        """The order's own answer; None when Temporal knows no such process."""
        if not _could_be_one(order_id):
            return None
        try:
            async with asking_temporal():
                return await calls.show(self._client, order_id, PATIENCE)
        except RPCError:
            return None
        except WorkflowQueryFailedError as error:
            log.error("An order cannot be read: %s", error)
            return None

    async def _refusal(
        self, caller: Caller, order_id: str, message: Message, cause: BaseException | None
    ) -> Problem:
        match cause:
            case ApplicationError(type="NotAllowedNow", details=[dict() as about, *_]):
                view = await self.find(order_id)
                process = _way_back(view, message)
                return refused(NotAllowedNow.of(about), possible(caller, view), process)
            case ApplicationError(type="InvalidInput"):
                return Invalid(cause.message)
            case _:
                log.error("An order failed at %s: %s", message.name, cause)
                return Conflict(
                    sentence(
                        "The order cannot take {message}: its process has failed.",
                        message=message.name,
                    )
                )

    async def _after_the_end(self, caller: Caller, order_id: str, message: Message) -> OrderView:
        """The order takes no message any more; money that moves nevertheless is seen to (R17, R23)."""
        view = await self._as_kept(order_id)
        try:
            async with asking_temporal():
                process = await take_after_the_end(self._client, order_id, view, message)
        except LookupError:
            raise NotFound(sentence("There is no order {order}.", order=order_id[:64])) from None
        except NotAllowedNow as error:
            raise refused(error, possible(caller, view)) from None
        if isinstance(message, PaymentReceived) and process:
            if view is None:
                no_such = sentence(
                    "There is no order {order}. Payment {payment} goes back in full ({process}).",
                    order=order_id[:64],
                    payment=message.payment_id,
                    process=process,
                )
                raise NotFound(no_such, process=process)
            over = NotAllowedNow(
                message.name,
                RefusalCode.ORDER_CLOSED,
                view.status.value,
                sentence("The order is over."),
            )
            raise refused(over, possible(caller, view), process)
        found = await self.find(order_id)
        assert found, "what was kept a moment ago is kept for ever"
        return found

    def _must_be_the_callers(self, caller: Caller, placed: PlaceOrder) -> None:
        if caller.role is not Role.BUYER:
            return
        if placed.buyer.id != caller.id:
            raise Forbidden(
                sentence(
                    "A buyer places orders of their own only: buyer.id must be the token's sub."
                )
            )
        if placed.policy != Policy() and not self._buyers_choose_policy:
            raise Forbidden(
                sentence(
                    "The policy is the marketplace's to set: leave it out, or let support place the order."
                )
            )
        if placed.seller.notify:
            raise Forbidden(
                sentence(
                    "Where a seller is told of things is theirs to set: leave seller.notify out."
                )
            )


def _must_see(caller: Caller, order_id: str, view: OrderView | None) -> OrderView:
    if view is None or not caller.may_see(view):
        raise NotFound(sentence("You have no order {order}.", order=order_id[:64]))
    return view


def _could_be_one(order_id: str) -> bool:
    """Whether any order could have this id: addresses can hold what a database cannot store."""
    try:
        return bool(_ID.validate_python(order_id))
    except ValidationError:
        return False


def _way_back(view: OrderView | None, message: Message) -> str | None:
    """The process by which a payment that was refused goes back, where it does (R17)."""
    if not (view and isinstance(message, PaymentReceived)):
        return None
    goes_back = any(
        entry.what == "payment_sent_back" and entry.details.get("payment_id") == message.payment_id
        for entry in view.timeline
    )
    return ids.stray_workflow_id(message.payment_id) if goes_back else None


def possible(caller: Caller, view: OrderView | None) -> list[str]:
    """What the caller can do with an order now instead."""
    listed = view.actions.get(caller.role, []) if view else []
    return [action.action for action in listed if action.available]


def _is_over(kept: OrderView) -> bool:
    """Whether nothing about an order is left to happen by itself, so that what is kept is all there is."""
    is_ended = kept.status in (Status.SHIPPED, Status.CLOSED)
    return is_ended and not kept.next and not (kept.refund and not kept.refund.is_settled)
