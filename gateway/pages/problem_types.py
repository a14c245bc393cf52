"""The pages behind a problem's ``type`` (RFC 9457): what it means and what to do."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.pages.base import PageRenderer
from gateway.problems import PROBLEM_TYPES, TYPES, NotFound
from orders.sentences import sentence


class ProblemPages:
    """Explains each type of problem, without signing in."""

    def __init__(self, renderer: PageRenderer) -> None:
        self._renderer = renderer

    def routes(self) -> list[BaseRoute]:
        """The routes of these pages."""
        at = self._renderer.route
        return [at(TYPES, self._all), at(f"{TYPES}/{{slug}}", self._one)]

    async def _all(self, request: Request) -> Response:
        return self._show(request, *PROBLEM_TYPES.values())

    async def _one(self, request: Request) -> Response:
        kind = PROBLEM_TYPES.get(request.path_params["slug"])
        if kind is None:
            raise NotFound(sentence("There is no page at this address."))
        return self._show(request, kind)

    def _show(self, request: Request, *kinds: object) -> Response:
        return self._renderer.show("problem_types", request, None, {"kinds": kinds})
