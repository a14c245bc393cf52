"""Errors as callers see them: RFC 9457 problem details, one class per status, mapped in one place.

Problem
├── BadRequest          400  it cannot be parsed
├── Unauthorized        401  no valid token
├── Forbidden           403  the caller's role is never allowed this
├── NotFound            404  it does not exist or is somebody else's, indistinguishably
├── NoSuchMethod        405
├── RequestTimeout      408  the body did not arrive in time
├── Conflict            409  not now, or in conflict with what exists
│   └── MessageRefused       the contract's NotAllowedNow
├── ContentTooLarge     413
├── WrongType           415
├── Invalid             422  a field is wrong
├── TooManyRequests     429
├── InternalError       500  a bug; the logs have the details
└── ServiceUnavailable  503  Temporal or the database is unavailable; try again

Each text is a sentence with the reason and the remedy.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from i18n.catalogues import N_, Locale, translator
from i18n.sentences import localize
from orders.errors import InvalidInput, NotAllowedNow
from orders.sentence_fields import SentenceData
from orders.sentences import sentence

MEDIA_TYPE = "application/problem+json"

TYPES = "/problems"
"""The page that explains each ``type`` of problem."""


class ProblemDetails(BaseModel):
    """RFC 9457. Members beyond ``instance`` come with some problems only."""

    type: str = Field(examples=["/problems/not-allowed-now"])
    title: str = Field(examples=["Not allowed now"])
    status: int = Field(examples=[409])
    detail: str = Field(
        description="A sentence: what is wrong, and what to do.",
        examples=["The payment is being checked; cancelling is possible once the check is over."],
    )
    instance: str = Field(description="The request's id, as in the logs.")
    action: str | None = Field(default=None, description="The message that was refused.")
    code: str | None = Field(default=None, description="Why, as one of the contract's codes.")
    order_status: str | None = None
    reason: str | None = None
    reason_sentence: SentenceData | None = Field(
        default=None, description="What `reason` was made of, to say it in another language."
    )
    available_from: str | None = Field(
        default=None, description="From when the same message would be taken, if that is known."
    )
    instead: list[str] | None = Field(
        default=None, description="What the caller can do with this order now."
    )
    process: str | None = Field(
        default=None, description="The process by which the money goes back (R17)."
    )


class Problem(Exception):
    """An error for the caller; the text is a sentence."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    explanation: ClassVar[str]
    """What it means and what to do, for any request."""

    def __init__(self, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def response(self, request_id: str, locale: Locale) -> Response:
        """The HTTP response: title and detail in this language, ``reason`` in the contract's English."""
        details = ProblemDetails(
            type=f"{TYPES}/{self.slug}",
            title=translator(locale).gettext(self.title),
            status=self.status,
            detail=localize(self.detail, locale),
            instance=f"urn:request:{request_id}",
            **self.more,
        )
        return Response(
            details.model_dump_json(exclude_unset=True),
            self.status,
            headers=self.headers | {"Content-Language": locale},
            media_type=MEDIA_TYPE,
        )


class BadRequest(Problem):
    """The request cannot be parsed."""

    status, slug, title = 400, "malformed", N_("Bad request")
    explanation = N_(
        "It cannot be read. Compare its address, headers and body with the documentation (/docs)."
    )


class Unauthorized(Problem):
    """The caller is not authenticated."""

    status, slug, title = 401, "not-signed-in", N_("Not signed in")
    explanation = N_(
        "There is no token, or it is not valid or has expired. Get another one, and send it as a "
        "bearer token."
    )

    def __init__(self, detail: str) -> None:
        super().__init__(detail, {"WWW-Authenticate": 'Bearer realm="unbuy"'})


class Forbidden(Problem):
    """The caller's role is not allowed this with any order."""

    status, slug, title = 403, "wrong-role", N_("Forbidden")
    explanation = N_(
        "The caller's role may never do this, with any order. Use a token of a role that may."
    )


class NotFound(Problem):
    """It does not exist, or is somebody else's."""

    status, slug, title = 404, "not-found", N_("Not found")
    explanation = N_("There is none, or it is somebody else's; nobody is told which.")


class NoSuchMethod(Problem):
    """The address exists, but not with this method."""

    status, slug, title = 405, "no-such-method", N_("No such method")
    explanation = N_(
        "The address is right, and the method is not. The Allow header lists those that are."
    )


class RequestTimeout(Problem):
    """The body did not arrive in time."""

    status, slug, title = 408, "too-slow", N_("Request timeout")
    explanation = N_("The body did not come in time. Send it again.")

    def __init__(self, detail: str) -> None:
        # The rest of the body is not read, so the connection must close.
        super().__init__(detail, {"Connection": "close"})


class Conflict(Problem):
    """It conflicts with the current state."""

    status, slug, title = 409, "conflict", N_("Conflict")
    explanation = N_(
        "What is there already says otherwise, such as another order under the same id or another"
        " message under the same key. Read what is there, or choose another id."
    )


class MessageRefused(Conflict):
    """The contract's NotAllowedNow: the order cannot accept this message now."""

    slug, title = "not-allowed-now", N_("Not allowed now")
    explanation = N_(
        "The order cannot take this message now. From when it can, if that is known, and what can"
        " be done instead come with the problem."
    )


class ContentTooLarge(Problem):
    """The body is over the size limit."""

    status, slug, title = 413, "too-large", N_("Too large")
    explanation = N_("There is too much of it. A body has 64 KiB at most, and a proof 10 MiB.")


class WrongType(Problem):
    """The body's media type is not supported."""

    status, slug, title = 415, "wrong-type", N_("Unsupported media type")
    explanation = N_("Bodies are JSON, and proofs are JPEG, PNG or PDF, whatever their names say.")


class Invalid(Problem):
    """The body can be parsed, but is not valid."""

    status, slug, title = 422, "invalid", N_("Invalid")
    explanation = N_(
        "It can be read, and a field is wrong. The problem's detail names each, and says why."
    )


class TooManyRequests(Problem):
    """The caller is over the rate limit."""

    status, slug, title = 429, "too-many", N_("Too many requests")
    explanation = N_(
        "The caller has made more requests than one caller may. The Retry-After header says how "
        "many seconds to wait."
    )

    def __init__(self, detail: str, seconds: int) -> None:
        super().__init__(detail, {"Retry-After": f"{seconds}"})
        self.seconds = seconds


class InternalError(Problem):
    """An unexpected error."""

    status, slug, title = 500, "failed", N_("Internal error")
    explanation = N_(
        "Something went wrong here. It is in our logs under the request's id: name that when you "
        "report it."
    )


class ServiceUnavailable(Problem):
    """A service that the gateway needs is unavailable."""

    status, slug, title = 503, "away", N_("Service unavailable")
    explanation = N_(
        "Temporal or the database does not answer. Nothing was lost: send the same again; the "
        "Retry-After header says when."
    )

    def __init__(self, detail: str, after: timedelta = timedelta(seconds=5)) -> None:
        super().__init__(detail, {"Retry-After": f"{after.total_seconds():.0f}"})


PROBLEM_TYPES: Final[dict[str, type[Problem]]] = {
    kind.slug: kind
    for kind in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        NoSuchMethod,
        RequestTimeout,
        Conflict,
        MessageRefused,
        ContentTooLarge,
        WrongType,
        Invalid,
        TooManyRequests,
        InternalError,
        ServiceUnavailable,
    )
}
"""All problem classes by slug."""


