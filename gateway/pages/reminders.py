"""Where buyers and sellers say whether they want reminders (R21); mails with one lead here."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from database.reminder_preferences import SqlReminderPreferences
from gateway.access import Role
from gateway.orders import asking_the_database
from gateway.pages.base import PageRenderer
from gateway.pages.sessions import Session
from gateway.problems import Forbidden
from orders.sentences import sentence

_HERE = "/reminders"


class ReminderPages:
    """One page, with one button."""

    def __init__(self, preferences: SqlReminderPreferences, renderer: PageRenderer) -> None:
        self._preferences = preferences
        self._renderer = renderer

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        at = self._renderer.route
        return [at(_HERE, self._show), at(_HERE, self._choose, "POST")]

    async def _show(self, request: Request) -> Response:
        session = self._renderer.signed(request)
        _must_be_party(session)
        async with asking_the_database():
            muted = await self._preferences.are_muted(session.caller.role, session.caller.id)
        return self._renderer.show("reminders", request, session, {"muted": muted})

    async def _choose(self, request: Request) -> Response:
        session, entered = await self._renderer.posted(request)
        _must_be_party(session)
        role, party_id = session.caller.role, session.caller.id
        async with asking_the_database():
            if entered.get("reminders") == "off":
                await self._preferences.mute(role, party_id, datetime.now(UTC))
            else:
                await self._preferences.unmute(role, party_id)
        return RedirectResponse(_HERE, 303)


def _must_be_party(session: Session) -> None:
    if session.caller.role not in (Role.BUYER, Role.SELLER):
        raise Forbidden(sentence("You don't have permission for this."))
