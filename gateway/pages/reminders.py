"""Where buyers and sellers say whether they want reminders (R21); mails with one lead here."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from adapters.notifications.unsubscribe import UnsubscribeLinks
from database.reminder_preferences import SqlReminderPreferences
from gateway.access import Role
from gateway.orders import asking_the_database
from gateway.pages.base import PageRenderer
from gateway.pages.sessions import Session
from gateway.problems import Forbidden, NotFound
from orders.sentences import sentence

_HERE = "/reminders"
_OFF = f"{_HERE}/off"


class ReminderPages:
    """One page, with one button; and one that mails lead to, for which nobody signs in."""

    def __init__(
        self,
        preferences: SqlReminderPreferences,
        renderer: PageRenderer,
        unsubscribe: UnsubscribeLinks | None,
    ) -> None:
        self._preferences = preferences
        self._renderer = renderer
        self._unsubscribe = unsubscribe

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        at = self._renderer.route
        return [
            at(_HERE, self._show),
            at(_HERE, self._choose, "POST"),
            at(_OFF, self._ask),
            at(_OFF, self._turn_off, "POST"),
        ]

    async def _show(self, request: Request) -> Response:
        session = self._renderer.signed(request)
        _must_be_party(session)
        async with asking_the_database():
            muted = await self._preferences.are_muted(session.caller.role, session.caller.id)
        return self._renderer.show("reminders", request, session, {"muted": muted, "link": ""})

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

    async def _ask(self, request: Request) -> Response:
        """The page of a mail's link: what only looks, such as a scanner, changes nothing."""
        role, party_id = self._whose(request)
        async with asking_the_database():
            muted = await self._preferences.are_muted(role, party_id)
        return self._show_by_link(request, muted=muted)

    async def _turn_off(self, request: Request) -> Response:
        """What a mailbox sends when its button is pressed (RFC 8058), whatever else is in it."""
        role, party_id = self._whose(request)
        async with asking_the_database():
            await self._preferences.mute(role, party_id, datetime.now(UTC))
        return self._show_by_link(request, muted=True)

    def _show_by_link(self, request: Request, *, muted: bool) -> Response:
        link = f"{_OFF}?{request.url.query}"
        return self._renderer.show("reminders", request, None, {"muted": muted, "link": link})

    def _whose(self, request: Request) -> tuple[Role, str]:
        """Whose reminders a link is about. Raises NotFound."""
        signed = request.query_params.get("whose", "")
        whose = self._unsubscribe.read(signed) if self._unsubscribe else None
        if whose is None:
            raise NotFound(
                sentence("This link is not valid. Sign in, and turn reminders off under Reminders.")
            )
        return whose


def _must_be_party(session: Session) -> None:
    if session.caller.role not in (Role.BUYER, Role.SELLER):
        raise Forbidden(sentence("You don't have permission for this."))
