"""Where people see the sessions that they have on the pages, and end each of them."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from gateway.pages.base import PageRenderer
from gateway.pages.sessions import Sessions, name_of

_HERE = "/sessions"

_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS: Final = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Macintosh": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
"""By what a ``User-Agent`` says of itself, the more particular before what others say, too."""


class SessionPages:
    """One page, with a button for each session."""

    def __init__(self, sessions: Sessions, renderer: PageRenderer) -> None:
        self._sessions = sessions
        self._renderer = renderer

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        at = self._renderer.route
        return [at(_HERE, self._show), at(_HERE, self._end, "POST")]

    async def _show(self, request: Request) -> Response:
        session = self._renderer.signed(request)
        found = await self._sessions.all_of(session)
        context = {
            "sessions": [(name_of(it.session_id), it) for it in found],
            "this": name_of(session.id),
        }
        return self._renderer.show("sessions", request, session, context)

    async def _end(self, request: Request) -> Response:
        session, entered = await self._renderer.posted(request)
        await self._sessions.end_other(session, entered.get("session", ""))
        return RedirectResponse(_HERE, 303)


def browser_of(request: Request) -> str:
    """The usual names of browser and system; none of anything else that a request says of itself."""
    said = set(re.findall(r"[A-Za-z]+", request.headers.get("user-agent", "")[:500]))
    names = (
        next((name for word, name in known.items() if word in said), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    return " · ".join(filter(None, names))
