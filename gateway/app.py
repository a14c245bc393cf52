"""The gateway as an ASGI app: routes, middleware and error handling."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.converter import PayloadCodec
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.api import Reorder, ServicesDep, api, count_unauthenticated
from gateway.codec_server import codec_server
from gateway.content_negotiation import prefers_a_page
from gateway.framing import Framing
from gateway.limits import RateLimits, address_of
from gateway.observability import METHODS, Observability
from gateway.openapi import PROBLEMS, document
from gateway.operations import serve_liveness, serve_readiness_and_metrics
from gateway.pages.orders import OrderPages
from gateway.problems import NoSuchMethod, Problem, as_problem, request_id
from gateway.services import Services
from i18n.negotiation import of_browser
from orders.errors import InvalidInput

if TYPE_CHECKING:
    from runtime.spans import Tracing

# Swagger UI's files are served from here too (package fastapi-swagger). Its script sets inline styles.
_DOCS_MAY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_DOCS: Final = """<!doctype html>
<html lang="en">
<title>Unbuy API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/ui/swagger-ui.css">
<link rel="stylesheet" href="/docs/style.css">
<link rel="icon" href="/docs/ui/favicon-32x32.png">
<div id="swagger-ui"></div>
<script src="/docs/ui/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
# Where Swagger UI's own colours are too faint to read, and its links too small to touch (WCAG 2.2 AA).
_DOCS_STYLE: Final = """\
.swagger-ui .info .title small, .swagger-ui .info .title small.version-stamp { background: #3d6200; }
.swagger-ui .info a, .swagger-ui .info .link, .swagger-ui .info .url { color: #1f5fbf; }
.swagger-ui .btn.authorize { border-color: #1b7a43; color: #1b7a43; }
.swagger-ui .btn.authorize svg { fill: #1b7a43; }
.swagger-ui .btn.cancel, .swagger-ui .btn.cancel:hover { border-color: #b3261e; color: #b3261e; }
.swagger-ui .opblock.opblock-get .opblock-summary-method { background: #1f5fbf; }
.swagger-ui .opblock.opblock-post .opblock-summary-method { background: #1b7a43; }
.swagger-ui .opblock-summary-path a { display: inline-block; min-height: 24px; line-height: 24px; }
.swagger-ui .opblock .opblock-summary-description, .swagger-ui .opblock-tag small,
.swagger-ui .json-schema-2020-12-expand-deep-button { color: #3b4151; }
"""
_START_DOCS: Final = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true, filter: true,
  persistAuthorization: false, validatorUrl: null
})
"""
_FOR_PROGRAMS: Final = (
    "/v1",
    "/temporal",
    "/docs",
    "/openapi.json",
    "/metrics",
    "/healthz",
    "/readyz",
)
"""Paths where errors are always problem details, never pages."""


_COUNTED: Final = ("/docs", "/openapi.json", "/metrics")
"""Paths, and all below them, that ask for no token and cost more than they look."""


class _CountedByAddress:
    """ASGI middleware: counts them apart from what else an address asks for (case 91)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        answer = self._app
        if scope["type"] == "http" and _is_below(scope["path"], _COUNTED):
            request = Request(scope)
            try:
                limits: RateLimits = request.app.state.services.limits
                await limits.count(f"operations {address_of(request)}")
            except Problem as problem:
                locale = of_browser(request.headers.get("accept-language"))
                answer = problem.response(request_id(request), locale)
        await answer(scope, receive, send)


def _is_below(path: str, places: Sequence[str]) -> bool:
    return any(path == it or path.startswith(f"{it}/") for it in places)


