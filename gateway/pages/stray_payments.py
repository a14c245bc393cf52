"""The page of a stray payment (R17), for support: where its money is, and what support can say of it."""

from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gateway.pages.base import PageRenderer
from gateway.pages.forms import FORMS, read
from gateway.pages.sessions import Session
from gateway.problems import Conflict, Forbidden, Invalid, NotFound, as_problem
from gateway.stray_payments import STRAY_MESSAGES, StrayPaymentService, StrayPaymentView
from i18n.catalogues import translator
from orders.errors import InvalidInput
from orders.sentences import sentence

DONE: Final = "done"
"""The query parameter that names the message just accepted."""


class StrayPaymentPages:
    """The pages of stray payments."""

    def __init__(self, service: StrayPaymentService, renderer: PageRenderer) -> None:
        self._service = service
        self._renderer = renderer

    def routes(self) -> list[BaseRoute]:
        """The routes of these pages."""
        at, payment = self._renderer.route, "/stray-payments/{payment_id}"
        return [at(payment, self._show), at(f"{payment}/{{message}}", self._act, "POST")]

    async def _show(self, request: Request) -> Response:
        session = self._renderer.signed(request)
        _must_be_for(session, "read_stray_payment")
        found = await self._service.find(request.path_params["payment_id"])
        name = request.query_params.get(DONE, "")
        done = FORMS[name].done if name in FORMS and name in STRAY_MESSAGES else ""
        text = translator(self._renderer.locale(request)).gettext(done) if done else ""
        return self._page(request, session, found, {"done": text})

    async def _act(self, request: Request) -> Response:
        """A submitted form, named after its message with hyphens."""
        session, entered = await self._renderer.posted(request)
        name = request.path_params["message"].replace("-", "_")
        if name not in FORMS or name not in STRAY_MESSAGES:
            raise NotFound(sentence("There is no such form."))
        _must_be_for(session, "read_stray_payment")
        found = await self._service.find(request.path_params["payment_id"])
        payment_id, here = found.payment.payment_id, _address(found)
        try:
            message = read(name, entered, found.held.currency)
            if FORMS[name].grave and not entered.get("confirmed"):
                about = {"name": name, "entered": entered, "here": here, "payment_id": payment_id}
                return self._renderer.show("confirm", request, session, about)
            await self._service.tell(session.caller, payment_id, message)
        except (InvalidInput, Invalid, Conflict) as error:
            problem = as_problem(error)
            wrong = {"problem": problem, "entered": entered, "entered_for": name}
            return self._page(request, session, found, wrong, problem.status)
        return RedirectResponse(f"{here}?{urlencode({DONE: name})}", 303)

    def _page(
        self,
        request: Request,
        session: Session,
        found: StrayPaymentView,
        more: dict[str, Any],
        status: int = 200,
    ) -> Response:
        context = {
            "stray": found,
            "here": _address(found),
            "done": "",
            "entered": {},
            "entered_for": "",
            "message_id": uuid4().hex,
        }
        return self._renderer.show("stray_payment", request, session, context | more, status)


def _address(found: StrayPaymentView) -> str:
    return f"/stray-payments/{quote(found.payment.payment_id)}"


def _must_be_for(session: Session, action: str) -> None:
    if not session.caller.may(action):
        raise Forbidden(sentence("You don't have permission for this."))
