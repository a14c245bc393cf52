"""Help for buyers, sellers and mediators: generated from policy, so that its days are those of new orders."""

from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.pages.base import PageRenderer
from gateway.pages.help_texts import HELP, Topic
from gateway.problems import NotFound
from i18n.catalogues import N_, Locale, translator
from i18n.formats import duration_text
from orders.messages import Role
from orders.policy import Policy
from orders.sentences import sentence

_NO_LIMIT: Final = N_("as long as they need")


class HelpPages:
    """The help, also for whoever is not signed in."""

    def __init__(self, renderer: PageRenderer, policy: Policy) -> None:
        """``policy``: that of orders which are placed without one."""
        self._renderer = renderer
        self._policy = policy

    def routes(self) -> list[BaseRoute]:
        """The routes of these pages."""
        at = self._renderer.route
        return [at("/help", self._own), at("/help/{reader}", self._of)]

    async def _own(self, request: Request) -> Response:
        """That of whoever is signed in, else the buyer's."""
        session = self._renderer.session(request)
        return self._show(request, session.caller.role if session else Role.BUYER)

    async def _of(self, request: Request) -> Response:
        reader = next((it for it in HELP if it == request.path_params["reader"]), None)
        if reader is None:
            raise NotFound(sentence("There is no page at this address."))
        return self._show(request, reader)

    def _show(self, request: Request, reader: Role) -> Response:
        locale = self._renderer.locale(request)
        context = {
            "reader": reader,
            "readers": tuple(HELP),
            "topics": topics(reader, self._policy, locale),
        }
        return self._renderer.show("help", request, self._renderer.session(request), context)


def topics(reader: Role, policy: Policy, locale: Locale) -> list[Topic]:
    """The help for this reader, in this language."""
    said = translator(locale).gettext
    durations = {name: _written(value, locale) for name, value in policy}
    return [
        Topic(said(title), tuple(said(text).format_map(durations) for text in paragraphs))
        for title, paragraphs in HELP[reader]
    ]


def _written(value: object, locale: Locale) -> str:
    if isinstance(value, timedelta):
        return duration_text(value, locale)
    return translator(locale).gettext(_NO_LIMIT)
