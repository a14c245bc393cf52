"""Pages without a session: signing in, signing out, choosing the language."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gateway.access import PEOPLE, Caller
from gateway.pages.base import LANGUAGE, PageRenderer, form, is_from_elsewhere
from gateway.pages.sessions import Sessions
from gateway.pages.sign_in import BACK, SignIn
from gateway.problems import TYPES, Forbidden, ServiceUnavailable, Unauthorized
from i18n.negotiation import known
from orders.sentences import sentence

_A_YEAR: Final = 365 * 24 * 3600


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
        to = _local_path(entered.get("to"))
        if self._sessions.of(request) is None and not to.startswith(("/sign", TYPES)):
            to = "/signed-out"  # form-action forbids redirects of forms to another site
        response = RedirectResponse(to, 303)
        if chosen := known(entered.get("locale")):
            response.set_cookie(
                LANGUAGE,
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
        if token and not is_from_elsewhere(request):
            return await self._sign_in_with(token, to, request)
        elsewhere = await self._sign_in.elsewhere(to)
        return elsewhere or self._renderer.show("sign_in", request, None, {"to": to})

    async def _accept_token(self, request: Request) -> Response:
        entered = await form(request)
        to = _path_after_sign_in(entered.get("to"))
        return await self._sign_in_with(entered.get("token", ""), to, request)

    async def _sign_in_with(self, token: str, to: str, request: Request) -> Response:
        try:
            return self._welcome(await self._sign_in.by_token(token.strip()), to)
        except Unauthorized as problem:
            context = {"to": to, "problem": problem}
            return self._renderer.show("sign_in", request, None, context, problem.status)

    async def _signed_in(self, request: Request) -> Response:
        try:
            caller, to = await self._sign_in.back(request)
        except (Unauthorized, Forbidden, ServiceUnavailable) as problem:
            response = self._renderer.not_signed_in(request, problem)
        else:
            response = self._welcome(caller, to)
        self._sessions.forget(response)
        return response

    def _welcome(self, caller: Caller, to: str) -> Response:
        if caller.role not in PEOPLE:
            raise Forbidden(sentence("The pages are for buyers, sellers and support."))
        response = RedirectResponse(_path_after_sign_in(to), 303)
        self._sessions.begin(response, caller)
        return response

    async def _sign_out(self, request: Request) -> Response:
        await self._renderer.posted(request)
        response = RedirectResponse("/signed-out", 303)
        self._sessions.end(response)
        return response

    async def _show_signed_out(self, request: Request) -> Response:
        """Not straight to signing in: an issuer with a session would sign them in again."""
        return self._renderer.show("signed_out", request, None, {})


def _local_path(to: str | None) -> str:
    """The redirect target, if it is a local path; else the start page."""
    is_ours = to and to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_ours and to else "/"


def _path_after_sign_in(to: str | None) -> str:
    """As ``_local_path``, but never the sign-in page."""
    path = _local_path(to)
    return "/" if path.startswith("/sign-in") else path
