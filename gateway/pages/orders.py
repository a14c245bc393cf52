"""The pages: my orders, one order, the support queue. They use the same services as the API.

Everything works without script, every action as a form. Script only keeps the page up to date.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import NAMESPACE_OID, uuid4, uuid5

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from activities.tracking import NumberRules, form_problem
from database.order_lists import Cursor, cursor_of_newest
from database.support_queue import SqlSupportQueue
from gateway.access import Caller, Role, view_for
from gateway.orders import asking_the_database
from gateway.pages.base import PageRenderer, check_form_secret
from gateway.pages.forms import FORMS, OFFERS, PAID, done_text, messages_awaited_from, read
from gateway.pages.problem_types import ProblemPages
from gateway.pages.sessions import Session
from gateway.pages.sign_in_pages import SignInPages
from gateway.pages.stray_payments import StrayPaymentPages
from gateway.pages.templates import STATIC
from gateway.pages.time_skipping import Clock
from gateway.paging import PAGE_SIZE, decode_cursor, paginate
from gateway.problems import (
    BadRequest,
    Conflict,
    ContentTooLarge,
    Forbidden,
    Invalid,
    MessageRefused,
    NoSuchMethod,
    NotFound,
    Problem,
    TooManyRequests,
    WrongType,
    as_problem,
)
from gateway.services import Services
from i18n.catalogues import translator
from orders.errors import InvalidInput
from orders.messages import PaymentReceived
from orders.sentences import sentence
from orders.status import Status
from orders.view import OrderView

_A_YEAR: Final = 365 * 24 * 3600
_DONE: Final = "done"
_PAID: Final = "pay_now"
_AS_IT_IS: Final = "as_it_is"


@dataclass(frozen=True, slots=True)
class Links:
    """External links of the pages; each may contain ``{order_id}``."""

    pay: str | None
    temporal: str | None


class _Static(StaticFiles):
    """Files cached for ever: each version has its own address (``templates.static``)."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """See base class."""
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
        return response


class OrderPages:
    """All pages for people who are signed in."""

    def __init__(
        self,
        services: Services,
        renderer: PageRenderer,
        entrance: SignInPages,
        support_queue: SqlSupportQueue,
        number_rules: NumberRules,
        links: Links,
        clock: Clock | None,
    ) -> None:
        """``clock``: only where time can be skipped; it also enables test payments."""
        self._services = services
        self._renderer = renderer
        self._entrance = entrance
        self._queue = support_queue
        self._number_rules = number_rules
        self._links = links
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """The routes of all pages."""
        at, order = self._renderer.route, "/orders/{order_id}"
        playing = [
            at(f"{order}/pay", self._pay, "POST"),
            at(f"{order}/clock", self._skip, "POST"),
        ]
        return [
            at("/", self._home),
            at(order, self._order),
            at(f"{order}/changes", self._changes),
            at(f"{order}/reorder", self._reorder, "POST"),
            at(f"{order}/shipment-proof", self._prove, "POST"),
            at(f"{order}/proofs/{{sha256}}", self._proof),
            *(playing if self._clock else []),
            at(f"{order}/{{message}}", self._act, "POST"),
            *StrayPaymentPages(self._services.stray_payments, self._renderer).routes(),
            *self._entrance.routes(),
            *ProblemPages(self._renderer).routes(),
            Mount("/static", _Static(directory=STATIC), name="static"),
        ]

    def not_found(self, request: Request, problem: Problem) -> Response:
        """The page for an unknown address."""
        if isinstance(problem, NoSuchMethod):
            nothing = sentence("There is no page at this address: forms are sent to it.")
            problem = NoSuchMethod(nothing, problem.headers)
        elif isinstance(problem, NotFound):
            problem = NotFound(sentence("There is no page at this address."))
        return self._renderer.failed(request, problem)

    async def _home(self, request: Request) -> Response:
        session = self._renderer.signed(request)
        after = _after(request.query_params.get("cursor"))
        if session.caller.role is Role.SUPPORT:
            return await self._support_queue(request, session, after)
        status = _status(request.query_params.get("status"))
        found = await self._services.orders.newest(session.caller, status, after, PAGE_SIZE + 1)
        orders, cursor = paginate(found, cursor_of_newest)
        context = {"orders": orders, "chosen": status}
        return self._list(
            "orders", request, session, context, {"status": status} if status else {}, cursor
        )

    async def _support_queue(
        self, request: Request, session: Session, after: Cursor | None
    ) -> Response:
        """The support queue, or the results of a search."""
        sought = request.query_params.get("q", "").strip()[:64]
        async with asking_the_database():
            found = (
                await self._queue.search(sought, PAGE_SIZE + 1, after)
                if sought
                else await self._queue.first(PAGE_SIZE + 1, after)
            )
            strays = await self._queue.stray_payments(sought) if after is None else []
        cases, cursor = paginate(found, lambda case: case.cursor)
        context = {
            "cases": cases,
            "strays": strays,
            "sought": sought,
            "temporal": self._links.temporal,
        }
        return self._list(
            "support_queue", request, session, context, {"q": sought} if sought else {}, cursor
        )

    def _list(
        self,
        name: str,
        request: Request,
        session: Session,
        context: Mapping[str, Any],
        query: Mapping[str, str],
        cursor: str | None,
    ) -> Response:
        """A page of a list, linked to the next and the first; ``query``: parameters that pages share."""
        parts = {
            "first": f"/?{urlencode(query)}".rstrip("?")
            if "cursor" in request.query_params
            else "",
            "further": f"/?{urlencode({**query, 'cursor': cursor})}" if cursor else "",
        }
        return self._renderer.show(name, request, session, {**context, **parts})

    async def _order(self, request: Request) -> Response:
        session = self._renderer.signed(request)
        view = await self._services.orders.visible(session.caller, request.path_params["order_id"])
        done = request.query_params.get(_DONE, "")
        text = PAID if done == _PAID else done_text(done, view)
        text = translator(self._renderer.locale(request)).gettext(text) if text else ""
        return await self._show_order(request, session, view, {"done": text})

    async def _act(self, request: Request) -> Response:
        """A submitted form, named after its message with hyphens."""
        session, entered = await self._renderer.posted(request)
        name = request.path_params["message"].replace("-", "_")
        if name not in FORMS:
            raise NotFound(sentence("There is no such form."))
        _must_be_for(session, name)
        order_id = request.path_params["order_id"]
        view = await self._services.orders.visible(session.caller, order_id)
        try:
            message = read(name, entered, view.amount_due.currency)
            if FORMS[name].grave and not entered.get("confirmed"):
                here = f"/orders/{order_id}"
                context = {"view": view, "name": name, "entered": entered, "here": here}
                context["payment_id"] = ""
                return self._renderer.show("confirm", request, session, context)
            if not entered.get(_AS_IT_IS) and (why := form_problem(self._number_rules, message)):
                wrong = {"entered": entered, "entered_for": name, "unconfirmed": _AS_IT_IS}
                return await self._show_refused(request, session, order_id, Invalid(why), wrong)
            await self._services.orders.tell(session.caller, order_id, message)
        except (InvalidInput, Invalid, Conflict) as error:
            wrong = {"entered": entered, "entered_for": name}
            return await self._show_refused(request, session, order_id, error, wrong)
        return _to_order(order_id, name)

    async def _prove(self, request: Request) -> Response:
        """The upload of a photo or scan, whose secret comes before the file."""
        session = self._renderer.signed(request)
        _must_be_for(session, "upload")
        order_id = request.path_params["order_id"]
        check = partial(check_form_secret, session.form_secret)
        try:
            await self._services.proofs.take(session.caller, order_id, request, check=check)
        except (
            InvalidInput,
            Invalid,
            Conflict,
            WrongType,
            ContentTooLarge,
            BadRequest,
            TooManyRequests,
        ) as error:
            wrong = {"entered_for": "shipment_proof"}
            return await self._show_refused(request, session, order_id, error, wrong)
        return _to_order(order_id, "shipment_proof")

    async def _proof(self, request: Request) -> Response:
        session, found = self._renderer.signed(request), request.path_params
        return await self._services.proofs.open(session.caller, found["order_id"], found["sha256"])

    async def _reorder(self, request: Request) -> Response:
        """R3: "Add to cart again". There is no catalogue here, so the prices are the old order's."""
        session, entered = await self._renderer.posted(request)
        _must_be_for(session, "reorder")
        order_id = request.path_params["order_id"]
        view = await self._services.orders.visible(session.caller, order_id)
        prices = {line.sku: line.unit_price for line in view.lines}
        new_id = f"{order_id[:52]}-{entered.get('message_id', '')[:8] or uuid4().hex[:8]}"
        placed = await self._services.orders.reorder(
            session.caller, view, new_id, prices, view.shipping_price
        )
        return _to_order(placed.view.order_id)

    async def _pay(self, request: Request) -> Response:
        """A test payment without a provider (``clock``)."""
        session, entered = await self._renderer.posted(request)
        order_id = request.path_params["order_id"]
        view = await self._services.orders.visible(session.caller, order_id)
        if session.caller.role is not Role.BUYER:
            raise Forbidden(sentence("Only the buyer pays."))
        payment = PaymentReceived(
            payment_id=f"test-{uuid5(NAMESPACE_OID, entered.get('message_id') or uuid4().hex)}",
            money=view.amount_due,
            method="card",
            paid_at=await self._now(order_id),
        )
        provider = Caller("test", Role.PROVIDER, session.caller.expires_at)
        try:
            await self._services.orders.tell(provider, order_id, payment)
        except MessageRefused as problem:
            return await self._show_refused(request, session, order_id, problem, {})
        return _to_order(order_id, _PAID)

    async def _skip(self, request: Request) -> Response:
        """Skip an order's time (``clock``)."""
        session, entered = await self._renderer.posted(request)
        order_id = request.path_params["order_id"]
        view = await self._services.orders.visible(session.caller, order_id)
        assert self._clock
        await self._clock.skip(view, entered.get("skip", ""))
        return _to_order(order_id)

    async def _changes(self, request: Request) -> Response:
        """Server-sent events that the order has changed; the script then reloads it."""
        session = self._renderer.signed(request)
        order_id = request.path_params["order_id"]
        await self._services.orders.must_be_visible(session.caller, order_id)
        stack = AsyncExitStack()
        # Entered before the response begins, so that the limit of watchers is a proper error.
        changes = await stack.enter_async_context(
            self._services.order_stream.watching(
                order_id, session.caller, is_open=partial(self._renderer.is_open, session)
            )
        )

        async def events() -> AsyncIterator[bytes]:
            async with stack:
                async for change in changes:
                    if change is None:
                        yield KEEPALIVE_COMMENT
                    else:
                        yield format_sse_event(event="order", data_str=_digest(change[1]))

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _show_refused(
        self,
        request: Request,
        session: Session,
        order_id: str,
        error: Exception,
        more: Mapping[str, Any],
    ) -> Response:
        """The current order, and why it refused the message."""
        problem = as_problem(error)
        view = await self._services.orders.visible(session.caller, order_id)
        wrong = {"problem": problem, **more}
        return await self._show_order(request, session, view, wrong, problem.status)

    async def _show_order(
        self,
        request: Request,
        session: Session,
        view: OrderView,
        more: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        caller = session.caller
        context = {
            "view": view_for(caller, view),
            "seen": _digest(view),
            "here": f"/orders/{view.order_id}",
            # Single-click actions before those with fields.
            "actions": sorted(
                view.actions.get(caller.role, []),
                key=lambda it: it.action in FORMS and it.action not in OFFERS,
            ),
            "asked": messages_awaited_from(caller.role, view),
            "done": "",
            "entered": {},
            "entered_for": "",
            "unconfirmed": "",
            "links": self._links,
            "buyers_place_orders": self._services.orders.buyers_place_orders,
            "clock": self._clock,
            "now": await self._now(view.order_id),
            "message_id": uuid4().hex,
        }
        return self._renderer.show("order", request, session, {**context, **more}, status)

    async def _now(self, order_id: str) -> datetime:
        return await self._clock.now(order_id) if self._clock else datetime.now(UTC)


def _must_be_for(session: Session, action: str) -> None:
    if not session.caller.may(action):
        raise Forbidden(sentence("You don't have permission for this."))


def _digest(view: OrderView) -> str:
    """A digest that differs between states of an order."""
    return sha256(view.model_dump_json().encode()).hexdigest()[:16]


def _to_order(order_id: str, done: str = "") -> Response:
    query = f"?{urlencode({_DONE: done})}" if done else ""
    return RedirectResponse(f"/orders/{quote(order_id)}{query}", 303)


def _after(cursor: str | None) -> Cursor | None:
    """The position after which a list continues. Raises Invalid for a malformed cursor."""
    if cursor is None:
        return None
    if (place := decode_cursor(cursor)) is None:
        raise Invalid(sentence("There is no such page of the list: start from the first one."))
    return place


def _status(text: str | None) -> Status | None:
    return next((status for status in Status if status == text), None)
