"""The lists of orders, and the routes of all pages. They use the same services as the API."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from activities.tracking import NumberRules
from database.order_lists import Cursor, cursor_of_newest
from database.support_queue import SqlSupportQueue
from gateway.access import Role
from gateway.orders import asking_the_database
from gateway.pages.base import PageRenderer
from gateway.pages.order_page import Links, OrderPage
from gateway.pages.problem_types import ProblemPages
from gateway.pages.sessions import Session
from gateway.pages.sign_in_pages import SignInPages
from gateway.pages.stray_payments import StrayPaymentPages
from gateway.pages.templates import STATIC
from gateway.pages.time_skipping import Clock
from gateway.paging import PAGE_SIZE, decode_cursor, paginate
from gateway.problems import (
    Invalid,
    NoSuchMethod,
    NotFound,
    Problem,
)
from gateway.services import Services
from orders.sentences import sentence
from orders.status import Status

_A_YEAR: Final = 365 * 24 * 3600


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
        self._links = links
        self._order_page = OrderPage(services, renderer, number_rules, links, clock)

    def routes(self) -> list[BaseRoute]:
        """The routes of all pages."""
        return [
            self._renderer.route("/", self._home),
            *self._order_page.routes(),
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


def _after(cursor: str | None) -> Cursor | None:
    """The position after which a list continues. Raises Invalid for a malformed cursor."""
    if cursor is None:
        return None
    if (place := decode_cursor(cursor)) is None:
        raise Invalid(sentence("There is no such page of the list: start from the first one."))
    return place


def _status(text: str | None) -> Status | None:
    return next((status for status in Status if status == text), None)
