"""Orders for the gateway: placed, found, listed and sent messages, each for a caller who may.

It contains no business rules. An order's answer is passed on, and no answer is reported as unavailable:
nothing is accepted that could be lost.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError
from temporalio.client import Client
from temporalio.service import RPCError

from adapters.notifications.addresses import MAIL, mailbox
from adapters.notifications.errors import PermanentFailure
from adapters.proof_files import StoreUnavailable
from client import orders
from client.amounts import AmountRule
from client.errors import NoAnswer, OrderIdReused, UnknownOrder, WorkflowFailed
from client.finished_orders import LateDelivery, deliver_to_no_order
from client.proofs import HasProof
from database.connection import DATABASE_UNAVAILABLE, Database
from database.idempotency_keys import SqlIdempotencyKeys
from database.order_lists import Cursor, ListReader, SqlOrderLists
from database.orders import SqlOrders
from database.stray_payments import SqlStrayPayments
from gateway.access import SET_BY_TOKEN, Caller, Role
from gateway.limits import RateLimits
from gateway.problems import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    ServiceUnavailable,
    refused,
)
from orders.errors import InvalidInput, NotAllowedNow, RefusalCode
from orders.listed import ListedOrder
from orders.messages import Message, PaymentReceived, RefundUpdate
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.reorder import reorder
from orders.sentences import sentence
from orders.status import Status
from orders.values import Money, OrderId
from orders.view import OrderView, is_finished, is_of
from workflows import ids

log = logging.getLogger("unbuy.gateway")

PATIENCE: Final = timedelta(seconds=5)
"""How long a caller waits for an order's answer."""

DATABASE_PATIENCE: Final = timedelta(seconds=3)

TEMPORAL_PATIENCE: Final = PATIENCE + timedelta(seconds=1)
"""Timeout of any call to Temporal: a connection may hang as well as break."""

_NO_ANSWER: Final = sentence("The order is not answering at the moment; try again soon.")
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
    """Turn errors of an unavailable database into ``ServiceUnavailable``."""
    try:
        async with asyncio.timeout(DATABASE_PATIENCE.total_seconds()):
            yield
    except (*DATABASE_UNAVAILABLE, TimeoutError) as error:
        log.warning("The database does not answer: %s", type(error).__name__)
        raise ServiceUnavailable(
            sentence("The database is not answering at the moment; try again soon.")
        ) from None


@asynccontextmanager
async def asking_temporal(no_answer: str = _NO_ANSWER) -> AsyncIterator[None]:
    """Turn Temporal's outages into ``ServiceUnavailable``.

    ``no_answer``: the problem's text when Temporal or its worker does not answer in time.
    """
    try:
        async with asyncio.timeout(TEMPORAL_PATIENCE.total_seconds()):
            yield
    except (NoAnswer, TimeoutError):
        log.warning("Temporal or a worker does not answer in time")
        raise ServiceUnavailable(no_answer) from None
    except RPCError as error:
        log.warning("Temporal does not answer: %s", error.status.name)
        raise ServiceUnavailable(
            sentence("The order service is not answering at the moment; try again soon.")
        ) from None
    except RuntimeError:
        # Raised by the SDK before its first connection.
        log.warning("Temporal cannot be reached")
        raise ServiceUnavailable(
            sentence("The order service cannot be reached at the moment; try again soon.")
        ) from None


