"""The HTTP API of the contract: each route authenticates, rate-limits, translates and responds."""

import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field, ValidationError, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from database.order_lists import cursor_of_newest
from gateway import bodies
from gateway.access import Caller, listed_for, view_for
from gateway.limits import address_of
from gateway.openapi import DOWNLOAD, EVIDENCE_UPLOAD, PROBLEMS, UPLOAD, body_of
from gateway.paging import PAGE_SIZE, decode_cursor, paginate
from gateway.problems import Forbidden, Invalid, Unauthorized
from gateway.services import Services
from gateway.stray_payments import STRAY_MESSAGES, StrayPaymentView
from orders.asked import Ask
from orders.errors import InvalidInput
from orders.messages import MESSAGES, DisputeEvidence, Message, ShipmentProof, parse
from orders.place_order import Party, PlaceOrder
from orders.repeated_keys import refuse_repeated_keys
from orders.schedule import ScheduledEvent
from orders.sentences import sentence
from orders.status import CloseReason, Status
from orders.support_queue import Need
from orders.values import Frozen, Instant, Money, NewOrderId, ShortText
from orders.view import OrderView

api = APIRouter(prefix="/v1")

_Body = TypeVar("_Body", bound=BaseModel)
_REVISION = re.compile(r"[0-9]{1,18}")
# What HTTP transmits unchanged: ASCII, without spaces at either end.
_KEY = re.compile(r"^[!-~]{1,64}$")
_PLACED: Final = PROBLEMS | {200: {"model": OrderView, "description": "It was there, the same."}}


class Reorder(Frozen):
    """R3: a new order with the lines of one that was closed unpaid, at these prices."""

    order_id: NewOrderId
    prices: Annotated[dict[ShortText, Money], Field(max_length=100)]
    shipping_price: Money


class Listed(Frozen):
    """An order in a list: fields of its view, by the same names.

    ``asked`` is what it asks of the caller (an ``Ask``, or a ``Need`` of support), ``due_by`` until when.
    """

    order_id: str
    buyer: Party
    seller: Party
    status: Status
    status_since: Instant
    close_reason: CloseReason | None
    placed_at: Instant
    closed_at: Instant | None
    amount_due: Money
    amount_paid: Money
    amount_refunded: Money
    next: list[ScheduledEvent]
    terminated: bool
    asked: str | None
    due_by: Instant | None


class Page(Frozen):
    """A part of a list, newest first; ``next_cursor`` asks for the part behind it."""

    orders: list[Listed]
    next_cursor: str | None


def services(request: Request) -> Services:
    """The services of this gateway."""
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]


@asynccontextmanager
async def count_unauthenticated(request: Request, services: Services) -> AsyncIterator[None]:
    """Count callers that fail to authenticate by their address. Raises TooManyRequests."""
    try:
        yield
    except Unauthorized:
        await services.limits.count(f"from {address_of(request)}")
        raise


