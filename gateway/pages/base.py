"""What every page shares: session, language, time zone and error pages."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway import bodies
from gateway.access import Caller
from gateway.limits import RateLimits, Turns, address_of
from gateway.observability import log_failure
from gateway.pages.sessions import Session, Sessions, cookie_name
from gateway.pages.sign_in import BACK
from gateway.pages.templates import page
from gateway.problems import (
    Forbidden,
    InternalError,
    Invalid,
    Problem,
    ServiceUnavailable,
    Unauthorized,
    as_problem,
    request_id,
)
from i18n.catalogues import Locale
from i18n.negotiation import known, of_browser, zone_of
from orders.sentences import sentence

LANGUAGE: Final = "unbuy-lang"
"""The cookie with the chosen language; its name begins with ``__Host-`` over HTTPS."""

ZONE: Final = "unbuy-zone"
"""The cookie with the browser's time zone, set by script; its name begins with ``__Host-`` over HTTPS."""


_UPLOADS: Final = ("/shipment-proof", "/dispute-evidence")


class PageRenderer:
    """Renders pages, with and without a session."""

    def __init__(
        self,
        sessions: Sessions,
        limits: RateLimits,
        turns: Turns,
        public_url: str,
        support: str = "",
        *,
        playground: bool = False,
    ) -> None:
        """``public_url``, ``support``: where people find the pages and reach support; empty: nowhere."""
        self._support = support
        self._playground = playground
        self._sessions = sessions
        self._limits = limits
        self._turns = turns
        found = urlsplit(public_url)
        self._origin = f"{found.scheme}://{found.netloc}"

    def route(
        self, path: str, serve: Callable[[Request], Awaitable[Response]], method: str = "GET"
    ) -> Route:
        """A route of a page or a form; errors become pages."""

        async def served(request: Request) -> Response:
            request.scope["unbuy.route"] = path
            try:
                session = await self._sessions.of(request)
            except Problem as problem:
                return self.failed(request, problem)
            request.scope["unbuy.session"] = session
            if session is None:
                return await self._counted(request, await answered(request))
            what = "uploads" if path.endswith(_UPLOADS) else "pages"
            try:
                await self.count(session.caller)
                async with self._turns.take(
                    f"{what} of {session.caller.role.value} {session.caller.id}"
                ):
                    return await answered(request)
            except Problem as problem:
                return self.failed(request, problem)

        async def answered(request: Request) -> Response:
            try:
                if method == "POST" and self._is_from_elsewhere(request):
                    raise Forbidden(
                        sentence("This form comes from another site: open the page here.")
                    )
                return await serve(request)
            except Unauthorized as problem:
                if _is_a_way_to_go(request):
                    return RedirectResponse(f"/sign-in?to={quote(request.url.path)}", 303)
                return self.not_signed_in(request, problem, await _written(request))
            except Exception as error:
                found = as_problem(error)
                if isinstance(found, InternalError):
                    log_failure(request_id(request), error)
                return self.failed(request, found)

        return Route(path, served, methods=[method])

    async def count(self, caller: Caller) -> None:
        """Count a request of somebody who is signed in, or signs in. Raises TooManyRequests."""
        await self._limits.count(f"page {caller.role.value} {caller.id}")

    async def _counted(self, request: Request, response: Response) -> Response:
        """The response to somebody without a session; refusals are counted by address, nothing else.

        Whoever may sign in does, whatever others do at an address that they share (case 113).
        """
        try:
            if 400 <= response.status_code < 500:
                await self._limits.count(f"page {address_of(request)}")
        except Problem as problem:
            return self.failed(request, problem)
        return response

    def failed(self, request: Request, problem: Problem) -> Response:
        """A problem as a page."""
        session = request.scope.get("unbuy.session")
        context = {"problem": problem, "back": _back(request, problem)}
        response = self.show("error", request, session, context, problem.status)
        response.headers.update(problem.headers)
        return response

    def not_signed_in(self, request: Request, problem: Problem, written: str = "") -> Response:
        """The reason and a link to sign in: form-action forbids redirects of forms to another site.

        ``written`` is what somebody sent by a form whose session has ended.
        """
        context = {"problem": problem, "written": written, "to": _page_of(request)}
        return self.show("signed_out", request, None, context, problem.status)

    def show(
        self,
        name: str,
        request: Request,
        session: Session | None,
        context: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        """Render a template."""
        shared = {
            **_about(request, session),
            "zone": self.zone(request),
            "support_address": self._support,
            "playground": self._playground,
            "is_secure": self.is_secure,
        }
        return page(name, self.locale(request), {**shared, **context}, status)

    @property
    def is_secure(self) -> bool:
        """Whether cookies are limited to HTTPS."""
        return self._sessions.is_secure

    def locale(self, request: Request) -> Locale:
        """The chosen language, else the browser's."""
        chosen = known(request.cookies.get(self.cookie(LANGUAGE)))
        return chosen or of_browser(request.headers.get("accept-language"))

    def zone(self, request: Request) -> tzinfo:
        """The browser's time zone, as its script has said."""
        return zone_of(request.cookies.get(self.cookie(ZONE)))

    def cookie(self, name: str) -> str:
        """See ``cookie_name``."""
        return cookie_name(name, self.is_secure)

    def session(self, request: Request) -> Session | None:
        """The session; None when nobody is signed in."""
        found: Session | None = request.scope["unbuy.session"]
        return found

    async def is_open(self, session: Session) -> bool:
        """Whether a session goes on; while the database does not answer it does."""
        with suppress(ServiceUnavailable):
            return await self._sessions.is_open(session)
        return True

    def signed(self, request: Request) -> Session:
        """The session. Raises Unauthorized."""
        if (session := self.session(request)) is None:
            raise Unauthorized(sentence("Your session has expired. Please sign in again."))
        request.scope["unbuy.role"] = session.caller.role.value
        request.scope["unbuy.party"] = session.caller.id
        return session

    async def posted(self, request: Request) -> tuple[Session, dict[str, str]]:
        """The session and fields of a submitted form. Raises Forbidden if another site sent it (CSRF)."""
        session = self.signed(request)
        entered = await form(request)
        check_form_secret(session.form_secret, entered.get("form_secret", ""))
        return session, entered

    def _is_from_elsewhere(self, request: Request) -> bool:
        """Whether another site's page sent this, as far as the browser says so: many do not.

        Browsers say ``Sec-Fetch-Site`` over HTTPS and on this machine only, and ``Origin: null`` of a page
        without a referrer, as ours are.
        """
        origin = request.headers.get("origin", "null")
        is_ours = origin in ("null", self._origin) or origin.partition("://")[2] == (
            request.headers.get("host")
        )
        site = request.headers.get("sec-fetch-site", "none")
        return not is_ours or site not in ("none", "same-origin")


def check_form_secret(expected: str, given: str) -> None:
    """Raise Forbidden unless the form is of this session, or of this sign-in (CSRF)."""
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Forbidden(
            sentence("This form comes from another session: open the page again and resend it.")
        )


async def form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises Invalid."""
    body = await bodies.read(request)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise Invalid(sentence("The form cannot be read.")) from None


_WRITTEN: Final = ("text", "note", "bonus")
"""The fields of forms that people write sentences in."""


async def _written(request: Request) -> str:
    """What somebody wrote in a form that could not be taken."""
    kind = request.headers.get("content-type", "")
    if request.method != "POST" or not kind.startswith("application/x-www-form-urlencoded"):
        return ""
    with suppress(Problem):
        entered = await form(request)
        return "\n\n".join(text for name in _WRITTEN if (text := entered.get(name, "").strip()))
    return ""


def _about(request: Request, session: Session | None) -> dict[str, Any]:
    path, query = request.url.path, f"?{request.url.query}" if request.url.query else ""
    return {
        "me": session.caller if session else None,
        "form_secret": session.form_secret if session else "",
        # The redirect back from the issuer is valid once.
        "here": f"{path}{query}" if request.method == "GET" and path != BACK else "/",
        "now": datetime.now(UTC),
        "problem": None,
    }


def _page_of(request: Request) -> str:
    """The page of the order or stray payment that a request is about; empty where it is about none."""
    parts = request.url.path.split("/")
    return "/".join(parts[:3]) if parts[1] in ("orders", "stray-payments") else ""


def _back(request: Request, problem: Problem) -> str:
    """The page that a refused request was made from, where that can be shown; empty where it cannot."""
    page_of = _page_of(request)
    return page_of if page_of != request.url.path and problem.status != 404 else ""


def _is_a_way_to_go(request: Request) -> bool:
    """Whether a browser opens a page: a script's redirect to sign in would disturb a sign-in under way."""
    return request.method == "GET" and request.headers.get("sec-fetch-mode", "") in ("", "navigate")