class OrderService:
    """What callers do with orders that are theirs (``Caller.may_see``), or NotFound.

    Whether their role may do so at all is checked before (``gateway.access.MAY``).
    """

    def __init__(
        self,
        client: Client,
        database: Database,
        problem_of: AmountRule,
        has_proof: HasProof,
        placing: RateLimits,
        *,
        buyers_place_orders: bool,
        buyers_choose_policy: bool,
    ) -> None:
        self._client = client
        self._problem_of = problem_of
        self._has_proof = has_proof
        self.buyers_place_orders = buyers_place_orders
        self._placing = placing
        self._buyers_choose_policy = buyers_choose_policy
        self._stored = SqlOrders(database)
        self._strays = SqlStrayPayments(database)
        self._listing = SqlOrderLists(database)
        self._requests = SqlIdempotencyKeys(database)

    async def place(self, caller: Caller, placed: PlaceOrder) -> Placed:
        """R1, R3: place an order; repeating the same order has no effect.

        Raises Forbidden for fields that the caller may not set, TooManyRequests, and Conflict for an id in
        use.
        """
        await self._may_place(caller)
        self._must_be_the_callers(caller, placed)
        return await self._place(placed)

    async def _place(self, placed: PlaceOrder) -> Placed:
        is_new = False
        # Temporal refuses an id within its retention; the database has the older ones.
        view = await self._stored_order(placed.order_id)
        if view is None:
            async with asking_temporal():
                try:
                    await orders.place(self._client, placed)
                    is_new = True
                except OrderIdReused:
                    pass
        if view is None or not is_finished(view):
            view = await self._ask(placed.order_id) or view
        if view is None or not is_of(view, placed):
            raise Conflict(
                sentence(
                    "There is already an order {order} with different contents, and ids are never "
                    "reused: give this one another order_id.",
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
        """R3: place an order that was closed unpaid again, under a new id and at the given prices.

        Raises as ``place``, and MessageRefused for one that was not.
        """
        await self._may_place(caller)
        try:
            again = reorder(closed, new_id, prices, shipping_price, Policy())
        except NotAllowedNow as error:
            raise refused(error, possible(caller, closed)) from None
        return await self._place(again)

    async def visible(self, caller: Caller, order_id: str) -> OrderView:
        """An order that the caller may see. Raises NotFound for another party's too."""
        await self.must_be_visible(caller, order_id)
        if (view := await self.find(order_id)) is None:
            raise _not_found(order_id)
        return view

    async def must_be_visible(self, caller: Caller, order_id: str) -> None:
        """Raise as ``visible`` does, without asking a stored order's workflow.

        Case 115: another party's order is asked for as long as one that does not exist, by asking for one.
        """
        parties = await self._parties(order_id)
        if parties is not None and caller.may_see(*parties):
            return
        known = await self._ask(order_id if parties is None else f"none-{uuid4()}")
        if known is None or not caller.may_see(known.buyer.id, known.seller.id):
            raise _not_found(order_id)

    async def find(self, order_id: str) -> OrderView | None:
        """An order as it is now, or as it ended; None if it does not exist."""
        stored = await self._stored_order(order_id)
        if stored and is_finished(stored):
            return stored
        live = await self._ask(order_id)
        if live and live.terminated and not (stored and stored.terminated):
            async with asking_the_database():
                await self._stored.mark_terminated(order_id)
        return live or stored

    async def tell(
        self,
        caller: Caller,
        order_id: str,
        message: Message,
        prepare: Callable[[], Awaitable[None]] | None = None,
    ) -> OrderView:
        """Send an order a message, and return its view. Raises a Problem with its refusal.

        ``prepare``: what is to be done before, once the message's id is known to be its own.
        """
        if caller.role is not Role.PROVIDER:
            await self.must_be_visible(caller, order_id)
        elif not _could_be_one(order_id):
            late = deliver_to_no_order(self._client, order_id, message)
            return await self._answer(caller, order_id, message, late, _NO_ANSWER)
        message = sent_by(caller, message)
        has_id = message.message_id is not None
        if has_id:
            async with asking_the_database():
                is_same = await self._requests.is_first_or_same(order_id, message)
            if not is_same:
                raise Invalid(
                    sentence(
                        "This Idempotency-Key (or message_id) was already used for a different {message}: "
                        "use a new one.",
                        message=message.name,
                    )
                )
        else:
            message = message.model_copy(update={"message_id": f"http-{uuid4()}"})
        if prepare:
            await prepare()
        sending = orders.send(
            self._client,
            order_id,
            message,
            self._stored_order,
            PATIENCE,
            strays=self._strays,
            problem_of=self._problem_of,
            has_proof=self._has_proof,
        )
        no_answer = _SEND_AGAIN if has_id else _LOOK_FIRST
        return await self._answer(caller, order_id, message, sending, no_answer)

    async def newest(
        self,
        caller: Caller,
        status: Status | None,
        after: Cursor | None,
        most: int,
        *,
        asked: Collection[str] = (),
        due_before: datetime | None = None,
    ) -> list[ListedOrder]:
        """The caller's own orders, newest first; support's are all.

        Only those that ask one of ``asked`` of the caller, or something before an instant, where given.
        """
        async with asking_the_database():
            return await self._listing.newest(
                ListReader(caller.role, caller.id),
                most=most,
                status=status,
                asked=asked,
                due_before=due_before,
                after=after,
            )

    async def _parties(self, order_id: str) -> tuple[str, str] | None:
        if not _could_be_one(order_id):
            return None
        async with asking_the_database():
            return await self._stored.parties(order_id)

    async def _stored_order(self, order_id: str) -> OrderView | None:
        if not _could_be_one(order_id):
            return None
        async with asking_the_database():
            return await self._stored.find(order_id)

    async def _ask(self, order_id: str) -> OrderView | None:
        """The workflow's own view; None if Temporal has no such workflow."""
        if not _could_be_one(order_id):
            return None
        try:
            async with asking_temporal():
                return await orders.show(self._client, order_id, PATIENCE)
        except UnknownOrder:
            return None
        except WorkflowFailed as error:
            log.error("An order cannot be read: %s", error)
            return None

    async def _answer(
        self,
        caller: Caller,
        order_id: str,
        message: Message,
        sending: Awaitable[OrderView | LateDelivery],
        no_answer: str,
    ) -> OrderView:
        """The outcome of a message that is being sent. Raises a Problem with its refusal."""
        try:
            async with asking_temporal(no_answer):
                answer = await sending
        except NotAllowedNow as error:
            view = await self.find(order_id)
            workflow_id = _refund_workflow(view, message)
            raise refused(error, possible(caller, view), workflow_id) from None
        except InvalidInput as error:
            raise Invalid(str(error)) from None
        except StoreUnavailable as error:
            raise ServiceUnavailable(str(error)) from None
        except UnknownOrder:
            raise NotFound(sentence("There is no order {order}.", order=order_id[:64])) from None
        except WorkflowFailed as error:
            log.error("An order failed at %s: %s", message.name, error)
            raise Conflict(
                sentence(
                    "The order cannot accept {message}: its workflow has failed.",
                    message=message.name,
                )
            ) from None
        if isinstance(answer, OrderView):
            return answer
        if isinstance(message, PaymentReceived) and answer.workflow_id:
            raise _refunded(caller, order_id, message, answer.view, answer.workflow_id)
        if found := await self.find(order_id):
            return found
        raise _accepted_for_none(order_id, message, answer.workflow_id)

    def must_place(self, caller: Caller) -> None:
        """R3: raise Forbidden for a buyer where buyers place no orders."""
        if caller.role is Role.BUYER and not self.buyers_place_orders:
            raise Forbidden(
                sentence("Prices are the marketplace's: it places orders, with support's token.")
            )

    async def _may_place(self, caller: Caller) -> None:
        self.must_place(caller)
        if caller.role is Role.BUYER:
            await self._placing.count(f"orders of {caller.id}")

    def _must_be_the_callers(self, caller: Caller, placed: PlaceOrder) -> None:
        if caller.role is not Role.BUYER:
            return
        if placed.buyer.id != caller.id:
            raise Forbidden(
                sentence("Buyers place only their own orders: buyer.id must be the token's sub.")
            )
        if placed.policy != Policy() and not self._buyers_choose_policy:
            raise Forbidden(
                sentence(
                    "Only the marketplace sets the policy: leave it out, or let support place the order."
                )
            )
        if not all(_is_mailbox_of(entry, caller.email) for entry in placed.buyer.notify):
            raise Forbidden(
                sentence(
                    "Buyers are notified at the verified e-mail address of their token: leave buyer.notify "
                    "out, or name that alone."
                )
            )
        if placed.seller.notify:
            raise Forbidden(
                sentence("Only the seller sets where they are notified: leave seller.notify out.")
            )


def _is_mailbox_of(entry: str, email: str | None) -> bool:
    """Whether an entry of ``notify`` is mail to this address."""
    try:
        return email is not None and mailbox(entry) == mailbox(f"{MAIL}:{quote(email)}")
    except PermanentFailure:
        return False


def sent_by(caller: Caller, message: Message) -> Message:
    """R25: the message with who sent it, which only the token says."""
    if any(getattr(message, name, None) is not None for name in SET_BY_TOKEN):
        raise Invalid(sentence("by_id and by are set from your token: leave them out."))
    sender = {"by_id": caller.id}
    if isinstance(message, RefundUpdate):
        sender["by"] = caller.role.value
    return message.model_copy(update=sender)


def _not_found(order_id: str) -> NotFound:
    return NotFound(sentence("There is no order {order} in your account.", order=order_id[:64]))


def _could_be_one(order_id: str) -> bool:
    """Whether the id is valid: a path can contain what the database cannot store."""
    try:
        return bool(_ID.validate_python(order_id))
    except ValidationError:
        return False


def _refund_workflow(view: OrderView | None, message: Message) -> str | None:
    """The workflow that refunds a payment which a running order refused, if there is one (R17)."""
    if not (view and isinstance(message, PaymentReceived)):
        return None
    is_refunded = any(
        entry.what == "payment_sent_back" and entry.details.get("payment_id") == message.payment_id
        for entry in view.timeline
    )
    return ids.stray_workflow_id(message.payment_id) if is_refunded else None


def _refunded(
    caller: Caller,
    order_id: str,
    payment: PaymentReceived,
    view: OrderView | None,
    workflow_id: str,
) -> Problem:
    """R17: a payment for an order that has ended or does not exist."""
    if view is None:
        no_such = sentence(
            "There is no order {order}. Payment {payment} is returned in full ({process}).",
            order=order_id[:64],
            payment=payment.payment_id,
            process=workflow_id,
        )
        return NotFound(no_such, process=workflow_id)
    over = NotAllowedNow(
        payment.name,
        RefusalCode.ORDER_CLOSED,
        view.status.value,
        sentence("The order is finished."),
    )
    return refused(over, possible(caller, view), workflow_id)


def _accepted_for_none(order_id: str, message: Message, workflow_id: str | None) -> Problem:
    """What is said of a stray payment's money under the id of an order that does not exist."""
    no_such = sentence(
        "There is no order {order}. {message} is accepted for the payment that it is about ({process}).",
        order=order_id[:64],
        message=message.name,
        process=workflow_id or "",
    )
    return NotFound(no_such, process=workflow_id)


def possible(caller: Caller, view: OrderView | None) -> list[str]:
    """The actions that the order allows the caller now."""
    listed = view.actions.get(caller.role, []) if view else []
    return [action.action for action in listed if action.available]