def refused(error: NotAllowedNow, instead: list[str], process: str | None = None) -> MessageRefused:
    """An order's refusal as a problem; ``instead``: what the caller can do now."""
    detail = error.reason
    if process:
        detail = sentence(
            "{reason} The money is returned in full by a separate workflow ({process}).",
            reason=detail,
            process=process,
        )
    more = error.details()
    more["order_status"] = more.pop("status")
    more["instead"] = instead
    if process:
        more["process"] = process
    return MessageRefused(detail, **more)


def as_problem(error: Exception) -> Problem:
    """An exception as a problem."""
    match error:
        case Problem():
            return error
        case InvalidInput():
            return Invalid(str(error))
        case HTTPException(status_code=404):
            return NotFound(sentence("No such address. See /docs."))
        case HTTPException(status_code=405):
            return NoSuchMethod(sentence("This method is not supported here."), error.headers)
        case HTTPException():
            return BadRequest(str(error.detail))
        case RequestValidationError():
            wrong = ", ".join(str(problem["loc"][-1]) for problem in error.errors())
            return Invalid(
                sentence(
                    "These are not as the documentation (/docs) has them: {wrong}.", wrong=wrong
                )
            )
        case _:
            return InternalError(
                sentence(
                    "Something went wrong on our side. Our logs have it under this request's id."
                )
            )


def request_id(request: Request) -> str:
    """The request's id, as in ``X-Request-ID`` and the logs."""
    return str(request.scope.get("unbuy.request_id", "none"))
