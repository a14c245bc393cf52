"""The playground's front page: who one can be, sample orders to place, and one order in each state.

There is no playground beside an issuer, real money, or an address beyond this machine (case 89). Whoever uses
this machine may be anybody here: nothing is at stake.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import token_hex, token_urlsafe
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from database.order_lists import ListReader, SqlOrderLists
from gateway.access import Caller, Role
from gateway.limits import address_of
from gateway.orders import OrderService, asking_the_database
from gateway.pages.base import PageRenderer, check_form_secret, form
from gateway.pages.links import Links
from gateway.pages.sample_orders import EXAMPLE, PEOPLE, SAMPLES, Person, sample_order
from gateway.pages.session_pages import browser_of
from gateway.pages.sessions import LONGEST, Sessions
from gateway.pages.sign_in_pages import FORM, local_path
from gateway.problems import Forbidden, Invalid
from orders.listed import ListedOrder
from orders.sentences import sentence
from orders.status import Status

FRONT: Final = "/playground"
"""The path of the front page, which is also the start page of whoever is not signed in."""

_MOST_EXAMPLES: Final = 200
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class PlaygroundPages:
    """The front page, and what its buttons do."""

    def __init__(
        self,
        orders: OrderService,
        lists: SqlOrderLists,
        renderer: PageRenderer,
        sessions: Sessions,
        links: Links,
    ) -> None:
        self._orders = orders
        self._lists = lists
        self._renderer = renderer
        self._sessions = sessions
        self._links = links

    def routes(self) -> list[BaseRoute]:
        """The routes of these pages."""
        at = self._renderer.route
        return [
            at(FRONT, self.show),
            at(f"{FRONT}/person", self._become, "POST"),
            at(f"{FRONT}/orders", self._place, "POST"),
        ]

    async def show(self, request: Request) -> Response:
        """The front page, with a secret for the forms of whoever is not signed in (login CSRF, case 78)."""
        session = self._renderer.session(request)
        async with asking_the_database():
            found = await self._lists.search(
                ListReader(Role.SUPPORT, ""), EXAMPLE, None, skip=0, most=_MOST_EXAMPLES
            )
        context: dict[str, Any] = {
            "people": PEOPLE,
            "samples": SAMPLES,
            "examples": _one_of_each(found),
            "temporal": self._links.temporal_list(None),
            "here": FRONT,
        }
        if session:
            return self._renderer.show("playground", request, session, context)
        begun_as = (self._sessions.remembered(request) or {}).get(FORM) or token_urlsafe(16)
        context["form_secret"] = self._sessions.form_secret(begun_as)
        response = self._renderer.show("playground", request, None, context)
        self._sessions.remember(response, {FORM: begun_as})
        return response

    async def _become(self, request: Request) -> Response:
        """Be one of the people, on the page where one was."""
        entered = await self._checked(request)
        person = next((it for it in PEOPLE if it.role.value == entered.get("role")), None)
        if person is None:
            raise Invalid(sentence("There is no such person in the playground."))
        return await self._sign_in(request, person, local_path(entered.get("to")))

    async def _place(self, request: Request) -> Response:
        """Place a sample order, and be its buyer."""
        entered = await self._checked(request)
        sample = next((it for it in SAMPLES if it.name == entered.get("sample")), None)
        if sample is None:
            raise Invalid(sentence("There is no such sample order."))
        order = sample_order(sample, f"try-{token_hex(3)}", self._renderer.locale(request))
        # Prices are the marketplace's (R3), which is support here.
        await self._orders.place(_caller(PEOPLE[-1]), order)
        return await self._sign_in(request, PEOPLE[0], f"/orders/{order.order_id}")

    async def _sign_in(self, request: Request, person: Person, to: str) -> Response:
        caller = _caller(person)
        await self._renderer.count(caller)
        response = RedirectResponse(to, 303)
        await self._sessions.begin(
            *(response, caller),
            instead_of=self._renderer.session(request),
            address=address_of(request),
            browser=browser_of(request),
        )
        return response

    async def _checked(self, request: Request) -> Mapping[str, str]:
        """The fields of a form of this browser's own, sent to this machine. Raises Forbidden.

        A name that another site has pointed to this machine is not ours (DNS rebinding).
        """
        if request.url.hostname not in _THIS_MACHINE:
            raise Forbidden(sentence("The playground is for this machine only."))
        entered = await form(request)
        if session := self._renderer.session(request):
            expected = session.form_secret
        else:
            begun = self._sessions.remembered(request) or {}
            # Where nothing was begun here, nobody has the secret.
            expected = self._sessions.form_secret(begun.get(FORM) or token_urlsafe(16))
        check_form_secret(expected, entered.get("form_secret", ""))
        return entered


def _caller(person: Person) -> Caller:
    return Caller(person.id, person.role, datetime.now(UTC) + LONGEST)


def _one_of_each(found: list[ListedOrder]) -> list[ListedOrder]:
    """The newest of the orders in each state, by how an order lives."""
    newest = {it.status: it for it in reversed(found)}
    return [newest[status] for status in Status if status in newest]
