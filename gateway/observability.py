"""Every request's id, security headers, log line and metrics.

The log has routes, statuses and roles, never a party, an order or any text of a body (case 54). What is
refused, and who signs in and out, is in the security log as well, with digests of party and address.
"""

import hmac
import re
import time
import traceback
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final, TextIO
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.limits import address_of

log = structlog.get_logger("unbuy.access")
security = structlog.get_logger("unbuy.security", log="security")

REQUESTS = Counter("unbuy_gateway_requests", "Requests answered.", ("method", "route", "status"))
SECONDS = Histogram(
    "unbuy_gateway_request_seconds", "From the first byte asked to the last answered.", ("route",)
)

_REFUSALS: Final = {401: "not_signed_in", 403: "forbidden", 404: "not_found", 429: "too_many"}
"""What the security log has of requests, beside signing in and out."""

_AS_JSON: Final = (
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.add_log_level,
    structlog.processors.JSONRenderer(),
)
_FRAMES: Final = 8
_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""The default policy; pages set their own."""

# For this host only: its neighbours are not ours to speak for.
_HTTPS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}


def digests(secret: bytes) -> Callable[[str | None], str | None]:
    """What the security log has of parties and addresses: the same for the same one, by this secret."""
    key = hmac.digest(secret, b"unbuy security log", "sha256")
    return lambda text: text and hmac.new(key, text.encode(), sha256).hexdigest()[:16]


class Observability:
    """The outermost ASGI middleware: it sees error responses as well."""

    def __init__(self, app: ASGIApp, *, is_https: bool, secret: bytes) -> None:
        """``is_https``: people reach it over HTTPS, and from then on in no other way.

        ``secret`` makes digests of parties and addresses that tell nobody else who they are.
        """
        self._app = app
        self._digest = digests(secret)
        self._headers = _HEADERS | (_HTTPS_ONLY if is_https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else uuid4().hex
        scope["unbuy.request_id"] = request_id
        status, sent, began = 500, 0, time.perf_counter()

        async def observed(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception as error:
            # It was answered, where that was still possible.
            log_failure(request_id, error)
        finally:
            seconds = time.perf_counter() - began
            route = _route(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            REQUESTS.labels(method, route, status).inc()
            SECONDS.labels(route).observe(seconds)
            if event := _REFUSALS.get(status) or scope.get("unbuy.security"):
                security.info(
                    event,
                    request_id=request_id,
                    method=method,
                    route=route,
                    status=status,
                    role=scope.get("unbuy.role"),
                    party=self._digest(scope.get("unbuy.party")),
                    address=self._digest(address_of(Request(scope))),
                )
            log.info(
                "request",
                request_id=request_id,
                method=method,
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
                bytes=sent,
                role=scope.get("unbuy.role"),
                trace_id=scope.get("unbuy.trace_id"),
            )


def log_failure(request_id: str, error: Exception) -> None:
    """Log a bug by its place: its text may contain what a caller sent; no line of our code does."""
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        "failed",
        request_id=request_id,
        error=type(error).__name__,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-_FRAMES:]],
    )


def _route(scope: Scope) -> str:
    """The route's template: a path would contain ids, and could be anything."""
    route: Any = scope.get("route")
    return getattr(route, "path", None) or str(scope.get("unbuy.route", "none"))


def log_as_json() -> None:
    """Log to standard output, one JSON object a line."""
    structlog.configure(processors=_AS_JSON, logger_factory=structlog.PrintLoggerFactory())


def security_log_of(file: TextIO) -> Any:
    """The security log of a command."""
    return structlog.wrap_logger(structlog.PrintLogger(file), processors=_AS_JSON, log="security")
