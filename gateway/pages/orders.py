"""The routes of all pages. They use the same services as the API."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from activities.tracking import NumberRules
from gateway.pages.base import PageRenderer
from gateway.pages.help import HelpPages
from gateway.pages.links import Links
from gateway.pages.lists import ListPages
from gateway.pages.order_page import OrderPage
from gateway.pages.playground import PlaygroundPages
from gateway.pages.problem_types import ProblemPages
from gateway.pages.reminders import ReminderPages
from gateway.pages.session_pages import SessionPages
from gateway.pages.sign_in_pages import SignInPages
from gateway.pages.stray_payments import StrayPaymentPages
from gateway.pages.support_case import SupportCasePages
from gateway.pages.templates import STATIC
from gateway.pages.time_skipping import Clock
from gateway.problems import (
    NoSuchMethod,
    NotFound,
    Problem,
)
from gateway.services import Services
from orders.policy import Policy
from orders.sentences import sentence

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
        lists: ListPages,
        cases: SupportCasePages,
        reminders: ReminderPages,
        sessions: SessionPages,
        playground: PlaygroundPages | None,
        number_rules: NumberRules,
        links: Links,
        clock: Clock | None,
    ) -> None:
        """``clock``: only where time can be skipped; it also enables test payments."""
        self._services = services
        self._renderer = renderer
        self._entrance = entrance
        self._lists = lists
        self._cases = cases
        self._reminders = reminders
        self._sessions = sessions
        self._playground = playground
        self._order_page = OrderPage(services, renderer, number_rules, links, clock)

    def routes(self) -> list[BaseRoute]:
        """The routes of all pages."""
        return [
            *self._lists.routes(),
            *(self._playground.routes() if self._playground else []),
            *self._order_page.routes(),
            *self._cases.routes(),
            *self._reminders.routes(),
            *self._sessions.routes(),
            *StrayPaymentPages(self._services.stray_payments, self._renderer).routes(),
            *self._entrance.routes(),
            *ProblemPages(self._renderer).routes(),
            *HelpPages(self._renderer, Policy()).routes(),
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
