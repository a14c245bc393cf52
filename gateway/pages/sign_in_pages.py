"""Pages without a session: signing in, signing out, choosing the language."""

from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gateway.access import PEOPLE, Caller
from gateway.limits import address_of
from gateway.pages.base import LANGUAGE, PageRenderer, check_form_secret, form
from gateway.pages.session_pages import browser_of
from gateway.pages.sessions import Sessions
from gateway.pages.sign_in import BACK, SignIn
from gateway.problems import TYPES, Forbidden, ServiceUnavailable, Unauthorized
from i18n.negotiation import known
from orders.sentences import sentence

_A_YEAR: Final = 365 * 24 * 3600
_ANYBODYS: Final = ("/sign", "/help", "/reminders/off", TYPES)
"""How addresses begin that need nobody to sign in."""
FORM: Final = "form"
"""What the browser remembers by which the secret of a form before signing in is made."""


class SignInPages:
    """Signs people in by one of the two ways (``SignIn``), and out."""

    def __init__(self, renderer: PageRenderer, sessions: Sessions, sign_in: SignIn) -> None:
        self._renderer = renderer
        self._sessions = sessions
        self._sign_in = sign_in

    def routes(self) -> list[BaseRoute]:
        """The routes of these pages."""
        at = self._renderer.route
        return [
            at("/language", self._choose_language, "POST"),
            at("/sign-in", self._show_sign_in),
            at("/sign-in", self._accept_token, "POST"),
            at(BACK, self._signed_in),
            at("/sign-out", self._sign_out, "POST"),
            at("/signed-out", self._show_signed_out),
        ]

    async def _choose_language(self, request: Request) -> Response:
        entered = await form(request)
        to = local_path(entered.get("to"))
        if self._renderer.session(request) is None and not to.startswith(_ANYBODYS):
            to = "/signed-out"  # form-action forbids redirects of forms to another site
        response = RedirectResponse(to, 303)
        if chosen := known(entered.get("locale")):
            response.set_cookie(
                self._renderer.cookie(LANGUAGE),
                chosen,
                max_age=_A_YEAR,
                httponly=True,
                samesite="lax",
                secure=self._sessions.is_secure,
            )
        return response

    async def _show_sign_in(self, request: Request) -> Response:
        to, token = (
            _path_after_sign_in(request.query_params.get("to")),
            request.query_params.get("token"),
        )
        if not token:
            return await self._sign_in.elsewhere(to) or self._show_form(request, {"to": to})
        try:
            caller = await self._caller(token)
        except Unauthorized as problem:
            return self._show_form(request, {"to": to, "problem": problem}, problem.status)
        # Any site can link here: only the button signs in (case 78).
        return self._show_form(request, {"to": to, "caller": caller, "token": token})

    async def _accept_token(self, request: Request) -> Response:
        entered = await form(request)
        to = _path_after_sign_in(entered.get("to"))
        try:
            caller = await self._caller(entered.get("token", ""))
        except Unauthorized as problem:
            return self._show_form(request, {"to": to, "problem": problem}, problem.status)
        begun = self._sessions.remembered(request) or {}
        # Where nothing was begun here, nobody has the secret.
        expected = self._sessions.form_secret(begun.get(FORM) or token_urlsafe(16))
        check_form_secret(expected, entered.get("form_secret", ""))
        return await self._welcome(request, caller, to)

    async def _caller(self, token: str) -> Caller:
        """The person of a token. Raises Unauthorized, Forbidden and NotFound."""
        caller = await self._sign_in.by_token(token.strip())
        _must_be_person(caller)
        return caller

    def _show_form(
        self, request: Request, context: Mapping[str, Any], status: int = 200
    ) -> Response:
        """The form of a token, with a secret that this browser alone has (login CSRF)."""
        begun = self._sessions.remembered(request) or {}
        begun_as = begun.get(FORM) or token_urlsafe(16)
        shown = {"caller": None, "form_secret": self._sessions.form_secret(begun_as), **context}
        response = self._renderer.show("sign_in", request, None, shown, status)
        self._sessions.remember(response, {FORM: begun_as})
        return response

    async def _signed_in(self, request: Request) -> Response:
        try:
            found = await self._sign_in.back(request)
        except (Unauthorized, Forbidden, ServiceUnavailable) as problem:
            response = self._renderer.not_signed_in(request, problem)
        else:
            if isinstance(found, Response):
                return found
            response = await self._welcome(request, found.caller, found.to, found.refresh_token)
        self._sessions.forget(response)
        return response

    async def _welcome(
        self, request: Request, caller: Caller, to: str, refresh_token: str | None = None
    ) -> Response:
        _must_be_person(caller)
        await self._renderer.count(caller)
        response = RedirectResponse(_path_after_sign_in(to), 303)
        await self._sessions.begin(
            response,
            caller,
            refresh_token,
            instead_of=self._renderer.session(request),
            address=address_of(request),
            browser=browser_of(request),
        )
        said = {"security": "signed_in", "role": caller.role.value, "party": caller.id}
        request.scope.update({f"unbuy.{name}": value for name, value in said.items()})
        return response

    async def _sign_out(self, request: Request) -> Response:
        session, entered = await self._renderer.posted(request)
        response = RedirectResponse("/signed-out", 303)
        end = self._sessions.end_all if entered.get("everywhere") else self._sessions.end
        await end(response, session)
        request.scope["unbuy.security"] = "signed_out"
        return response

    async def _show_signed_out(self, request: Request) -> Response:
        """Not straight to signing in: an issuer with a session would sign them in again."""
        context = {"written": "", "to": "", "elsewhere": self._sign_in.is_elsewhere}
        return self._renderer.show("signed_out", request, None, context)


def _must_be_person(caller: Caller) -> None:
    if caller.role not in PEOPLE:
        raise Forbidden(sentence("The pages are for buyers, sellers and support."))


def local_path(to: str | None) -> str:
    """The redirect target, if it is a local path; else the start page."""
    is_ours = to and to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_ours and to else "/"


def _path_after_sign_in(to: str | None) -> str:
    """As ``local_path``, but never the sign-in page."""
    path = local_path(to)
    return "/" if path.startswith("/sign-in") else path