def build_app(
    services: Services,
    cors_origins: Sequence[str] = (),
    pages: OrderPages | None = None,
    *,
    codec: PayloadCodec | None = None,
    trusted_proxies: Sequence[str] = (),
    is_https: bool = False,
    secret: bytes = b"",
    has_operations: bool = True,
    tracing: "Tracing | None" = None,
) -> Observability:
    """The gateway. ``cors_origins``: origins whose scripts may call it; none by default.

    ``codec``: what encrypts for Temporal, whose web UI then has it decoded here. ``trusted_proxies``: the
    networks whose ``X-Forwarded-For`` counts; ``is_https``: people reach it over HTTPS; ``secret`` makes the
    security log's digests. ``has_operations``: readiness and metrics are here too; ``tracing`` traces its
    requests.
    """
    app = _new_app(services, pages)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "Last-Event-ID",
                "X-Namespace",
            ],
            expose_headers=["X-Request-ID", "Retry-After", "Location"],
        )
    app.add_middleware(_CountedByAddress)
    app.add_middleware(Framing)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(trusted_proxies))
    app.include_router(api)
    if codec:
        app.include_router(codec_server(codec))
    _serve_webhooks(app)
    serve_liveness(app)
    if has_operations:
        serve_readiness_and_metrics(app)
    _serve_docs(app)
    if pages:
        app.router.routes.extend(pages.routes())
    document(app, Reorder)
    if tracing:
        tracing.of_requests(app)
    return Observability(app, is_https=is_https, secret=secret)


def build_operations_app(services: Services, secret: bytes) -> Observability:
    """What operators ask, and nothing else."""
    app = _new_app(services, openapi_url=None)
    serve_liveness(app)
    serve_readiness_and_metrics(app)
    return Observability(app, is_https=False, secret=secret)


def _new_app(
    services: Services, pages: OrderPages | None = None, openapi_url: str | None = "/openapi.json"
) -> FastAPI:
    app = FastAPI(
        title="Unbuy",
        version="1",
        openapi_url=openapi_url,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.services, app.state.pages = services, pages
    for kind in (Problem, InvalidInput, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer_error)
    return app


def _serve_webhooks(app: FastAPI) -> None:
    @app.post("/v1/webhooks/{provider}", responses=PROBLEMS, tags=["provider"])
    async def handle_webhook(
        provider: str, request: Request, services: ServicesDep
    ) -> JSONResponse:
        """Deliver a payment provider's signed event. Send it again unless the answer is 2xx."""
        async with count_unauthenticated(request, services):
            return JSONResponse({"status": await services.webhooks.handle(provider, request)})


def _serve_docs(app: FastAPI) -> None:
    files = StaticFiles(packages=[("fastapi_swagger", "resources")])
    app.mount("/docs/ui", files, "docs-ui")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_DOCS, headers={"Content-Security-Policy": _DOCS_MAY})

    @app.get("/docs/style.css", include_in_schema=False)
    async def docs_style() -> Response:
        return Response(_DOCS_STYLE, media_type="text/css")

    @app.get("/docs/start.js", include_in_schema=False)
    async def start_docs() -> Response:
        return Response(_START_DOCS, media_type="text/javascript")


async def _answer_error(request: Request, error: Exception) -> Response:
    """An error as a problem in the caller's language, without a traceback."""
    problem = as_problem(error)
    if isinstance(problem, NoSuchMethod):
        # Each route lists only its own methods.
        problem.headers["Allow"] = ", ".join(_methods(request))
    pages: OrderPages | None = request.app.state.pages
    if pages and isinstance(error, HTTPException) and _asks_for_a_page(request):
        return pages.not_found(request, problem)
    locale = of_browser(request.headers.get("accept-language"))
    return problem.response(request_id(request), locale)


def _asks_for_a_page(request: Request) -> bool:
    """Whether a browser, not a program, asked for an unknown address."""
    path = request.url.path
    return (
        request.method == "GET"
        and not _is_below(path, _FOR_PROGRAMS)
        and prefers_a_page(request.headers.get("accept", ""))
    )


def _methods(request: Request) -> list[str]:
    """All methods allowed at an address, whichever routes handle them."""
    return [
        method
        for method in METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
            if not isinstance(route, Mount)
        )
    ] or ["GET", "HEAD"]  # files
