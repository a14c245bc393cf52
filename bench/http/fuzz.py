"""Requests that schemathesis generates from the API's OpenAPI document, and all that its checks find.

They are sent as generated, except for values that cannot be guessed, which most valid requests are given:
existing orders, tokens, and an order's data (ids of payments and offers, amounts due).
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from hypothesis import strategies
from schemathesis import AuthContext, Case, HookContext, hooks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import REQUEST_SHAPE_PROBES, TestPhase

from bench.http.orders import RECIPES, UPLOADS, Json, Orders, adding_up, fitting, whole
from gateway.access import Role
from orders.messages import MESSAGES
from testing.pictures import PHOTO

# A file is checked by its content, so each generated one is a small photo.
schemathesis.openapi.format("binary", strategies.just(PHOTO))

AnyCase = Case[Any]

_TIMEOUT: Final = 30
_WITH_MONEY: Final = (
    "(orders|reorder|payment|payment-pending|chargeback|outside-refund|seller-message|"
    "settlement-offer|decision)$"
)
# This share of valid requests is sent as generated, to meet the refusals. Most of what covers the
# description goes through all currencies, and each order that is made for one takes its time.
_AS_GENERATED: Final[dict[TestPhase | None, float]] = {
    TestPhase.FUZZING: 0.1,
    TestPhase.COVERAGE: 0.8,
}


@dataclass
class FuzzCounts:
    """Response statuses by operation; ``failures`` and ``errors`` must stay empty."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    valid: Counter[bool] = field(default_factory=Counter)
    """How many valid requests were answered 2xx, and how many were not."""
    failures: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    """For each failure, how to reproduce the request."""
    checks: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        """All requests that were answered."""
        return sum(sum(counted.values()) for counted in self.statuses.values())

    @property
    def by_status(self) -> Counter[int]:
        """Answers of all operations."""
        return sum(self.statuses.values(), Counter())

    def fail(self, what: str, example: str = "") -> None:
        """Record a failure."""
        self.failures[what] += 1
        self.examples.setdefault(what, example)


@dataclass(frozen=True)
class Fuzz:
    """A run of schemathesis against a gateway."""

    address: str
    orders: Orders
    token: Callable[[Role], str]
    chance: random.Random
    counts: FuzzCounts = field(default_factory=FuzzCounts)

    def run(self, seed: int, examples: int, *, brief: bool = False) -> None:
        """All phases once, with this many generated requests per operation."""
        schema = schemathesis.openapi.from_url(
            f"{self.address}/openapi.json", config=_config(seed, examples, brief)
        )
        schema.auth(refresh_interval=None)(_signs_in(self.token))

        def before_call(_: HookContext, case: AnyCase, __: dict[str, Any]) -> None:
            self._meets_an_order(case)

        schemathesis.hook(before_call)
        try:
            for event in from_schema(schema).execute():
                self._count(event)
        finally:
            hooks.unregister(before_call)

    def _meets_an_order(self, case: AnyCase) -> None:
        """Give a request an existing order, and a valid one the values that cannot be guessed."""
        if _is_probe(case):
            return
        if "cursor" in case.query and _is_valid(case, ParameterLocation.QUERY):
            if cursor := self.orders.cursor():
                case.query["cursor"] = cursor
            else:
                del case.query["cursor"]
        body = case.body if _is_valid(case, ParameterLocation.BODY) else None
        is_upload = case.media_type == "multipart/form-data"
        if (
            isinstance(body, dict) and not is_upload
        ):  # schemathesis does not revalidate a body with a file
            case.body = body = self._is_new(case, whole(body))
        if isinstance(body, dict) and case.operation.label == "POST /v1/orders":
            case.body = adding_up(body)
        if "order_id" not in case.path_parameters or not _is_valid(case, ParameterLocation.PATH):
            return
        name = _name(case)
        if name not in ("reorder", *UPLOADS):
            if _is_follow_up(case):
                return
            if self.chance.random() < _AS_GENERATED.get(_phase(case), 0):
                body = None
        if name not in RECIPES or not isinstance(body, dict):
            case.path_parameters["order_id"] = self.orders.any()
            return
        view = self.orders.for_message(name)
        case.path_parameters["order_id"] = view["order_id"]
        if not is_upload:
            case.body = fitting(view, name, body, self.orders.new_id())

    def _is_new(self, case: AnyCase, body: Json) -> Json:
        """Give a valid message an unused id, in one of the two places for it."""
        key = case.headers.get("Idempotency-Key")
        if key is not None and _is_valid(case, ParameterLocation.HEADER):
            case.headers["Idempotency-Key"] = f"{key[:32]}-{self.orders.new_id()}"
            return {name: it for name, it in body.items() if name != "message_id"}
        if given := body.get("message_id"):
            return body | {"message_id": f"{given[:32]}-{self.orders.new_id()}"}
        return body

    def _count(self, event: events.EngineEvent) -> None:
        match event:
            case events.ScenarioFinished(recorder=recorder):
                self._count_scenario(recorder)
            case events.NonFatalError(label=label, value=error):
                self.counts.fail(f"{label}: {type(error).__name__}: {error}")
            case events.FatalError(exception=error):
                raise error
            case _:
                pass

    def _count_scenario(self, recorder: ScenarioRecorder) -> None:
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            label = case.operation.label
            if interaction.response is None:
                self.counts.fail(f"{label}: no answer")
                continue
            status = interaction.response.status_code
            self.counts.statuses.setdefault(label, Counter())[status] += 1
            if case.meta and case.meta.generation.mode.is_positive and not _is_probe(case):
                self.counts.valid[status < 300] += 1
            if status >= 500:
                self.counts.fail(f"{label}: {status}", interaction.response.text)
        for case_id, checks in recorder.checks.items():
            for check in checks:
                self.counts.checks[check.name] += 1
                if check.failure_info:
                    failure = check.failure_info.failure
                    response = recorder.interactions[failure.case_id or case_id].response
                    self.counts.fail(
                        f"{failure.operation}: {failure.title}: {failure.message}",
                        f"{check.failure_info.code_sample}\n{response.text if response else ''}",
                    )


