"""The pages: my orders, one order, support's desk. They ask the same desk as the API, and know no rule.

Everything works without script: reading, and every action as a form. Script only keeps the page fresh.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

from fastapi.sse import format_sse_event
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from database.order_lists import Cursor, cursor_of_newest
from database.support_queue import SqlSupportQueue
from gateway.access import Caller, Role, seen_by
from gateway.orders import asking_the_database
from gateway.pages.auth import SignInPages
from gateway.pages.base import PageRenderer, must_be_ours
from gateway.pages.forms import FORMS, OFFERS, PAID, asked_of, done_text, read
from gateway.pages.problem_types import ProblemPages
from gateway.pages.sessions import Session
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


@dataclass(frozen=True, slots=True)
class Links:
    """Where else the pages lead. In each, ``{order_id}`` stands for the order's id."""

    pay: str | None
    temporal: str | None


class _Static(StaticFiles):
    """Browsers keep these files for good: what changes has another address (``templates.static``)."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """See base class."""
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
        return response


class OrderPages:
    """All pages, for whoever is signed in."""

    def __init__(
        self,
        works: Services,
        frame: PageRenderer,
        entrance: SignInPages,
        waiting: SqlSupportQueue,
        links: Links,
        clock: Clock | None,
    ) -> None:
        """``clock``: only where orders' time can be skipped; with it buyers pay by a test payment."""
        self._works = works
        self._frame = frame
        self._entrance = entrance
        self._waiting = waiting
        self._links = links
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """Where each page is."""
        at, order = self._frame.route, "/orders/{order_id}"
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
            *self._entrance.routes(),
            *ProblemPages(self._frame).routes(),
            Mount("/static", _Static(directory=STATIC), name="static"),
        ]

    def lost(self, request: Request, problem: Problem) -> Response:
        """A page in place of a problem, for who follows an address that leads to none."""
        if isinstance(problem, NoSuchMethod):
            nothing = sentence("There is no page at this address: forms are sent to it.")
            problem = NoSuchMethod(nothing, problem.headers)
        elif isinstance(problem, NotFound):
            problem = NotFound(sentence("There is no page at this address."))
        return self._frame.failed(request, problem)

    async def _home(self, request: Request) -> Response:
        session = self._frame.signed(request)
        after = _after(request.query_params.get("cursor"))
        if session.caller.role is Role.SUPPORT:
            return await self._support_queue(request, session, after)
        status = _status(request.query_params.get("status"))
        found = await self._works.orders.newest(session.caller, status, after, PAGE_SIZE + 1)
        orders, cursor = paginate(found, cursor_of_newest)
        context = {"orders": orders, "chosen": status}
        return self._list(
            "orders", request, session, context, {"status": status} if status else {}, cursor
        )

    async def _support_queue(
        self, request: Request, session: Session, after: Cursor | None
    ) -> Response:
        """What waits for support, or what it looks for."""
        sought = request.query_params.get("q", "").strip()[:64]
        async with asking_the_database():
            found = (
                await self._waiting.search(sought, PAGE_SIZE + 1, after)
                if sought
                else await self._waiting.first(PAGE_SIZE + 1, after)
            )
        cases, cursor = paginate(found, lambda case: case.cursor)
        context = {"cases": cases, "sought": sought, "temporal": self._links.temporal}
        return self._list(
            "desk", request, session, context, {"q": sought} if sought else {}, cursor
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
        """A part of a list, with links to the next and to the first; ``query`` is what all parts share."""
        parts = {
            "first": f"/?{urlencode(query)}".rstrip("?")
            if "cursor" in request.query_params
            else "",
            "further": f"/?{urlencode({**query, 'cursor': cursor})}" if cursor else "",
        }
        return self._frame.show(name, request, session, {**context, **parts})

    async def _order(self, request: Request) -> Response:
        session = self._frame.signed(request)
        view = await self._works.orders.visible(session.caller, request.path_params["order_id"])
        done = request.query_params.get(_DONE, "")
        said = PAID if done == _PAID else done_text(done, view)
        said = translator(self._frame.locale(request)).gettext(said) if said else ""
        return await self._show_order(request, session, view, {"done": said})

    async def _act(self, request: Request) -> Response:
        """A form of an order's page, whose name is a message's with hyphens."""
        session, entered = await self._frame.posted(request)
        name = request.path_params["message"].replace("-", "_")
        if name not in FORMS:
            raise NotFound(sentence("There is no such form."))
        _must_be_for(session, name)
        order_id = request.path_params["order_id"]
        view = await self._works.orders.visible(session.caller, order_id)
        try:
            message = read(name, entered, view)
            if FORMS[name].grave and not entered.get("confirmed"):
                here = f"/orders/{order_id}"
                context = {"view": view, "name": name, "entered": entered, "here": here}
                return self._frame.show("confirm", request, session, context)
            await self._works.orders.tell(session.caller, order_id, message)
        except (InvalidInput, Invalid, Conflict) as error:
            wrong = {"entered": entered, "entered_for": name}
            return await self._show_refused(request, session, order_id, error, wrong)
        return _to_order(order_id, name)

    async def _prove(self, request: Request) -> Response:
        """The upload of a photo or scan; its form's secret is in its address, as the file is read last."""
        session = self._frame.signed(request)
        must_be_ours(session, request.query_params.get("form_secret", ""))
        _must_be_for(session, "upload")
        order_id = request.path_params["order_id"]
        try:
            await self._works.proofs.take(session.caller, order_id, request)
        except (InvalidInput, Invalid, Conflict, WrongType, ContentTooLarge, BadRequest) as error:
            wrong = {"entered_for": "shipment_proof"}
            return await self._show_refused(request, session, order_id, error, wrong)
        return _to_order(order_id, "shipment_proof")

    async def _proof(self, request: Request) -> Response:
        session, found = self._frame.signed(request), request.path_params
        return await self._works.proofs.open(session.caller, found["order_id"], found["sha256"])

    async def _reorder(self, request: Request) -> Response:
        """R3: "Add to cart again". The page has no catalogue: the prices are those of then."""
        session, entered = await self._frame.posted(request)
        _must_be_for(session, "reorder")
        order_id = request.path_params["order_id"]
        view = await self._works.orders.visible(session.caller, order_id)
        prices = {line.sku: line.unit_price for line in view.lines}
        new_id = f"{order_id[:52]}-{entered.get('message_id', '')[:8] or uuid4().hex[:8]}"
        placed = await self._works.orders.reorder(
            session.caller, view, new_id, prices, view.shipping_price
        )
        return _to_order(placed.view.order_id)

    async def _pay(self, request: Request) -> Response:
        """Pay without a provider: for trying things out (``clock``)."""
        session, entered = await self._frame.posted(request)
        order_id = request.path_params["order_id"]
        view = await self._works.orders.visible(session.caller, order_id)
        if session.caller.role is not Role.BUYER:
            raise Forbidden(sentence("Only the buyer pays."))
        payment = PaymentReceived(
            payment_id=f"test-{entered.get('message_id') or uuid4()}",
            money=view.amount_due,
            method="card",
            paid_at=await self._now(order_id),
        )
        provider = Caller("test", Role.PROVIDER, session.caller.until)
        try:
            await self._works.orders.tell(provider, order_id, payment)
        except MessageRefused as problem:
            return await self._show_refused(request, session, order_id, problem, {})
        return _to_order(order_id, _PAID)

    async def _skip(self, request: Request) -> Response:
        """Let an order's time pass at once: for trying things out."""
        session, entered = await self._frame.posted(request)
        order_id = request.path_params["order_id"]
        view = await self._works.orders.visible(session.caller, order_id)
        assert self._clock
        await self._clock.skip(view, entered.get("skip", ""))
        return _to_order(order_id)

    async def _changes(self, request: Request) -> Response:
        """Server-sent events that say only that the order has changed; the script reads it anew."""
        session = self._frame.signed(request)
        order_id = request.path_params["order_id"]
        await self._works.orders.must_be_visible(session.caller, order_id)
        stack = AsyncExitStack()
        # Entered before the answer begins: one watcher too many is told so.
        news = await stack.enter_async_context(
            self._works.order_stream.watching(order_id, session.caller)
        )

        async def events() -> AsyncIterator[bytes]:
            async with stack:
                async for _, view in news:
                    yield format_sse_event(event="order", data_str=_digest(view))

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _show_refused(
        self,
        request: Request,
        session: Session,
        order_id: str,
        error: Exception,
        more: Mapping[str, Any],
    ) -> Response:
        """The order as it is now, and why it did not take what was sent."""
        problem = as_problem(error)
        view = await self._works.orders.visible(session.caller, order_id)
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
            "view": seen_by(caller, view),
            "seen": _digest(view),
            "here": f"/orders/{view.order_id}",
            # What one click does, before what asks for more.
            "actions": sorted(
                view.actions.get(caller.role, []),
                key=lambda it: it.action in FORMS and it.action not in OFFERS,
            ),
            "asked": asked_of(caller.role, view),
            "done": "",
            "entered": {},
            "entered_for": "",
            "links": self._links,
            "clock": self._clock,
            "now": await self._now(view.order_id),
            "message_id": uuid4().hex,
        }
        return self._frame.show("order", request, session, {**context, **more}, status)

    async def _now(self, order_id: str) -> datetime:
        return await self._clock.now(order_id) if self._clock else datetime.now(UTC)


def _must_be_for(session: Session, action: str) -> None:
    if not session.caller.may(action):
        raise Forbidden(sentence("You don't have permission for this."))


def _digest(view: OrderView) -> str:
    """Tells one state of an order from the next."""
    return sha256(view.model_dump_json().encode()).hexdigest()[:16]


def _to_order(order_id: str, done: str = "") -> Response:
    query = f"?{urlencode({_DONE: done})}" if done else ""
    return RedirectResponse(f"/orders/{quote(order_id)}{query}", 303)


def _after(cursor: str | None) -> Cursor | None:
    """Behind which place a list goes on. Raises Invalid for what no page of ours links to."""
    if cursor is None:
        return None
    if (place := decode_cursor(cursor)) is None:
        raise Invalid(sentence("There is no such page of the list: start from the first one."))
    return place


def _status(text: str | None) -> Status | None:
    return next((status for status in Status if status == text), None)
