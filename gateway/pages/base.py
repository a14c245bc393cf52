"""What is around every page: who asks, in which language and time zone, and what failing comes to."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import bodies
from gateway.limits import RateLimits, address_of
from gateway.pages.sessions import Session, Sessions
from gateway.pages.sign_in import BACK
from gateway.pages.templates import page
from gateway.problems import Forbidden, InternalError, Invalid, Problem, Unauthorized, as_problem
from i18n.catalogues import Locale
from i18n.negotiation import known, of_browser, zone_of
from orders.sentences import sentence

log = logging.getLogger("unbuy.gateway")

LANGUAGE: Final = "unbuy-lang"
"""The cookie that holds the language somebody has chosen."""

ZONE: Final = "unbuy-zone"
"""The cookie by which a browser's script says in which time zone it is."""


class PageRenderer:
    """Serves pages to whoever is signed in, and to those who are not."""

    def __init__(self, sessions: Sessions, limits: RateLimits) -> None:
        self._sessions = sessions
        self._limits = limits

    def route(
        self, path: str, serve: Callable[[Request], Awaitable[Response]], method: str = "GET"
    ) -> Route:
        """Where a page is, or a form's answer; what it raises becomes a page, too."""

        async def served(request: Request) -> Response:
            request.scope["unbuy.route"] = path
            try:
                session = self._sessions.of(request)
                who = f"{session.caller.role.value} {session.caller.id}" if session else None
                await self._limits.count(f"page {who or address_of(request)}")
                if method == "POST" and is_from_elsewhere(request):
                    raise Forbidden(
                        sentence("This form comes from another site: open the page here.")
                    )
                return await serve(request)
            except Unauthorized as problem:
                if _is_a_way_to_go(request):
                    return RedirectResponse(f"/sign-in?to={quote(request.url.path)}", 303)
                return self.not_signed_in(request, problem)
            except Exception as error:
                return self.failed(request, as_problem(error))

        return Route(path, served, methods=[method])

    def failed(self, request: Request, problem: Problem) -> Response:
        """What went wrong, as a page."""
        if isinstance(problem, InternalError):
            log.exception("A page failed")
        response = self.show("error", request, None, {"problem": problem}, problem.status)
        response.headers.update(problem.headers)
        return response

    def not_signed_in(self, request: Request, problem: Problem) -> Response:
        """Why, and a link to sign in: browsers let no form's answer lead to another site (form-action)."""
        return self.show("signed_out", request, None, {"problem": problem}, problem.status)

    def show(
        self,
        name: str,
        request: Request,
        session: Session | None,
        context: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        """A page by the name of its template."""
        return page(name, self.locale(request), {**_about(request, session), **context}, status)

    def locale(self, request: Request) -> Locale:
        """The language that was chosen, else the browser's."""
        chosen = known(request.cookies.get(LANGUAGE))
        return chosen or of_browser(request.headers.get("accept-language"))

    def signed(self, request: Request) -> Session:
        """Who is signed in. Raises NotSignedIn."""
        if (session := self._sessions.of(request)) is None:
            raise Unauthorized(sentence("Your session has expired. Please sign in again."))
        request.scope["unbuy.role"] = session.caller.role.value
        return session

    async def posted(self, request: Request) -> tuple[Session, dict[str, str]]:
        """Who sent a form of ours, and what is in it. Raises WrongRole for another site's (CSRF)."""
        session = self.signed(request)
        entered = await form(request)
        must_be_ours(session, entered.get("form_secret", ""))
        return session, entered


def must_be_ours(session: Session, form_secret: str) -> None:
    """Raise WrongRole for a form that is not of this session (CSRF)."""
    if not hmac.compare_digest(form_secret.encode(), session.form_secret.encode()):
        raise Forbidden(
            sentence("This form comes from another session: open the page again and resend it.")
        )


async def form(request: Request) -> dict[str, str]:
    """What was entered into a form. Raises Invalid."""
    body = await bodies.read(request)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise Invalid(sentence("The form cannot be read.")) from None


def is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page sent this, as browsers say to who is asked over HTTPS or on this machine.

    Where there is no session yet, and so no form secret, nobody must be signed in as somebody else unawares.
    """
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _about(request: Request, session: Session | None) -> dict[str, Any]:
    path, query = request.url.path, f"?{request.url.query}" if request.url.query else ""
    return {
        "me": session.caller if session else None,
        "form_secret": session.form_secret if session else "",
        # Nobody comes back from the issuer twice.
        "here": f"{path}{query}" if request.method == "GET" and path != BACK else "/",
        "now": datetime.now(UTC),
        "zone": zone_of(request.cookies.get(ZONE)),
        "problem": None,
    }


def _is_a_way_to_go(request: Request) -> bool:
    """Whether somebody opens a page: a script that is sent to sign in would disturb who does."""
    return request.method == "GET" and request.headers.get("sec-fetch-mode", "") in ("", "navigate")
