"""Traces from a request through client, workflow and activities to whom they call (package opentelemetry).

A request's trace goes along in the headers of what it starts, signals or updates; the workflow hands it to
the steps that follow. So what an order does of itself at a deadline is in the trace of the message before.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

import httpx
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanKind, Status, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio import client, worker, workflow
from temporalio.api.common.v1 import Payload
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from database.connection import Database
from orders.messages import MESSAGES

_Headers = Mapping[str, Payload]

_SPOKEN_OF: Final = frozenset(
    {
        *("http.method", "http.request.method", "http.route"),
        *("http.status_code", "http.response.status_code"),
        *("db.system", "db.system.name", "db.statement", "db.query.text"),
        *("error.type", "temporalWorkflowID", "temporalRunID", "temporalActivityID"),
    }
)
"""The attributes of spans that leave the process. Others have addresses, whole URLs or callers' texts."""

_NAME: Final = re.compile(r"[\w :./{}-]{1,160}")
_ASKED_OFTEN: Final = "healthz,readyz,metrics"
_EXTERN: Final = "__unbuy_handled"
_HEADER: Final = "_tracer-data"  # the SDK's
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class _WithoutPeople(SpanExporter):
    """Exports of each span its name, its place in the trace, and what may be said of it (case 54).

    What an error says may be somebody's text, or a statement with its values: that there was one is enough.
    """

    def __init__(self, to: SpanExporter) -> None:
        self._to = to

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See base class."""
        return self._to.export([_without_people(span) for span in spans])

    def shutdown(self) -> None:
        """See base class."""
        self._to.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """See base class."""
        return self._to.force_flush(timeout_millis)


def _without_people(span: ReadableSpan) -> ReadableSpan:
    attributes = span.attributes or {}
    said = {key: value for key, value in attributes.items() if key in _SPOKEN_OF}
    name = span.name
    if "db.system" in said:
        name = name.partition(" ")[0]  # without the database's path
    if span.kind is SpanKind.CLIENT and isinstance(url := attributes.get("http.url"), str):
        said["server.address"] = httpx.URL(url).host
    return ReadableSpan(
        name=name if _NAME.fullmatch(name) else "other",
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=said,
        links=[trace.Link(it.context) for it in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class _OfWork(TraceIdRatioBased):
    """Begins traces with requests and activities, not with a look at the database for somebody's probe."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        *more: Any,
        **named: Any,
    ) -> SamplingResult:
        """See base class."""
        if kind is SpanKind.CLIENT:
            return SamplingResult(Decision.DROP)
        return super().should_sample(parent_context, trace_id, name, kind, *more, **named)


class Tracing:
    """The spans of this process: of Temporal, HTTP in both directions, and the database."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self.interceptor = _Interceptor(provider.get_tracer("unbuy"))
        """For the client, and by it for the worker."""

    @classmethod
    def to(cls, url: str, share: float, service: str) -> "Tracing":
        """Of this share of what begins here, to a collector that takes OTLP over HTTP."""
        provider = TracerProvider(
            sampler=ParentBased(_OfWork(share)),
            resource=Resource.create({SERVICE_NAME: service}),
        )
        exporter = OTLPSpanExporter(endpoint=url)
        provider.add_span_processor(BatchSpanProcessor(_WithoutPeople(exporter)))
        HTTPXClientInstrumentor().instrument(tracer_provider=provider)
        return cls(provider)

    def of_database(self, database: Database) -> None:
        """Trace its statements, which hold no values."""
        # It declares to be for SQLAlchemy before 2.1; a test holds that it does what it should with ours.
        SQLAlchemyInstrumentor().instrument(
            engines=database.engines, tracer_provider=self._provider, skip_dep_check=True
        )

    def of_requests(self, app: FastAPI) -> None:
        """Trace its requests; ``unbuy.trace_id`` of a request's scope is for its line in the log."""
        FastAPIInstrumentor.instrument_app(
            app,
            tracer_provider=self._provider,
            excluded_urls=_ASKED_OFTEN,
            exclude_spans=["receive", "send"],
            server_request_hook=_note_trace,
        )

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()


def _note_trace(span: trace.Span, scope: dict[str, Any]) -> None:
    scope["unbuy.trace_id"] = format_trace_id(span.get_span_context().trace_id)


class _Interceptor(client.Interceptor, worker.Interceptor):
    """The SDK's spans of clients and activities; in workflows our own.

    The SDK's would put every step into the trace of whoever placed the order, months ago.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer
        self._sdk = TracingInterceptor(tracer)

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        """See base class."""
        return self._sdk.intercept_client(next)

    def intercept_activity(
        self, next: worker.ActivityInboundInterceptor
    ) -> worker.ActivityInboundInterceptor:
        """See base class."""
        return self._sdk.intercept_activity(next)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        """See base class."""
        input.unsafe_extern_functions[_EXTERN] = self._handled
        return _Handover

    def _handled(self, name: str, header: Payload, workflow_id: str) -> Payload:
        """Note that a workflow has taken something; the header of what follows from it."""
        converter = PayloadConverter.default
        (carrier,) = converter.from_payloads([header])
        span = self._tracer.start_span(
            name,
            _PROPAGATOR.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"temporalWorkflowID": workflow_id},
        )
        span.end()
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
        return converter.to_payloads([carrier])[0]


class _Handover(WorkflowInboundInterceptor):
    """Hands the trace of whatever came last to the steps that follow, by its header: the same on replay."""

    def __init__(self, next: WorkflowInboundInterceptor) -> None:
        super().__init__(next)
        self.last: _Headers = {}

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """See base class."""
        super().init(_Outbound(outbound, self))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        """See base class."""
        self._take(f"RunWorkflow:{workflow.info().workflow_type}", input.headers)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """See base class."""
        self._take(f"HandleSignal:{_known(input.signal)}", input.headers)
        await super().handle_signal(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        """See base class."""
        self._take(f"HandleUpdate:{_known(input.update)}", input.headers)
        return await super().handle_update_handler(input)

    def _take(self, name: str, headers: _Headers) -> None:
        header = headers.get(_HEADER)
        if header and not workflow.unsafe.is_replaying():
            handled: Callable[..., Payload] = workflow.extern_functions()[_EXTERN]
            header = handled(name, header, workflow.info().workflow_id)
        self.last = {_HEADER: header} if header else {}


def _known(name: str) -> str:
    return name if name in MESSAGES else "unknown"


class _Outbound(WorkflowOutboundInterceptor):
    def __init__(self, next: WorkflowOutboundInterceptor, handover: _Handover) -> None:
        super().__init__(next)
        self._handover = handover

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = {**input.headers, **self._handover.last}
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = {**input.headers, **self._handover.last}
        return super().start_local_activity(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        input.headers = {**input.headers, **self._handover.last}
        super().continue_as_new(input)
