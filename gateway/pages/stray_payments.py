"""The page of a stray payment (R17), for support: where its money is, and what support can say of it."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gateway.pages import done
from gateway.pages.base import PageRenderer
from gateway.pages.consequences import Consequences
from gateway.pages.form_input import read, wrong_fields
from gateway.pages.forms import FORMS
from gateway.pages.sessions import Session
from gateway.problems import Conflict, Forbidden, Invalid, NotFound, as_problem
from gateway.stray_payments import STRAY_MESSAGES, StrayPaymentService, StrayPaymentView
from i18n.catalogues import translator
from i18n.labels import label
from orders.errors import InvalidInput
from orders.sentences import sentence


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
        sent = done.remembered(request, session, _address(found), self._renderer.is_secure)
        response = self._page(request, session, found, {"done": done.accepted(sent)})
        if sent:
            done.forget(response, self._renderer.is_secure)
        return response

    async def _act(self, request: Request) -> Response:
        """A submitted form, named after its message with hyphens."""
        session, entered = await self._renderer.posted(request)
        name = request.path_params["message"].replace("-", "_")
        if name not in FORMS or name not in STRAY_MESSAGES:
            raise NotFound(sentence("There is no such form."))
        _must_be_for(session, "read_stray_payment")
        found = await self._service.find(request.path_params["payment_id"])
        payment_id, here = found.payment.payment_id, _address(found)
        filled = {"entered": entered, "entered_for": name}
        if entered.get("back"):
            return self._page(request, session, found, filled)
        try:
            message = read(name, entered, found.held.currency)
            if FORMS[name].grave and not entered.get("confirmed"):
                return self._confirm(request, session, found, name, entered)
            await self._service.tell(session.caller, payment_id, message)
        except (InvalidInput, Invalid, Conflict) as error:
            problem = as_problem(error)
            said = {"problem": problem, "wrong": wrong_fields(name, problem), **filled}
            return self._page(request, session, found, said, problem.status)
        response = RedirectResponse(here, 303)
        done.remember(response, session, here, name, self._renderer.is_secure)
        return response

    def _confirm(
        self,
        request: Request,
        session: Session,
        found: StrayPaymentView,
        name: str,
        entered: dict[str, str],
    ) -> Response:
        locale = self._renderer.locale(request)
        context = {
            "name": name,
            "title": label("action", name, locale),
            "subject": f"{translator(locale).gettext('Stray payment')} {found.payment.payment_id}",
            "entered": entered,
            "decided": None,
            "here": _address(found),
            "will": Consequences(),
            "view": None,
        }
        return self._renderer.show("confirm", request, session, context)

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
            "done": None,
            "wrong": {},
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