def _config(seed: int, examples: int, brief: bool) -> SchemathesisConfig:
    """All phases and all checks, with their defaults.

    ``brief``: each currency in each field that is money takes minutes, and is left out.
    """
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "request-timeout": _TIMEOUT,
            # An order's stream ends only when its client disconnects.
            "max-stream-events": 1,
            # The documented examples once, not again with what answers had in them: fuzzing does that.
            "phases": {"examples": {"extra-data-sources": {"responses": False}}},
            "operations": [
                {
                    "include-path-regex": _WITH_MONEY,
                    "include-method": "POST",
                    "phases": {"coverage": {"enabled": not brief}},
                }
            ],
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
        }
    )


def _signs_in(token: Callable[[Role], str]) -> type:
    class SignsIn:
        """Each request carries the token of a role that may make it."""

        def get(self, case: AnyCase, _: AuthContext) -> str:
            return token(_role(case))

        def set(self, case: AnyCase, data: str, _: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {data}"

    return SignsIn


def _is_valid(case: AnyCase, where: ParameterLocation) -> bool:
    """Whether a part of a request is valid; parts of examples are."""
    if case.meta is None:
        return False
    return (case.meta.components.get(where) or case.meta.generation).mode.is_positive


def _is_follow_up(case: AnyCase) -> bool:
    """Whether a request follows a link of an earlier response."""
    return _phase(case) is TestPhase.STATEFUL


def _phase(case: AnyCase) -> TestPhase | None:
    return case.meta.phase.name if case.meta else None


def _name(case: AnyCase) -> str:
    """The message that a request sends; otherwise the last segment of its path."""
    last: str = case.operation.path.rpartition("/")[2]
    return last.replace("-", "_")


def _role(case: AnyCase) -> Role:
    name = _name(case)
    if name == "reorder":
        return Role.BUYER
    if name in UPLOADS:
        return UPLOADS[name]
    return MESSAGES[name].senders[0] if name in MESSAGES else Role.SUPPORT


def _is_probe(case: AnyCase) -> bool:
    """Whether a request is malformed on purpose, whatever its parts: another method, another content type."""
    scenario = getattr(case.meta.phase.data, "scenario", None) if case.meta else None
    return scenario in REQUEST_SHAPE_PROBES
