"""Refuses requests whose body could be read in two ways, before anything reads it (cases 96, 116)."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.problems import BadRequest, Problem, WrongType, request_id
from i18n.negotiation import of_browser
from orders.sentences import sentence


class Framing:
    """ASGI middleware: one length, and no encoding (RFC 9112, 6.3; RFC 9110, 8.4)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        answer = self._app
        if scope["type"] == "http" and (problem := _problem(Headers(scope=scope))):
            locale = of_browser(Headers(scope=scope).get("accept-language"))
            answer = problem.response(request_id(Request(scope)), locale)
        await answer(scope, receive, send)


def _problem(headers: Headers) -> Problem | None:
    if "content-length" in headers and "transfer-encoding" in headers:
        # A proxy that goes by the other one would take a part of the body for the next request.
        return BadRequest(
            sentence("Send either Content-Length or Transfer-Encoding, not both."),
            {"Connection": "close"},
        )
    codings = ",".join(headers.getlist("content-encoding")).lower().split(",")
    if {name.strip() for name in codings} - {"", "identity"}:
        return WrongType(
            sentence("Send the body as it is: no Content-Encoding is accepted."),
            {"Accept-Encoding": "identity"},
        )
    return None