async def caller(request: Request, services: ServicesDep) -> Caller:
    """The caller whom the bearer token names."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    async with count_unauthenticated(request, services):
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized(
                sentence(
                    "Send a token: Authorization: Bearer ... (`python starter.py token ROLE SUB` makes "
                    "one for local use)."
                )
            )
        found = await services.tokens.caller(token.strip())
    request.scope["unbuy.role"] = found.role.value
    request.scope["unbuy.party"] = found.id
    await services.limits.count(f"{found.role.value} {found.id}")
    return found


def only_for(action: str) -> Any:
    """The caller, if its role is allowed this action, in its turn. Raises Forbidden and TooManyRequests.

    A stream, which lasts, takes no turn, and an upload, which may be slow, none of other requests'.
    """

    async def allowed(found: Annotated[Caller, Depends(caller)]) -> Caller:
        if not found.may(action):
            raise Forbidden(
                sentence(
                    "A {role} may not send {action}.",
                    action=action,
                    role=found.role.value,
                )
            )
        return found

    async def in_turn(
        found: Annotated[Caller, Depends(allowed)], services: ServicesDep
    ) -> AsyncIterator[Caller]:
        what = "uploads" if action.startswith("upload") else "requests"
        async with services.turns.take(f"{what} of {found.role.value} {found.id}"):
            yield found

    return Depends(allowed) if action == "watch" else Depends(in_turn, scope="function")


async def read_as(request: Request, model: type[_Body]) -> _Body:
    """The body as a model. Raises BadRequest, and Invalid with each wrong field and the reason."""
    body = await bodies.read_json(request)
    try:
        found = model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise InvalidInput.from_validation(model.__name__, error) from None
    refuse_repeated_keys(body or b"{}")
    return found


PaymentIdPath = Annotated[
    str, Path(description="The provider's id of the payment.", examples=["pay-1"])
]
MessageKey = Annotated[
    str | None,
    Header(description="The message's id: the same again changes nothing."),
    WithJsonSchema({"type": "string", "pattern": _KEY.pattern}),
]
"""The header ``Idempotency-Key`` of a message."""

OrderIdPath = Annotated[str, Path(description="The order's id.", examples=["A-1001"])]


def answer(view: OrderView, to: Caller, status: int = 200, **headers: str) -> Response:
    """The view as the caller may see it."""
    body = view_for(to, view).model_dump_json()
    return Response(body, status, headers=headers, media_type="application/json")


@api.post(
    "/orders",
    status_code=201,
    response_model=OrderView,
    responses=_PLACED,
    openapi_extra=body_of(PlaceOrder),
    tags=["orders"],
)
async def place_order(
    request: Request, services: ServicesDep, who: Annotated[Caller, only_for("place")]
) -> Response:
    """Place an order (R1).

    The same again changes nothing and answers 200. Support's token, the marketplace's, places any.

    A buyer's places only where the installation says so (`UNBUY_BUYERS_PLACE_ORDERS`): orders of their own,
    under the marketplace's policy, which notify nobody but the verified e-mail address of the token.
    """
    placed = await services.orders.place(who, await read_as(request, PlaceOrder))
    return _answer_placed(placed.view, placed.is_new, who)


@api.get("/orders", response_model=Page, responses=PROBLEMS, tags=["orders"])
async def list_orders(
    services: ServicesDep,
    who: Annotated[Caller, only_for("list")],
    status: Annotated[
        str | None,
        Query(description="Only those in this status."),
        WithJsonSchema({"type": "string", "enum": list(Status)}),
    ] = None,
    asked: Annotated[
        str | None,
        Query(
            description="Only those that ask this of the caller; `any`: those that ask anything."
        ),
        WithJsonSchema({"type": "string", "enum": ["any", *Ask, *Need]}),
    ] = None,
    due_before: Annotated[
        datetime | None,
        Query(description="Only those that ask something of the caller that is due before this."),
    ] = None,
    cursor: Annotated[
        str | None,
        Query(description="`next_cursor` of the page before."),
        WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}),
    ] = None,
) -> Response:
    """List the caller's own orders, newest first; support's are all."""
    chosen = None if status is None else Status(_one_of("status", status, Status))
    asks = (*Ask, *Need)
    wanted = () if asked is None else (_one_of("asked", asked, ("any", *asks)),)
    if due_before is not None and due_before.tzinfo is None:
        raise Invalid(sentence("due_before must have a time zone, such as Z."))
    try:
        due_before = due_before and due_before.astimezone(UTC)
    except OverflowError:
        raise Invalid(sentence("due_before is beyond the calendar.")) from None
    after = None if cursor is None else decode_cursor(cursor)
    if cursor is not None and after is None:
        raise Invalid(sentence("cursor must be a next_cursor that a list has answered."))
    found = await services.orders.newest(
        who,
        chosen,
        after,
        PAGE_SIZE + 1,
        asked=asks if wanted == ("any",) else wanted,
        due_before=due_before,
    )
    shown, next_cursor = paginate([listed_for(who, it) for it in found], cursor_of_newest)
    page = Page(
        orders=[
            Listed.model_validate({name: getattr(it, name) for name in Listed.model_fields})
            for it in shown
        ],
        next_cursor=next_cursor,
    )
    return Response(page.model_dump_json(), media_type="application/json")


@api.get("/orders/{order_id}", response_model=OrderView, responses=PROBLEMS, tags=["orders"])
async def read_order(
    order_id: OrderIdPath, services: ServicesDep, who: Annotated[Caller, only_for("read")]
) -> Response:
    """Read an order: state and why, what happened, what comes, who can do what and from when, the money.

    Also years after it ended and its history is gone.
    """
    return answer(await services.orders.visible(who, order_id), who)


async def _watched(
    order_id: OrderIdPath,
    services: ServicesDep,
    who: Annotated[Caller, only_for("watch")],
    last_event_id: Annotated[str | None, Header(), WithJsonSchema({"type": "string"})] = None,
) -> AsyncIterator[AsyncIterable[ServerSentEvent]]:
    """Refuse whatever can be refused before the stream begins."""
    await services.orders.must_be_visible(who, order_id)
    seen = int(last_event_id) if last_event_id and _REVISION.fullmatch(last_event_id) else None

    async def events(
        changes: AsyncIterable[tuple[int, OrderView] | None],
    ) -> AsyncIterable[ServerSentEvent]:
        async for change in changes:
            if change is None:
                continue  # FastAPI pings by itself
            revision, view = change
            yield ServerSentEvent(
                event="order",
                id=str(revision),
                raw_data=view_for(who, view).model_dump_json(),
            )

    # The stream ends when the token expires.
    async with services.order_stream.watching(order_id, who, seen) as changes:
        yield events(changes)


@api.get(
    "/orders/{order_id}/events",
    response_class=EventSourceResponse,
    responses=PROBLEMS,
    tags=["orders"],
)
async def watch_order(
    events: Annotated[AsyncIterable[ServerSentEvent], Depends(_watched)],
) -> AsyncIterable[ServerSentEvent]:
    """Watch an order: server-sent events named `order`, each with the whole view, at each change.

    The first comes at once. `Last-Event-ID` spares the one that was seen last.
    """
    async for event in events:
        yield event


@api.post(
    "/orders/{order_id}/reorder",
    status_code=201,
    response_model=OrderView,
    responses=_PLACED,
    openapi_extra=body_of(Reorder),
    tags=["orders"],
)
async def reorder(
    order_id: OrderIdPath,
    request: Request,
    services: ServicesDep,
    who: Annotated[Caller, only_for("reorder")],
) -> Response:
    """Add an order that was closed unpaid to the cart again (R3): a new order at the prices given.

    A buyer's token does only where the installation says so (`UNBUY_BUYERS_PLACE_ORDERS`).
    """
    closed = await services.orders.visible(who, order_id)
    wanted = await read_as(request, Reorder)
    placed = await services.orders.reorder(
        who, closed, wanted.order_id, wanted.prices, wanted.shipping_price
    )
    return _answer_placed(placed.view, placed.is_new, who)


@api.post(
    "/orders/{order_id}/proofs",
    response_model=OrderView,
    responses=PROBLEMS,
    openapi_extra=UPLOAD,
    tags=["seller"],
)
async def upload_proof(
    order_id: OrderIdPath,
    request: Request,
    services: ServicesDep,
    who: Annotated[Caller, only_for("upload")],
    idempotency_key: MessageKey = None,
) -> Response:
    """Prove the shipment by a photo or a scan of the postal receipt (R10): JPEG, PNG or PDF, up to 10 MiB.

    It is judged by its content, kept under its SHA-256, and told to the order as `shipment_proof`.
    """
    key = _checked(idempotency_key)
    return answer(await services.proofs.take(who, order_id, request, ShipmentProof, key), who)


@api.post(
    "/orders/{order_id}/evidence",
    response_model=OrderView,
    responses=PROBLEMS,
    openapi_extra=EVIDENCE_UPLOAD,
    tags=["buyer"],
)
async def upload_evidence(
    order_id: OrderIdPath,
    request: Request,
    services: ServicesDep,
    who: Annotated[Caller, only_for("upload_evidence")],
    idempotency_key: MessageKey = None,
) -> Response:
    """Add a photo or a document to a dispute (R16): JPEG, PNG or PDF, up to 10 MiB.

    It is judged by its content, kept under its SHA-256, and told to the order as `dispute_evidence`.
    """
    key = _checked(idempotency_key)
    return answer(await services.proofs.take(who, order_id, request, DisputeEvidence, key), who)


@api.get(
    "/orders/{order_id}/proofs/{sha256}",
    response_class=Response,
    responses=PROBLEMS | DOWNLOAD,
    tags=["orders"],
)
async def download_proof(
    order_id: OrderIdPath,
    sha256: Annotated[str, Path(description="As the order's view has it.")],
    services: ServicesDep,
    who: Annotated[Caller, only_for("download")],
) -> Response:
    """A proof of the order's shipment, or the buyer's evidence, for whoever may see the order.

    The other party gets a copy: what can be seen, without place, owner or whatever else a file carries.
    """
    return await services.proofs.open(who, order_id, sha256)


def _tell(name: str) -> Callable[..., Awaitable[Response]]:
    async def tell(
        order_id: OrderIdPath,
        request: Request,
        services: ServicesDep,
        who: Annotated[Caller, only_for(name)],
        idempotency_key: MessageKey = None,
    ) -> Response:
        message = _with_id(parse(name, [await bodies.read_json(request)]), idempotency_key)
        return answer(await services.orders.tell(who, order_id, message), who)

    return tell


def _with_id(message: Message, key: str | None) -> Message:
    if key is None:
        return message
    if message.message_id not in (None, key):
        raise Invalid(
            sentence("Idempotency-Key and message_id differ: give one of them, or both the same.")
        )
    return message.model_copy(update={"message_id": _checked(key)})


def _checked(key: str | None) -> str | None:
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid(
            sentence("Idempotency-Key must be 1 to 64 visible characters of ASCII, such as a UUID.")
        )
    return key


@api.get(
    "/stray-payments/{payment_id}",
    response_model=StrayPaymentView,
    responses=PROBLEMS,
    tags=["support"],
)
async def read_stray_payment(
    payment_id: PaymentIdPath,
    services: ServicesDep,
    _: Annotated[Caller, only_for("read_stray_payment")],
) -> Response:
    """Read a stray payment: one that no order takes and that goes back (R17)."""
    found = await services.stray_payments.find(payment_id)
    return Response(found.model_dump_json(), media_type="application/json")


def _tell_stray(name: str) -> Callable[..., Awaitable[Response]]:
    async def tell(
        payment_id: PaymentIdPath,
        request: Request,
        services: ServicesDep,
        who: Annotated[Caller, only_for(name)],
        idempotency_key: MessageKey = None,
    ) -> Response:
        message = _with_id(parse(name, [await bodies.read_json(request)]), idempotency_key)
        found = await services.stray_payments.tell(who, payment_id, message)
        return Response(found.model_dump_json(), media_type="application/json")

    return tell


for _name, _model in STRAY_MESSAGES.items():
    api.add_api_route(
        f"/stray-payments/{{payment_id}}/{_name.replace('_', '-')}",
        _tell_stray(_name),
        methods=["POST"],
        response_model=StrayPaymentView,
        responses=PROBLEMS,
        openapi_extra=body_of(_model),
        operation_id=f"stray_{_name}",
        summary=f"{_name.replace('_', ' ').capitalize()} of a stray payment",
        description=f"{_model.__doc__}\n\nFrom: {' or '.join(_model.senders)}.",
        tags=list(_model.senders),
    )


for _name, _model in MESSAGES.items():
    api.add_api_route(
        f"/orders/{{order_id}}/{_name.replace('_', '-')}",
        _tell(_name),
        methods=["POST"],
        response_model=OrderView,
        responses=PROBLEMS,
        openapi_extra=body_of(_model),
        operation_id=_name,
        summary=_name.replace("_", " ").capitalize(),
        description=f"{_model.__doc__}\n\nFrom: {' or '.join(_model.senders)}.",
        tags=list(_model.senders),
    )


def _answer_placed(view: OrderView, is_new: bool, to: Caller) -> Response:
    return answer(view, to, 201 if is_new else 200, Location=f"/v1/orders/{view.order_id}")


def _one_of(name: str, text: str, choices: Iterable[str]) -> str:
    """A query parameter that takes no other values. Raises Invalid."""
    if text not in (taken := list(choices)):
        raise Invalid(sentence("{name} must be one of {names}.", name=name, names=", ".join(taken)))
    return text
